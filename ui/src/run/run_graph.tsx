// The graph of a run: its steps, as they stand.
import { useMemo } from 'preact/hooks';

import type { GraphNode, StepRow } from '../api/types';
import { collapsed } from '../graph/collapse';
import type { Drawn } from '../graph/drawing';
import { GraphView, MOST_SVG } from '../graph/graph_view';
import { Name } from '../parts/pieces';
import { shown } from '../parts/shown';
import { go, here, route } from '../shell/route';
import { phaseWord, t } from '../words/words';
import type { RunStore } from './run_store';

// Open groups stand in the address, by commas: names of steps have none.
const openOf = (query: URLSearchParams) =>
  new Set((query.get('open') ?? '').split(',').filter(Boolean));

function toggled(open: ReadonlySet<string>, name: string): string | undefined {
  const next = new Set(open);
  if (!next.delete(name)) next.add(name);
  return [...next].join(',') || undefined;
}

function drawnOf(node: GraphNode, row: StepRow | undefined, group: boolean): Drawn {
  const phase = row?.phase ?? 'Waiting';
  const label = shown(node.name);
  const sub = subOf(node, row, group);
  // What is seen first, in its order, so that who speaks to the page may say what they read.
  const said = [
    [label, sub].filter(Boolean).join(' '),
    phaseWord(phase),
    row?.cached && t('cached'),
  ];
  return {
    id: node.name,
    label,
    phase,
    said: said.filter(Boolean).join(', '),
    sub,
    kind: node.kind,
    cached: row?.cached,
    group: group || (node.items ?? row?.items?.total ?? 0) > 0,
  };
}

function subOf(node: GraphNode, row: StepRow | undefined, group: boolean): string | undefined {
  const total = row?.items?.total ?? node.items;
  if (total) return `${t('items')} ${row?.items?.succeeded ?? 0}/${total}`;
  if (group) return node.kind === 'pipeline' ? t('pipeline') : node.kind;
  if (row?.reason && row.phase !== 'Succeeded') return shown(row.reason);
  if (row?.progress?.total) return `${row.progress.done ?? 0}/${row.progress.total}`;
  return undefined;
}

export function RunGraph({ store }: { store: RunStore }) {
  const query = route.value.query;
  const run = store.run.value;
  const open = openOf(query);
  const opened = [...open].join(',');
  const version = store.version.value;

  const graph = useMemo(() => {
    const nodes = run?.graph?.nodes ?? store.order.map((name) => ({ name }));
    return collapsed(nodes, run?.graph?.edges ?? [], open);
  }, [run?.graph, opened, store]);
  const shape = useMemo(
    () => `${graph.nodes.map((n) => n.name).join()}|${graph.edges.map((e) => e.join('>')).join()}`,
    [graph],
  );
  const large = graph.nodes.length > MOST_SVG;
  // A canvas paints changes by itself; the document's nodes are made anew.
  const nodes = useMemo(
    () =>
      graph.nodes.map((node) =>
        drawnOf(node, store.steps.get(node.name), graph.groups.includes(node.name)),
      ),
    [graph, large ? 0 : version],
  );
  const first = useMemo(
    () =>
      store.rows().find((row) => row.phase === 'Failed')?.name ??
      store.rows().find((row) => row.phase === 'Running')?.name,
    [graph],
  );

  return (
    <GraphView
      nodes={nodes}
      edges={graph.edges}
      shape={shape}
      selected={query.get('step') ?? undefined}
      find={query.get('find') ?? undefined}
      first={first}
      hrefOf={(id) => here({ step: id })}
      onOpen={(id) => {
        const group = graph.groups.includes(id);
        go(group ? here({ open: toggled(open, id), step: id }) : here({ step: id }));
      }}
      listen={store.listen}
      phaseOf={(id) => store.steps.get(id)?.phase ?? 'Waiting'}
      tools={[...open]
        .filter((name) => graph.groups.includes(name))
        .map((name) => (
          <a key={name} class="button small" href={here({ open: toggled(open, name) })}>
            {t('collapse')} <Name text={name} />
          </a>
        ))}
    />
  );
}
