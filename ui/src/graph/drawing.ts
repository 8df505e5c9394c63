// What the two ways of drawing a graph (SVG, canvas) share.
import type { Layout, Size } from './layout';

export const NODE: Size = { width: 172, height: 36, gapX: 44, gapY: 12 };

export interface Drawn {
  id: string;
  label: string;
  phase?: string;
  said: string; // for those who do not see it
  sub?: string; // a second line
  kind?: string;
  cached?: boolean;
  group?: boolean; // opens into others
}

export interface DrawingProps {
  layout: Layout;
  nodes: ReadonlyMap<string, Drawn>;
  selected: string | undefined;
  dim: (id: string) => boolean;
  hrefOf: (id: string) => string;
  onOpen: (id: string) => void;
}

// The middle gives way, so that names which differ at their end still differ.
export function shortened(text: string, most = 22): string {
  if (text.length <= most) return text;
  const end = Math.floor(most / 3);
  return `${text.slice(0, most - end - 1)}…${text.slice(-end)}`;
}

// Where an arrow key leads from a node: along an edge, or up and down its layer.
export function neighbour(layout: Layout, from: string | undefined, key: string): string | undefined {
  if (from === undefined || !layout.at.has(from)) return layout.layers[0]?.[0];
  const members = layout.layers.find((layer) => layer.includes(from)) ?? [];
  const at = members.indexOf(from);
  if (key === 'ArrowUp') return members[at - 1];
  if (key === 'ArrowDown') return members[at + 1];
  const y = layout.at.get(from)!.y;
  const near = layout.edges
    .filter((edge) => (key === 'ArrowRight' ? edge.from === from : edge.to === from))
    .map((edge) => (key === 'ArrowRight' ? edge.to : edge.from));
  near.sort((a, b) => Math.abs(layout.at.get(a)!.y - y) - Math.abs(layout.at.get(b)!.y - y));
  return near[0];
}

export function curve(layout: Layout, edge: Layout['edges'][number]): string {
  const from = layout.at.get(edge.from)!;
  const to = layout.at.get(edge.to)!;
  let x = from.x + NODE.width / 2;
  let y = from.y;
  let path = `M${x} ${y}`;
  const through = (nextX: number, nextY: number) => {
    const middle = (x + nextX) / 2;
    path += `C${middle} ${y} ${middle} ${nextY} ${nextX} ${nextY}`;
    [x, y] = [nextX, nextY];
  };
  for (const bend of edge.via) {
    through(bend.x - NODE.width / 2, bend.y);
    path += `H${bend.x + NODE.width / 2}`;
    x = bend.x + NODE.width / 2;
  }
  through(to.x - NODE.width / 2, to.y);
  return path;
}
