// What a person typed into a form, as values of the parameters' types; or what is wrong with it.
import type { Parameter, Value } from '../api/types';
import { t } from '../words/words';

export function textOf(value: Value): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export type Read = { value?: Value; error?: string };

// Of one field. An empty text is no value; where the parameter has no default, that is an error.
export function read(parameter: Parameter, text: string): Read {
  const { name, type } = parameter;
  if (text === '') {
    const needed = parameter.default === undefined && !parameter.optional;
    return needed ? { error: t('required', { name }) } : {};
  }
  if (parameter.enum) return { value: parameter.enum.find((value) => textOf(value) === text) };
  switch (type) {
    case 'integer':
    case 'number':
      return number(parameter, text);
    case 'boolean':
      return { value: text === 'true' };
    case 'list':
    case 'object':
      return json(parameter, text);
    default:
      return string(parameter, text);
  }
}

function number(parameter: Parameter, text: string): Read {
  const { name, minimum, maximum } = parameter;
  const value = Number(text);
  if (!Number.isFinite(value) || text.trim() === '') return { error: t('notFinite', { name }) };
  if (parameter.type === 'integer' && !Number.isInteger(value)) {
    return { error: t('notInteger', { name }) };
  }
  if (minimum !== undefined && value < minimum) {
    return { error: t('notWithin', { name, bound: t('minimum', { value: minimum }) }) };
  }
  if (maximum !== undefined && value > maximum) {
    return { error: t('notWithin', { name, bound: t('maximum', { value: maximum }) }) };
  }
  return { value };
}

function json(parameter: Parameter, text: string): Read {
  const { name, type } = parameter;
  try {
    const value = JSON.parse(text) as Value;
    const fits =
      type === 'list'
        ? Array.isArray(value)
        : typeof value === 'object' && value !== null && !Array.isArray(value);
    if (fits) return { value };
  } catch {
    // Said below, as of JSON of another type.
  }
  return { error: t('notJson', { name, type }) };
}

// The pattern is RE2's; where a browser cannot read it, the gateway judges.
function string(parameter: Parameter, text: string): Read {
  const { name, pattern } = parameter;
  if (!pattern) return { value: text };
  let fits = true;
  try {
    fits = new RegExp(`^(?:${pattern})$`, 'u').test(text);
  } catch {
    fits = true;
  }
  return fits ? { value: text } : { error: t('notPattern', { name, pattern }) };
}

export interface ReadAll {
  values: Record<string, Value>;
  errors: Record<string, string>;
}

export function readAll(parameters: Parameter[], texts: Record<string, string>): ReadAll {
  const values: Record<string, Value> = {};
  const errors: Record<string, string> = {};
  for (const parameter of parameters) {
    const { value, error } = read(parameter, texts[parameter.name] ?? '');
    if (error) errors[parameter.name] = error;
    else if (value !== undefined) values[parameter.name] = value;
  }
  return { values, errors };
}

// Of lines "name=value", as the command line takes them where nobody says the types: 5 is a number,
// "5" in quotation marks a text, and what is no JSON is a text as it stands.
export function byLooks(lines: string): Record<string, Value> {
  const values: Record<string, Value> = {};
  for (const line of lines.split('\n')) {
    const at = line.indexOf('=');
    if (at <= 0) continue;
    const text = line.slice(at + 1).trim();
    let value: Value = text;
    try {
      value = JSON.parse(text) as Value;
    } catch {
      value = text;
    }
    values[line.slice(0, at).trim()] = value;
  }
  return values;
}
