// A button that changes something: what it will do, the command line that does the same, and what
// the gateway said to it.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { ApiError } from '../api/client';
import { may, place, type Verb } from '../shell/me';
import { namespace } from '../shell/route';
import { t } from '../words/words';
import { Dialog } from './dialog';
import { CommandLine, Trouble } from './pieces';

interface FormProps {
  says?: ComponentChildren;
  command: string;
  submit: string;
  danger?: boolean;
  blocked?: boolean; // by what the form above finds wrong
  here?: boolean; // also of runs of one's own machine, which else are of its terminals
  act: () => Promise<void>;
  onDone: () => void;
  children?: ComponentChildren;
}

export function ActForm(props: FormProps) {
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const elsewhere = place.value.local && !props.here;
  async function submit(event: Event) {
    event.preventDefault();
    if (busy || props.blocked || elsewhere) return;
    setBusy(true);
    setError(undefined);
    try {
      await props.act();
      props.onDone();
    } catch (thrown) {
      setError(thrown instanceof ApiError ? thrown : new ApiError(0, 'Unreadable', String(thrown)));
    } finally {
      setBusy(false);
    }
  }
  return (
    <form class="act" onSubmit={submit} noValidate>
      {props.says && <p>{props.says}</p>}
      {props.children}
      {elsewhere && <p>{t('inTerminal')}</p>}
      <CommandLine text={props.command} />
      <Trouble error={error} />
      {!elsewhere && (
        <footer>
          <button
            type="submit"
            class={props.danger ? 'danger' : 'primary'}
            aria-disabled={busy || props.blocked}
          >
            {props.submit}
          </button>
        </footer>
      )}
    </form>
  );
}

interface ButtonProps {
  label: string;
  title?: string;
  verb: Verb;
  primary?: boolean;
  children: (close: () => void) => ComponentChildren;
}

export function ActButton({ label, title, verb, primary, children }: ButtonProps) {
  const [open, setOpen] = useState(false);
  const allowed = may(verb);
  return (
    <>
      <button
        type="button"
        class={primary ? 'primary' : ''}
        aria-disabled={!allowed}
        title={allowed ? undefined : t('forbidden', { namespace: namespace.value })}
        onClick={() => allowed && setOpen(true)}
      >
        {label}
      </button>
      {open && (
        <Dialog title={title ?? label} onClose={() => setOpen(false)}>
          {children(() => setOpen(false))}
        </Dialog>
      )}
    </>
  );
}
