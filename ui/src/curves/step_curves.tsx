// The metrics that a step writes while it runs, as curves.
import { useState } from 'preact/hooks';

import { inNamespace } from '../api/client';
import { useLive } from '../api/live';
import type { Metrics } from '../api/types';
import { Loading, Trouble } from '../parts/pieces';
import { shown } from '../parts/shown';
import { t } from '../words/words';
import { Chart } from './chart';

interface Props {
  namespace: string;
  run: string;
  step: string;
  attempt: string | undefined;
  item: string | undefined;
  moving: boolean;
}

export function StepCurves({ namespace, run, step, attempt, item, moving }: Props) {
  const url = inNamespace(namespace, ['runs', run, 'steps', step, 'metrics'], { attempt, item });
  const live = useLive<Metrics>(url, moving ? 2000 : 0);
  const [log, setLog] = useState(false);
  const series = live.data.value?.series;
  if (live.error.value?.status === 404)
    return <p class="dim">{shown(live.error.value.message)}</p>;
  if (live.error.value) return <Trouble error={live.error.value} retry={live.refresh} />;
  if (!series) return <Loading />;
  if (series.length === 0) return <p class="dim">{t('metricsNone')}</p>;
  return (
    <>
      <label class="check">
        <input type="checkbox" checked={log} onChange={(e) => setLog(e.currentTarget.checked)} />{' '}
        log
      </label>
      {series.map((one) => (
        <Chart
          key={one.name}
          title={shown(one.name)}
          log={log && one.points.every((p) => p[1] > 0)}
          curves={[{ label: shown(one.name), points: one.points }]}
        />
      ))}
    </>
  );
}
