// What the gateway answers under /api/v1. Absent is not there, never null; times are RFC 3339 in
// UTC.

export type Time = string;
export type Value = string | number | boolean | null | Value[] | { [name: string]: Value };

export interface List<T> {
  items: T[];
  next?: string;
}

export interface Me {
  user?: string;
  groups?: string[];
  mode: 'cluster' | 'local';
  version: string;
  namespaces: string[];
  may?: Record<string, string[]>;
}

export interface StepCounts {
  total: number;
  succeeded?: number;
  failed?: number;
  running?: number;
  cached?: number;
  skipped?: number;
}

export interface RunRow {
  namespace: string;
  name: string;
  uid?: string;
  pipeline?: string;
  phase: string;
  reason?: string;
  message?: string;
  step?: string;
  cause?: string;
  user?: string;
  created?: Time;
  started?: Time;
  finished?: Time;
  steps?: StepCounts;
  archived?: boolean;
  labels?: Record<string, string>;
}

export interface StepTimes {
  queued?: Time;
  fetchStarted?: Time;
  started?: Time;
  uploadStarted?: Time;
  finished?: Time;
}

export interface StepRow {
  name: string;
  phase: string;
  reason?: string;
  message?: string;
  component?: string;
  version?: string;
  image?: string;
  attempt?: number;
  attempts?: number;
  cached?: boolean;
  cachedFrom?: string; // the run that made it
  run?: string; // of a step that is a Pipeline
  times?: StepTimes;
  progress?: { done?: number; total?: number; left?: string };
  items?: { total: number; succeeded?: number; failed?: number; running?: number };
}

export interface GraphNode {
  name: string;
  kind?: string;
  parent?: string;
  items?: number;
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  time?: Time;
}

export interface Run extends RunRow {
  parameters?: Record<string, Value>;
  spec?: string;
  graph?: { nodes: GraphNode[]; edges: [string, string][] };
  stepRows: StepRow[];
  conditions?: Condition[];
  command?: string;
}

export interface Use {
  name: string;
  type?: string;
  digest?: string;
  uri?: string;
  bytes?: number;
  folder?: boolean;
  fromStep?: string;
}

export interface Attempt {
  attempt: number;
  pod?: string;
  node?: string;
  phase?: string;
  reason?: string;
  message?: string;
  exitCode?: number;
  started?: Time;
  finished?: Time;
  lastWords?: string;
}

export interface StepEvent {
  time: Time;
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
}

// What of an approval a person fills in.
export interface ApprovalForm {
  message?: string;
  need?: number;
  values?: Parameter[];
}

export interface Step extends Omit<StepRow, 'attempts'> {
  why?: string;
  command?: string[];
  attempts?: Attempt[];
  inputs?: Use[];
  outputs?: Use[];
  results?: Record<string, Value>;
  cacheMiss?: string;
  cacheKey?: string;
  events?: StepEvent[];
  resources?: Record<string, Value>;
  approval?: ApprovalForm;
}

export interface Parameter {
  name: string;
  type?: string;
  default?: Value;
  enum?: Value[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
  maxLength?: number;
  optional?: boolean;
  description?: string;
}

export interface Pipeline {
  name: string;
  namespace?: string;
  description?: string;
  schedules?: { name: string; cron: string; suspended?: boolean; timeZone?: string; next?: Time }[];
  suspended?: boolean;
  activeRuns?: number;
  nextRun?: Time;
  message?: string;
  lastRun?: { name: string; phase: string; finished?: Time };
  parameters?: Parameter[];
  approvals?: string[];
}

export interface Grid {
  steps: string[];
  runs: {
    name: string;
    phase: string;
    created?: Time;
    finished?: Time;
    cells: Record<string, string>;
  }[];
}

export interface Series {
  name: string;
  points: [number, number, (Time | number)?][];
}

export interface Comparison {
  runs: RunRow[];
  parameters: { name: string; values: (Value | undefined)[]; differs?: boolean }[];
  metrics: {
    step: string;
    name: string;
    values: (Value | undefined)[];
    higherIsBetter?: boolean;
    differs?: boolean;
  }[];
  inputs: { step: string; name: string; digests: (string | null)[]; differs?: boolean }[];
}

export interface Gate {
  name: string;
  interval?: [string, string]; // either may be empty: not known
  value?: string;
  bound?: string;
  samples?: number;
  verdict?: string;
  message?: string;
}

export interface ModelVersion {
  name: string;
  digest?: string;
  version?: number;
  role?: string;
  weight?: string;
  phase?: string;
  reason?: string;
  replicas?: number;
  readyReplicas?: number;
  run?: string;
  source?: string;
  created?: Time;
}

export interface Rollout {
  phase?: string;
  version?: number;
  step?: number;
  steps?: number;
  message?: string;
  gates?: Gate[];
}

export interface Model {
  namespace?: string;
  name: string;
  phase?: string;
  reason?: string;
  message?: string;
  versions?: ModelVersion[];
  rollout?: Rollout;
  url?: string;
  history?: {
    version: number;
    to?: number;
    outcome: string;
    reason?: string;
    evidence?: Gate[];
    time?: Time;
  }[];
  conditions?: Condition[];
}

export interface SchemaColumn {
  name: string;
  type: string;
  nullable?: boolean;
  role?: string;
  domain?: Value[] | { minimum?: Value; maximum?: Value };
  unit?: string;
}

export interface ColumnStatistics {
  name: string;
  type?: string;
  kind?: string;
  rows?: number;
  nulls?: number;
  distinct?: number;
  top?: { value: Value; count: number }[];
  numbers?: {
    mean?: number;
    deviation?: number;
    min?: number;
    max?: number;
    quantiles?: number[];
    histogram?: { low: number; high: number; count: number }[];
  };
}

export interface Artifact {
  digest: string;
  type?: string;
  bytes?: number;
  folder?: boolean;
  files?: { path: string; bytes: number }[];
  producer?: { namespace?: string; run: string; step?: string; output?: string };
  schema?: { columns: SchemaColumn[] };
  statistics?: { rows?: number; label?: string; columns: ColumnStatistics[] };
  sample?: { columns: (string | { name: string; type?: string })[]; rows: Value[][] };
  metrics?: { [name: string]: Value };
  report?: string; // the path of a page; empty: the artifact is the page
}

export interface Lineage {
  nodes: {
    id: string;
    kind: string;
    label: string;
    run?: string;
    step?: string;
    digest?: string;
    uri?: string;
  }[];
  edges: [string, string][];
  cut?: boolean; // there is more than was asked for
}
