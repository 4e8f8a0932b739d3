/**
 * Somebody who holds stake and moves it: does what a script says, each step at its time.
 *
 * A step whose time passed while the process was down is not made up for: what was sent before a crash may stand in a
 * block or not, and stake moved twice is worse than stake not moved.
 */
import type { Event } from '../../protocol/model/events.ts';
import type { Message, MessageOf } from '../../protocol/model/messages.ts';
import type { Actor, Effects, Input, Time } from '../actor.ts';
import { ChainClient, type ChainClientOptions, type ChainListener } from '../client/chain-client.ts';
import type { Answer, ChainStatus, Wire } from '../wire.ts';

const STEP_TIMER = 'step';

/** What can be done with stake. */
export type StakeMessage = MessageOf<'Delegate' | 'Undelegate' | 'Redelegate' | 'WithdrawRewards'>;

export interface ScriptedMessage {
  /** On the delegator's own clock. */
  readonly at: Time;
  readonly message: StakeMessage;
}

export interface DelegatorOptions extends Omit<ChainClientOptions, 'topics'> {
  /** By time. */
  readonly script: readonly ScriptedMessage[];
}

export class Delegator implements Actor<Wire>, ChainListener {
  readonly #chain: ChainClient;
  readonly #script: readonly ScriptedMessage[];
  #next = 0;

  constructor({ script, ...options }: DelegatorOptions) {
    this.#chain = new ChainClient({ ...options, topics: [] }, this);
    this.#script = script;
  }

  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    if (this.#chain.receive(input, now, out)) return;
    if (input.kind === 'recovered') {
      if (input.incarnation > 0)
        while ((this.#script[this.#next]?.at ?? Number.POSITIVE_INFINITY) < now) this.#next += 1;
      this.#wait(out);
    } else if (input.kind === 'timer' && input.id === STEP_TIMER) {
      for (; (this.#script[this.#next]?.at ?? Number.POSITIVE_INFINITY) <= now; this.#next += 1)
        this.#chain.submit((this.#script[this.#next] as ScriptedMessage).message, out);
      this.#wait(out);
    }
  }

  #wait(out: Effects<Wire>): void {
    const next = this.#script[this.#next];
    if (next !== undefined) out.setTimer(STEP_TIMER, next.at);
  }

  onReady(_status: ChainStatus, _now: Time, _out: Effects<Wire>): void {}
  onAnswer(_answer: Answer, _now: Time, _out: Effects<Wire>): void {}

  onRefused(message: Message, code: string, _now: Time, out: Effects<Wire>): void {
    out.observe('refused', 1, `${message.type}: ${code}`);
  }

  onEvent(event: Event, _height: number, _time: Time, _now: Time, out: Effects<Wire>): void {
    if (event.type === 'TransactionFailed' && event.account === this.#chain.address)
      out.observe('failed', 1, `${event.message}: ${event.code}`);
  }
}
