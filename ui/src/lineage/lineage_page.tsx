// What a thing was made of, and what came of it: from the digest of a file to the served version.
import { useMemo, useState } from 'preact/hooks';

import { inNamespace } from '../api/client';
import { useLive } from '../api/live';
import type { Lineage, LineageNode as Node } from '../api/types';
import type { Drawn } from '../graph/drawing';
import { GraphView } from '../graph/graph_view';
import { lineageLine } from '../parts/cli';
import { CommandLine, Digest, Loading, Name, Trouble } from '../parts/pieces';
import { shown } from '../parts/shown';
import { Table, type Column } from '../parts/table';
import { place } from '../shell/me';
import { go, here, href, route } from '../shell/route';
import { t } from '../words/words';

const DIRECTIONS = [
  ['both', 'both'],
  ['up', 'upstream'],
  ['down', 'downstream'],
] as const;

const KINDS = ['artifact', 'model', 'request'] as const;

// "sha256:..." or 64 hex digits are an artifact, a UUID a request, all else a model's name.
export function kindOf(text: string): (typeof KINDS)[number] {
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(text)) return 'request';
  return /^(sha256:)?[0-9a-f]{64}$/.test(text) ? 'artifact' : 'model';
}

export function LineagePage({ namespace }: { namespace: string }) {
  const query = route.value.query;
  const kind = KINDS.find((name) => query.get(name));
  const of = kind ? (query.get(kind) ?? '') : '';
  const direction = query.get('direction') ?? 'both';
  const url = kind ? inNamespace(namespace, ['lineage'], { [kind]: of, direction }) : '';
  const live = useLive<Lineage>(url, 0);
  const data = live.data.value;
  const [text, setText] = useState(of);
  function ask(event: Event) {
    event.preventDefault();
    const value = text.trim();
    const asked = /^[0-9a-f]{64}$/.test(value) ? `sha256:${value}` : value;
    if (value) go(href([namespace, 'lineage'], { [kindOf(value)]: asked, direction }));
  }
  return (
    <section class="page">
      <header class="bar">
        <h1>{t('lineage')}</h1>
        <form class="filters" role="search" onSubmit={ask}>
          <input
            type="search"
            class="long mono"
            aria-label={t('lineageAsk')}
            placeholder={t('lineageAsk')}
            value={text}
            onInput={(e) => setText(e.currentTarget.value)}
          />
          <select
            aria-label={t('direction')}
            value={direction}
            onChange={(e) => go(here({ direction: e.currentTarget.value }), true)}
          >
            {DIRECTIONS.map(([value, word]) => (
              <option key={value} value={value}>
                {t(word)}
              </option>
            ))}
          </select>
          <button type="submit">{t('search')}</button>
        </form>
      </header>
      <Trouble error={live.error.value} retry={live.refresh} />
      {!kind && <p class="empty">{t('lineageAsk')}</p>}
      {kind && !data && !live.error.value && <Loading />}
      {data && (
        <>
          <Drawing data={data} namespace={namespace} of={of} />
          {data.cut && <p class="dim">{t('cut')}</p>}
          <CommandLine text={lineageLine(place.value, of, direction)} />
        </>
      )}
    </section>
  );
}

// What opens when a node is chosen. A file from outside is not the gateway's: what it has for a
// digest is the fingerprint under which it was read.
function target(namespace: string, node: Node): string {
  if (node.kind === 'deployment') {
    return href([namespace, 'models', node.label.split(' ')[0]!]);
  }
  if (node.kind === 'step' && node.run) {
    return href([namespace, 'runs', node.run], { step: node.step });
  }
  return node.kind !== 'file' && node.digest
    ? href([namespace, 'artifacts', node.digest])
    : here({});
}

function Drawing(props: { data: Lineage; namespace: string; of: string }) {
  const { data, namespace, of } = props;
  const byId = useMemo(() => new Map(data.nodes.map((node) => [node.id, node])), [data]);
  const nodes = useMemo<Drawn[]>(
    () =>
      data.nodes.map((node) => ({
        id: node.id,
        label: shown((node.kind === 'step' && node.step) || node.label),
        said: shown(
          node.kind === 'step' ? `${node.step} ${node.run} step` : `${node.label} ${node.kind}`,
        ),
        sub: node.run && node.kind === 'step' ? shown(node.run) : node.kind,
        kind: node.kind,
      })),
    [data],
  );
  const shape = useMemo(() => JSON.stringify([nodes.map((n) => n.id), data.edges]), [data]);
  const selected = data.nodes.find((node) =>
    [node.digest, node.label, node.label.split(' ')[0]].includes(of),
  )?.id;
  return (
    <div class="graph-and-table wide-table">
      <LineageTable data={data} namespace={namespace} selected={selected} />
      <GraphView
        nodes={nodes}
        edges={data.edges}
        shape={shape}
        selected={selected}
        hrefOf={(id) => target(namespace, byId.get(id)!)}
        onOpen={(id) => go(target(namespace, byId.get(id)!))}
      />
    </div>
  );
}

interface TableProps {
  data: Lineage;
  namespace: string;
  selected: string | undefined;
}

function LineageTable({ data, namespace, selected }: TableProps) {
  const columns: Column<Node>[] = [
    { key: 'kind', label: t('type'), width: '92px', cell: (node) => node.kind },
    {
      key: 'name',
      label: t('name'),
      width: 'minmax(110px, 1.5fr)',
      cell: (node) => (
        <a href={target(namespace, node)}>
          <Name text={node.label} />
        </a>
      ),
    },
    {
      key: 'digest',
      label: t('digest'),
      width: '110px',
      cell: (node) =>
        node.kind !== 'file' && node.digest ? (
          <Digest digest={node.digest} />
        ) : (
          <Name text={node.digest ?? node.component} />
        ),
    },
  ];
  return (
    <Table
      class="steps beside"
      label={t('lineage')}
      rows={data.nodes}
      id={(node) => node.id}
      columns={columns}
      rowHeight={28}
      selected={selected}
      onOpen={(node) => go(target(namespace, node))}
      empty={t('none')}
    />
  );
}
