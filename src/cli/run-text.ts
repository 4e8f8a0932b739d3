/** What a person sees after a run: what ran, what came out, for whom it paid, and what to look at next. */
import type { RunResult } from '../lab/experiment/types.ts';
import {
  akash,
  akashCell,
  counted,
  grouped,
  percent,
  shortSpan,
  significant,
  span,
  wrap,
} from '../lab/report/format.ts';
import type { Scenario } from '../lab/scenario/types.ts';
import { quoted } from './arguments.ts';
import { rate } from './progress-line.ts';
import { tableText } from './table.ts';
import type { Terminal } from './terminal.ts';

export interface ShownRun {
  readonly scenario: Scenario;
  readonly result: RunResult;
  readonly wallSeconds: number;
  readonly folder: string;
  /** How the scenario is called on the command line. */
  readonly word: string;
  /** `path=value`, as `--set` gave them. */
  readonly overrides: readonly string[];
}

type Metrics = RunResult['summary'];

const LABEL = 12;

function line(label: string, text: string, width: number): string {
  const indent = ' '.repeat(LABEL + 2);
  return `  ${label.padEnd(LABEL)}${wrap(text, width - LABEL - 2, '').replaceAll('\n', `\n${indent}`)}\n`;
}

function metric(summary: Metrics, name: string): number {
  const value = summary[name];
  if (value === undefined) throw new Error(`the summary has no metric ${name}`);
  return Number(value);
}

/** Ends of orders as the summary names them, and as people do. */
const ENDS = [
  ['orders_matched', 'matched'],
  ['orders_expired', 'expired without an eligible bid'],
  ['orders_insufficient_funds', 'short of funds'],
  ['orders_tenant_closed', 'closed by the tenant'],
  ['orders_removed', 'removed'],
  ['orders_open', 'still open'],
] as const;

