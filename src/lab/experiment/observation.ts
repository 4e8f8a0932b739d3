/**
 * What looks on at a run, in whatever world it happens: monitors, books and samples, fed with the blocks of the chain and
 * with what participants observe, and at the end the results. Nothing in here can change an outcome.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../protocol/chain/chain.ts';
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { State } from '../../protocol/model/state.ts';
import { allMonitors } from '../monitors/all-monitors.ts';
import type { Monitor } from '../monitors/monitor.ts';
import { gpuLoad } from '../scenario/trace.ts';
import { workloadScale } from '../scenario/workloads.ts';
import { ChainBooks } from './chain-books.ts';
import { ProviderBooks } from './ledger-of-providers.ts';
import { TenantBooks } from './ledger-of-tenants.ts';
import { validatorRow } from './ledger-of-validators.ts';
import type { Population } from './population.ts';
import { Recorder } from './recorder.ts';
import type { SdlBooks } from './sdl-books.ts';
import { Sampler } from './series.ts';
import { ServiceBooks } from './service-books.ts';
import { providerRows, type RunTrace, summarise } from './summary.ts';
import type { Cell, RunRequest, RunResult } from './types.ts';

export interface ObservationOptions {
  readonly request: Pick<RunRequest, 'scenario' | 'seed' | 'trace' | 'sink'>;
  readonly population: Population;
  readonly genesis: Genesis;
  /** Null where no class deploys SDL files. */
  readonly sdl: SdlBooks | null;
  /** The state after the newest block. */
  readonly state: () => State;
  /** Calls a function of the lab at a time of the run, microseconds. */
  readonly at: (time: number, label: string, action: () => void) => void;
}

export class Observation {
  readonly #options: ObservationOptions;
  readonly #recorder: Recorder;
  readonly #books = new Map<string, ProviderBooks>();
  readonly #tenants = new Map<string, TenantBooks>();
  /** Names of participants by their accounts. */
  readonly #names = new Map<string, string>();
  readonly #addresses = new Map<string, string>();
  readonly #monitors: readonly Monitor[];
  readonly #chainBooks: ChainBooks;
  readonly #services = new ServiceBooks();
  /** Whether the run tells of rounds and latencies, which a validator that is alone does not have. */
  readonly #tellsOfChain: boolean;
  readonly #series: Sampler;

