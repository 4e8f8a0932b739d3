/** Samples of a run at a fixed interval: rows of series.csv. */
import type { State } from '../../protocol/model/state.ts';
import type { Scenario } from '../scenario/types.ts';
import type { ChainBooks } from './chain-books.ts';
import { chainSamples } from './chain-metrics.ts';
import { type ProviderBooks, scarcestOf } from './ledger-of-providers.ts';
import type { Recorder } from './recorder.ts';
import type { RunSink } from './types.ts';

export interface SamplerOptions {
  /** Calls a function at a time of the run, microseconds. */
  readonly at: (time: number, label: string, action: () => void) => void;
  readonly scenario: Scenario;
  readonly recorder: Recorder;
  readonly books: ReadonlyMap<string, ProviderBooks>;
  /** The state after the newest block. */
  readonly state: () => State;
  readonly chainBooks: ChainBooks;
  readonly sink: RunSink;
}

export class Sampler {
  /** Highest utilisation at any sample. */
  peak = 0;
  readonly #options: SamplerOptions;
  readonly #classes: { readonly name: string; readonly books: ProviderBooks[] }[] = [];

  constructor(options: SamplerOptions) {
    this.#options = options;
    for (const { name } of options.scenario.providers) this.#classes.push({ name, books: [] });
    for (const books of options.books.values()) {
      this.#classes.find(one => one.name === books.className)?.books.push(books);
    }
  }

  /** Schedules the first sample; each schedules the next. */
  start(): void {
    this.#next(this.#options.scenario.observe.every);
  }

  #next(at: number): void {
    const { scenario } = this.#options;
    if (at > scenario.horizon) return;
    this.#options.at(at, 'sample', () => {
      this.#sample(at);
      this.#next(at + scenario.observe.every);
    });
  }

  #sample(at: number): void {
    const { recorder, books, state, chainBooks, sink } = this.#options;
    const { tally } = recorder;
    const time_s = at / 1e6;
    const put = (metric: string, value: number | bigint): void => sink.row('series', [time_s, metric, value]);
    const price = recorder.takeRecentPrice();
    if (price !== null) put('price_uakt_per_vcpu_h', price);
    put('orders_open', recorder.openOrders);
    put('leases_active', recorder.activeLeases);
    const utilisation = scarcestOf([...books.values()], 'used');
    this.peak = Math.max(this.peak, utilisation);
    put('utilisation', utilisation);
    for (const one of this.#classes) put(`utilisation/${one.name}`, scarcestOf(one.books, 'used'));
    for (const end of Object.keys(tally.ends)) put(`orders_${end}`, tally.ends[end] as number);
    put('leases_broken', tally.leasesBroken);
    put('paid_uakt', tally.paid);
    put('transactions', tally.transactions);
    for (const [metric, value] of chainSamples(chainBooks, state())) put(metric, value);
  }
}