function ordersLine(summary: Metrics): string {
  const orders = metric(summary, 'orders');
  const ends = ENDS.map(([name, words]) => ({ words, count: metric(summary, name) })).filter(end => end.count > 0);
  const parts = ends.map(({ words, count }, i) => {
    const share = i === 0 && orders > 0 ? ` (${percent(count / orders)})` : '';
    return `${grouped(count)} ${words}${share}`;
  });
  return `${grouped(orders)} opened${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

function marketLines(summary: Metrics, width: number): string {
  const matched = metric(summary, 'orders_matched');
  const lines = [line('orders', ordersLine(summary), width)];
  if (matched > 0) {
    const share = percent(metric(summary, 'price_share'));
    const price = metric(summary, 'price_per_vcpu_h_uakt');
    const perCpu = price > 0 ? `${significant(price, 4)} uakt per vCPU-hour on average, ` : '';
    lines.push(line('price', `${perCpu}${share} of what tenants would have paid`, width));
    const bids = significant(metric(summary, 'bids_per_order'), 3);
    const wait = span(metric(summary, 'wait_mean_s'));
    const late = span(metric(summary, 'wait_p95_s'));
    lines.push(
      line('wait', `${wait} from order to lease on average, 95 % within ${late}; ${bids} bids an order`, width),
    );
  }
  lines.push(line('in use', `${percent(metric(summary, 'utilisation'))} of the scarcest resource, on average`, width));
  const broken = metric(summary, 'leases_broken');
  const forfeited = BigInt(summary.forfeited_uakt ?? 0);
  const lost = broken === 0 ? 'none broken' : `${grouped(broken)} broken by providers, who lost ${akash(forfeited)}`;
  lines.push(line('leases', `${grouped(metric(summary, 'leases'))} made, ${lost}`, width));
  const outages = outagesText(summary);
  if (outages !== null) lines.push(line('outages', outages, width));
  const unpaid = BigInt(summary.unpaid_uakt ?? 0);
  const owed = unpaid === 0n ? '' : `; ${akashCell(unpaid)} AKASH owed and never covered`;
  lines.push(line('paid', `${akashCell(BigInt(summary.paid_uakt ?? 0))} AKASH for leases${owed}`, width));
  return lines.join('');
}

/** For how long services were away, as it was and as the chain tells it; null: none ever was. */
function outagesText(summary: Metrics): string | null {
  const outages = metric(summary, 'outages');
  const gaps = metric(summary, 'lease_gaps');
  if (outages === 0 && gaps === 0) return null;
  const times = (count: number, name: string): string => {
    const most = span(metric(summary, `${name}_max_s`));
    return count === 1 ? most : `${span(metric(summary, `${name}_mean_s`))} on average and ${most} at most`;
  };
  const away = outages === 0 ? 'none' : `${grouped(outages)}, for ${times(outages, 'outage')}`;
  return gaps === 0 ? away : `${away}; ${times(gaps, 'lease_gap')} without a confirmation on the chain`;
}

/** How the run went as a run. */
function ranText({ result, wallSeconds }: ShownRun): string {
  const { world, seconds, events } = result;
  if (world === 'live') return `${span(seconds)} live; ${span(wallSeconds)} with start and end`;
  const speed = wallSeconds > 0 ? ` (${rate(events / wallSeconds)} events/s)` : '';
  return `${span(seconds)} simulated in ${span(wallSeconds)}, ${grouped(events)} events${speed}`;
}

/** What several validators came to, which a reader of a live run wants to see. */
function chainLine({ world, summary }: RunResult, width: number): string {
  if (world !== 'live' || summary.block_interval_mean_s === undefined) return '';
  const [mean, most] = [metric(summary, 'block_interval_mean_s'), metric(summary, 'block_interval_max_s')];
  const text = `${grouped(metric(summary, 'blocks'))} blocks, one in ${shortSpan(mean)}; the longest took ${shortSpan(most)}`;
  return line('chain', text, width);
}

const MAX_CLASSES_SHOWN = 20;
/** Longest name of a class that leaves room for eight numbers. */
const LONGEST_NAME = 11;

function classTable(terminal: Terminal, { classes }: RunResult): string {
  const right = 'right' as const;
  const columns = [
    { head: 'providers' },
    { head: 'number', align: right },
    { head: 'bids', align: right },
    { head: 'leases', align: right },
    { head: 'broken', align: right },
    { head: 'in use', align: right },
    { head: 'income', align: right },
    { head: 'cost', align: right },
    { head: 'profit', align: right },
  ];
  const rows = classes.slice(0, MAX_CLASSES_SHOWN).map(one => {
    const profit = one.income - one.cost - one.lost + one.outside;
    return [
      one.name.length > LONGEST_NAME ? `${one.name.slice(0, LONGEST_NAME - 1)}…` : one.name,
      compact(one.providers),
      compact(one.bids),
      compact(one.leases),
      compact(one.broken),
      percent(one.utilisation),
      amountCell(one.income),
      amountCell(one.cost),
      profit < 0n ? terminal.colours.red(amountCell(profit)) : amountCell(profit),
    ];
  });
  const more = classes.length - rows.length;
  const rest = more > 0 ? `  ... and ${counted(more, 'more class', 'more classes')}\n` : '';
  return `${tableText(terminal, columns, rows)}${rest}`;
}

/** A count in at most six characters. */
function compact(count: number): string {
  if (count < 100_000) return grouped(count);
  return count < 1e7 ? `${significant(count / 1e3, 4)}k` : `${significant(count / 1e6, 4)}M`;
}

/** AKASH in at most seven characters: tables have no room for every digit, providers.csv has them all. */
function amountCell(uakt: bigint): string {
  const value = Number(uakt) / 1e6;
  const size = Math.abs(value);
  if (size >= 1e7) return `${significant(value / 1e6, 4)}M`;
  if (size >= 1e5) return `${significant(value / 1e3, 4)}k`;
  return significant(value, size >= 1e3 ? 4 : 3);
}

export function expectationLines(terminal: Terminal, { expectations }: Pick<RunResult, 'expectations'>): string {
  const { green, red, dim } = terminal.colours;
  return expectations
    .map(({ text, holds, detail }) => {
      const mark = holds ? green('holds   ') : red('violated');
      const inset = ' '.repeat(11);
      const body = wrap(text, terminal.width - 11).replaceAll('\n', `\n${inset}`);
      const why =
        detail === '' ? '' : `\n${inset}${dim(wrap(detail, terminal.width - 11).replaceAll('\n', `\n${inset}`))}`;
      return `  ${mark} ${body}${why}\n`;
    })
    .join('');
}

/** What does not count of the beginning. Money does, and with it the leases that it is paid for. */
function warmupLine(warmup: number, width: number): string {
  if (warmup === 0) return '';
  const text = `the first ${span(warmup / 1e6)} are warm-up: orders, prices, waits and use count after it, leases and money from the start`;
  return `${wrap(`  ${text}`, width, '  ')}\n`;
}

/** The page for one run. */
export function runText(terminal: Terminal, shown: ShownRun): string {
  const { scenario, result, folder } = shown;
  const { bold, dim, cyan } = terminal.colours;
  const { width } = terminal;
  const world = result.world === 'live' ? ', live' : '';
  const parts = [
    `${bold(scenario.name)}${world}, seed ${result.seed}\n`,
    `${wrap(scenario.question, width)}\n\n`,
    `${wrap(`  ${ranText(shown)}`, width, '  ')}\n`,
    warmupLine(scenario.warmup, width),
    ...result.notes.map(note => `${wrap(`  ${note}`, width, '  ')}\n`),
    '\n',
    marketLines(result.summary, width),
    chainLine(result, width),
    '\n',
    classTable(terminal, result),
    `  ${dim('money in AKASH; profit also counts lost collateral and outside offers')}\n`,
  ];
  if (result.expectations.length > 0) parts.push(`\n${bold('Expectations')}\n`, expectationLines(terminal, result));
  parts.push(
    `\n${bold('Results')} are in ${cyan(folder)}\n`,
    '  picture.svg shows the run, columns.md explains the files.\n',
    nextText(shown),
  );
  return parts.join('');
}

/** What to do now. */
function nextText({ scenario, result, folder, word, overrides }: ShownRun): string {
  const explain = `  npx orrery explain --in ${quoted(folder)}\n`;
  if (result.world !== 'live') {
    const chance = `  npx orrery run ${quoted(word)} --seeds 1..10\n`;
    return `\nNext, follow one order from its bids to its end, or see what chance does:\n${explain}${chance}`;
  }
  const sets = overrides.map(set => ` --set ${quoted(set)}`).join('');
  const twin = `results/${scenario.name}-${result.seed}`;
  return (
    '\nNext, lay it beside its twin under a simulated clock, or follow one order:\n' +
    `  npx orrery run ${quoted(word)} --seed ${result.seed}${sets}\n` +
    `  npx orrery compare ${quoted(twin)} ${quoted(folder)}\n${explain}`
  );
}

const MAX_RUNS_SHOWN = 30;

/** The page for several runs of one folder: a line each, and their mean. */
export function runsText(terminal: Terminal, runs: readonly ShownRun[], folder: string): string {
  const { bold, cyan, dim, green, red } = terminal.colours;
  const right = 'right' as const;
  const severalScenarios = new Set(runs.map(run => run.scenario.name)).size > 1;
  const columns = [
    { head: severalScenarios ? 'run' : 'seed', align: severalScenarios ? ('left' as const) : right },
    { head: 'orders', align: right },
    { head: 'matched', align: right },
    { head: 'uakt/vCPU-h', align: right },
    { head: 'wait s', align: right },
    { head: 'in use', align: right },
    { head: 'broken', align: right },
    { head: 'expectations' },
  ];
  const rows = runs.slice(0, MAX_RUNS_SHOWN).map(({ scenario, result }) => {
    const violated = result.expectations.filter(one => !one.holds).length;
    const verdict =
      result.expectations.length === 0 ? dim('none') : violated === 0 ? green('hold') : red(`${violated} violated`);
    const name = `${scenario.name.slice(0, 16)} ${result.seed}`;
    return [severalScenarios ? name : String(result.seed), ...cells(result.summary), verdict];
  });
  const more = runs.length - rows.length;
  const lines = [tableText(terminal, columns, rows)];
  if (more > 0) lines.push(`  ... and ${counted(more, 'more run')} in summary.csv\n`);
  if (!severalScenarios && runs.length > 1) lines.push(meanLines(terminal, runs));
  return [
    ...(severalScenarios
      ? []
      : [`${bold(runs[0]!.scenario.name)}\n${wrap(runs[0]!.scenario.question, terminal.width)}\n\n`]),
    ...lines,
    `\n${bold('Results')} are in ${cyan(folder)}\n`,
    '  summary.csv has a row for each run, columns.md explains it, and each run has a\n  folder of its own.\n',
  ].join('');
}

function cells(summary: Metrics): string[] {
  return [
    compact(metric(summary, 'orders')),
    percent(metric(summary, 'match_share')),
    significant(metric(summary, 'price_per_vcpu_h_uakt'), 4),
    significant(metric(summary, 'wait_mean_s'), 3),
    percent(metric(summary, 'utilisation')),
    compact(metric(summary, 'leases_broken')),
  ];
}

/** Mean and standard deviation over seeds of what matters most. */
function meanLines(terminal: Terminal, runs: readonly ShownRun[]): string {
  const about = [
    ['match_share', 'matched', 100, ' %'],
    ['price_per_vcpu_h_uakt', 'price', 1, ' uakt per vCPU-hour'],
    ['wait_mean_s', 'wait', 1, ' seconds'],
    ['utilisation', 'in use', 100, ' %'],
  ] as const;
  const lines = about.map(([name, label, factor, unit]) => {
    const values = runs.map(run => metric(run.result.summary, name) * factor);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    const text = `${significant(mean, 4)}${unit} (standard deviation ${significant(Math.sqrt(variance), 2)})`;
    return line(label, text, terminal.width);
  });
  return `\n  mean over ${runs.length} runs\n${lines.join('')}`;
}
