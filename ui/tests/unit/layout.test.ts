import assert from 'node:assert/strict';
import { test } from 'node:test';

import { curve, cut, neighbour, NODE, NODE_DOWN } from '../../src/graph/drawing';
import { layout, type Edge, type Layout } from '../../src/graph/layout';
import { Viewport } from '../../src/graph/viewport';
import { layered } from '../standin/large';
import { dice } from '../standin/world';

const diamond: Edge[] = [
  ['a', 'b'],
  ['a', 'c'],
  ['b', 'd'],
  ['c', 'd'],
];

function overlaps(drawn: Layout): string[] {
  const found: string[] = [];
  const places = [...drawn.at].sort(([, a], [, b]) => a.x - b.x);
  places.forEach(([one, a], n) => {
    for (const [other, b] of places.slice(n + 1)) {
      if (b.x - a.x >= NODE.width) break;
      if (Math.abs(a.y - b.y) < NODE.height - 0.01) found.push(`${one} ${other}`);
    }
  });
  return found;
}

// Of edges between neighbouring layers, pairs whose ends stand in opposite orders.
function crossings(drawn: Layout): number {
  let count = 0;
  const { edges, at } = drawn;
  edges.forEach((one, n) => {
    for (const other of edges.slice(n + 1)) {
      const [a, b, c, d] = [one.from, one.to, other.from, other.to].map((id) => at.get(id)!);
      if (a!.x === c!.x && b!.x === d!.x && (a!.y - c!.y) * (b!.y - d!.y) < 0) count += 1;
    }
  });
  return count;
}

function random(count: number, layers: number, seed: number) {
  const next = dice(seed);
  const names = Array.from({ length: count }, (_, n) => `n${n}`);
  const each = Math.ceil(count / layers);
  const edges = names.slice(each).flatMap((name, n): Edge[] => {
    const layer = Math.floor((n + each) / each);
    return [0, 1].map(
      () => [names[(layer - 1) * each + Math.floor(next() * each)]!, name] as const,
    );
  });
  return { names, edges };
}

test('each edge leads to a later layer, and the longest path says which', () => {
  const drawn = layout(['a', 'b', 'c', 'd', 'e'], [...diamond, ['d', 'e'], ['a', 'e']], NODE);
  assert.deepEqual(drawn.layers, [['a'], ['b', 'c'], ['d'], ['e']]);
  for (const { from, to } of drawn.edges) assert.ok(drawn.at.get(from)!.x < drawn.at.get(to)!.x);
});

test('a diamond is drawn symmetrically', () => {
  const { at } = layout(['a', 'b', 'c', 'd'], diamond, NODE);
  assert.equal(at.get('a')!.y, at.get('d')!.y);
  assert.equal(at.get('a')!.y - at.get('b')!.y, at.get('c')!.y - at.get('a')!.y);
});

test('no two nodes overlap, across and down', () => {
  for (const seed of [1, 2, 3]) {
    const { names, edges } = random(200, 9, seed);
    assert.deepEqual(overlaps(layout(names, edges, NODE)), []);
    const down = layout(names, edges, NODE_DOWN, true);
    const turned = new Map([...down.at].map(([id, p]) => [id, { x: p.y * 10, y: p.x / 10 }]));
    assert.equal(new Set([...turned.values()].map((p) => `${p.x} ${p.y}`)).size, names.length);
  }
});

test('the sweeps take crossings away', () => {
  const { names, edges } = random(120, 6, 7);
  const drawn = layout(names, edges, NODE);
  const at = new Map<string, { x: number; y: number }>();
  names.forEach((name, n) => at.set(name, { x: drawn.at.get(name)!.x, y: n }));
  assert.ok(crossings(drawn) < 0.6 * crossings({ ...drawn, at }));
});

test('everything lies within the size that is told', () => {
  const { names, edges } = random(80, 5, 4);
  for (const down of [false, true]) {
    const drawn = layout(names, edges, down ? NODE_DOWN : NODE, down);
    for (const { x, y } of drawn.at.values()) {
      assert.ok(x >= NODE.width / 2 - 0.01 && x <= drawn.width - NODE.width / 2 + 0.01);
      assert.ok(y >= NODE.height / 2 - 0.01 && y <= drawn.height - NODE.height / 2 + 0.01);
    }
  }
});

test('the same graph is drawn the same way each time', () => {
  const { names, edges } = random(150, 8, 5);
  assert.deepEqual(layout(names, edges, NODE), layout(names, edges, NODE));
});

test('circles, edges to nowhere, edges twice and no nodes do no harm', () => {
  const circle: Edge[] = [
    ['a', 'b'],
    ['b', 'a'],
    ['a', 'a'],
    ['a', 'nowhere'],
    ['a', 'b'],
  ];
  assert.equal(layout(['a', 'b'], circle, NODE).edges.length, 2);
  assert.deepEqual(layout([], [], NODE).layers, []);
  assert.equal(layout([], [], NODE).width, 0);
});

test('a box that has no size yet is left as it is, and fitted when it has one', () => {
  const viewport = new Viewport();
  const before = viewport.view.value;
  viewport.fit(400, 300);
  viewport.reveal(1814, 18);
  assert.deepEqual(viewport.view.value, before);
  Object.assign(viewport, { width: 800, height: 600 });
  viewport.fit(400, 300);
  assert.deepEqual(viewport.view.value, { k: 1, x: 200, y: 150 });
  assert.ok(viewport.shows(200, 150) && !viewport.shows(1814, 18));
});

test('5,000 nodes are laid out within 250 ms of computing', () => {
  const run = layered('x', 5000, 'x');
  const before = process.cpuUsage();
  const drawn = layout(
    run.nodes.map((n) => n.name),
    run.edges,
    NODE,
  );
  const { user, system } = process.cpuUsage(before);
  console.log(
    `layout of 5,000 nodes, ${run.edges.length} edges: ${((user + system) / 1000).toFixed(0)} ms`,
  );
  assert.equal(drawn.at.size, 5000);
  assert.ok(user + system < 250_000);
});

test('an edge over a layer bends round the node between', () => {
  const drawn = layout(
    ['a', 'b', 'c'],
    [
      ['a', 'b'],
      ['b', 'c'],
      ['a', 'c'],
    ],
    NODE,
  );
  const over = drawn.edges.find((edge) => edge.from === 'a' && edge.to === 'c')!;
  assert.equal(over.via.length, 1);
  assert.ok(Math.abs(over.via[0]!.y - drawn.at.get('b')!.y) >= NODE.height / 2);
  assert.match(curve(drawn, over), /^M[\d. -]+C.*L.*C/);
});

test('arrow keys lead along edges and within a layer, whichever way the graph is drawn', () => {
  const across = layout(['a', 'b', 'c', 'd'], diamond, NODE);
  assert.equal(neighbour(across, 'b', 'ArrowDown'), 'c');
  assert.equal(neighbour(across, 'b', 'ArrowRight'), 'd');
  assert.equal(neighbour(across, 'b', 'ArrowLeft'), 'a');
  assert.equal(neighbour(across, undefined, 'ArrowLeft'), 'a');
  const down = layout(['a', 'b', 'c', 'd'], diamond, NODE_DOWN, true);
  assert.equal(neighbour(down, 'b', 'ArrowRight'), 'c');
  assert.equal(neighbour(down, 'b', 'ArrowDown'), 'd');
});

test('a long name gives way in its middle', () => {
  assert.deepEqual(cut('train-region-north-1', 12), ['train-r', 'egion-nor', 'th-1']);
  assert.deepEqual(cut('short', 12), ['short', '', '']);
});