  constructor(options: ObservationOptions) {
    this.#options = options;
    const { request, population, genesis, state, at } = options;
    const { scenario, sink } = request;
    const { warmup, observe } = scenario;
    const nameOf = (address: string): string => this.#names.get(address) ?? address;
    this.#enter(population, warmup);
    const books = this.#books;
    this.#recorder = new Recorder({ sink, files: observe.files, warmup, nameOf, books, tenants: this.#tenants });
    this.#monitors = allMonitors(genesis, { fullEvery: scenario.chain.invariants?.every ?? 0 });
    const { validators } = population;
    const onRow = observe.files.includes('blocks') ? (cells: readonly Cell[]) => sink.row('blocks', cells) : null;
    this.#chainBooks = new ChainBooks({ validators, nameOf, onRow });
    this.#tellsOfChain =
      validators.length > 1 || observe.files.includes('blocks') || observe.files.includes('validators');
    this.#series = new Sampler({
      at,
      scenario,
      recorder: this.#recorder,
      books,
      state,
      chainBooks: this.#chainBooks,
      sink,
    });
  }

  #enter({ validators, delegators, providers, tenants }: Population, warmup: number): void {
    for (const { address, name } of validators) this.#names.set(address, name);
    for (const { members } of delegators) for (const { address, name } of members) this.#names.set(address, name);
    for (const { spec, members } of providers) {
      for (const member of members) {
        this.#names.set(member.address, member.name);
        this.#addresses.set(member.name, member.address);
        this.#books.set(member.address, new ProviderBooks(member, spec.name, warmup));
      }
    }
    for (const { members, className } of tenants) {
      for (const one of members) {
        this.#names.set(one.address, one.name);
        this.#tenants.set(one.address, new TenantBooks(className));
      }
    }
  }

  /** Begins to sample at the scenario's interval. */
  start(): void {
    this.#series.start();
  }

  /**
   * A block that no node had executed before, and the chain as it is after it. `now`: the time of the run.
   * @throws MonitorViolation when a rule is broken
   */
  onBlock(block: Block, result: BlockResult, after: Chain, now: number): void {
    const { state } = after;
    const { time } = this.#options.genesis;
    // Results tell time from the beginning of the run, monitors as the chain does.
    const told = time === 0 ? result : { ...result, time: result.time - time };
    const { failed, bytes } = this.#recorder.watch(block, told);
    if (this.#tellsOfChain) this.#chainBooks.onBlock(block, told, after, now, failed, bytes);
    for (const event of told.events) this.#services.onEvent(event, told.time);
    this.#options.sdl?.watch(block, result, state);
    for (const monitor of this.#monitors) monitor.afterBlock(block, result, state);
  }

  /** A node has executed a block. */
  onExecuted(node: string, height: number, now: number): void {
    if (this.#tellsOfChain) this.#chainBooks.onExecuted(node, height, now);
  }

  /** A participant has observed something about itself. */
  onObserve(actor: string, time: number, metric: string, value: number, label: string | undefined): void {
    if (this.#tellsOfChain) this.#chainBooks.onObserve(actor, time, metric, value);
    this.#options.sdl?.onObserve(metric, value);
    if (metric === 'service') this.#services.onService(actor, label ?? '', value === 1, time);
    if (metric === 'default') this.#recorder.tookOffer(this.#addresses.get(actor) ?? '', label ?? '', BigInt(value));
  }

  /** The process of a participant is no more. */
  onProcessEnded(name: string, time: number): void {
    this.#services.onProcessEnded(name, time);
  }

  /**
   * The run is over: writes what is written last, and sums up.
   * @param end when it ended, microseconds; by default at its horizon
   */
  finish(trace: RunTrace, end?: number): RunResult {
    const { population, sdl, state } = this.#options;
    const { scenario: planned, sink } = this.#options.request;
    const horizon = end === undefined ? planned.horizon : Math.min(planned.horizon, Math.max(end, planned.warmup + 1));
    const request = { ...this.#options.request, scenario: { ...planned, horizon } };
    const { observe } = planned;
    this.#recorder.finish(horizon);
    this.#chainBooks.finish();
    for (const monitor of this.#monitors) monitor.atEnd(state());
    const notes = this.#notes();
    if (sdl !== null) for (const cells of sdl.rows()) sink.row('sdl', cells);
    const input = {
      request,
      trace,
      state: state(),
      chainBooks: this.#chainBooks,
      services: this.#services,
      recorder: this.#recorder,
      books: this.#books,
      tenants: this.#tenants,
      peak: this.#series.peak,
      population,
      sdl,
      notes,
    };
    if (observe.files.includes('providers')) for (const row of providerRows(input)) sink.row('providers', row);
    if (observe.files.includes('validators')) {
      for (const one of this.#chainBooks.validators.values())
        sink.row('validators', validatorRow(one, state(), this.#recorder.tally.blocks, horizon));
    }
    return summarise(input);
  }

  /** What a reader of the results needs to know besides. */
  #notes(): string[] {
    const { request, sdl } = this.#options;
    const { scenario, trace } = request;
    const notes: string[] = [];
    if (scenario.workload !== null && trace !== null) {
      const gpus = trace.nodes.reduce((sum, node) => sum + node.gpu / 1000, 0);
      const scale = workloadScale(scenario.workload, trace);
      const load = gpuLoad(trace, scale);
      notes.push(
        `trace: ${trace.pods.length} pods on ${trace.nodes.length} nodes with ${gpus} GPUs; arrivals compressed ` +
          `${scale.toPrecision(5)} times, offered GPU load ${(100 * load).toPrecision(3)} %`,
      );
    }
    if (sdl !== null) notes.push(...sdl.notes());
    return notes;
  }
}
