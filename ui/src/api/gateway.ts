// Made by `node types.mjs` of operator/gateway/api/api_schemas.cc: what the gateway answers.
import type { Time, Value } from './types';

export interface Error {
  error: {
    code: string;
    message: string;
    field?: string;
  };
}

export interface Me {
  user: string;
  groups: string[];
  mode: 'cluster' | 'local';
  version: string;
  namespaces: string[];
  may: Record<string, string[]>; // by namespace: list, get, create and patch (of runs), approve, steer (of models)
  flags?: string; // that a command needs to act here
  session?: boolean; // it can be ended by auth/logout
}

export interface LoggedOut {
  user: string;
}

export interface StepCounts {
  total: number;
  succeeded: number;
  failed: number;
  running: number;
  cached: number;
  skipped: number;
}

export interface RunRow {
  namespace: string;
  name: string;
  uid: string;
  phase: 'Pending' | 'Suspended' | 'Running' | 'Succeeded' | 'Failed' | 'Cancelled' | 'Invalid';
  steps: StepCounts;
  labels: Record<string, string>;
  pipeline?: string;
  reason?: string;
  message?: string;
  step?: string; // the step that the reason is about
  cause?: string;
  user?: string;
  created?: Time;
  started?: Time;
  finished?: Time;
  archived?: boolean; // its object is gone; its story was kept
}

export interface RunList {
  items: RunRow[];
  next?: string;
}

export interface Times {
  queued?: Time;
  fetchStarted?: Time;
  started?: Time;
  uploadStarted?: Time;
  finished?: Time;
}

export interface Progress {
  done: number;
  total: number;
  left?: string; // a duration, such as 1h30m
}

export interface StepRow {
  name: string;
  phase: 'Waiting' | 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Skipped' | 'Cancelled';
  attempt: number;
  attempts: number;
  cached: boolean;
  times: Times;
  progress?: Progress;
  reason?: string;
  message?: string;
  component?: string;
  version?: string;
  image?: string;
  cachedFrom?: string; // the run that made it
  run?: string; // the run of a step that is a Pipeline
  items?: {
    total: number;
    succeeded: number;
    failed: number;
    skipped: number;
    running: number;
  };
}

export interface Graph {
  nodes: {
    name: string;
    kind: 'step' | 'pipeline' | 'approval' | 'wait' | 'loop' | 'daemon';
    items?: number;
  }[];
  edges: [string, string][];
}

export interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  time: Time;
}

export interface Use {
  name: string;
  type?: string;
  digest?: string;
  uri?: string;
  fingerprint?: string;
  bytes?: number;
  folder?: boolean;
  fromStep?: string;
}

export interface Run {
  namespace: string;
  name: string;
  uid: string;
  phase: 'Pending' | 'Suspended' | 'Running' | 'Succeeded' | 'Failed' | 'Cancelled' | 'Invalid';
  steps: StepRow[];
  labels: Record<string, string>;
  parameters: Record<string, Value>;
  graph: Graph;
  conditions: Condition[];
  outputs: Use[];
  results: Record<string, Value>;
  command: string;
  counts: StepCounts;
  pipeline?: string;
  reason?: string;
  message?: string;
  step?: string; // the step that the reason is about
  cause?: string;
  user?: string;
  created?: Time;
  started?: Time;
  finished?: Time;
  archived?: boolean; // its object is gone; its story was kept
  spec?: string; // YAML
  parent?: string;
  asked?: Record<string, Value>; // of its own spec pipelineRef, publish and ttlAfterFinished; scheduledTime: what it is for
}

export interface Attempt {
  attempt: number;
  pod?: string;
  node?: string;
  phase?: string;
  reason?: string;
  message?: string;
  exitCode?: number;
  queued?: Time;
  started?: Time;
  finished?: Time;
  lastWords?: string;
}

export interface Event {
  type: string;
  reason: string;
  count: number;
  time?: Time;
  message?: string;
}

export interface Approval {
  need: number; // so many different people
  message?: string;
  values: Parameter[];
}

export interface Step {
  name: string;
  phase: 'Waiting' | 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Skipped' | 'Cancelled';
  attempt: number;
  attempts: Attempt[];
  cached: boolean;
  times: Times;
  inputs: Use[];
  outputs: Use[];
  results: Record<string, Value>;
  events: Event[];
  progress?: Progress;
  reason?: string;
  message?: string;
  component?: string;
  version?: string;
  image?: string;
  cachedFrom?: string; // the run that made it
  run?: string; // the run of a step that is a Pipeline
  items?: {
    total: number;
    succeeded: number;
    failed: number;
    skipped: number;
    running: number;
  };
  why?: string;
  command?: string[];
  cacheMiss?: string;
  cacheKey?: string;
  resources?: Record<string, Value>;
  dependsOn?: string[];
  when?: string;
  parameters?: Record<string, Value>;
  approval?: Approval; // of a step that people decide
}

export interface Series {
  series: {
    name: string;
    points: [number, number, Time][];
  }[];
  progress?: Progress;
}

