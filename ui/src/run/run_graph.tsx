// The graph of a run: its steps, as they stand.
import { useMemo } from 'preact/hooks';

import type { GraphNode, Run, StepRow } from '../api/types';
import type { Drawn } from '../graph/drawing';
import { GraphView, MOST_SVG } from '../graph/graph_view';
import { shown } from '../parts/shown';
import { go, here, route } from '../shell/route';
import { phaseWord, t } from '../words/words';
import type { RunStore } from './run_store';

// A loop, and a step that is a Pipeline, stand for many: the latter's own steps are of its run.
const isMany = (node: GraphNode) => node.kind === 'loop' || node.kind === 'pipeline';

function drawnOf(node: GraphNode, row: StepRow | undefined): Drawn {
  const phase = row?.phase ?? 'Waiting';
  const label = shown(node.name);
  const sub = subOf(node, row);
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
    group: isMany(node),
  };
}

function subOf(node: GraphNode, row: StepRow | undefined): string | undefined {
  const total = row?.items?.total ?? node.items;
  if (total) return `${t('items')} ${row?.items?.succeeded ?? 0}/${total}`;
  if (row?.reason && row.phase !== 'Succeeded') return shown(row.reason);
  if (row?.progress?.total) return `${row.progress.done}/${row.progress.total}`;
  return node.kind === 'pipeline' ? t('pipeline') : undefined;
}

const NONE: Run['graph'] = { nodes: [], edges: [] };

export function RunGraph({ store }: { store: RunStore }) {
  const query = route.value.query;
  const run = store.run.value;
  const version = store.version.value;

  const graph = run?.graph ?? NONE;
  const shape = useMemo(
    () => `${graph.nodes.map((n) => n.name).join()}|${graph.edges.map((e) => e.join('>')).join()}`,
    [graph],
  );
  const large = graph.nodes.length > MOST_SVG;
  // A canvas paints changes by itself; the document's nodes are made anew.
  const nodes = useMemo(
    () => graph.nodes.map((node) => drawnOf(node, store.steps.get(node.name))),
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
      onOpen={(id) => go(here({ step: id }))}
      listen={store.listen}
      phaseOf={(id) => store.steps.get(id)?.phase ?? 'Waiting'}
    />
  );
}
