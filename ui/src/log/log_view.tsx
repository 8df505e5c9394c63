// The log of a step, live and after its pod: a list of which only the lines in view are drawn.
import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import { ApiError, getLog, inNamespace } from '../api/client';
import { bytes, shown } from '../parts/shown';
import { Download } from '../parts/download';
import { Trouble } from '../parts/pieces';
import { t } from '../words/words';
import { pieces, plain, type Piece } from './ansi';
import { LogBuffer } from './log_buffer';

export interface LogPlace {
  namespace: string;
  run: string;
  step: string;
  attempt?: string;
  item?: string;
}

const PART = 256 * 1024;
const LINE = 18; // pixels
const LIVE = 1000;

const urlOf = (place: LogPlace, query: Record<string, string | number | undefined>) =>
  inNamespace(place.namespace, ['runs', place.run, 'steps', place.step, 'log'], {
    attempt: place.attempt,
    item: place.item,
    ...query,
  });

class LogStore {
  readonly buffer = new LogBuffer();
  readonly version = signal(0);
  readonly error = signal<ApiError | undefined>(undefined);
  private timer = 0;
  private busy = false;
  private readonly aborter = new AbortController();

  constructor(private readonly place: LogPlace) {}

  start() {
    void this.newer();
  }

  stop() {
    clearTimeout(this.timer);
    this.aborter.abort();
  }

  newer = async () => {
    if (this.busy || this.aborter.signal.aborted) return;
    clearTimeout(this.timer);
    this.busy = true;
    try {
      const { buffer } = this;
      const query = buffer.start < 0 ? { tail: PART } : { offset: buffer.end, limit: PART };
      const part = await getLog(urlOf(this.place, query), this.aborter.signal);
      buffer.append(part.bytes, part.offset, part.size, part.complete);
      this.error.value = undefined;
      this.version.value += 1;
      const more = buffer.end < buffer.size;
      if (more || !buffer.complete) this.timer = window.setTimeout(this.newer, more ? 0 : LIVE);
    } catch (error) {
      this.say(error);
      this.timer = window.setTimeout(this.newer, 10 * LIVE);
    } finally {
      this.busy = false;
    }
  };

  // How many lines it brought.
  async earlier(): Promise<number> {
    const { buffer } = this;
    if (this.busy || buffer.atBeginning) return 0;
    this.busy = true;
    try {
      const offset = Math.max(0, buffer.start - PART);
      const query = { offset, limit: buffer.start - offset };
      const part = await getLog(urlOf(this.place, query), this.aborter.signal);
      const added = buffer.prepend(part.bytes, part.offset);
      this.version.value += 1;
      return added;
    } catch (error) {
      this.say(error);
      return 0;
    } finally {
      this.busy = false;
    }
  }

  // Of a log that is not there the gateway says why: that is no trouble.
  get absent(): string | undefined {
    return this.error.value?.status === 404 ? this.error.value.message : undefined;
  }

  private say(error: unknown) {
    if (this.aborter.signal.aborted) return;
    this.error.value =
      error instanceof ApiError ? error : new ApiError(0, 'Unreadable', String(error));
  }
}

