/**
 * A live run of a scenario on this machine, from the homes of its participants to its results.
 *
 * The launcher starts everybody, lets demand arrive and faults strike at their times, and looks on: through a node of its
 * own that follows the chain and by which every block is held against the rules of the market, and through what the
 * nodes tell it of theirs. At the end, whatever the end is, nothing of it is left.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TenantRequest } from '../../../actors/tenant/tenant.ts';
import type { SignatureScheme } from '../../../protocol/codec/signature.ts';
import { startArrivals } from '../../experiment/arrivals.ts';
import { Observation } from '../../experiment/observation.ts';
import { Interrupted } from '../../experiment/pool.ts';
import type { Loaded } from '../../experiment/results-source.ts';
import { SdlBooks } from '../../experiment/sdl-books.ts';
import type { RunResult, RunSink } from '../../experiment/types.ts';
import type { ContainersConfig } from '../home/config-types.ts';
import { Agreement } from './agreement.ts';
import { Battlefield } from './battlefield.ts';
import { Child } from './children.ts';
import { strikesOf } from './faults.ts';
import { type Follower, startFollower } from './follower.ts';
import { leadOf } from './lead.ts';
import { type LivePlan, type PlannedMember, planLive } from './plan.ts';
import { newRunFolder, noteRun } from './registry.ts';
import { ServiceWatch, type Sight } from './service-watch.ts';
import { Timetable } from './timetable.ts';
import type { Report } from './words.ts';

/** How long a chain may take to begin once everybody takes part. */
const FIRST_BLOCK_MS = 60_000;

export interface LiveOptions {
  readonly loaded: Loaded;
  readonly seed: number;
  readonly scheme: SignatureScheme;
  readonly sink: RunSink;
  readonly containers: ContainersConfig;
  /** Names the run: also its folder, and at the engine everything that it makes. */
  readonly run: string;
  /** Removes what the run made at the engine of containers. */
  readonly cleanContainers: () => Promise<void>;
  readonly killWorkload: (provider: string) => Promise<void>;
  /** Ends the run before its time. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: LiveEvent) => void;
  /** Leaves the homes where they are. */
  readonly keep: boolean;
  /** Where all participants record; null: they do not. */
  readonly record: string | null;
}

/** What a user may want to see of a run. `time`: of the run, microseconds. */
export type LiveEvent =
  | { readonly type: 'planned'; readonly members: readonly PlannedMember[]; readonly folder: string }
  | { readonly type: 'ready'; readonly name: string }
  | { readonly type: 'begun'; readonly time: number }
  | { readonly type: 'block'; readonly height: number; readonly time: number }
  | { readonly type: 'struck'; readonly what: string; readonly time: number }
  | ({ readonly type: 'sight' } & Sight)
  | { readonly type: 'died'; readonly why: string; readonly time: number }
  /** A run that failed has left its recordings there. */
  | { readonly type: 'saved'; readonly recordings: string }
  | { readonly type: 'refused'; readonly tenant: string; readonly answer: unknown; readonly time: number };

export interface LiveOutcome {
  readonly result: RunResult;
  /** Newest height of each node. */
  readonly heights: ReadonlyMap<string, number>;
  /** Ended before its horizon because somebody asked it to. */
  readonly cut: boolean;
}

/**
 * Runs a scenario live.
 * @throws MonitorViolation when a rule is broken; Error when a participant dies that no fault struck
 */
