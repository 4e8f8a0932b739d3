/** What `orrery live` does: cleans up, or runs a scenario and tells of it while it goes on. Loaded when it is wanted. */
import { join } from 'node:path';
import { UnusableFolder } from '../../lab/experiment/results-folder.ts';
import { loadFromDisk } from '../../lab/experiment/results-source.ts';
import { CannotRunLive, cleanLive, type FinishedLiveRun, liveRun } from '../../lab/live/run/live-run.ts';
import { MonitorViolation } from '../../lab/monitors/monitor.ts';
import { counted, wrap } from '../../lab/report/format.ts';
import { quoted, readSeed } from '../arguments.ts';
import type { Context } from '../command.ts';
import { CommandError, EXIT } from '../errors.ts';
import { scenarioPath, scenarioWord } from '../gallery.ts';
import { interruptible } from '../interrupt.ts';
import { printRuns } from '../run-output.ts';
import type { Terminal } from '../terminal.ts';
import { Teller } from './teller.ts';

export interface LiveCommandOptions {
  readonly scenario?: string;
  readonly seed: string;
  readonly set: readonly string[];
  readonly out?: string;
  readonly containers: 'docker' | 'none';
  readonly keep: boolean;
  readonly record: boolean;
  readonly clean: boolean;
  readonly json: boolean;
}

/** Runs the command; returns its exit code. */
export async function liveCommand(options: LiveCommandOptions, { terminal }: Context): Promise<number> {
  if (options.clean) await clean(terminal, options.json);
  if (options.scenario === undefined) {
    if (options.clean) return EXIT.ok;
    throw new CommandError('found no scenario, expected one, such as `orrery live live-web` (or --clean)');
  }
  const seed = readSeed(options.seed);
  const loaded = loadFromDisk(scenarioPath(options.scenario), options.set);
  const { scenario, source } = loaded;
  const folder = options.out ?? join('results', `${scenario.name}-live`);
  const told = new Teller(terminal, { scenario: scenario.name, horizon: scenario.horizon, quiet: options.json });
  try {
    const finished = await interruptible(signal =>
      liveRun({
        loaded,
        seed,
        folder,
        containers: options.containers,
        keep: options.keep,
        record: options.record,
        signal,
        onEvent: event => told.onEvent(event),
      }),
    );
    told.end();
    const command = `npx orrery live ${quoted(scenarioWord(source.path))} --seed ${seed}`;
    const { result, wallSeconds, peakMemoryBytes } = finished;
    const outcome = { ok: true as const, result, wallSeconds, peakMemoryBytes };
    if (!options.json) terminal.out(`\n${agreementText(terminal, finished)}\n`);
    printRuns(terminal, [{ folder, runs: [{ run: { loaded, seed, command }, folder, outcome }] }], options.json);
    const good = result.expectations.every(one => one.holds);
    return good || finished.cut ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (error instanceof CannotRunLive || error instanceof UnusableFolder) throw new CommandError(error.message);
    if (error instanceof MonitorViolation) {
      terminal.err(`${terminal.colours.red('error')}: a rule was broken: ${error.message}\n`);
      return EXIT.failed;
    }
    throw error;
  } finally {
    told.end();
  }
}

async function clean(terminal: Terminal, json: boolean): Promise<void> {
  const { runs, containers, images } = await cleanLive();
  if (json) {
    terminal.out(`${JSON.stringify({ runs, containers, images })}\n`);
    return;
  }
  const removed = `${counted(containers, 'container')}, ${counted(images, 'image')}`;
  terminal.out(`Removed what ${counted(runs, 'run')} left behind: ${removed}.\n`);
}

/** What held throughout, else the run would not have come to an end. */
function agreementText(terminal: Terminal, { heights, cut, result }: FinishedLiveRun): string {
  const list = [...heights]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, height]) => `${name} ${height}`)
    .join(', ');
  const lines = [
    ...(cut ? ['Ended before its time; what follows is about what there was of it.'] : []),
    ...(heights.size === 0
      ? ['It was over before any node had a block.']
      : [
          `Same block and same state at every height on all nodes: ${list}.`,
          `The rules of the market held in each of ${String(result.summary.blocks)} blocks.`,
        ]),
  ];
  return lines.map(line => wrap(line, terminal.width, '  ')).join('\n');
}
