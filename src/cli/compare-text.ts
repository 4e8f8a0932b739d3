/** Two runs side by side, for people: what differs first, and only as much of it as a screen holds. */
import { type Comparison, type MetricComparison, overridesApart, type RunIdentity } from '../lab/report/compare.ts';
import type { OrderComparison } from '../lab/report/compare-orders.ts';
import type { Distribution, PaymentComparison, TimeComparison } from '../lab/report/compare-times.ts';
import { counted, grouped, shortSpan, significant, span, wrap } from '../lab/report/format.ts';
import { tableText } from './table.ts';
import type { Terminal } from './terminal.ts';

/** Rows of a table; --json has more of them. */
const MAX_ROWS = 20;
/** Wrong amounts of a run that are told. */
const MAX_WRONG = 5;
/** Widest cells of names and of steps. */
const NAME = 32;
const ORDER = 16;
const STEP = 24;
const right = 'right' as const;

/** A text within so many characters, its middle left out. */
export function fitted(text: string, width: number): string {
  if (text.length <= width) return text;
  const kept = width - 2;
  const head = Math.ceil(kept / 2);
  return `${text.slice(0, head)}..${text.slice(text.length - (kept - head))}`;
}

/** A number within eleven characters; exact where it fits. */
export function numberCell(value: number | bigint | null | undefined): string {
  if (value === null || value === undefined) return '-';
  const text = typeof value === 'bigint' ? grouped(value) : significant(value, 5);
  return text.length <= 11 ? text : Number(value).toExponential(4).replace('e+', 'e');
}

function signed(value: number | bigint | null): string {
  return value !== null && value > 0 ? `+${numberCell(value)}` : numberCell(value);
}

/** A share as percent with its sign, without the unit. */
export function relativeCell(relative: number | null): string {
  if (relative === null) return '-';
  const percent = 100 * relative;
  if (Math.abs(percent) >= 100_000) return `${percent > 0 ? '+' : ''}${percent.toExponential(1).replace('e+', 'e')}`;
  const text = percent.toFixed(1);
  return text === '-0.0' || text === '0.0' ? '0.0' : `${percent > 0 ? '+' : ''}${text}`;
}

/** The whole page. */
export function compareText(terminal: Terminal, comparison: Comparison): string {
  const { yellow } = terminal.colours;
  const { a, b, warnings, metrics, orders, times, payments, verdicts, blocks, missing } = comparison;
  const sections = [
    identityText(terminal, 'A', a, b) + identityText(terminal, 'B', b, a) + traceText(terminal, a, b),
    warnings.map(one => `${wrap(`${yellow('warning')}: ${one}`, terminal.width, '  ')}\n`).join(''),
    metricsText(terminal, metrics),
    serviceText(terminal, metrics),
    orders === null ? '' : ordersText(terminal, orders),
    times === null ? '' : timesText(terminal, times),
    (payments === null ? '' : paymentsText(terminal, payments)) + verdictsText(terminal, verdicts),
    blocks === null ? '' : blocksText(terminal, blocks),
    missing.length === 0 ? '' : missingText(terminal, missing),
  ];
  return sections.filter(text => text !== '').join('\n');
}

function identityText({ colours, width }: Terminal, letter: string, one: RunIdentity, other: RunIdentity): string {
  const { folder, world, name, seed, seconds, version } = one;
  const lines = [
    `   ${name}, ${world}, seed ${seed}, ${span(seconds)}, orrery ${version}`,
    ...overridesApart(one, other).map(set => `   with ${set}`),
  ];
  return `${colours.bold(letter)}  ${folder}\n${lines.map(line => `${wrap(line, width, '     ')}\n`).join('')}`;
}

function traceText({ colours, width }: Terminal, a: RunIdentity, b: RunIdentity): string {
  if (a.world === 'live' || b.world === 'live') return '';
  const same = 'The same run, event by event.';
  const other = `Two different runs; the first event in which they part: npx orrery replay --diff ${a.folder} ${b.folder}`;
  return `${colours.dim(wrap(a.traceHash === b.traceHash ? same : other, width, '  '))}\n`;
}

/** Sums of fractions differ in their last digits by the order in which they were added. */
const ROUNDING = 1e-12;

/** Metrics of one validator, of which there are too many for a screen. */
const OF_ONE_VALIDATOR = /^validator_\d+_/;