export async function runLive(options: LiveOptions): Promise<LiveOutcome> {
  const { loaded, seed, scheme, run, keep } = options;
  const folder = newRunFolder(run);
  noteRun(folder, { run, scenario: loaded.scenario.name }, []);
  try {
    const begins = (Date.now() + leadOf(membersOf(loaded))) * 1000;
    const { scenario } = loaded;
    const plan = await planLive({ scenario, seed, scheme, folder, begins, containers: options.containers });
    options.onEvent({ type: 'planned', members: plan.members, folder });
    const live = new LiveRun(options, plan, folder, begins);
    try {
      return await live.run();
    } finally {
      await live.end();
    }
  } finally {
    await options.cleanContainers();
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
}

function membersOf({ scenario }: Loaded): number {
  const providers = scenario.providers.reduce(
    (sum, { supply }) => sum + (supply.kind === 'counted' ? supply.count : 0),
    0,
  );
  const tenants = scenario.tenants.reduce((sum, { count }) => sum + count, 0);
  return scenario.chain.validators.reduce((sum, { count }) => sum + count, providers + tenants);
}

class LiveRun {
  readonly #options: LiveOptions;
  readonly #plan: LivePlan;
  readonly #folder: string;
  readonly #begins: number;
  readonly #timetable: Timetable;
  readonly #children = new Map<string, Child>();
  readonly #agreement = new Agreement();
  readonly #observation: Observation;
  readonly #sdl: SdlBooks | null;
  readonly #services: ServiceWatch;
  #follower: Follower | null = null;
  /** Whoever starts it waits for it at the end, too: the run may be over before it follows. */
  #following: Promise<unknown> | null = null;
  #isOver = false;
  /** Ends the wait for the horizon: with an error, or because somebody asked. */
  #finish: (error: unknown) => void = () => undefined;
  #nextRequest = 0;
  readonly #asked = new Map<number, string>();

  constructor(options: LiveOptions, plan: LivePlan, folder: string, begins: number) {
    this.#options = options;
    this.#plan = plan;
    this.#folder = folder;
    this.#begins = begins;
    const fail = (error: unknown): void => this.#finish(error);
    this.#timetable = new Timetable(begins, fail);
    const { loaded, seed, sink } = options;
    const { scenario, sdl } = loaded;
    this.#sdl = sdl === null ? null : new SdlBooks(scenario, sdl);
    this.#observation = new Observation({
      request: { scenario, seed, trace: null, sink },
      population: plan.population,
      genesis: plan.genesis,
      sdl: this.#sdl,
      state: () => this.#state,
      at: (time, _label, action) => this.#timetable.at(time, action),
    });
    this.#services = new ServiceWatch({
      tenants: plan.members.filter(one => one.role === 'tenant'),
      now: () => this.#timetable.now,
      onSight: sight => options.onEvent({ type: 'sight', ...sight }),
    });
  }

  get #state() {
    if (this.#follower === null) throw new Error('found no chain yet, expected one to look at');
    return this.#follower.chain.state;
  }

  async run(): Promise<LiveOutcome> {
    const { signal, onEvent, loaded } = this.#options;
    const over = new Promise<boolean>((resolve, reject) => {
      this.#finish = error => (error === null ? resolve(true) : reject(error));
      const cut = (): void => resolve(true);
      if (signal.aborted) cut();
      else signal.addEventListener('abort', cut, { once: true });
      this.#timetable.at(loaded.scenario.horizon, () => resolve(false));
    });
    // Whoever waits for it may be busy starting processes when it fails.
    over.catch(() => undefined);
    const cut = await Promise.race([this.#begin().then(() => over), over]);
    this.#isOver = true;
    this.#timetable.close();
    this.#services.close();
    if (cut && (this.#follower?.chain.height ?? 0) === 0) throw new Interrupted();
    // What was cut short is summed up over what there was of it.
    const result = this.#observation.finish(
      { world: 'live', traceHash: '', events: 0, checkpoints: [], window: [] },
      cut ? this.#timetable.now : undefined,
    );
    onEvent({ type: 'block', height: this.#follower?.chain.height ?? 0, time: this.#timetable.now });
    const notes = [...result.notes, ...this.#services.notes()];
    return { result: { ...result, notes }, heights: this.#agreement.heights, cut };
  }

  async #begin(): Promise<void> {
    const { onEvent } = this.#options;
    for (const member of this.#plan.members) this.#children.set(member.name, this.#child(member));
    const started = [...this.#children.values()].map(async child => {
      const ready = child.start();
      this.#note();
      await ready;
      onEvent({ type: 'ready', name: child.name });
    });
    this.#following = startFollower({
      genesis: this.#plan.genesis,
      nodes: this.#plan.nodes,
      home: join(this.#folder, 'follower'),
      scheme: this.#options.scheme,
      onBlock: (block, result, chain) => {
        this.#guard(() => this.#observation.onBlock(block, result, chain, result.time - this.#begins));
        onEvent({ type: 'block', height: result.height, time: result.time - this.#begins });
      },
      onFailure: error => this.#finish(error),
    }).then(one => (this.#follower = one));
    await Promise.all([...started, this.#following]);
    this.#note();
    await this.#firstBlock();
    // What is begun here has its end only where the run has not had its own.
    if (this.#isOver) return;
    this.#observation.start();
    this.#letDemandArrive();
    this.#letFaultsStrike();
    this.#services.start();
    onEvent({ type: 'begun', time: this.#timetable.now });
  }

  async #firstBlock(): Promise<void> {
    const until = Math.max(Date.now(), this.#begins / 1000) + FIRST_BLOCK_MS;
    while (!this.#isOver && (this.#follower?.chain.height ?? 0) === 0) {
      if (Date.now() > until) throw new Error(`found no block after ${FIRST_BLOCK_MS / 1000} s, expected the first`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  #letDemandArrive(): void {
    const { scenario } = this.#options.loaded;
    const { population, genesis, streams } = this.#plan;
    const world = {
      at: (time: number, _label: string, action: () => void) => this.#timetable.at(time, action),
      request: (time: number, name: string, request: TenantRequest) =>
        this.#timetable.at(time, () => this.#request(name, request)),
    };
    for (const group of population.tenants)
      startArrivals(group, { world, scenario, trace: null, sdl: this.#sdl, params: genesis.params, streams });
  }

  #letFaultsStrike(): void {
    const { members, population } = this.#plan;
    const field = new Battlefield({
      members,
      children: this.#children,
      killWorkload: this.#options.killWorkload,
      onProcesses: () => this.#note(),
      onError: error => this.#finish(error),
    });
    for (const strike of strikesOf(this.#options.loaded.scenario, population)) {
      this.#timetable.at(strike.at, () => {
        strike.do(field);
        this.#options.onEvent({ type: 'struck', what: strike.what, time: this.#timetable.now });
      });
    }
  }

  #request(name: string, request: TenantRequest): void {
    const id = this.#nextRequest++;
    this.#asked.set(id, name);
    this.#children.get(name)?.order({ type: 'request', id, request });
  }

  #child({ name, role, home }: PlannedMember): Child {
    return new Child({
      name,
      role,
      home,
      output: join(this.#folder, `${name}.out`),
      record: this.#options.record,
      onReport: report => this.#guard(() => this.#onReport(name, report)),
      onEnd: () => this.#observation.onProcessEnded(name, this.#timetable.now),
      onDeath: why => {
        this.#options.onEvent({ type: 'died', why, time: this.#timetable.now });
        this.#finish(new Error(why));
      },
    });
  }

  #onReport(name: string, report: Report): void {
    switch (report.type) {
      case 'executed':
        this.#agreement.onExecuted(name, report.height, report.hash, report.appHash);
        this.#observation.onExecuted(name, report.height, report.time - this.#begins);
        return;
      case 'observed': {
        const { metric, value, label, time } = report;
        this.#observation.onObserve(name, time - this.#begins, metric, value, label);
        return;
      }
      case 'reply': {
        const tenant = this.#asked.get(report.id) ?? name;
        this.#asked.delete(report.id);
        if (!isOk(report.answer) && !this.#isOver)
          this.#options.onEvent({ type: 'refused', tenant, answer: report.answer, time: this.#timetable.now });
        return;
      }
      case 'workload': {
        const { workload, image, pull_us, start_us, stop_us } = report;
        const seconds = (time: number | null): number | null => (time === null ? null : time / 1e6);
        this.#options.sink.row('workloads', [name, workload, image, ...[pull_us, start_us, stop_us].map(seconds)]);
        return;
      }
      case 'halted':
        throw new Error(`${name} halted: ${report.reason}`);
      default:
    }
  }

  /** What is wrong with a run ends it. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#finish(error);
    }
  }

  #note(): void {
    const pids = [...this.#children.values()].flatMap(({ pid }) => (pid === null ? [] : [pid]));
    noteRun(this.#folder, { run: this.#options.run, scenario: this.#options.loaded.scenario.name }, pids);
  }

  /** Ends all processes: whoever brings demand first, and nodes last. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#timetable.close();
    this.#services.close();
    const of = (role: string): PlannedMember[] => this.#plan.members.filter(one => one.role === role);
    for (const role of ['tenant', 'provider', 'node'])
      await Promise.all(of(role).map(({ name }) => this.#children.get(name)?.stop()));
    // Why it could not be started, if it could not, is told by whoever started it.
    await this.#following?.catch(() => undefined);
    await this.#follower?.close();
  }
}

function isOk(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'ok' in answer && answer.ok === true;
}