export function LogView({ place }: { place: LogPlace }) {
  const store = useMemo(() => new LogStore(place), [JSON.stringify(place)]);
  useEffect(() => {
    store.start();
    return () => store.stop();
  }, [store]);
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 300 });
  const [following, setFollowing] = useState(true);
  const [wanted, setWanted] = useState('');
  const atEnd = useRef(true);
  atEnd.current = following && !wanted;
  const [at, setAt] = useState(0);
  const version = store.version.value;
  const { buffer } = store;
  const lines = buffer.lines;

  const found = useMemo(() => {
    const words = wanted.toLowerCase();
    if (!words) return [];
    const out: number[] = [];
    lines.forEach((text, n) => plain(text).toLowerCase().includes(words) && out.push(n));
    return out;
  }, [wanted, version, store]);
  const current = found[Math.min(at, found.length - 1)];

  useLayoutEffect(() => {
    const element = scroller.current!;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    const resized = () => {
      if (atEnd.current) element.scrollTop = element.scrollHeight;
      measure();
    };
    const scrolled = () => {
      const bottom = element.scrollTop + element.clientHeight >= element.scrollHeight - LINE;
      setFollowing(bottom);
      measure();
      if (element.scrollTop < LINE) void earlier();
    };
    const observer = new ResizeObserver(resized);
    observer.observe(element);
    element.addEventListener('scroll', scrolled, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', scrolled);
    };
  }, [store]);

  useLayoutEffect(() => {
    if (following && !wanted) scroller.current!.scrollTop = scroller.current!.scrollHeight;
  }, [version, following]);

  useLayoutEffect(() => {
    if (current === undefined) return;
    setFollowing(false);
    scroller.current!.scrollTop = Math.max(0, current * LINE - view.height / 2);
  }, [current]);

  async function earlier() {
    const added = await store.earlier();
    // What was in view stays in view.
    if (added > 0) scroller.current!.scrollTop += added * LINE;
  }

  function step(by: number) {
    if (found.length > 0)
      setAt((Math.min(at, found.length - 1) + by + found.length) % found.length);
  }

  const first = Math.max(0, Math.floor(view.top / LINE) - 10);
  const last = Math.min(lines.length, Math.ceil((view.top + view.height) / LINE) + 10);
  return (
    <div class="log-view">
      <div class="bar">
        <input
          type="search"
          aria-label={t('searchLog')}
          placeholder={t('searchLog')}
          value={wanted}
          onInput={(e) => {
            setWanted(e.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(e) => e.key === 'Enter' && step(e.shiftKey ? -1 : 1)}
        />
        {wanted && (
          <>
            <span class="count" role="status">
              {t('matches', { at: found.length ? at + 1 : 0, count: found.length })}
            </span>
            <button type="button" class="small" onClick={() => step(-1)} aria-label={t('previous')}>
              ↑
            </button>
            <button type="button" class="small" onClick={() => step(1)} aria-label={t('next')}>
              ↓
            </button>
          </>
        )}
        <span class="grow" />
        {!buffer.complete && (
          <label class="check">
            <input
              type="checkbox"
              checked={following}
              onChange={(e) => setFollowing(e.currentTarget.checked)}
            />
            {t('follow')}
          </label>
        )}
        <span class="count">{bytes(buffer.size)}</span>
        <Download
          url={urlOf(place, {})}
          name={`${place.run}-${place.step}.log`}
          class="button small"
        >
          {t('download')}
        </Download>
      </div>
      {!store.absent && <Trouble error={store.error.value} />}
      {!buffer.atBeginning && (
        <button type="button" class="plain earlier" onClick={() => void earlier()}>
          {t('earlier')}
        </button>
      )}
      <div
        class="log"
        ref={scroller}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={t('logOf', { step: place.step })}
      >
        <div class="lines" style={{ height: `${lines.length * LINE}px` }}>
          {lines.slice(first, last).map((text, n) => (
            <Line
              key={first + n}
              at={first + n}
              text={text}
              wanted={wanted}
              current={first + n === current}
            />
          ))}
        </div>
        {lines.length === 0 && (store.absent || version > 0) && (
          <div class="empty">{shown(store.absent ?? t('logEmpty'))}</div>
        )}
      </div>
    </div>
  );
}

interface LineProps {
  at: number;
  text: string;
  wanted: string;
  current: boolean;
}

function Line({ at, text, wanted, current }: LineProps) {
  return (
    <div
      class={current ? 'line current' : 'line'}
      style={{ transform: `translateY(${at * LINE}px)` }}
    >
      <span class="line-text">
        {pieces(text).map((piece, n) => (
          <span key={n} class={classOf(piece)} style={styleOf(piece)}>
            <Marked text={shown(piece.text)} wanted={wanted} />
          </span>
        ))}
      </span>
    </div>
  );
}

function Marked({ text, wanted }: { text: string; wanted: string }) {
  if (!wanted) return <>{text}</>;
  const parts: (string | preact.JSX.Element)[] = [];
  const words = wanted.toLowerCase();
  const lower = text.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(words); at >= 0; at = lower.indexOf(words, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + words.length)}</mark>);
    from = at + words.length;
  }
  return <>{[...parts, text.slice(from)]}</>;
}

const isRgb = (color: string | undefined) => color !== undefined && /^\d/.test(color);

function classOf(piece: Piece): string | undefined {
  const names = [
    piece.color && !isRgb(piece.color) && `${piece.color}-fg`,
    piece.background && !isRgb(piece.background) && `${piece.background}-bg`,
    piece.bold && 'bold',
    piece.faint && 'faint',
    piece.italic && 'italic',
    piece.underline && 'underline',
  ].filter(Boolean);
  return names.length ? names.join(' ') : undefined;
}

// By the object model, which the content policy allows; not as an attribute, which it does not.
function styleOf(piece: Piece): Record<string, string> | undefined {
  const style: Record<string, string> = {};
  if (isRgb(piece.color)) style.color = `rgb(${piece.color})`;
  if (isRgb(piece.background)) style.backgroundColor = `rgb(${piece.background})`;
  return Object.keys(style).length ? style : undefined;
}
