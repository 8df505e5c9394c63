// What the gateway answers under /api/v1, as the page names it: made of the API's own schemas
// (gateway.ts), and by hand what these leave open. Absent is not there, never null; times are
// RFC 3339 in UTC.
import type * as gateway from './gateway';

export type {
  Approval,
  Attempt,
  Comparison,
  Condition,
  Event as StepEvent,
  Gate,
  Grid,
  Lineage,
  LineageNode,
  Me,
  Model,
  ModelRow,
  ModelVersion,
  Parameter,
  Pipeline,
  PipelineRow,
  Rollout,
  RunRow,
  Step,
  StepCounts,
  StepRow,
  Times as StepTimes,
  Use,
} from './gateway';

export type Time = string;
export type Value = string | number | boolean | null | Value[] | { [name: string]: Value };

export interface List<T> {
  items: T[];
  next?: string;
}

export type GraphNode = gateway.Graph['nodes'][number];
export type Metrics = gateway.Series;
export type Series = Metrics['series'][number];

// Its steps are kept apart, as they change by themselves.
export type Run = Omit<gateway.Run, 'steps'>;

// Of docs/data.md: a dataset's columns, and what the component `statistics` says of them.
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

export interface Statistics {
  rows?: number;
  label?: string;
  columns: ColumnStatistics[];
  sample?: Value[][]; // by the columns
}

// `schema`, `statistics` and `metrics` are files of whoever made them: what is read is looked at.
export type Artifact = gateway.Artifact;
