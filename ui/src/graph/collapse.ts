// What of a run's graph is shown: a nested pipeline is one node until somebody opens it. A loop is
// one node always, with its count.
import type { GraphNode } from '../api/types';
import type { Edge } from './layout';

export interface Shown {
  nodes: GraphNode[];
  edges: Edge[];
  groups: string[]; // nodes that hold others
}

export function collapsed(
  nodes: readonly GraphNode[],
  edges: readonly Edge[],
  open: ReadonlySet<string>,
): Shown {
  const parents = new Map<string, string>();
  const byName = new Map(nodes.map((node) => [node.name, node]));
  for (const { name, parent } of nodes) if (parent && parent !== name) parents.set(name, parent);
  const groups = [...new Set(parents.values())];
  if (groups.length === 0) return { nodes: [...nodes], edges: [...edges], groups };

  // Within an open group its own node gives way to what it holds.
  const all = new Map(byName);
  for (const name of groups) if (!all.has(name)) all.set(name, { name, kind: 'pipeline' });
  const isOpen = (name: string) => groups.includes(name) && open.has(name);
  const seen = (name: string) => chain(name, parents).every(isOpen);
  const visible = [...all.values()].filter((node) => seen(node.name) && !isOpen(node.name));
  const names = new Set(visible.map((node) => node.name));

  // The ends of an edge: the node, the closed group around it, or all of an open group's.
  const ends = (name: string, way: 0 | 1): string[] => {
    if (names.has(name)) return [name];
    if (isOpen(name) && seen(name)) {
      return border(name, way, nodes, edges, parents).flatMap((child) => ends(child, way));
    }
    const around = chain(name, parents).findLast((group) => names.has(group));
    return around ? [around] : [];
  };
  const out = new Map<string, Edge>();
  for (const [from, to] of edges) {
    for (const a of ends(from, 1)) {
      for (const b of ends(to, 0)) if (a !== b) out.set(JSON.stringify([a, b]), [a, b]);
    }
  }
  return { nodes: visible, edges: [...out.values()], groups };
}

// The groups around a node, the innermost first.
function chain(name: string, parents: Map<string, string>): string[] {
  const groups: string[] = [];
  for (let at = parents.get(name); at && !groups.includes(at); at = parents.get(at))
    groups.push(at);
  return groups;
}

// Of a group's own nodes those that nothing within it leads to (0), or that lead to nothing (1).
function border(
  group: string,
  way: 0 | 1,
  nodes: readonly GraphNode[],
  edges: readonly Edge[],
  parents: Map<string, string>,
): string[] {
  const own = nodes.filter((node) => parents.get(node.name) === group).map((node) => node.name);
  const inside = new Set(own);
  const inner = edges.filter(([a, b]) => inside.has(a) && inside.has(b));
  const taken = new Set(inner.map((edge) => edge[1 - way]!));
  return own.filter((name) => !taken.has(name));
}
