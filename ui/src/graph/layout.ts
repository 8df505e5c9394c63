// Layered drawing of a directed graph, from left to right or downwards (Sugiyama, Tagawa, Toda
// 1981): layers by longest path, order within a layer by barycentre sweeps, heights by least squares
// that keep the order (isotonic regression by pool adjacent violators; Ayer et al. 1955). Every
// phase is linear in nodes and edges but for the sorting: 5,000 nodes take some tens of ms.

export type Edge = readonly [string, string];
export interface Size {
  width: number;
  height: number;
  gapLayer: number; // between layers
  gap: number; // within one
}
export interface Point {
  x: number;
  y: number;
}
export interface Layout {
  down: boolean; // layers lie below each other, not beside
  at: Map<string, Point>; // centres
  layers: string[][]; // each from the top (or the left)
  edges: { from: string; to: string; via: Point[] }[]; // `via`: the bends of an edge over layers
  width: number;
  height: number;
}

const SWEEPS = 6;
const MOST_BENDS = 4000; // beyond, edges over layers are drawn straight

// A place in a layer: a node, or where an edge over several layers passes.
interface Slot {
  layer: number;
  order: number;
  y: number;
  height: number;
  before: number[];
  after: number[];
}

export function layout(
  names: readonly string[],
  edges: readonly Edge[],
  size: Size,
  down = false,
): Layout {
  const [deep, broad] = down ? [size.height, size.width] : [size.width, size.height];
  const index = new Map(names.map((name, n) => [name, n]));
  const links = withoutRepeats(edges, index);
  const layer = longestPaths(names.length, links);
  const slots: Slot[] = names.map((_, n) => slot(layer[n]!, broad));
  const bend = areFew(links, layer);
  const bends = links.map(([a, b]) => connect(slots, a, b, bend));
  const layers = byLayer(slots);
  const means = new Float64Array(slots.length);
  for (let n = 0; n < SWEEPS; n += 1) sweep(slots, layers, n % 2 === 0, means);
  place(slots, layers, size.gap);

  const x = (at: number) => at * (deep + size.gapLayer) + deep / 2;
  const top = Math.min(0, ...layers.map((l) => edgeOf(slots, l[0], -1)));
  const turned = (a: number, b: number): Point => (down ? { x: b, y: a } : { x: a, y: b });
  const point = (n: number) => turned(x(slots[n]!.layer), slots[n]!.y - top);
  const end = turned(
    layers.length === 0 ? 0 : x(layers.length - 1) + deep / 2,
    Math.max(0, ...layers.map((l) => edgeOf(slots, l.at(-1), 1))) - top,
  );
  return {
    down,
    at: new Map(names.map((name, n) => [name, point(n)])),
    layers: layers.map((l) => l.filter((n) => n < names.length).map((n) => names[n]!)),
    edges: links.map(([a, b], n) => ({
      from: names[a]!,
      to: names[b]!,
      via: bends[n]!.map(point),
    })),
    width: end.x,
    height: end.y,
  };
}

const slot = (layer: number, height: number): Slot => ({
  layer,
  order: 0,
  y: 0,
  height,
  before: [],
  after: [],
});

function edgeOf(slots: Slot[], n: number | undefined, way: number): number {
  if (n === undefined) return 0;
  return slots[n]!.y + (way * slots[n]!.height) / 2;
}

type Link = readonly [number, number];

// Edges of nodes that are there, once each, and none from a node to itself.
function withoutRepeats(edges: readonly Edge[], index: Map<string, number>): Link[] {
  const seen = new Set<number>();
  const links: Link[] = [];
  for (const [from, to] of edges) {
    const [a, b] = [index.get(from), index.get(to)];
    if (a === undefined || b === undefined || a === b) continue;
    const key = a * index.size + b;
    if (!seen.has(key)) links.push([a, b]);
    seen.add(key);
  }
  return links;
}

