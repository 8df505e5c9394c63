// Why a run or a step stands as it does: the step, the cause, and the reason as a label.
import { causeOf, withoutStep, type Told } from './cause';
import { Name } from './pieces';
import { shown } from './shown';

interface Props {
  row: Told;
  whole?: boolean; // where there is room for all that is said
  ofStep?: boolean; // the step is named beside it
}

export function Reason({ row, whole, ofStep }: Props) {
  const text = whole ? withoutStep(row) : causeOf(row);
  return (
    <span class="reason told" title={whole ? undefined : [row.reason, row.message].filter(Boolean).join(': ') || undefined}>
      <span class="cause">
        {row.step && !ofStep && (
          <b>
            <Name text={row.step} />
            {text && ':'}{' '}
          </b>
        )}
        {text && <span class="dim">{shown(text)}</span>}
      </span>{' '}
      {row.reason && <span class="reason-label mono">{shown(row.reason)}</span>}
    </span>
  );
}