/** Whether anything about a metric differs. */
function differs({ a, b, difference, relative }: MetricComparison): boolean {
  if (difference === null) return a !== b;
  if (typeof difference === 'bigint') return difference !== 0n;
  return difference !== 0 && (relative === null || Math.abs(relative) > ROUNDING);
}

function metricsText(terminal: Terminal, metrics: readonly MetricComparison[]): string {
  const { bold } = terminal.colours;
  const different = metrics.filter(differs);
  const head = `${bold('Metrics')}: ${different.length} of ${counted(metrics.length, 'metric')} differ\n`;
  if (different.length === 0) return head;
  const single = different.filter(one => OF_ONE_VALIDATOR.test(one.metric)).length;
  const rows = different
    .filter(one => !OF_ONE_VALIDATOR.test(one.metric))
    .map(({ metric, a, b, difference, relative }) => [
      fitted(metric, NAME),
      numberCell(a),
      numberCell(b),
      signed(difference),
      relativeCell(relative),
    ]);
  const columns = [
    { head: 'metric' },
    { head: 'A', align: right },
    { head: 'B', align: right },
    { head: 'B - A', align: right },
    { head: '%', align: right },
  ];
  const rest = single === 0 ? '' : `  ... and ${single} of single validators; --json has them\n`;
  return head + tableText(terminal, columns, rows) + rest;
}

/** For how long services were away, where any were. */
function serviceText(terminal: Terminal, metrics: readonly MetricComparison[]): string {
  const { bold, dim } = terminal.colours;
  const values = new Map(metrics.map(one => [one.metric, one]));
  const of = (letter: 'a' | 'b', name: string): number => Number(values.get(name)?.[letter] ?? 0);
  if ((['a', 'b'] as const).every(letter => of(letter, 'outages') + of(letter, 'lease_gaps') === 0)) return '';
  const rows = (['a', 'b'] as const).map(letter => [
    letter.toUpperCase(),
    grouped(of(letter, 'outages')),
    shortSpan(of(letter, 'outage_max_s')),
    grouped(of(letter, 'lease_gaps')),
    shortSpan(of(letter, 'lease_gap_max_s')),
  ]);
  const columns = [
    { head: '' },
    { head: 'outages', align: right },
    { head: 'longest', align: right },
    { head: 'gaps on the chain', align: right },
    { head: 'longest', align: right },
  ];
  const legend = wrap(
    '  outages: until all workloads ran again; gaps: from the last confirmation of a broken lease to the next one',
    terminal.width,
    '  ',
  );
  return `${bold('Time without service')}\n${tableText(terminal, columns, rows)}${dim(legend)}\n`;
}

function more(shown: number, all: number): string {
  return all > shown ? `  ... and ${grouped(all - shown)} more; --json has them\n` : '';
}

function ordersText(terminal: Terminal, orders: OrderComparison): string {
  const { both, alike, different, reordered, differences, onlyA, onlyB, leftOut } = orders;
  const { bold } = terminal.colours;
  const apart = different === 0 ? '' : `, ${different} differ (${reordered} in the order of their steps alone)`;
  const lines = [`${bold('What happened to orders')}: ${counted(both, 'order')} in both, ${alike} alike${apart}`];
  for (const [letter, { count, first }] of [['A', onlyA] as const, ['B', onlyB] as const]) {
    if (first !== null) lines.push(`  ${counted(count, 'order')} in ${letter} alone, first ${first}`);
  }
  if (leftOut > 0) lines.push(`  ${counted(leftOut, 'step')} beyond what is compared`);
  const head = lines.map(line => `${wrap(line, terminal.width, '  ')}\n`).join('');
  if (differences.length === 0) return head;
  const rows = differences
    .slice(0, MAX_ROWS)
    .map(({ order, step, a, b, reordered: moved }) => [
      fitted(order, ORDER),
      String(step),
      fitted(a ?? 'nothing more', STEP),
      fitted(b ?? 'nothing more', STEP) + (moved ? ' *' : ''),
    ]);
  const columns = [{ head: 'order' }, { head: 'step', align: right }, { head: 'A' }, { head: 'B' }];
  const legend = reordered > 0 ? '  * the same steps in another order\n' : '';
  return head + tableText(terminal, columns, rows) + more(rows.length, different) + legend;
}

function seconds(value: number | null): string {
  return value === null ? '-' : shortSpan(value);
}

function shiftText(value: number | null): string {
  if (value === null) return '-';
  return value < 0 ? `-${shortSpan(-value)}` : value > 0 ? `+${shortSpan(value)}` : '0s';
}

