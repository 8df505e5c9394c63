import './dom';

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pieces, plain } from '../../src/log/ansi';
import { LogBuffer } from '../../src/log/log_buffer';
import { measure } from '../../src/models/rollout';
import { causeOf, withoutStep } from '../../src/parts/cause';
import {
  approveLine,
  backfillLine,
  lineageLine,
  quoted,
  rerunLine,
  runApprovedLine,
  runLine,
} from '../../src/parts/cli';
import { bytes, ends, numberText, shown, valueText } from '../../src/parts/shown';
import { duration } from '../../src/parts/time';
import { calendar } from '../../src/pipelines/backfill';
import { byLooks, read } from '../../src/pipelines/parameter_values';
import { phasesOf } from '../../src/run/timeline_phases';
import { tick } from '../../src/run/timeline';
import { href, parse } from '../../src/shell/route';
import { en } from '../../src/words/en';
import { ko } from '../../src/words/ko';

const utf8 = (text: string) => new TextEncoder().encode(text);
const place = { namespace: 'ml', local: false };

test('both languages have the same words, with the same places for values', () => {
  assert.deepEqual(Object.keys(ko).sort(), Object.keys(en).sort());
  const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();
  for (const word of Object.keys(en) as (keyof typeof en)[]) {
    assert.deepEqual(places(ko[word]), places(en[word]), word);
  }
});

test('a word that a shell would read otherwise is quoted', () => {
  assert.equal(quoted('flights-7'), 'flights-7');
  assert.equal(quoted("it's $HOME"), `'it'\\''s $HOME'`);
  assert.equal(quoted(''), "''");
  assert.equal(quoted('--x\n'), "'--x\n'");
});

test('command lines are those of penstock', () => {
  assert.equal(
    runLine(place, 'flights', { rounds: 5, names: ['a b'], text: 'x y' }),
    `penstock run flights -p rounds=5 -p 'names=["a b"]' -p 'text=x y' -n ml`,
  );
  const local = { ...place, local: true, flags: '--state /tmp/x' };
  assert.equal(runLine(local, 'flights', {}), 'penstock run flights.yaml --state /tmp/x');
  assert.equal(
    runApprovedLine(local, 'flights', 'go', { approved: true, values: { share: 5 } }),
    'penstock run flights.yaml --approve go=share=5 --state /tmp/x',
  );
  assert.equal(
    approveLine(place, 'r', 's', { approved: false, comment: 'not on a Friday' }),
    "penstock approve r s --reject --comment 'not on a Friday' -n ml",
  );
  assert.equal(rerunLine(place, 'r-1', [], {}), 'penstock rerun r-1 -n ml');
  assert.equal(
    rerunLine(local, 'r-1', ['a b'], { n: 5 }),
    "penstock rerun r-1 --from 'a b' -p n=5 --state /tmp/x",
  );
  const choice = {
    from: '2026-11-01',
    to: '2026-11-03',
    reprocess: 'failed',
    atOnce: 2,
    parameters: {},
  };
  assert.equal(
    backfillLine(place, 'p', choice),
    'penstock backfill p --from 2026-11-01 --to 2026-11-03 --every 24h --reprocess failed --max-active 2 -n ml',
  );
});

test('the command of a lineage goes the ways that are shown', () => {
  assert.equal(lineageLine(place, 'm', 'up'), 'penstock lineage m -n ml');
  assert.equal(lineageLine(place, 'm', 'both'), 'penstock lineage m --direction both -n ml');
  assert.equal(lineageLine(place, 'm', 'down'), 'penstock lineage m --direction down -n ml');
});

const NO_RETRY = "; it is not tried again (no retry left of 0 for the step's own failure)";
const failed = (message: string) => ({ step: 'ingest', reason: 'ExitCode', message });
const exited = (words: string) =>
  failed(
    `step ingest (ExitCode): exit code 1: penstock-components exited with code 1; its last words: "${words}"${NO_RETRY}`,
  );

test('the cause of a failure is the last that is said, without the step, the code and the retries', () => {
  const inFile = 'ingest: file:///tmp/bad.csv: CSV line 3: Expected 2 columns, got 3';
  assert.equal(causeOf(exited(inFile)), 'CSV line 3: Expected 2 columns, got 3');
  assert.equal(causeOf(exited('ingest: /data/gone.csv: no such file')), '/data/gone.csv: no such file');
  assert.equal(causeOf(exited(`Traceback "x"; KeyError: 'price'`)), `Traceback "x"; KeyError: 'price'`);
  const other = { ...exited('no room'), message: `${exited('no room').message}; 1 more failed` };
  assert.equal(causeOf(other), 'no room; 1 more failed');
});

