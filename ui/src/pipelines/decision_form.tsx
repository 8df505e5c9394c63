// Yes or no where people are asked, of a step of a run or of a rollout, with what they fill in.
import { useState } from 'preact/hooks';

import type { Parameter } from '../api/types';
import { ActForm } from '../parts/act';
import type { Decision } from '../parts/cli';
import { t } from '../words/words';
import { ParameterFields } from './parameter_form';
import { byLooks, readAll } from './parameter_values';

interface Props {
  says: string;
  asked: Parameter[] | undefined; // undefined: nobody says what can be filled in
  command: (decision: Decision) => string;
  act: (decision: Decision) => Promise<void>;
  onDone: () => void;
}

export function DecisionForm({ says, asked, command, act, onDone }: Props) {
  const [approved, setApproved] = useState(true);
  const [comment, setComment] = useState('');
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [lines, setLines] = useState('');
  const read = readAll(asked ?? [], texts);
  const values = { ...read.values, ...byLooks(lines) };
  const wrong = approved ? read.errors : {};
  const decision: Decision = {
    approved,
    ...(comment ? { comment } : {}),
    ...(approved && Object.keys(values).length > 0 ? { values } : {}),
  };
  return (
    <ActForm
      says={says}
      submit={approved ? t('approve') : t('reject')}
      danger={!approved}
      blocked={Object.keys(wrong).length > 0}
      command={command(decision)}
      act={() => act(decision)}
      onDone={onDone}
    >
      <fieldset>
        <legend>{t('verdict')}</legend>
        {[true, false].map((yes) => (
          <label key={String(yes)} class="check">
            <input
              type="radio"
              name="approved"
              checked={approved === yes}
              onChange={() => setApproved(yes)}
            />
            {yes ? t('approve') : t('reject')}
          </label>
        ))}
      </fieldset>
      {approved && asked && asked.length > 0 && (
        <ParameterFields
          parameters={asked}
          texts={texts}
          errors={wrong}
          onText={(name, text) => setTexts({ ...texts, [name]: text })}
        />
      )}
      {approved && !asked && (
        <div class="field">
          <label for="approve-values">
            {t('values')} <span class="dim">name=value</span>
          </label>
          <textarea
            id="approve-values"
            rows={2}
            class="mono"
            value={lines}
            onInput={(e) => setLines(e.currentTarget.value)}
          />
        </div>
      )}
      <div class="field">
        <label for="approve-comment">{t('comment')}</label>
        <textarea
          id="approve-comment"
          rows={2}
          value={comment}
          onInput={(e) => setComment(e.currentTarget.value)}
        />
      </div>
    </ActForm>
  );
}
