// Whether a value is as one of the API's schemas has it: as
// operator/gateway/api/testing/json_schema.h holds the real answers to them.
import { readFileSync } from 'node:fs';

interface Schema {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  items?: Schema;
  prefixItems?: Schema[];
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
}

const SCHEMAS = JSON.parse(
  /R"json\((.*)\)json"/s.exec(
    readFileSync('../operator/gateway/api/api_schemas.cc', 'utf8'),
  )![1]!,
) as Record<string, Schema>;

function isOf(type: string, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

// What is wrong, with its path; nothing where it is right.
export function wrong(schema: Schema, value: unknown, path = '$'): string | undefined {
  if (schema.$ref) return wrong(SCHEMAS[schema.$ref.split('/').at(-1)!]!, value, path);
  if (schema.type && !isOf(schema.type, value))
    return `${path} is no ${schema.type}: ${JSON.stringify(value)}`;
  if (schema.enum && !schema.enum.includes(value))
    return `${path} is none of ${JSON.stringify(schema.enum)}: ${JSON.stringify(value)}`;
  if (Array.isArray(value)) {
    const { minItems = 0, maxItems = value.length, prefixItems = [], items = {} } = schema;
    if (value.length < minItems || value.length > maxItems) return `${path} has ${value.length}`;
    return first(value.map((one, n) => () => wrong(prefixItems[n] ?? items, one, `${path}[${n}]`)));
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const absent = (schema.required ?? []).find((name) => !(name in value));
  if (absent) return `${path} lacks ${absent}`;
  return first(
    Object.entries(value).map(([name, one]) => () => {
      const own = schema.properties?.[name] ?? schema.additionalProperties ?? true;
      if (own === false) return `${path}.${name} is not in the schema`;
      return own === true ? undefined : wrong(own, one, `${path}.${name}`);
    }),
  );
}

function first(checks: (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const found = check();
    if (found) return found;
  }
  return undefined;
}

export const wrongOf = (name: string, value: unknown) => wrong(SCHEMAS[name]!, value);
