/**
 * Monitors: the market's invariants, re-stated one by one from the rules and not from the code that follows them, and
 * held against every block.
 *
 * A monitor sees what anybody sees: blocks, their events and receipts, and the state after each of them. It keeps books
 * of its own, so that a block costs it what happened in the block; what only a look at everything can show, it looks at
 * on a stated interval and at the end. What it finds wrong it throws: a world that broke a rule is not worth continuing.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult } from '../../protocol/chain/chain.ts';
import type { Event } from '../../protocol/model/events.ts';
import { type Params, parameterFromText, withParams } from '../../protocol/model/params.ts';
import type { State } from '../../protocol/model/state.ts';

export interface Monitor {
  readonly name: string;
  /** Called once per block, in order of height. Throws MonitorViolation. */
  afterBlock(block: Block, result: BlockResult, state: State): void;
  /** Called once, after the last block. Throws MonitorViolation. */
  atEnd(state: State): void;
}

/** Ids, amounts and other facts that make a violation readable. */
export type Facts = Readonly<Record<string, unknown>>;

/** A rule of the market that did not hold. */
export class MonitorViolation extends Error {
  override readonly name = 'MonitorViolation';
  readonly monitor: string;
  readonly height: number;
  /** The rule that was broken, as one sentence. */
  readonly rule: string;
  readonly facts: Facts;

  constructor(monitor: string, height: number, rule: string, facts: Facts) {
    const shown = Object.entries(facts).map(([key, value]) => `${key}=${shownFact(value)}`);
    super(`${monitor}, height ${height}: ${rule}${shown.length === 0 ? '' : `: ${shown.join(', ')}`}`);
    this.monitor = monitor;
    this.height = height;
    this.rule = rule;
    this.facts = facts;
  }
}

function shownFact(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? String(value);
}

export interface MonitorOptions {
  /** A full recomputation at every so many heights; 0 = only at the end. */
  readonly fullEvery: number;
}

/**
 * What most monitors are: walk the events of a block in the order in which they happened, then look at the whole.
 * Parameters are followed through the events that change them.
 */
export abstract class EventMonitor implements Monitor {
  abstract readonly name: string;
  protected params: Params;
  protected height = 0;
  /** Block time, microseconds. */
  protected time = 0;
  readonly #fullEvery: number;

  constructor(params: Params, options: MonitorOptions) {
    this.params = params;
    this.#fullEvery = options.fullEvery;
  }

  afterBlock(block: Block, result: BlockResult, state: State): void {
    this.height = result.height;
    this.time = result.time;
    this.beginBlock(block, result, state);
    for (const event of result.events) {
      if (event.type === 'ParameterChanged') this.#changeParameter(event.name, event.value);
      else this.onEvent(event, block, state);
    }
    this.endBlock(block, result, state);
    if (this.#fullEvery > 0 && result.height % this.#fullEvery === 0) this.full(state);
  }

  atEnd(state: State): void {
    this.full(state);
  }

  #changeParameter(name: string, text: string): void {
    const value = parameterFromText(name, text);
    this.expect(value !== undefined, 'a parameter is changed to a value that it can have', () => ({ name, text }));
    this.params = withParams(this.params, { [name]: value as string });
  }

  /** Before the block's events: the books are still those of the parent. */
  protected beginBlock(_block: Block, _result: BlockResult, _state: State): void {}
  protected onEvent(_event: Event, _block: Block, _state: State): void {}
  protected endBlock(_block: Block, _result: BlockResult, _state: State): void {}
  /** The look at everything. */
  protected full(_state: State): void {}

  /** Throws unless a rule holds. The facts are only asked for when it does not. */
  protected expect(holds: boolean, rule: string, facts: () => Facts): void {
    if (!holds) throw new MonitorViolation(this.name, this.height, rule, facts());
  }

  /** A value that the books must have; throws when it is missing. */
  protected known<T>(value: T | undefined, rule: string, facts: () => Facts): T {
    if (value === undefined) throw new MonitorViolation(this.name, this.height, rule, facts());
    return value;
  }
}
