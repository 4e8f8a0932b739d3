/** `orrery explain`: the story of one order of a run. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Argv } from 'yargs';
import { RerunFailed, rerun } from '../../lab/experiment/replay.ts';
import { RECORD_FILE, type RunRecord, readRun } from '../../lab/experiment/results-record.ts';
import { eventRows } from '../../lab/report/event-rows.ts';
import { span, wrap } from '../../lab/report/format.ts';
import { stringify } from '../../lab/report/json.ts';
import { factsOf } from '../../lab/report/order-facts.ts';
import { type FoundOrder, findOrder, interestingOrders } from '../../lab/report/order-index.ts';
import { type Chapter, storyOfOrder } from '../../lab/report/order-story.ts';
import { quoted } from '../arguments.ts';
import type { Command, Context } from '../command.ts';
import { CommandError, EXIT } from '../errors.ts';
import { interruptible } from '../interrupt.ts';
import { ProgressLine } from '../progress-line.ts';
import type { Terminal } from '../terminal.ts';
import { otherVersions } from './replay.ts';

export const explain: Command = {
  usage: 'explain [order]',
  about: "Tell one order's story: bids, lease, payments, end",
  build: (yargs: Argv): Argv =>
    yargs
      .positional('order', { type: 'string', describe: 'an order, its beginning or end, or kind:n; none: a list' })
      .option('in', {
        type: 'string',
        requiresArg: true,
        describe: 'results directory (default: the newest in results/)',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON for machines' })
      .example('npx orrery explain --in results/spot-market-1', 'orders worth a look')
      .example('npx orrery explain broken:1', 'the first whose lease was broken')
      .example('npx orrery explain web-3/2', "the third deployment of tenant web-3's"),
  run: async (options, context) => {
    const folder = options.in === undefined ? newestResults() : String(options.in);
    const record = readRun(folder);
    const wanted = options.order === undefined ? null : String(options.order);
    return withEvents(context, folder, record, events => {
      if (wanted === null) return list(context.terminal, folder, events, options.json === true);
      return tell(context.terminal, folder, record, events, wanted, options.json === true);
    });
  },
};

/** The newest results directory of a single run in results/. */
function newestResults(): string {
  const folders = existsSync('results') ? readdirSync('results').map(name => join('results', name)) : [];
  const dated = folders
    .filter(folder => existsSync(join(folder, 'series.csv')) && existsSync(join(folder, RECORD_FILE)))
    .map(folder => ({ folder, time: statSync(join(folder, RECORD_FILE)).mtimeMs }))
    .sort((a, b) => b.time - a.time);
  if (dated[0] === undefined) {
    throw new CommandError('--in: found no results in results/, expected a results directory; `orrery run` makes one');
  }
  return dated[0].folder;
}

/**
 * Calls back with the run's events.csv: the one in its folder, or, where the scenario did not ask for it, one that the
 * same run writes again, which is checked to be the same run.
 */
async function withEvents(
  context: Context,
  folder: string,
  record: RunRecord,
  use: (events: string) => number,
): Promise<number> {
  const kept = join(folder, 'events.csv');
  if (existsSync(kept)) return use(kept);
  if (record.world === 'live')
    throw new CommandError(
      `${folder}: found no events.csv, expected one: a live run cannot be made again; run it anew with ` +
        "--set 'observe.files=[events]'",
    );
  const temporary = mkdtempSync(join(tmpdir(), 'orrery-explain-'));
  try {
    const events = join(temporary, 'events.csv');
    await runAgain(context, folder, record, events);
    return use(events);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function runAgain(context: Context, folder: string, record: RunRecord, events: string): Promise<void> {
  const { terminal } = context;
  const { dim } = terminal.colours;
  terminal.err(
    `${dim(`${folder} has no events.csv; running it again to see them (${span(record.wallSeconds)} then)`)}\n`,
  );
  await interruptible(async signal => {
    const progress = new ProgressLine(terminal, 1);
    try {
      const [result] = await rerun(
        [record],
        null,
        { kind: 'events', file: events },
        {
          signal,
          runner: context.runner ?? undefined,
          onProgress: message => progress.update(message),
        },
      );
      if (result!.traceHash === record.traceHash) return;
      const text = `${folder}: found trace ${result!.traceHash} when it was run again, expected ${record.traceHash}`;
      throw new CommandError(
        `${text}; its story would be another one. ${otherVersions(record)}`.trimEnd(),
        EXIT.failed,
      );
    } catch (error) {
      throw error instanceof RerunFailed ? new CommandError(error.message, EXIT.failed) : error;
    } finally {
      progress.end();
    }
  });
}

function list(terminal: Terminal, folder: string, events: string, json: boolean): number {
  const orders = interestingOrders(eventRows(events));
  if (json) {
    terminal.out(`${stringify({ orders }, 2)}\n`);
    return EXIT.ok;
  }
  if (orders.length === 0) {
    terminal.out('No order came to an end in this run.\n');
    return EXIT.ok;
  }
  const { bold } = terminal.colours;
  const rows = orders.map(
    ({ name, about }) => `  ${bold(name)}\n${wrap(`      ${about}`, terminal.width, '      ')}\n`,
  );
  const pick = orders[0]!.pick;
  terminal.out(
    `Orders worth a look:\n\n${rows.join('')}\nThe story of one of them, by its name or by what became of it:\n` +
      `  npx orrery explain ${quoted(orders[0]!.name)} --in ${quoted(folder)}\n` +
      `  npx orrery explain ${pick} --in ${quoted(folder)}\n`,
  );
  return EXIT.ok;
}

function tell(
  terminal: Terminal,
  folder: string,
  record: RunRecord,
  events: string,
  wanted: string,
  json: boolean,
): number {
  const order = orderMeant(events, wanted, folder);
  const facts = factsOf(eventRows(events), order);
  const story = storyOfOrder(facts, { rule: String(record.params.matchingRule), end: record.seconds });
  if (json) {
    const rows = facts.rows.map(row => ({ ...row, details: JSON.parse(row.details) as unknown }));
    terminal.out(`${stringify({ ...order, story, events: rows }, 2)}\n`);
    return EXIT.ok;
  }
  const { bold, dim } = terminal.colours;
  const clock = record.world === 'live' ? 'times are of its chain' : 'times are simulated';
  const about = `of ${record.name}, seed ${record.seed}; ${clock}, day 0 is the first`;
  terminal.out(`${bold(`Order ${order.name}`)}\n${dim(`${order.id}\n${about}`)}\n`);
  for (const chapter of story) terminal.out(chapterText(terminal, chapter));
  return EXIT.ok;
}

function chapterText(terminal: Terminal, { title, lines }: Chapter): string {
  const body = lines.map(line => `${wrap(`  ${line}`, terminal.width, '      ')}\n`);
  return `\n${terminal.colours.bold(title)}\n${body.join('')}`;
}

function orderMeant(events: string, wanted: string, folder: string): FoundOrder {
  const { found, candidates, more } = findOrder(eventRows(events), wanted);
  if (found !== null) return found;
  if (candidates.length > 0) {
    const names = candidates.map(one => `\n  ${one.name}`).join('');
    throw new CommandError(`${wanted}: found several orders, expected one of:${names}${more ? '\n  ...' : ''}`);
  }
  throw new CommandError(
    `${wanted}: found no such order in ${folder}, expected an order such as \`orrery explain --in ${folder}\` lists`,
  );
}
