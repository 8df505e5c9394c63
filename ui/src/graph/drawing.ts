// What the two ways of drawing a graph (SVG, canvas) share.
import type { Layout, Point, Size } from './layout';

export const NODE: Size = { width: 172, height: 36, gapLayer: 44, gap: 12 };
export const NODE_DOWN: Size = { ...NODE, gapLayer: 30, gap: 20 };

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
export function cut(text: string, most: number): [head: string, middle: string, tail: string] {
  if (text.length <= most) return [text, '', ''];
  const end = Math.floor(most / 3);
  return [text.slice(0, most - end - 1), text.slice(most - end - 1, -end), text.slice(-end)];
}

export function shortened(text: string, most: number): string {
  const [head, middle, tail] = cut(text, most);
  return middle ? `${head}…${tail}` : head;
}

// Where an arrow key leads from a node: along an edge, or up and down its layer.
export function neighbour(
  layout: Layout,
  from: string | undefined,
  key: string,
): string | undefined {
  if (from === undefined || !layout.at.has(from)) return layout.layers[0]?.[0];
  const members = layout.layers.find((layer) => layer.includes(from)) ?? [];
  const at = members.indexOf(from);
  const [before, after, on] = layout.down
    ? ['ArrowLeft', 'ArrowRight', 'ArrowDown']
    : ['ArrowUp', 'ArrowDown', 'ArrowRight'];
  if (key === before) return members[at - 1];
  if (key === after) return members[at + 1];
  const along = (id: string) => (layout.down ? layout.at.get(id)!.x : layout.at.get(id)!.y);
  const y = along(from);
  const near = layout.edges
    .filter((edge) => (key === on ? edge.from === from : edge.to === from))
    .map((edge) => (key === on ? edge.to : edge.from));
  near.sort((a, b) => Math.abs(along(a) - y) - Math.abs(along(b) - y));
  return near[0];
}

export function curve(layout: Layout, edge: Layout['edges'][number]): string {
  const { down } = layout;
  const half = (down ? NODE.height : NODE.width) / 2;
  // Along the layers, and across them.
  const turned = (point: Point) =>
    (down ? [point.y, point.x] : [point.x, point.y]) as [number, number];
  const text = (a: number, b: number) => (down ? `${b} ${a}` : `${a} ${b}`);
  let [a, b] = turned(layout.at.get(edge.from)!);
  a += half;
  let path = `M${text(a, b)}`;
  const through = (nextA: number, nextB: number) => {
    const middle = (a + nextA) / 2;
    path += `C${text(middle, b)} ${text(middle, nextB)} ${text(nextA, nextB)}`;
    [a, b] = [nextA, nextB];
  };
  for (const bend of edge.via) {
    const [bendA, bendB] = turned(bend);
    through(bendA - half, bendB);
    a = bendA + half;
    path += `L${text(a, b)}`;
  }
  const [lastA, lastB] = turned(layout.at.get(edge.to)!);
  through(lastA - half, lastB);
  return path;
}
