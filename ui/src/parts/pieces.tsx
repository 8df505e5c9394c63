// Small pieces that every view is made of.
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';

import type { ApiError } from '../api/client';
import type { Time, Value } from '../api/types';
import { here, href, namespace } from '../shell/route';
import { t, type Word } from '../words/words';
import { ends, shortDigest, shown, valueText } from './shown';
import { clock, whole } from './time';

// A name that somebody gave. It may run the other way without turning its neighbours round.
export function Name({ text }: { text: string | undefined }) {
  return <bdi title={text && text.length > 24 ? text : undefined}>{shown(text ?? '')}</bdi>;
}

// Runs of one pipeline differ in the end of their names: where there is no room the middle gives way.
// Who says the name by its label says it in one piece.
export function NameByEnds({ text }: { text: string }) {
  const [head, tail] = ends(shown(text));
  if (!tail) return <Name text={text} />;
  return (
    <bdi title={text}>
      <span class="name-head" style={{ maxWidth: `calc(100% - ${tail.length}ch)` }}>
        {head}
      </span>
      {tail}
    </bdi>
  );
}

export function At({ time }: { time: Time | undefined }) {
  return (
    <time dateTime={time} title={whole(time)}>
      {clock(time)}
    </time>
  );
}

export function Digest({ digest }: { digest: string }) {
  return (
    <a class="mono" title={digest} href={href([namespace.value, 'artifacts', digest])}>
      {shortDigest(digest)}
    </a>
  );
}

export function Copy({ text, label }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const timer = useRef(0);
  async function copy() {
    await navigator.clipboard?.writeText(text);
    setDone(true);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setDone(false), 1500);
  }
  return (
    <button type="button" class="small" onClick={copy} aria-label={label ?? t('copy')}>
      <span aria-live="polite">{done ? t('copied') : t('copy')}</span>
    </button>
  );
}

// A command line as one can paste it.
export function CommandLine({ text, label }: { text: string; label?: string }) {
  return (
    <div class="command">
      <code tabIndex={0} role="textbox" aria-readonly="true" aria-label={label ?? t('commandLine')}>
        {shown(text)}
      </code>
      <Copy text={text} label={`${t('copy')}: ${label ?? t('commandLine')}`} />
    </div>
  );
}

export function Trouble({ error, retry }: { error: ApiError | undefined; retry?: () => void }) {
  if (!error) return null;
  const text =
    error.status === 0 ? t('unreachable') : t('serverRefused', { message: shown(error.message) });
  return (
    <div class="trouble" role="alert">
      <span>
        {text} <span class="mono">{shown(error.code)}</span>
        {error.field && <span class="mono"> {shown(error.field)}</span>}
      </span>
      {retry && (
        <button type="button" class="small" onClick={retry}>
          {t('retry')}
        </button>
      )}
    </div>
  );
}

export function Facts({ children }: { children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>;
}

// Nothing where there is no value: an absent field takes no room.
export function Fact({ word, children }: { word: Word; children?: ComponentChildren }) {
  if (children === undefined || children === null || children === '' || children === false) {
    return null;
  }
  return (
    <div>
      <dt>{t(word)}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Values({ values }: { values: Record<string, Value> | undefined }) {
  return (
    <dl class="values">
      {Object.entries(values ?? {}).map(([name, value]) => (
        <div key={name}>
          <dt class="mono">
            <Name text={name} />
          </dt>
          <dd class="mono">{valueText(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface TabChoice {
  id: string;
  label: string;
}

// Links, so that a view has an address; the one that is open is said to be current.
export function Tabs(props: { name: string; label: string; tabs: TabChoice[]; open: string }) {
  return (
    <nav class="tabs" aria-label={props.label}>
      {props.tabs.map((tab) => (
        <a
          key={tab.id}
          href={here({ [props.name]: tab.id })}
          aria-current={tab.id === props.open ? 'page' : undefined}
        >
          {tab.label}
        </a>
      ))}
    </nav>
  );
}

export function Loading() {
  return (
    <div class="empty" role="status">
      {t('loading')}
    </div>
  );
}