test('what is said otherwise of a failure is the cause as it is, with long paths cut', () => {
  assert.equal(causeOf({ reason: 'Interrupted', message: 'the process ended' }), 'the process ended');
  assert.equal(causeOf({}), '');
  const missing = "output 'report' was not written to";
  const path = '/state/pods/default/a-1/volumes/work/outputs/report';
  assert.equal(causeOf(failed(`exit code 0: ${missing} ${path}${NO_RETRY}`)), `${missing} …/report`);
  const whole = exited('why');
  assert.ok(withoutStep(whole).startsWith('exit code 1: penstock-components'));
});

test('a long name keeps its end, from its last hyphen if that is near', () => {
  assert.deepEqual(ends('houses-e901c5d0be-2'), ['houses-e901c5d0be', '-2']);
  assert.deepEqual(ends('houses-e901c5d0be-12345'), ['houses-e901c5d0be-', '12345']);
  assert.deepEqual(ends('flights-42'), ['flights-42', '']);
  assert.deepEqual(ends('한국어한국어한국어한국🚰🚰🚰🚰'), ['한국어한국어한국어한', '국🚰🚰🚰🚰']);
});

test('an address holds any name, and gives it back', () => {
  for (const name of ['a/b?c#d', '../..', '%2f', 'ü 한', '%']) {
    const { parts, query } = parse(href(['ml', 'runs', name], { step: name }));
    assert.deepEqual(parts, ['ml', 'runs', name]);
    assert.equal(query.get('step'), name);
  }
  assert.deepEqual(parse('#/a/%E0%A4%A').parts, ['a', '%E0%A4%A']);
});

test('what cannot be seen is shown as what it is', () => {
  assert.equal(shown('invoice\u202efdp\u0007\u200b'), 'invoice\\u{202e}fdp\\u{7}\\u{200b}');
  // An Arabic letter mark turns a line round too; a soft hyphen and a line separator are not seen.
  assert.equal(shown('a\u061c\u00ad\u2028'), 'a\\u{61c}\\u{ad}\\u{2028}');
  assert.equal(valueText({ a: ['\u202e'] }), '{"a":["\\u{202e}"]}');
  assert.equal(shown('line\nline\tü 한 🚰'), 'line\nline\tü 한 🚰');
});

test('sizes, numbers and durations are short', () => {
  assert.deepEqual([bytes(0), bytes(1536), bytes(48_211_934)], ['0 B', '1.5 KiB', '46 MiB']);
  assert.deepEqual([336776, 0.913412, 1e-7, 12.5].map(numberText), [
    '336,776',
    '0.91341',
    '1.000e-7',
    '12.5',
  ]);
  assert.deepEqual([400, 12_900, 185_000, 7_620_000, 273_600_000].map(duration), [
    '0.4s',
    '12s',
    '3m 05s',
    '2h 07m',
    '3d 4h',
  ]);
});

test('colours of a log become pieces, and nothing becomes a link', () => {
  assert.deepEqual(pieces('\x1b[1;31merror\x1b[0m at <b>'), [
    {
      text: 'error',
      color: 'ansi-red',
      background: undefined,
      bold: true,
      faint: undefined,
      italic: undefined,
      underline: undefined,
    },
    {
      text: ' at <b>',
      color: undefined,
      background: undefined,
      bold: undefined,
      faint: undefined,
      italic: undefined,
      underline: undefined,
    },
  ]);
  assert.equal(pieces('\x1b[38;5;208mx')[0]!.color, '255,135,0');
  assert.equal(plain('\x1b]8;;https://a.example\x07text\x1b]8;;\x07'), 'text');
});

test('a log that is cut anywhere gives the same lines', () => {
  const text = 'first\nzwei ü한\nprogress 1%\rprogress 2%\nlast without end';
  const whole = utf8(text);
  for (let size = 1; size < whole.length; size += 1) {
    const buffer = new LogBuffer();
    for (let at = 0; at < whole.length; at += size) {
      buffer.append(whole.subarray(at, at + size), at, whole.length, true);
    }
    assert.deepEqual(
      buffer.lines,
      ['first', 'zwei ü한', 'progress 2%', 'last without end'],
      `by ${size}`,
    );
  }
});