export interface Comparison {
  runs: RunRow[];
  parameters: {
    name: string;
    values: Value[];
    differs: boolean;
  }[];
  metrics: {
    step: string;
    name: string;
    values: Value[];
    differs: boolean;
  }[];
  inputs: {
    step: string;
    name: string;
    digests: Value[];
    differs: boolean;
  }[];
}

export interface Grid {
  steps: string[];
  runs: {
    name: string;
    phase: string;
    cells: Record<string, string>;
    created?: Time;
    finished?: Time;
  }[];
}

export interface Schedule {
  name: string;
  cron: string;
  suspended: boolean;
  timeZone?: string;
  last?: Time;
  next?: Time;
}

export interface PipelineRow {
  name: string;
  suspended: boolean;
  activeRuns: number;
  schedules: Schedule[];
  ready?: string;
  message?: string;
  nextRun?: Time;
  lastRun?: {
    name: string;
    phase: string;
    finished?: Time;
  };
}

export interface PipelineList {
  items: PipelineRow[];
  next?: string;
}

export interface Parameter {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'list' | 'object';
  description?: string;
  pattern?: string;
  default?: Value;
  optional?: boolean;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  enum?: Value[];
  items?: Value;
}

export interface Pipeline {
  name: string;
  suspended: boolean;
  activeRuns: number;
  schedules: Schedule[];
  parameters: Parameter[];
  inputs: {
    name: string;
    type: string;
    optional: boolean;
    description?: string;
  }[];
  steps: string[];
  approvals: string[];
  triggers: {
    pipeline?: string;
    output?: string;
    source?: string;
    webhook?: string;
  }[];
  spec: string; // YAML
  ready?: string;
  message?: string;
  nextRun?: Time;
  lastRun?: {
    name: string;
    phase: string;
    finished?: Time;
  };
  description?: string;
}

export interface Gate {
  name: string;
  samples: number;
  metric?: string;
  value?: string;
  interval?: [string, string]; // its ends; one that is not known is empty
  bound?: string;
  verdict?: string;
  message?: string;
}

export interface ModelVersion {
  name: string;
  version: number;
  role: 'stable' | 'candidate';
  digest: string;
  bytes: number;
  replicas: number;
  readyReplicas: number;
  weight?: string;
  phase?: string;
  reason?: string;
  run?: string;
  source?: string;
  created?: Time;
}

export interface Rollout {
  version: number;
  phase: string;
  step: number;
  steps: number;
  gates: Gate[];
  approval?: Approval;
  message?: string;
  since?: Time;
}

export interface ModelRow {
  name: string;
  phase: string;
  versions: ModelVersion[];
  reason?: string;
  message?: string;
  rollout?: Rollout;
}

export interface ModelList {
  items: ModelRow[];
  next?: string;
}

export interface ModelHistory {
  version: number;
  digest: string;
  outcome: string;
  evidence: Gate[];
  reason?: string;
  time?: Time;
  to?: number;
}

export interface Model {
  name: string;
  phase: string;
  versions: ModelVersion[];
  model: string;
  history: ModelHistory[];
  conditions: Condition[];
  reason?: string;
  message?: string;
  rollout?: Rollout;
  url?: string;
}

export interface Artifact {
  digest: string;
  folder: boolean;
  bytes: number;
  fileCount: number;
  files: {
    path: string;
    bytes: number;
  }[];
  type?: string;
  producer?: {
    run: string;
    step: string;
    output?: string;
  };
  schema?: Value;
  sample?: SampledRows;
  statistics?: Value;
  metrics?: Value;
  report?: string; // the path of a page
}

export interface SampledRows {
  columns: string[];
  moreColumns: number; // that the dataset has besides
  rows: Value[][];
  places: number[]; // of the rows in the dataset, from 0
  cut: [number, number, number][]; // values that are not whole: row and column here, and the length in bytes or elements
}

export interface LineageNode {
  id: string;
  kind: 'file' | 'artifact' | 'step' | 'model' | 'deployment' | 'request';
  label: string;
  run?: string;
  step?: string;
  component?: string;
  pipeline?: string;
  started?: Time;
  digest?: string;
  uri?: string;
  type?: string;
  bytes?: number;
  version?: number;
  weight?: string;
}

export interface Lineage {
  nodes: LineageNode[];
  edges: [string, string][];
  cut: boolean; // there is more than was asked for
}

export interface StartRun {
  pipeline: string;
  parameters?: Record<string, Value>;
  name?: string;
}

export interface RerunRun {
  parameters?: Record<string, Value>;
  from?: string[]; // these steps and all after them run anew; none: what failed
}

export interface ApproveStep {
  step: string;
  approved: boolean;
  comment?: string;
  values?: Record<string, Value>;
}

export interface ApproveModel {
  approved: boolean;
  comment?: string;
  version?: number; // that was looked at: refused where another waits now
  step?: number;
}

export interface CollectStore {
  dryRun?: boolean;
  takeOver?: boolean; // also what another cluster has marked as its own
}

export interface StoreJob {
  id: number;
  job: 'du' | 'gc' | 'verify';
  state: 'running' | 'done' | 'failed';
  started: Time;
  finished?: Time;
  error?: string;
  report?: Record<string, Value>;
}

export interface Nothing {}

export interface Steered {
  name: string;
  word: string;
}
