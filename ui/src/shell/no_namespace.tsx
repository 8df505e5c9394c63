// A cluster where nobody has run anything yet that this person may see: they say where to begin.
import { useState } from 'preact/hooks';

import { t } from '../words/words';
import { go, href } from './route';

export function NoNamespace() {
  const [name, setName] = useState('');
  function submit(event: Event) {
    event.preventDefault();
    if (name.trim()) go(href([name.trim(), 'runs']));
  }
  return (
    <form class="sign-in" onSubmit={submit}>
      <h1>{t('namespaceNone')}</h1>
      <div class="field">
        <label for="namespace">{t('namespace')}</label>
        <input id="namespace" value={name} onInput={(e) => setName(e.currentTarget.value)} />
      </div>
      <button type="submit" class="primary">
        {t('show')}
      </button>
    </form>
  );
}