// Kahn's order. What stands in a circle (no run has one) comes last, in the order given.
function longestPaths(count: number, links: readonly Link[]): number[] {
  const layer = new Array<number>(count).fill(0);
  const open = new Array<number>(count).fill(0);
  const after: number[][] = Array.from({ length: count }, () => []);
  for (const [a, b] of links) {
    after[a]!.push(b);
    open[b]! += 1;
  }
  const ready = [...open.keys()].filter((n) => open[n] === 0);
  for (let at = 0; at < ready.length; at += 1) {
    for (const next of after[ready[at]!]!) {
      layer[next] = Math.max(layer[next]!, layer[ready[at]!]! + 1);
      open[next]! -= 1;
      if (open[next] === 0) ready.push(next);
    }
  }
  return layer;
}

function areFew(links: readonly Link[], layer: number[]): boolean {
  let bends = 0;
  for (const [a, b] of links) bends += Math.max(0, layer[b]! - layer[a]! - 1);
  return bends <= MOST_BENDS;
}

// Joins two slots, by one more in each layer between.
function connect(slots: Slot[], a: number, b: number, bend: boolean): number[] {
  const via: number[] = [];
  let last = a;
  for (let l = slots[a]!.layer + 1; bend && l < slots[b]!.layer; l += 1) {
    slots.push(slot(l, 6));
    via.push(slots.length - 1);
    join(slots, last, slots.length - 1);
    last = slots.length - 1;
  }
  join(slots, last, b);
  return via;
}

function join(slots: Slot[], a: number, b: number) {
  slots[a]!.after.push(b);
  slots[b]!.before.push(a);
}

function byLayer(slots: Slot[]): number[][] {
  const layers: number[][] = [];
  slots.forEach((s, n) => {
    (layers[s.layer] ??= []).push(n);
    s.order = layers[s.layer]!.length - 1;
  });
  return layers;
}

// Each layer in the order of the mean places of its neighbours in the layer before (or after).
// `mean`: room for a number a slot.
function sweep(slots: Slot[], layers: number[][], forward: boolean, mean: Float64Array) {
  const order = forward ? layers : layers.toReversed();
  for (const members of order) {
    for (const n of members) {
      const near = forward ? slots[n]!.before : slots[n]!.after;
      let sum = 0;
      for (const m of near) sum += slots[m]!.order / Math.max(1, layers[slots[m]!.layer]!.length);
      const own = slots[n]!.order / Math.max(1, members.length);
      mean[n] = near.length === 0 ? own : sum / near.length;
    }
    members.sort((a, b) => mean[a]! - mean[b]! || slots[a]!.order - slots[b]!.order);
    members.forEach((n, at) => (slots[n]!.order = at));
  }
}

function place(slots: Slot[], layers: number[][], gap: number) {
  for (const members of layers) {
    settle(slots, members, gap, () => 0);
  }
  for (let n = 0; n < SWEEPS; n += 1) {
    const forward = n % 2 === 0;
    for (const members of forward ? layers : layers.toReversed()) {
      settle(slots, members, gap, (s) => {
        const near = forward ? s.before : s.after;
        let sum = 0;
        for (const m of near) sum += slots[m]!.y;
        return near.length === 0 ? s.y : sum / near.length;
      });
    }
  }
}

// The heights of a layer nearest to those wanted, of all that keep its order and its gaps.
function settle(slots: Slot[], members: number[], gap: number, wanted: (s: Slot) => number) {
  const offsets: number[] = [];
  let sum = 0;
  members.forEach((n, at) => {
    const height = slots[n]!.height;
    if (at > 0) sum += (slots[members[at - 1]!]!.height + height) / 2 + gap;
    offsets.push(sum);
  });
  // Blocks of members that touch: where each wants to begin, on average.
  const blocks: { mean: number; count: number }[] = [];
  members.forEach((n, at) => {
    let block = { mean: wanted(slots[n]!) - offsets[at]!, count: 1 };
    for (let last = blocks.at(-1); last && last.mean >= block.mean; last = blocks.at(-1)) {
      blocks.pop();
      const count = last.count + block.count;
      block = { mean: (last.mean * last.count + block.mean * block.count) / count, count };
    }
    blocks.push(block);
  });
  let at = 0;
  for (const block of blocks) {
    for (let n = 0; n < block.count; n += 1, at += 1) {
      slots[members[at]!]!.y = block.mean + offsets[at]!;
    }
  }
}
