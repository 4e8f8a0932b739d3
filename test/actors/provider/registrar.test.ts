import { describe, expect, it } from 'vitest';
import type { Effects, Input } from '../../../src/actors/actor.ts';
import { Registrar, type RegistrarChain, type Registration } from '../../../src/actors/provider/registrar.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import type { Event } from '../../../src/protocol/model/events.ts';
import type { Message } from '../../../src/protocol/model/messages.ts';
import { defaultParams } from '../../../src/protocol/model/params.ts';

const ME = 'akash1me';
const WANTED: Registration = {
  region: 'eu',
  attributes: { tier: 'gold' },
  certificate: new Uint8Array(32).fill(1),
  endpoint: 'akash1me@h:1',
};

/** A registrar with everything that it asks for written down. */
class Bench {
  readonly sent: Message[] = [];
  readonly said: string[] = [];
  readonly store = new Map<string, Uint8Array>();
  readonly registrar: Registrar;
  balance = 0n;

  constructor(genesis: Registration | null, wanted = WANTED, store?: Map<string, Uint8Array>) {
    for (const [key, value] of store ?? []) this.store.set(key, value);
    const chain: RegistrarChain = {
      address: ME,
      ready: true,
      params: defaultParams(),
      query: ({ what }) => void this.said.push(what),
      submit: message => void this.sent.push(message),
    };
    this.registrar = new Registrar({ wanted, genesis }, chain);
  }

  get out(): Effects<Wire> {
    const used: Partial<Effects<Wire>> = {
      get: key => void this.registrar.receive({ kind: 'got', key, value: this.store.get(key) ?? null }, this.out),
      put: (key, value) => void this.store.set(key, value),
      setTimer: (id, at) => void this.said.push(`timer ${id} ${at}`),
      observe: metric => void this.said.push(metric),
    };
    return used as Effects<Wire>;
  }

  start(): this {
    this.input({ kind: 'recovered', incarnation: 0, workloads: [] });
    return this;
  }
  input(input: Input<Wire>): void {
    this.registrar.receive(input, this.out);
  }
  account(balance: bigint): void {
    this.registrar.onAccount({ address: ME, nonce: 0, balance }, 100, this.out);
  }
  event(event: object): void {
    this.registrar.onEvent(event as Event, 100, this.out);
  }
  get types(): string[] {
    return this.sent.map(one => one.type);
  }
}

describe('a provider that is not in the register', () => {
  it('registers as soon as its account can pay, and not before', () => {
    const bench = new Bench(null).start();
    expect(bench.registrar.isAbsent).toBe(true);
    expect(bench.said).toEqual(['account']);
    bench.account(3n);
    expect(bench.said.slice(1)).toEqual(['provider/unfunded', 'timer provider/register 5000100']);
    expect(bench.sent).toEqual([]);
    bench.input({ kind: 'timer', id: 'provider/register' });
    expect(bench.said.at(-1)).toBe('account');
    bench.account(1_000_000n);
    expect(bench.sent).toEqual([{ type: 'RegisterProvider', ...WANTED }]);
    // Under way: nothing is sent twice.
    bench.account(1_000_000n);
    expect(bench.sent).toHaveLength(1);
    bench.event({ type: 'ProviderRegistered', provider: 'akash1other' });
    expect(bench.registrar.isRegistered).toBe(false);
    bench.event({ type: 'ProviderRegistered', provider: ME });
    expect([bench.registrar.isRegistered, bench.registrar.isAbsent]).toEqual([true, false]);
  });

  it('remembers that it is, and says what has changed since', () => {
    const first = new Bench(null).start();
    first.account(1_000_000n);
    first.event({ type: 'ProviderRegistered', provider: ME });
    const same = new Bench(null, WANTED, first.store).start();
    same.account(1_000_000n);
    expect(same.sent).toEqual([]);
    expect(same.registrar.isRegistered).toBe(true);
    const moved = { ...WANTED, endpoint: 'akash1me@h:2' };
    const other = new Bench(null, moved, first.store).start();
    expect(other.registrar.isAbsent).toBe(false);
    other.account(1_000_000n);
    expect(other.sent).toEqual([{ type: 'UpdateProvider', ...moved }]);
    other.event({ type: 'ProviderUpdated', provider: ME });
    expect(other.registrar.isRegistered).toBe(true);
  });

  it('is put right by the chain where its store was lost', () => {
    const bench = new Bench(null).start();
    bench.account(1_000_000n);
    bench.event({ type: 'TransactionFailed', account: ME, message: 'RegisterProvider', code: 'registered' });
    bench.input({ kind: 'timer', id: 'provider/register' });
    bench.account(1_000_000n);
    expect(bench.types).toEqual(['RegisterProvider', 'UpdateProvider']);
    bench.registrar.onRefused(bench.sent[1]!, 'not_registered', 100, bench.out);
    bench.input({ kind: 'timer', id: 'provider/register' });
    bench.account(1_000_000n);
    expect(bench.types).toEqual(['RegisterProvider', 'UpdateProvider', 'RegisterProvider']);
  });
});

describe('a provider of genesis', () => {
  it('has nothing to do where genesis says what it wants said', () => {
    const bench = new Bench(WANTED).start();
    bench.account(1_000_000n);
    expect(bench.sent).toEqual([]);
    expect(bench.registrar.isRegistered).toBe(true);
  });

  it('says what is different', () => {
    const bench = new Bench({ ...WANTED, endpoint: '' }).start();
    bench.account(1_000_000n);
    expect(bench.types).toEqual(['UpdateProvider']);
  });
});
