// A table of any length: only the rows in view are in the document. Arrow keys, Home, End and
// Enter move and open. Its roles are those of a table, so that it reads as one.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface Column<T> {
  key: string;
  label: string;
  width: string; // of grid-template-columns
  cell: (row: T) => ComponentChildren;
  sorts?: boolean;
  class?: string;
  hideLabel?: boolean; // said, not seen
}

export interface Sort {
  by: string;
  down: boolean;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string;
  rowHeight?: number;
  total?: number; // where more rows exist than are loaded: -1, as nobody counted
  selected?: string;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  onOpen?: (row: T) => void;
  onNearEnd?: () => void;
  empty?: ComponentChildren;
  class?: string;
}

interface Drawn<T> {
  row: T;
  state: string;
  columns: Column<T>[];
  element: JSX.Element;
}

const OVERSCAN = 6;

export const isNarrow = () => matchMedia('(max-width: 640px)').matches;

export function Table<T>(props: Props<T>) {
  const { columns, rows, id, selected } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [cursor, setCursor] = useState(-1);
  const moved = useRef(false);
  const reached = useRef(-1);
  const cache = useRef(new Map<number, Drawn<T>>());
  const narrow = isNarrow();
  const height = narrow ? 64 : (props.rowHeight ?? 32);
  const template = columns.map((c) => c.width).join(' ');

  useLayoutEffect(() => {
    const element = scroller.current!;
    const measure = () =>
      setView((was) =>
        was.top === element.scrollTop && was.height === element.clientHeight
          ? was
          : { top: element.scrollTop, height: element.clientHeight },
      );
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    measure();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);

  const first = Math.max(0, Math.floor(view.top / height) - OVERSCAN);
  // A row that leaves the view is written over by the one that comes: nothing is made anew.
  const pool = Math.ceil(view.height / height) + 2 * OVERSCAN + 2;
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / height) + OVERSCAN);

  useEffect(() => {
    if (last >= rows.length - 20) props.onNearEnd?.();
  }, [last, rows.length]);

  // What was chosen elsewhere (in the graph, by an address) is brought into view.
  useEffect(() => {
    if (selected === undefined) return;
    const at = rows.findIndex((row) => id(row) === selected);
    if (at >= 0) show(at);
  }, [selected]);

  useEffect(() => {
    if (!moved.current) return;
    moved.current = false;
    const row = scroller.current?.querySelector<HTMLElement>(`[data-at="${cursor}"]`);
    const link = row?.querySelector<HTMLElement>('a, button');
    (link ?? scroller.current)?.focus({ preventScroll: true });
  }, [cursor, view]);

  function show(at: number) {
    const element = scroller.current!;
    const head = element.querySelector<HTMLElement>('.head')?.offsetHeight ?? 0;
    const top = at * height;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + height + head > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + height + head - element.clientHeight;
    }
  }

  function onKeyDown(event: KeyboardEvent) {
    const page = Math.max(1, Math.floor(view.height / height) - 2);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    };
    const step = steps[event.key];
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.altKey) return;
    const row = rows[cursor];
    if (event.key === 'Enter' && event.target === scroller.current && row) props.onOpen?.(row);
    if (step === undefined || rows.length === 0) return;
    event.preventDefault();
    const was = reached.current; // where the last key led, drawn or not
    const from = was < 0 ? (step > 0 ? -1 : rows.length) : was;
    const to = Math.min(rows.length - 1, Math.max(0, from + step));
    moved.current = true;
    show(to);
    reached.current = to;
    setCursor(to);
  }

  // A row that is as it was drawn last is not drawn again: scrolling draws what comes into view.
  function drawn(row: T, at: number): JSX.Element {
    const key = at % pool;
    const state = `${at} ${id(row) === selected} ${at === cursor} ${height}`;
    const was = cache.current.get(key);
    if (was && was.row === row && was.state === state && was.columns === columns)
      return was.element;
    const marks = [id(row) === selected && ' selected', at === cursor && ' cursor'];
    const element = (
      <div
        class={`row${marks.filter(Boolean).join('')}`}
        role="row"
        aria-rowindex={at + 2}
        data-at={at}
        key={key}
        style={{
          gridTemplateColumns: template,
          height: `${height}px`,
          transform: `translateY(${at * height}px)`,
        }}
      >
        {columns.map((column) => (
          <div class={`cell c-${column.key} ${column.class ?? ''}`} role="cell" key={column.key}>
            {column.cell(row)}
          </div>
        ))}
      </div>
    );
    cache.current.set(key, { row, state, columns, element });
    return element;
  }

  return (
    <div
      class={`table ${props.class ?? ''}`}
      ref={scroller}
      tabIndex={0}
      role="table"
      aria-label={props.label}
      aria-rowcount={(props.total ?? rows.length) < 0 ? -1 : (props.total ?? rows.length) + 1}
      onKeyDown={onKeyDown}
    >
      <div class="head" role="rowgroup">
        <div class="row" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
          {columns.map((column) => (
            <Head key={column.key} column={column} sort={props.sort} onSort={props.onSort} />
          ))}
        </div>
      </div>
      <div class="body" role="rowgroup" style={{ height: `${rows.length * height}px` }}>
        {rows.slice(first, last).map((row, offset) => drawn(row, first + offset))}
      </div>
      {rows.length === 0 && <div class="empty">{props.empty}</div>}
    </div>
  );
}

function Head<T>(props: { column: Column<T>; sort?: Sort; onSort?: (sort: Sort) => void }) {
  const { column, sort, onSort } = props;
  const sorted = sort?.by === column.key;
  const label = <span class={column.hideLabel ? 'said' : ''}>{column.label}</span>;
  return (
    <div
      class={`cell c-${column.key} ${column.class ?? ''}`}
      role="columnheader"
      aria-sort={sorted ? (sort.down ? 'descending' : 'ascending') : undefined}
    >
      {column.sorts && onSort ? (
        <button
          type="button"
          class="plain"
          onClick={() => onSort({ by: column.key, down: sorted ? !sort.down : false })}
        >
          {label}
          <span aria-hidden="true">{sorted ? (sort.down ? ' ↓' : ' ↑') : ''}</span>
        </button>
      ) : (
        label
      )}
    </div>
  );
}