function timesText(terminal: Terminal, times: readonly TimeComparison[]): string {
  const { bold, dim } = terminal.colours;
  const rows = times.map(({ what, a, b, paired }) => [
    what,
    grouped(a.count),
    seconds(a.p50),
    seconds(a.p90),
    grouped(b.count),
    seconds(b.p50),
    seconds(b.p90),
    shiftText(paired.shift),
  ]);
  const columns = [
    { head: 'from - to' },
    { head: 'A', align: right },
    { head: 'p50', align: right },
    { head: 'p90', align: right },
    { head: 'B', align: right },
    { head: 'p50', align: right },
    { head: 'p90', align: right },
    { head: 'B - A', align: right },
  ];
  return (
    `${bold('Times')} of orders and leases\n${tableText(terminal, columns, rows)}` +
    `  ${dim('B - A: median over those that both runs have')}\n`
  );
}

function paymentsText(terminal: Terminal, payments: PaymentComparison): string {
  const { both, equal, totalA, totalB, differences, different } = payments;
  const { bold } = terminal.colours;
  const change = totalB - totalA;
  const total = `${grouped(totalA)} and ${grouped(totalB)} uakt (${change > 0n ? '+' : ''}${grouped(change)})`;
  const head = `${bold('Payments')}: ${counted(both, 'lease')} in both, ${equal} paid exactly the same; in all ${total}`;
  const text = `${wrap(head, terminal.width, '  ')}\n`;
  if (different === 0) return text;
  const rows = differences
    .slice(0, MAX_ROWS)
    .map(({ lease, a, b }) => [
      fitted(lease, ORDER),
      a === null ? '-' : grouped(a),
      b === null ? '-' : grouped(b),
      signed((b ?? 0n) - (a ?? 0n)),
    ]);
  const columns = [
    { head: 'lease' },
    { head: 'A uakt', align: right },
    { head: 'B uakt', align: right },
    { head: 'B - A', align: right },
  ];
  return text + tableText(terminal, columns, rows) + more(rows.length, different);
}

/** Whether what was paid is what the rules give. */
function verdictsText(terminal: Terminal, verdicts: Comparison['verdicts']): string {
  const { bold, red } = terminal.colours;
  const told = (['a', 'b'] as const).flatMap(letter => {
    const verdict = verdicts[letter];
    if (verdict === null) return [];
    const { payments, right: good, others, othersRight, wrong } = verdict;
    const text = `${grouped(good)} of ${counted(payments, 'payment')}, ${grouped(othersRight)} of ${grouped(others)} other amounts`;
    const lines = [`  ${letter.toUpperCase()}  ${good === payments && othersRight === others ? text : red(text)}\n`];
    for (const { height, about, what, found, expected } of wrong.slice(0, MAX_WRONG)) {
      const one = `height ${height}, ${fitted(about, ORDER)}: ${what}: ${grouped(found)} uakt, by the rules ${grouped(expected)}`;
      lines.push(`${wrap(`     ${one}`, terminal.width, '       ')}\n`);
    }
    return lines;
  });
  if (told.length === 0) return '';
  const head = `${bold('As the rules say')}, for the block times that each run had, to the micro-AKASH:\n`;
  const about = 'other amounts: collateral, forfeits, unpaid rests, escrow that returned';
  return `${head}${told.join('')}  ${terminal.colours.dim(about)}\n`;
}

function blocksText(terminal: Terminal, blocks: { readonly a: Distribution; readonly b: Distribution }): string {
  const { bold } = terminal.colours;
  const row = (letter: string, one: Distribution): string[] => [
    letter,
    grouped(one.count),
    seconds(one.p50),
    seconds(one.p90),
    seconds(one.max),
  ];
  const columns = [
    { head: '' },
    { head: 'intervals', align: right },
    { head: 'p50', align: right },
    { head: 'p90', align: right },
    { head: 'longest', align: right },
  ];
  return `${bold('Time between blocks')}\n${tableText(terminal, columns, [row('A', blocks.a), row('B', blocks.b)])}`;
}

function missingText({ colours, width }: Terminal, missing: readonly string[]): string {
  const files = [...new Set(missing.map(path => path.slice(path.lastIndexOf('/') + 1, -'.csv'.length)))];
  const set = `--set 'observe.files=[${files.join(', ')}]'`;
  const text = `Not compared, for want of ${missing.join(', ')}; run again with ${set}`;
  return `${colours.dim(wrap(text, width, '  '))}\n`;
}
