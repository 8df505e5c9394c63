// What stands around every view: where one is, where else one can go, and how the page looks.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { path, post } from '../api/client';
import { refused, token } from '../api/token';
import { Dialog } from '../parts/dialog';
import { Name, Trouble } from '../parts/pieces';
import { choose as chooseLanguage, language, t, type Language } from '../words/words';
import { loadMe, me, meError } from './me';
import { go, href, namespace, route } from './route';
import { SignIn } from './sign_in';
import { choose as chooseTheme, theme, type Theme } from './theme';

const VIEWS = ['runs', 'grid', 'pipelines', 'models', 'lineage'] as const;

function Mark() {
  return (
    <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
      <path class="mark" d="M2 4h16M2 16h16M5 4v12M15 4v12" />
      <path class="water" d="M6.5 9.5c1.2-1 2.3-1 3.5 0s2.3 1 3.5 0v5h-7z" />
    </svg>
  );
}

function Namespaces() {
  const names = me.value?.namespaces ?? [];
  const at = namespace.value;
  const all = at && !names.includes(at) ? [at, ...names] : names;
  return (
    <label class="namespace">
      <span class="said">{t('namespace')}</span>
      <select
        value={at}
        onChange={(e) => go(href([e.currentTarget.value, route.value.parts[1] ?? 'runs']))}
      >
        {all.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function Settings() {
  return (
    <div class="settings">
      <label>
        <span class="said">{t('language')}</span>
        <select
          value={language.value}
          onChange={(e) => chooseLanguage(e.currentTarget.value as Language)}
        >
          <option value="en">English</option>
          <option value="ko">한국어</option>
        </select>
      </label>
      <label>
        <span class="said">{t('theme')}</span>
        <select value={theme.value} onChange={(e) => chooseTheme(e.currentTarget.value as Theme)}>
          <option value="auto">{t('auto')}</option>
          <option value="light">{t('light')}</option>
          <option value="dark">{t('dark')}</option>
        </select>
      </label>
      {me.value?.user && (
        <span class="who" title={(me.value.groups ?? []).join(', ')}>
          <Name text={me.value.user} />
        </span>
      )}
      {me.value?.session && <button onClick={() => void logOut()}>{t('logOut')}</button>}
    </div>
  );
}

async function logOut() {
  await post(path(['auth', 'logout']), {});
  location.reload();
}

function Keys({ onClose }: { onClose: () => void }) {
  const keys = [
    ['/', t('keySearch')],
    ['↑ ↓ ← →', t('keyArrows')],
    ['Enter', t('keyEnter')],
    ['Esc', t('keyEscape')],
    ['?', t('keyHelp')],
  ];
  return (
    <Dialog title={t('keyboard')} onClose={onClose}>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLInputElement ||
  target instanceof HTMLTextAreaElement ||
  target instanceof HTMLSelectElement;

export function Shell({ children }: { children: ComponentChildren }) {
  const [keys, setKeys] = useState(false);
  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === '?') setKeys(true);
      if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('main input[type=search]');
        if (search) event.preventDefault();
        search?.focus();
      }
    }
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  const open = route.value.parts[1] ?? 'runs';
  const at = namespace.value || me.value?.namespaces[0] || '';
  const under: Record<string, string> = { compare: 'runs', artifacts: 'lineage' };
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => skipTo(e)}>
        {t('skip')}
      </a>
      <header class="top">
        <a class="brand" href={href([at, 'runs'])}>
          <Mark />
          <span>Penstock</span>
        </a>
        <Namespaces />
        <nav aria-label="Penstock">
          {VIEWS.map((view) => (
            <a
              key={view}
              href={href([at, view])}
              aria-current={(under[open] ?? open) === view ? 'page' : undefined}
            >
              {t(view)}
            </a>
          ))}
        </nav>
        <Settings />
      </header>
      <main id="main" tabIndex={-1}>
        {refused.value ? (
          <SignIn />
        ) : (
          <>
            <Trouble error={meError.value} retry={() => void loadMe()} />
            <div class="view" key={token.value}>
              {children}
            </div>
          </>
        )}
      </main>
      {keys && <Keys onClose={() => setKeys(false)} />}
    </>
  );
}

// The address is the page's own, so the link must not change it.
function skipTo(event: Event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
