/** `orrery live`: the same scenario with real processes, TLS, disks and containers on this machine. */
import { join } from 'node:path';
import type { Argv } from 'yargs';
import { UnusableFolder } from '../../lab/experiment/results-folder.ts';
import { loadFromDisk } from '../../lab/experiment/results-source.ts';
import { ADDRESS_POLL_MS, AddressWatch } from '../../lab/live/run/address-watch.ts';
import type { LiveEvent } from '../../lab/live/run/launcher.ts';
import { CannotRunLive, cleanLive, type FinishedLiveRun, liveRun } from '../../lab/live/run/live-run.ts';
import { MonitorViolation } from '../../lab/monitors/monitor.ts';
import { counted } from '../../lab/report/format.ts';
import { quoted, readSeed } from '../arguments.ts';
import type { Command, Context } from '../command.ts';
import { CommandError, EXIT } from '../errors.ts';
import { scenarioPath, scenarioWord } from '../gallery.ts';
import { interruptible } from '../interrupt.ts';
import { printRuns } from '../run-output.ts';

interface LiveCommandOptions {
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

export const live: Command = {
  usage: 'live [scenario]',
  about: 'Run a scenario with real processes, TLS and containers',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('scenario', { type: 'string', describe: 'a scenario file, or a name of the gallery' })
      .option('seed', { type: 'string', requiresArg: true, default: '1', describe: 'seed of what is drawn' })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        defaultDescription: 'none',
        describe: 'change a value of the scenario: path=value (may be repeated)',
      })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: 'results directory (default: results/<name>-live)',
      })
      .option('containers', {
        choices: ['docker', 'none'] as const,
        default: 'docker',
        describe: 'what runs workloads; none: leases are kept and nothing runs',
      })
      .option('keep', { type: 'boolean', default: false, describe: 'leave the homes of participants for a look' })
      .option('record', {
        type: 'boolean',
        default: false,
        describe: 'record all that participants are given and do, for `orrery replay`',
      })
      .option('clean', { type: 'boolean', default: false, describe: 'remove what a run that was killed left behind' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON for machines' })
      .example('npx orrery live live-web', 'a web page from a container, on four validators')
      .example('npx orrery live live-web --set horizon=10m', 'for longer; Ctrl-C ends it in good order')
      .example('npx orrery live live-web --record', 'then: npx orrery replay results/live-web-live')
      .example('npx orrery live --clean', 'after a run that was killed'),
  run: (options, context) => liveCommand(options as unknown as LiveCommandOptions, context),
};

async function liveCommand(options: LiveCommandOptions, context: Context): Promise<number> {
  const { terminal } = context;
  if (options.clean) {
    const { runs, containers, images } = await cleanLive();
    terminal.out(
      options.json
        ? `${JSON.stringify({ runs, containers, images })}\n`
        : `Removed what ${counted(runs, 'run')} left behind: ${counted(containers, 'container')}, ${counted(images, 'image')}.\n`,
    );
    if (options.scenario === undefined) return EXIT.ok;
  }
  if (options.scenario === undefined)
    throw new CommandError('found no scenario, expected one, such as `orrery live live-web` (or --clean)');
  const seed = readSeed(options.seed);
  const loaded = loadFromDisk(scenarioPath(options.scenario), options.set);
  const folder = options.out ?? join('results', `${loaded.scenario.name}-live`);
  const told = new Teller(context, options.json);
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
    const command = `npx orrery live ${quoted(scenarioWord(loaded.source.path))} --seed ${seed}`;
    const { result, wallSeconds, peakMemoryBytes } = finished;
    const outcome = { ok: true as const, result, wallSeconds, peakMemoryBytes };
    printRuns(terminal, [{ folder, runs: [{ run: { loaded, seed, command }, folder, outcome }] }], options.json);
    if (!options.json) terminal.out(`\n${heightsText(finished)}\n`);
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

function heightsText({ heights, cut }: FinishedLiveRun): string {
  const list = [...heights].map(([name, height]) => `${name} ${height}`).join(', ');
  const all = `Same block and same state at every height on all nodes: ${list}.`;
  return cut ? `Ended before its time.\n${all}` : all;
}

/** Tells what happens, a line each. */
class Teller {
  readonly #context: Context;
  readonly #quiet: boolean;
  #watch: AddressWatch | null = null;
  #poll: NodeJS.Timeout | null = null;

  constructor(context: Context, quiet: boolean) {
    this.#context = context;
    this.#quiet = quiet;
  }

  onEvent(event: LiveEvent): void {
    const { terminal } = this.#context;
    switch (event.type) {
      case 'planned': {
        const node = event.members.find(one => one.role === 'node');
        this.#line(`${counted(event.members.length, 'participant')}, homes in ${event.folder}`);
        if (node !== undefined) this.#line(`status page: http://127.0.0.1:${node.api}/`);
        const tenants = event.members.filter(one => one.role === 'tenant');
        this.#watch = new AddressWatch(tenants, line => this.#line(line));
        return;
      }
      case 'ready':
        terminal.status(`${event.name} takes part`);
        return;
      case 'begun':
        this.#line('the chain makes blocks; demand begins to arrive');
        this.#poll = setInterval(() => void this.#watch?.look(), ADDRESS_POLL_MS);
        return;
      case 'block':
        terminal.status(`block ${event.height}, ${(event.time / 1e6).toFixed(0)} s`);
        return;
      case 'struck':
        this.#line(`${(event.time / 1e6).toFixed(0)} s: ${event.what}`);
        return;
      case 'died':
        this.#line(`${(event.time / 1e6).toFixed(0)} s: ${event.why}`);
        return;
      case 'saved':
        terminal.status('');
        terminal.err(`recordings of the run: ${event.recordings}; \`orrery replay\` reads them\n`);
        return;
      case 'refused':
        this.#line(`${event.tenant} was refused: ${JSON.stringify(event.answer)}`);
        return;
    }
  }

  end(): void {
    if (this.#poll !== null) clearInterval(this.#poll);
    this.#poll = null;
    this.#context.terminal.status('');
  }

  #line(text: string): void {
    const { terminal } = this.#context;
    if (this.#quiet) return;
    terminal.status('');
    terminal.out(`${text}\n`);
  }
}
