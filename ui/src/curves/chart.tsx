// Curves by uPlot: steps of training across, values up. A series is a run or a metric.
import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';

import { numberText } from '../parts/shown';
import { dark } from '../shell/theme';
import { t } from '../words/words';

export interface Curve {
  label: string;
  points: readonly (readonly [number, number, ...unknown[]])[];
}

export interface Aligned {
  x: number[];
  values: (number | null)[][];
}

// On one axis, with nothing where a curve has no point.
export function aligned(curves: Curve[]): Aligned {
  const x = [...new Set(curves.flatMap((c) => c.points.map((p) => p[0])))].sort((a, b) => a - b);
  const at = new Map(x.map((value, n) => [value, n]));
  const values = curves.map((curve) => {
    const out: (number | null)[] = new Array(x.length).fill(null);
    for (const [step, value] of curve.points) {
      out[at.get(step)!] = Number.isFinite(value) ? value : null;
    }
    return out;
  });
  return { x, values };
}

const WIDE = 160;
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

type Plot = typeof uPlot;
let loaded: Plot | undefined;

// uPlot comes with the first curve that is looked at.
function useUplot(): Plot | undefined {
  const [plot, setPlot] = useState<{ of: Plot } | undefined>(loaded && { of: loaded });
  useEffect(() => {
    if (loaded) return;
    void import('uplot').then((module) => {
      loaded = module.default;
      setPlot({ of: loaded });
    });
  }, []);
  return plot?.of;
}

interface Props {
  title: string;
  curves: Curve[];
  log?: boolean;
}

export function Chart({ title, curves, log }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [at, setAt] = useState<number>();
  const { x, values } = aligned(curves);
  const Plot = useUplot();
  const shape = `${title}\n${curves.map((c) => c.label).join('\n')}\n${log}\n${dark.value}`;

  useEffect(() => {
    const box = element.current!;
    if (!Plot) return;
    const axis = {
      stroke: color('--dim'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { stroke: color('--line'), width: 1, size: 4 },
      font: '11px system-ui, sans-serif',
    };
    const made = new Plot(
      {
        width: box.clientWidth,
        height: WIDE,
        legend: { show: curves.length > 1 },
        hooks: { setCursor: [(u) => setAt(u.cursor.idx ?? undefined)] },
        cursor: { drag: { x: true, y: false } },
        scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
        axes: [
          { ...axis, size: 28 },
          {
            ...axis,
            size: 56,
            values: (_, ticks) => ticks.map((v) => (v === null ? '' : numberText(v))),
          },
        ],
        series: [
          { label: t('xAxis') },
          ...curves.map((curve, n) => ({
            label: curve.label,
            stroke: color(`--curve-${n % 6}`),
            dash: DASHES[Math.floor(n / 6) % DASHES.length],
            width: 1.5,
            spanGaps: true,
            value: (_: uPlot, v: number | null) => (v === null ? '' : numberText(v)),
          })),
        ],
      },
      [x, ...values] as uPlot.AlignedData,
      box,
    );
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: box.clientWidth, height: WIDE }),
    );
    observer.observe(box);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [shape, Plot]);

  useEffect(() => plot.current?.setData([x, ...values] as uPlot.AlignedData), [curves]);

  return (
    <figure class="chart">
      <figcaption class="mono">
        {title} {curves.length === 1 && <span class="dim">{valueAt(x, values[0]!, at)}</span>}
      </figcaption>
      <div ref={element} role="img" aria-label={described(title, curves)} />
    </figure>
  );
}

// Under the pointer, else the last.
function valueAt(x: number[], values: (number | null)[], at = x.length - 1): string {
  const value = values[at];
  return typeof value === 'number' ? `${numberText(value)} (${t('xAxis')} ${x[at]})` : '';
}

// What the picture says, for those who do not see it.
function described(title: string, curves: Curve[]): string {
  const lasts = curves.map((curve) => {
    const last = curve.points.at(-1);
    return `${curve.label}: ${last ? `${numberText(last[1])} (${t('xAxis')} ${last[0]})` : '-'}`;
  });
  return `${title}. ${lasts.join('; ')}`;
}
