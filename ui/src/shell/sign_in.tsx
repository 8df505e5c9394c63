// Asks for a bearer token where the gateway knows nobody by what the browser sent.
import { useState } from 'preact/hooks';

import { loginAt, refused, signIn } from '../api/token';
import { CommandLine } from '../parts/pieces';
import { shown } from '../parts/shown';
import { t } from '../words/words';
import { loadMe } from './me';

export function SignIn() {
  const [given, setGiven] = useState('');
  function submit(event: Event) {
    event.preventDefault();
    if (!given.trim()) return;
    signIn(given.trim());
    void loadMe();
  }
  return (
    <form class="sign-in" onSubmit={submit}>
      <h1>{t('signIn')}</h1>
      <p role="alert">{t('serverRefused', { message: shown(refused.value) })}</p>
      {loginAt.value && (
        <a href={loginAt.value + '?to=' + encodeURIComponent('/' + location.hash)}>
          {t('logIn')}
        </a>
      )}
      <p>{t('signInSays')}</p>
      <CommandLine text="kubectl create token NAME" />
      <div class="field">
        <label for="token">{t('token')}</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          value={given}
          onInput={(e) => setGiven(e.currentTarget.value)}
        />
      </div>
      <button type="submit" class="primary">
        {t('signIn')}
      </button>
    </form>
  );
}
