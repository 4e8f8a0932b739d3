/**
 * How a provider gets into the register, and keeps its entry true: it registers itself once its account can pay for it,
 * and again when what it says about itself has changed since. A part of the provider's agent.
 *
 * What the register says of it, it knows from its own store, else from genesis. A store that was lost is no harm: the
 * chain refuses a second registration, and the entry is then brought up to date.
 */

import { minimumFee } from '../../protocol/chain/transaction.ts';
import { equalBytes } from '../../protocol/codec/bytes.ts';
import { encode } from '../../protocol/codec/struct.ts';
import type { Event } from '../../protocol/model/events.ts';
import { type Message, type MessageOf, message as messageCodec } from '../../protocol/model/messages.ts';
import type { Effects, Input, Time } from '../actor.ts';
import type { ChainClient } from '../client/chain-client.ts';
import type { AccountView, Wire } from '../wire.ts';

/** What a provider says about itself. */
export type Registration = Omit<MessageOf<'RegisterProvider'>, 'type'>;

export interface RegistrarOptions {
  readonly wanted: Registration;
  /** What genesis says; null: nothing. */
  readonly genesis: Registration | null;
}

/** Under which the store holds what the register says, as bytes of a registration. */
const KEY = 'provider/registered';
const TIMER = 'provider/register';
/** Time between looks at an account that cannot pay, and before another try after a failure. */
const RETRY_US = 5_000_000;
/** What a transaction has beside its message, in bytes: accounts, numbers, key, signature. Reckoned generously. */
const ENVELOPE_BYTES = 400;

/** What it needs of the client that its agent talks to the chain through. */
export type RegistrarChain = Pick<ChainClient, 'address' | 'ready' | 'params' | 'query' | 'submit'>;

/** `unknown`: there is an entry, and who knows what it says. */
type Entry = Uint8Array | 'none' | 'unknown';

function bytesOf(registration: Registration): Uint8Array {
  return encode(messageCodec, { type: 'RegisterProvider', ...registration });
}

export class Registrar {
  readonly #chain: RegistrarChain;
  readonly #wanted: Registration;
  readonly #wantedBytes: Uint8Array;
  #entry: Entry;
  /** Whether the store has said what it knows. */
  #isLoaded = false;
  /** Whether a transaction is under way. */
  #isAsking = false;
  #isWaiting = false;

  constructor({ wanted, genesis }: RegistrarOptions, chain: RegistrarChain) {
    this.#chain = chain;
    this.#wanted = wanted;
    this.#wantedBytes = bytesOf(wanted);
    this.#entry = genesis === null ? 'none' : bytesOf(genesis);
  }

  /** Whether the register says of this provider what it wants said. */
  get isRegistered(): boolean {
    return this.#isLoaded && typeof this.#entry !== 'string' && equalBytes(this.#entry, this.#wantedBytes);
  }

  /** Whether there is no entry, so that whatever it bids would be refused. */
  get isAbsent(): boolean {
    return !this.#isLoaded || this.#entry === 'none';
  }

  /** Takes what is the registrar's own of an input; says whether the input was. */
  receive(input: Input<Wire>, out: Effects<Wire>): boolean {
    switch (input.kind) {
      case 'recovered':
        out.get(KEY);
        return false;
      case 'got':
        if (input.key !== KEY) return false;
        if (input.value !== null) this.#entry = input.value;
        this.#isLoaded = true;
        this.#look(out);
        return true;
      case 'storeFailed':
        // What was kept cannot be read: the chain knows better anyway.
        if (!this.#isLoaded && this.#entry === 'none') this.#entry = 'unknown';
        this.#isLoaded = true;
        this.#look(out);
        return false;
      case 'timer':
        if (input.id !== TIMER) return false;
        this.#isWaiting = false;
        this.#look(out);
        return true;
      default:
        return false;
    }
  }

  /** Looks whether the account can pay, if there is anything to do. The client looks by itself when it gets ready. */
  #look(out: Effects<Wire>): void {
    if (!this.#isLoaded || this.#isAsking || this.#isWaiting || this.isRegistered || !this.#chain.ready) return;
    this.#chain.query({ what: 'account', address: this.#chain.address }, out);
  }

  /** The account as it stands. */
  onAccount({ balance }: AccountView, now: Time, out: Effects<Wire>): void {
    if (!this.#isLoaded || this.#isAsking || this.#isWaiting || this.isRegistered || !this.#chain.ready) return;
    const type = this.#entry === 'none' ? 'RegisterProvider' : 'UpdateProvider';
    const message = { type, ...this.#wanted } as const;
    const fee = minimumFee(this.#chain.params, this.#wantedBytes.length + ENVELOPE_BYTES, message);
    if (balance < fee) {
      out.observe('provider/unfunded', Number(fee - balance));
      this.#wait(now, out);
      return;
    }
    this.#isAsking = true;
    this.#chain.submit(message, out);
  }

  onEvent(event: Event, now: Time, out: Effects<Wire>): void {
    const me = this.#chain.address;
    if (event.type === 'ProviderRegistered' || event.type === 'ProviderUpdated') {
      if (event.provider !== me) return;
      this.#entry = this.#wantedBytes;
      this.#isAsking = false;
      out.put(KEY, this.#wantedBytes);
      out.observe('provider/registered', 1);
    } else if (event.type === 'TransactionFailed' && event.account === me) {
      if (event.message === 'RegisterProvider' || event.message === 'UpdateProvider')
        this.#failed(event.code, now, out);
    }
  }

  /** A transaction that no block will hold. */
  onRefused({ type }: Message, code: string, now: Time, out: Effects<Wire>): void {
    if (type === 'RegisterProvider' || type === 'UpdateProvider') this.#failed(code, now, out);
  }

  #failed(code: string, now: Time, out: Effects<Wire>): void {
    this.#isAsking = false;
    if (code === 'registered') this.#entry = 'unknown';
    else if (code === 'not_registered') this.#entry = 'none';
    this.#wait(now, out);
  }

  #wait(now: Time, out: Effects<Wire>): void {
    this.#isWaiting = true;
    out.setTimer(TIMER, now + RETRY_US);
  }
}
