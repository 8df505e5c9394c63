// The fields of a form, one a parameter, as its type asks.
import { useId } from 'preact/hooks';

import type { Parameter } from '../api/types';
import { Name } from '../parts/pieces';
import { shown } from '../parts/shown';
import { t } from '../words/words';
import { textOf } from './parameter_values';

interface Props {
  parameters: Parameter[];
  texts: Record<string, string>;
  errors: Record<string, string>; // shown where they are
  onText: (name: string, text: string) => void;
}

export function ParameterFields(props: Props) {
  if (props.parameters.length === 0) return <p class="dim">{t('parametersNone')}</p>;
  return (
    <div class="fields">
      {props.parameters.map((parameter) => (
        <Field
          key={parameter.name}
          parameter={parameter}
          text={props.texts[parameter.name] ?? ''}
          error={props.errors[parameter.name]}
          onText={(text) => props.onText(parameter.name, text)}
        />
      ))}
    </div>
  );
}

interface FieldProps {
  parameter: Parameter;
  text: string;
  error: string | undefined;
  onText: (text: string) => void;
}

function Field({ parameter, text, error, onText }: FieldProps) {
  const id = useId();
  const hint = hintOf(parameter);
  return (
    <div class={error ? 'field wrong' : 'field'}>
      <label for={id}>
        <Name text={parameter.name} /> <span class="dim">{parameter.type}</span>
      </label>
      <Input
        id={id}
        parameter={parameter}
        text={text}
        onText={onText}
        described={`${id}-hint`}
        invalid={error !== undefined}
      />
      <p id={`${id}-hint`} class="hint">
        {error && <span class="tone-bad">{error}. </span>}
        {hint}
      </p>
    </div>
  );
}

function hintOf(parameter: Parameter): string {
  const { description, minimum, maximum } = parameter;
  const parts = [
    description && shown(description),
    parameter.default === undefined && !parameter.optional && t('needed'),
    parameter.default !== undefined &&
      !choicesOf(parameter) &&
      t('default', { value: shown(textOf(parameter.default)) || '""' }),
    minimum !== undefined && t('minimum', { value: minimum }),
    maximum !== undefined && t('maximum', { value: maximum }),
  ];
  return parts.filter(Boolean).join(' · ');
}

const choicesOf = (parameter: Parameter) =>
  parameter.enum?.map(textOf) ?? (parameter.type === 'boolean' ? ['true', 'false'] : undefined);

interface InputProps {
  id: string;
  parameter: Parameter;
  text: string;
  onText: (text: string) => void;
  described: string;
  invalid: boolean;
}

function Input({ id, parameter, text, onText, described, invalid }: InputProps) {
  const common = { id, 'aria-describedby': described, 'aria-invalid': invalid };
  const choices = choicesOf(parameter);
  if (choices) {
    const none =
      parameter.default === undefined ? '' : t('default', { value: textOf(parameter.default) });
    return (
      <select {...common} value={text} onChange={(e) => onText(e.currentTarget.value)}>
        <option value="">{shown(none)}</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {shown(choice)}
          </option>
        ))}
      </select>
    );
  }
  const placeholder = parameter.default === undefined ? '' : shown(textOf(parameter.default));
  if (parameter.type === 'list' || parameter.type === 'object') {
    return (
      <textarea
        {...common}
        rows={3}
        class="mono"
        value={text}
        placeholder={placeholder}
        onInput={(e) => onText(e.currentTarget.value)}
      />
    );
  }
  const isNumber = parameter.type === 'integer' || parameter.type === 'number';
  return (
    <input
      {...common}
      type="text"
      inputMode={isNumber ? 'decimal' : undefined}
      value={text}
      placeholder={placeholder}
      onInput={(e) => onText(e.currentTarget.value)}
    />
  );
}