test('what came before the part that was asked first is put before it', () => {
  const text = Array.from({ length: 50 }, (_, n) => `line ${n}`).join('\n');
  const whole = utf8(text);
  for (const from of [1, 7, 100, 101, 102]) {
    const buffer = new LogBuffer();
    buffer.append(whole.subarray(from), from, whole.length, true);
    const held = buffer.lines.length;
    const added = buffer.prepend(whole.subarray(0, from), 0);
    assert.equal(buffer.lines.join('\n'), text, `from ${from}`);
    assert.equal(buffer.lines.length, held + added);
  }
});

test('a field is read by the type of its parameter', () => {
  assert.deepEqual(read({ name: 'n', type: 'integer', minimum: 1 }, '5'), { value: 5 });
  assert.equal(read({ name: 'n', type: 'integer' }, '5.5').error, 'n must be a whole number');
  assert.equal(read({ name: 'n', type: 'number', maximum: 1 }, '2').error, 'n must be at most 1');
  assert.equal(read({ name: 'n', type: 'number' }, 'abc').error, 'n must be a number');
  assert.deepEqual(read({ name: 'n', type: 'boolean' }, 'false'), { value: false });
  assert.deepEqual(read({ name: 'n', type: 'object' }, '{"a": [1]}'), { value: { a: [1] } });
  assert.equal(read({ name: 'n', type: 'object' }, '[1]').error, 'n must be JSON of type object');
  assert.equal(read({ name: 'n', type: 'string', pattern: '[a-z]+' }, 'A').error, 'n must match [a-z]+');
  assert.deepEqual(read({ name: 'n', type: 'string', pattern: '(?P<x>a)' }, 'a'), {
    value: 'a', // the pattern is RE2's, not ours
  });
  assert.deepEqual(read({ name: 'n', type: 'string', enum: [1, 'a'] }, '1'), { value: 1 });
});

test('a field left empty has no value, and is missing where there is no default', () => {
  assert.deepEqual(read({ name: 'n', type: 'integer', default: 3 }, ''), {});
  assert.deepEqual(read({ name: 'n', type: 'string', optional: true }, ''), {});
  assert.equal(read({ name: 'n', type: 'string' }, '').error, 'n is required');
});

test('values of lines are read by their looks', () => {
  assert.deepEqual(byLooks('share=5\nname=staging\nquoted="5"\nlist=[1]\n\n=x\nformula=a=b'), {
    share: 5,
    name: 'staging',
    quoted: '5',
    list: [1],
    formula: 'a=b',
  });
});

test('the stretches of a step end where the next begins', () => {
  const times = {
    queued: '2026-01-01T00:00:00Z',
    started: '2026-01-01T00:00:05Z',
    finished: '2026-01-01T00:00:09Z',
  };
  const lengths = phasesOf(times).map((p) => [p.kind, p.to! - p.from]);
  assert.deepEqual(lengths, [
    ['queue', 5000],
    ['runUnderWay', 4000],
  ]);
  assert.equal(phasesOf({ queued: times.queued })[0]!.to, undefined);
  assert.deepEqual(phasesOf(undefined), []);
});

test('a step that was over within a second is a stretch without length', () => {
  const at = '2026-11-30T00:00:00Z';
  const from = Date.parse(at);
  assert.deepEqual(phasesOf({ fetchStarted: at, started: at, uploadStarted: at, finished: at }), [
    { kind: 'runUnderWay', from, to: from },
  ]);
  assert.deepEqual(phasesOf({}), []);
});

test('the axis of times has at most as many marks as fit', () => {
  for (const whole of [50, 3000, 61_000, 3_600_000, 86_400_000 * 3, 86_400_000 * 4000]) {
    assert.ok(whole / tick(whole, 6) <= 6, `${whole}`);
  }
});

test('bounds of gates are compared in one unit', () => {
  assert.deepEqual(measure('at most 250ms'), { value: 0.25, unit: 's' });
  assert.deepEqual(measure('0.3%'), { value: 0.3, unit: '%' });
  assert.deepEqual(measure('at most 1.2 times'), { value: 1.2, unit: '' });
  assert.equal(measure(''), undefined);
});

test('a calendar begins its weeks on Monday and ends with the week of today', () => {
  const weeks = calendar(Date.parse('2026-11-30'), 2);
  assert.deepEqual(
    [weeks[0]![0], weeks[1]![0], weeks[1]![6]],
    ['2026-11-23', '2026-11-30', '2026-12-06'],
  );
});
