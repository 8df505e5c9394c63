// What the stand-in gateway serves: namespaces of runs, models and artifacts, made up by code.
import type {
  Artifact,
  GraphNode,
  Grid,
  Lineage,
  Model,
  Pipeline,
  RunRow,
  Series,
  Step,
  StepRow,
  Value,
  Condition,
} from '../../src/api/types';

export interface WholeRun {
  row: RunRow;
  parameters: Record<string, Value>;
  spec: string;
  nodes: GraphNode[];
  edges: [string, string][];
  steps: Map<string, StepRow>;
  details: Map<string, Partial<Step>>;
  logs: Map<string, string>; // by "step", "step/item" or "step#attempt"
  metrics: Map<string, Series[]>;
  conditions: Condition[];
}

export interface Namespace {
  runs: Map<string, WholeRun>; // those that can be opened
  rows: RunRow[]; // newest first
  pipelines: Pipeline[];
  models: Model[];
  artifacts: Map<string, Artifact>;
  contents: Map<string, { type: string; text: string }>; // by "digest/path"
  lineage: Lineage;
}

export const emptyNamespace = (): Namespace => ({
  runs: new Map(),
  rows: [],
  pipelines: [],
  models: [],
  artifacts: new Map(),
  contents: new Map(),
  lineage: { nodes: [], edges: [], cut: false },
});

// A step that has not begun.
export const waiting = (name: string): StepRow => ({
  name,
  phase: 'Waiting',
  attempt: 0,
  attempts: 0,
  cached: false,
  times: {},
});

// The same numbers each time (mulberry32).
export function dice(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let x = Math.imul(a ^ (a >>> 15), 1 | a);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

const hex = '0123456789abcdef';
export function digest(seed: number): string {
  const next = dice(seed);
  return `sha256:${Array.from({ length: 64 }, () => hex[Math.floor(next() * 16)]).join('')}`;
}

export const iso = (time: number) => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');

export function countsOf(steps: Iterable<StepRow>) {
  const counts = { total: 0, succeeded: 0, failed: 0, running: 0, cached: 0, skipped: 0 };
  for (const step of steps) {
    counts.total += 1;
    if (step.phase === 'Succeeded') counts.succeeded += 1;
    else if (step.phase === 'Failed') counts.failed += 1;
    else if (step.phase === 'Skipped' || step.phase === 'Cancelled') counts.skipped += 1;
    else if (step.phase === 'Running') counts.running += 1;
    if (step.cached) counts.cached += 1;
  }
  return counts;
}

export function gridOf(namespace: Namespace, pipeline: string, limit: number): Grid {
  const rows = namespace.rows.filter((row) => row.pipeline === pipeline).slice(0, limit);
  const steps: string[] = [];
  const runs = rows.flatMap((row) => {
    const run = namespace.runs.get(row.name);
    if (!run) return [];
    const cells: Record<string, string> = {};
    for (const step of run.steps.values()) {
      if (!steps.includes(step.name)) steps.push(step.name);
      cells[step.name] = step.phase;
    }
    const { name, phase, created, finished } = row;
    return [{ name, phase, created, ...(finished ? { finished } : {}), cells }];
  });
  return { steps, runs };
}
