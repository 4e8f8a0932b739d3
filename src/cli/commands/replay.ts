/**
 * `orrery replay`: makes a run again and checks that it comes out the same; with --diff, finds where two runs part. Of a
 * live run, which nobody can make again, it gives every actor what it was given, as far as that was recorded.
 */
import type { Argv } from 'yargs';
import { type Event, firstDifference, RerunFailed, rerun, windowOfDifference } from '../../lab/experiment/replay.ts';
import { type RunRecord, readRun } from '../../lab/experiment/results-record.ts';
import type { RunResult, TraceWindow } from '../../lab/experiment/types.ts';
import { engineOf, VERSION } from '../../lab/experiment/version-node.ts';
import { leadsToRecordings } from '../../lab/live/replay/recordings-at.ts';
import { grouped, wrap } from '../../lab/report/format.ts';
import { stringify } from '../../lab/report/json.ts';
import type { Command, Context } from '../command.ts';
import { CommandError, EXIT } from '../errors.ts';
import { interruptible } from '../interrupt.ts';
import { replayRecordings } from '../live/replay.ts';
import { ProgressLine } from '../progress-line.ts';

export const replay: Command = {
  usage: 'replay [paths..]',
  about: 'Make a run again and verify it, or find where two runs part',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('paths', {
        type: 'string',
        array: true,
        describe: 'a results directory of one run, or recordings of a live one',
      })
      .option('diff', { type: 'string', nargs: 2, array: true, describe: 'two results directories to compare' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON for machines' })
      .example('npx orrery replay results/spot-market-1', 'does it come out the same?')
      .example('npx orrery replay results/live-web-live', 'of a run with --record: each actor again')
      .example('npx orrery replay --diff results/a results/b', 'the first event in which they differ'),
  run: async (options, context) => {
    const { paths = [], diff } = options as { paths?: string[]; diff?: string[] };
    const json = options.json === true;
    if (diff !== undefined && paths.length === 0 && diff.length === 2) {
      return compare(context, diff[0]!, diff[1]!, json);
    }
    if (paths.length > 0 && diff === undefined) {
      if (paths.some(leadsToRecordings)) return replayRecordings(paths, json, context.terminal);
      if (paths.length === 1) return verify(context, paths[0]!, json);
    }
    throw new CommandError('replay: expected one results directory, recordings, or --diff and two results directories');
  },
};

/** Makes runs again under a progress line. */
function again(context: Context, records: readonly RunRecord[], window: TraceWindow | null): Promise<RunResult[]> {
  return interruptible(async signal => {
    const progress = new ProgressLine(context.terminal, records.length);
    try {
      return await rerun(
        records,
        window,
        { kind: 'none' },
        {
          signal,
          runner: context.runner ?? undefined,
          onProgress: message => progress.update(message),
        },
      );
    } catch (error) {
      throw error instanceof RerunFailed ? new CommandError(error.message, EXIT.failed) : error;
    } finally {
      progress.end();
    }
  });
}

/** What differs between the code and engine of a record and those that run now; empty when nothing does. */
export function otherVersions(record: RunRecord): string {
  const now = engineOf();
  const parts: string[] = [];
  if (record.version !== VERSION) parts.push(`orrery ${record.version}, this is ${VERSION}`);
  if (record.engine.node !== now.node) parts.push(`Node.js ${record.engine.node}, this is ${now.node}`);
  return parts.length === 0 ? '' : `It was made by ${parts.join(' and ')}.`;
}

/** What the directory of a run that can be made again says about itself. */
function readSimulated(folder: string): RunRecord {
  const record = readRun(folder);
  if (record.world === 'simulated') return record;
  throw new CommandError(
    `${folder}: found a live run without recordings, expected a simulated one, or one of \`orrery live --record\``,
  );
}

async function verify(context: Context, folder: string, json: boolean): Promise<number> {
  const { terminal } = context;
  const record = readSimulated(folder);
  const [result] = await again(context, [record], null);
  const same = result!.traceHash === record.traceHash;
  if (json) {
    const { traceHash, events } = result!;
    terminal.out(`${stringify({ same, recorded: record.traceHash, traceHash, events }, 2)}\n`);
    return same ? EXIT.ok : EXIT.failed;
  }
  const { green, red } = terminal.colours;
  if (same) {
    const what = `${record.name}, seed ${record.seed}: ${grouped(result!.events)} events, trace ${record.traceHash}`;
    terminal.out(`${green('the same')}: ${what}\n`);
    return EXIT.ok;
  }
  terminal.out(
    `${red('different')}: ${record.name}, seed ${record.seed}\n` +
      `  recorded  ${record.traceHash}, ${grouped(record.events)} events\n` +
      `  now       ${result!.traceHash}, ${grouped(result!.events)} events\n`,
  );
  const versions = otherVersions(record);
  terminal.out(
    `${wrap(versions === '' ? 'The code has changed since, or something outside has a part in the run.' : versions, terminal.width)}\n`,
  );
  return EXIT.failed;
}

/** Events shown before and after the first that differs. */
const NEIGHBOURS = 3;

async function compare(context: Context, left: string, right: string, json: boolean): Promise<number> {
  const { terminal } = context;
  const records = [readSimulated(left), readSimulated(right)] as const;
  const window = windowOfDifference(...records);
  if (window === null) {
    const { traceHash, events } = records[0];
    if (json) terminal.out(`${stringify({ identical: true, traceHash, events }, 2)}\n`);
    else terminal.out(`identical: ${grouped(events)} events, trace ${traceHash}\n`);
    return EXIT.ok;
  }
  const [one, other] = (await again(context, records, window)) as [RunResult, RunResult];
  requireReproduced(left, records[0], one);
  requireReproduced(right, records[1], other);
  const difference = firstDifference(one, other, NEIGHBOURS);
  if (difference === null) {
    throw new CommandError(
      'the hashes of the runs differ and their events read alike; please report this',
      EXIT.failed,
    );
  }
  if (json) {
    terminal.out(`${stringify({ identical: false, ...difference }, 2)}\n`);
    return EXIT.failed;
  }
  const { dim, red, green, bold } = terminal.colours;
  const show = (event: Event): string =>
    wrap(`${grouped(event.index).padStart(12)}  ${shortened(event.text)}`, terminal.width, ' '.repeat(14));
  const side = (events: readonly Event[], colour: (text: string) => string): string =>
    events.length === 0
      ? `${' '.repeat(14)}${colour('the run has ended')}\n`
      : events.map((event, i) => `${i === 0 ? colour(show(event)) : dim(show(event))}\n`).join('');
  terminal.out(
    `The runs part at event ${bold(grouped(difference.index))}.\n\nBoth, before:\n` +
      `${difference.before.map(event => `${dim(show(event))}\n`).join('')}` +
      `\n${left}:\n${side(difference.left, green)}\n${right}:\n${side(difference.right, red)}`,
  );
  return EXIT.failed;
}

/** Longest description that is shown, characters; --json has all of it. */
const MAX_TEXT = 400;

function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 3)}...` : text;
}

function requireReproduced(folder: string, record: RunRecord, result: RunResult): void {
  if (result.traceHash === record.traceHash) return;
  const versions = otherVersions(record);
  throw new CommandError(
    `${folder}: found trace ${result.traceHash} when it was made again, expected ${record.traceHash}. ${versions}`.trimEnd(),
    EXIT.failed,
  );
}
