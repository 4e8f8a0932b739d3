/** `orrery run`: runs scenarios, writes their results, prints what came out. */
import { join } from 'node:path';
import type { Argv } from 'yargs';
import {
  type FinishedGroup,
  type PlannedGroup,
  type PlannedRun,
  runGroups,
} from '../../lab/experiment/results-batch.ts';
import { type Loaded, loadFromDisk } from '../../lab/experiment/results-source.ts';
import type { JobFailure } from '../../lab/experiment/worker-job.ts';
import { counted } from '../../lab/report/format.ts';
import { InvalidScenario, type ScenarioError } from '../../lab/scenario/problem.ts';
import { MAX_RUNS, quoted, readSeed, readSeeds, readWorkers } from '../arguments.ts';
import type { Command, Context } from '../command.ts';
import { CommandError, EXIT } from '../errors.ts';
import { scenarioPath, scenarioWord } from '../gallery.ts';
import { interruptible } from '../interrupt.ts';
import { ProgressLine } from '../progress-line.ts';
import { printRuns } from '../run-output.ts';

interface RunOptions {
  readonly scenarios: readonly string[];
  readonly seed?: string;
  readonly seeds?: string;
  readonly set: readonly string[];
  readonly workers?: string;
  readonly out?: string;
  readonly json: boolean;
}

export const run: Command = {
  usage: 'run <scenarios..>',
  about: 'Run scenarios and write their results',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('scenarios', { type: 'string', array: true, describe: 'scenario files, or names of the gallery' })
      .option('seed', { type: 'string', requiresArg: true, describe: 'seed of all chance (default 1)' })
      .option('seeds', { type: 'string', requiresArg: true, describe: 'a range of seeds, A..B', conflicts: 'seed' })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        defaultDescription: 'none',
        describe: 'change a value of the scenario: path=value (may be repeated)',
      })
      .option('workers', { type: 'string', requiresArg: true, describe: 'runs at a time (default: one per processor)' })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: 'results directory (default: results/<name>-<seed>)',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON for machines' })
      .example('npx orrery run spot-market', 'a scenario of the gallery')
      .example('npx orrery run my.yaml --seeds 1..20', 'the same with twenty seeds')
      .example('npx orrery run my.yaml --set horizon=2d', 'with a value changed'),
  run: (options, context) => runCommand(options as unknown as RunOptions, context),
};

async function runCommand(options: RunOptions, context: Context): Promise<number> {
  const seeds = options.seeds === undefined ? [readSeed(options.seed ?? '1')] : readSeeds(options.seeds);
  const workers = readWorkers(options.workers);
  const groups = plan(loadAll(options.scenarios, options.set), seeds, options.out);
  const total = groups.reduce((sum, group) => sum + group.runs.length, 0);
  if (total > MAX_RUNS) throw new CommandError(`found ${counted(total, 'run')}, expected at most ${MAX_RUNS}`);
  const finished = await interruptible(async signal => {
    const progress = new ProgressLine(context.terminal, total);
    try {
      return await runGroups(groups, {
        workers,
        signal,
        runner: context.runner ?? undefined,
        onProgress: message => progress.update(message),
        onRun: (index, outcome) => progress.finish(index, outcome.ok ? outcome.result.events : null),
      });
    } finally {
      progress.end();
    }
  });
  printRuns(context.terminal, finished, options.json);
  for (const { failure, run } of failures(finished)) reportFailure(context, run, failure);
  return exitCode(finished);
}

/** Loads all scenarios; everything that is wrong with any of them is said at once. */
function loadAll(words: readonly string[], overrides: readonly string[]): Loaded[] {
  const errors: ScenarioError[] = [];
  const loaded: Loaded[] = [];
  for (const path of words.map(scenarioPath)) {
    try {
      loaded.push(loadFromDisk(path, overrides));
    } catch (error) {
      if (!(error instanceof InvalidScenario)) throw error;
      errors.push(...error.errors);
    }
  }
  if (errors.length > 0) throw new InvalidScenario(errors);
  return loaded;
}

/** One folder for each scenario, or, where `--out` names it, one for all. */
function plan(loaded: readonly Loaded[], seeds: readonly number[], out: string | undefined): PlannedGroup[] {
  const runsOf = (one: Loaded): PlannedRun[] =>
    seeds.map(seed => ({ loaded: one, seed, command: replayCommand(one, seed) }));
  if (out !== undefined) return [{ folder: out, runs: loaded.flatMap(runsOf) }];
  const range = seeds.length === 1 ? String(seeds[0]) : `${seeds[0]}..${seeds.at(-1)}`;
  return loaded.map(one => ({ folder: join('results', `${one.scenario.name}-${range}`), runs: runsOf(one) }));
}

/** The command that makes a run again. */
export function replayCommand({ source }: Pick<Loaded, 'source'>, seed: number): string {
  const sets = source.overrides.map(override => ` --set ${quoted(override)}`).join('');
  return `npx orrery run ${quoted(scenarioWord(source.path))} --seed ${seed}${sets}`;
}

function failures(groups: readonly FinishedGroup[]): { run: PlannedRun; failure: JobFailure }[] {
  return groups.flatMap(group =>
    group.runs.flatMap(({ run, outcome }) => (outcome.ok ? [] : [{ run, failure: outcome.failure }])),
  );
}

/** Lines of a stack that help to find the place. */
const STACK_LINES = 8;

function reportFailure({ terminal }: Context, run: PlannedRun, failure: JobFailure): void {
  const { red, dim } = terminal.colours;
  const { name } = run.loaded.scenario;
  const what = failure.kind === 'crash' ? 'the worker died' : 'the run failed';
  const places = failure.stack.split('\n').filter(line => line.trimStart().startsWith('at '));
  const stack = places.slice(0, STACK_LINES).map(line => `${dim(line)}\n`);
  terminal.err(
    `${red('error')}: ${name}, seed ${run.seed}: ${what}: ${failure.message}\n${stack.join('')}` +
      `  To see it again, exactly: ${run.command}\n`,
  );
}

function exitCode(groups: readonly FinishedGroup[]): number {
  const good = groups.every(group =>
    group.runs.every(({ outcome }) => outcome.ok && outcome.result.expectations.every(one => one.holds)),
  );
  return good ? EXIT.ok : EXIT.failed;
}
