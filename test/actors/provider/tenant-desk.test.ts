/**
 * A provider's desk under a test's hand: who is let in, what is taken, and what a caller can make the provider hold.
 * Effects are noted as they are called.
 */
import { describe, expect, test } from 'vitest';
import type { ConnectionId, Effects, Time, WorkloadSpec } from '../../../src/actors/actor.ts';
import type { ChainClient } from '../../../src/actors/client/chain-client.ts';
import { type SessionTerms, sessionBytes } from '../../../src/actors/lease-session.ts';
import { MANIFEST_CHUNK_BYTES, MAX_LOG_UNITS } from '../../../src/actors/lease-wire.ts';
import { CapacityBook } from '../../../src/actors/provider/capacity.ts';
import { HONEST } from '../../../src/actors/provider/conduct.ts';
import { LeaseKeeper } from '../../../src/actors/provider/lease-keeper.ts';
import { ManifestShelf } from '../../../src/actors/provider/manifest-shelf.ts';
import { TenantDesk } from '../../../src/actors/provider/tenant-desk.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import { encodeWire } from '../../../src/actors/wire-bytes.ts';
import { sha256 } from '../../../src/protocol/codec/sha256.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { MAX_MANIFEST_BYTES } from '../../../src/protocol/manifest/reading.ts';
import { deploymentOf } from '../../../src/protocol/model/objects.ts';
import { defaultParams } from '../../../src/protocol/model/params.ts';
import { accountOf, deployRequest, keysOf, SECOND, sdlOf } from '../../support/lease-net.ts';

const TOM = accountOf('tom');
const LEASE = `${TOM}/1/0/0`;
const WEB = deployRequest(sdlOf([{ name: 'web', image: 'nginx:1', count: 2 }]));
const MANIFEST = WEB.manifest!;
const HOST = { cpu: 64_000, memory: 2 ** 37, disk: 2 ** 40, gpus: 0, bandwidth: 0 };

type Offer = Extract<Wire, { readonly type: 'manifestOffer' }>;

class Bench {
  now: Time = SECOND;
  ready = true;
  /** Effects in order: `put`, `sync`, `startWorkload` and what was sent. */
  readonly calls: string[] = [];
  readonly sent: { readonly to: ConnectionId; readonly message: Wire }[] = [];
  readonly closed: ConnectionId[] = [];
  readonly started: WorkloadSpec[] = [];
  readonly stored = new Map<string, Uint8Array>();
  readonly timers = new Map<string, Time>();
  readonly asked: string[] = [];
  readonly logReads: string[] = [];
  readonly keeper: LeaseKeeper;
  readonly desk: TenantDesk;
  readonly out: Effects<Wire>;
  #draws = 0;

  constructor() {
    const effects: { readonly [name: string]: (...args: never[]) => void } = {
      send: (to: ConnectionId, message: Wire) => {
        this.sent.push({ to, message });
        this.calls.push(message.type);
      },
      disconnect: (connection: ConnectionId) => this.closed.push(connection),
      setTimer: (id: string, at: Time) => this.timers.set(id, at),
      cancelTimer: (id: string) => this.timers.delete(id),
      startWorkload: (spec: WorkloadSpec) => {
        this.started.push(spec);
        this.calls.push('startWorkload');
      },
      put: (key: string, value: Uint8Array) => {
        this.stored.set(key, value);
        this.calls.push('put');
      },
      readWorkloadLog: (id: string) => this.logReads.push(id),
    };
    this.out = new Proxy({} as Effects<Wire>, {
      get: (_, name) => effects[String(name)] ?? (() => this.calls.push(String(name))),
    });
    const chain = { params: defaultParams(), submit: () => undefined } as unknown as ChainClient;
    const shelf = new ManifestShelf();
    this.keeper = new LeaseKeeper(new CapacityBook([HOST]), chain, HONEST, shelf, (lease, now, out) =>
      this.desk.onChange(lease, now, out),
    );
    const bench = this;
    this.desk = new TenantDesk(
      {
        address: accountOf('provider'),
        keys: keysOf('provider'),
        scheme: keyedHashScheme,
        random: { uniform: () => (this.#draws++ % 1_009) / 1_009 },
      },
      this.keeper,
      {
        get chainId() {
          return bench.ready ? 'market' : null;
        },
        askDeployment: id => this.asked.push(id),
      },
    );
  }

  win(lease = LEASE, version = WEB.version): this {
    const { resources } = WEB.infrastructure[0]!;
    this.keeper.begin({ lease, resources, collateral: 0n, version }, null, this.now, this.out);
    return this;
  }

  call(connection: ConnectionId): void {
    this.desk.receive({ kind: 'connected', connection, peer: 'anybody', inbound: true }, this.now, this.out);
  }

  say(connection: ConnectionId, message: Wire): void {
    const taken = this.desk.receive({ kind: 'message', connection, from: 'anybody', message }, this.now, this.out);
    expect(taken).toBe(true);
  }

  /** The newest message to a connection. */
  heard(connection: ConnectionId): Wire | undefined {
    return this.sent.findLast(one => one.to === connection)?.message;
  }

  fire(id: string): void {
    this.now = Math.max(this.now, this.timers.get(id)!);
    this.timers.delete(id);
    expect(this.desk.onTimer(id, this.out), id).toBe(true);
  }

  /** Says hello as somebody, and what would be signed to prove it. */
  greet(connection: ConnectionId, name: string, challenge = new Uint8Array(32).fill(connection)): SessionTerms {
    this.call(connection);
    this.say(connection, { type: 'tenantHello', tenant: accountOf(name), challenge });
    const hello = this.heard(connection);
    if (hello?.type !== 'providerHello') throw new Error(`heard ${hello?.type}`);
    return {
      chainId: 'market',
      tenant: accountOf(name),
      provider: hello.provider,
      tenantChallenge: challenge,
      providerChallenge: hello.challenge,
    };
  }

  enter(connection: ConnectionId, name = 'tom'): this {
    const terms = this.greet(connection, name);
    this.say(connection, { type: 'tenantProof', ...signed(name, terms) });
    return this;
  }

  offer(connection: ConnectionId, changes: Partial<Offer> = {}): Wire | undefined {
    const { version } = WEB;
    const offer = { lease: LEASE, version, group: 'dc', bytes: MANIFEST.length, ...changes };
    this.say(connection, { type: 'manifestOffer', ...offer });
    return this.heard(connection);
  }

  chunks(connection: ConnectionId, bytes = MANIFEST, lease = LEASE): Wire | undefined {
    for (let offset = 0; offset < bytes.length; offset += MANIFEST_CHUNK_BYTES) {
      const chunk = bytes.subarray(offset, offset + MANIFEST_CHUNK_BYTES);
      this.say(connection, { type: 'manifestChunk', lease, offset, bytes: chunk });
    }
    return this.sent.findLast(one => one.message.type === 'manifestResult')?.message;
  }
}

function signed(name: string, terms: SessionTerms, side: 'tenant' | 'provider' = 'tenant') {
  const keys = keysOf(name);
  return { key: keys.publicKey, signature: keyedHashScheme.sign(keys, sessionBytes(side, terms)) };
}

const REFUSED = { type: 'sessionRefused', code: 'bad_proof' };

describe('who is let in', () => {
  test('whoever proves its account: then it may offer', () => {
    const bench = new Bench().win().enter(1);
    expect(bench.offer(1)).toMatchObject({ type: 'manifestWanted', lease: LEASE });
    expect(bench.timers.has('proof:1')).toBe(false);
  });

  test.each<[string, (terms: SessionTerms) => ReturnType<typeof signed>]>([
    ['with the key of another', terms => signed('eve', terms)],
    [
      'with its own key in place of the account that it names',
      terms => ({ ...signed('tom', terms), key: keysOf('eve').publicKey }),
    ],
    ['for another provider', terms => signed('tom', { ...terms, provider: accountOf('eve') })],
    ['for another chain', terms => signed('tom', { ...terms, chainId: 'other' })],
    ['with the words of a provider', terms => signed('tom', terms, 'provider')],
    ['with a key of another length', terms => ({ ...signed('tom', terms), key: new Uint8Array(0) })],
  ])('not who signs %s', (_, prove) => {
    const bench = new Bench().win();
    const terms = bench.greet(1, 'tom');
    bench.say(1, { type: 'tenantProof', ...prove(terms) });
    expect(bench.heard(1)).toEqual(REFUSED);
    expect(bench.closed).toContain(1);
    const taken = bench.desk.receive(
      { kind: 'message', connection: 1, from: 'x', message: { type: 'getLeaseStatus', lease: LEASE } },
      bench.now,
      bench.out,
    );
    expect(taken).toBe(false);
  });

  test('not who has heard a proof and says it again over a connection of its own', () => {
    const bench = new Bench().win();
    const challenge = new Uint8Array(32).fill(7);
    const proof = signed('tom', bench.greet(1, 'tom', challenge));
    bench.say(1, { type: 'tenantProof', ...proof });
    // The same account, the same challenge of the tenant's: the provider's is another.
    bench.greet(2, 'tom', challenge);
    bench.say(2, { type: 'tenantProof', ...proof });
    expect(bench.heard(2)).toEqual(REFUSED);
    expect(bench.closed).toEqual([2]);
  });

  test('not who says something else first, or nothing for too long', () => {
    const bench = new Bench().win();
    bench.call(1);
    bench.say(1, { type: 'getLeaseStatus', lease: LEASE });
    expect(bench.closed).toEqual([1]);
    bench.call(2);
    bench.fire('proof:2');
    expect(bench.closed).toEqual([1, 2]);
    bench.greet(3, 'tom');
    bench.fire('proof:3');
    expect(bench.closed).toEqual([1, 2, 3]);
  });

  test('nobody while the provider does not know yet what it holds', () => {
    const bench = new Bench().win();
    bench.ready = false;
    bench.call(1);
    bench.say(1, { type: 'tenantHello', tenant: TOM, challenge: new Uint8Array(32) });
    expect(bench.heard(1)).toEqual({ type: 'sessionRefused', code: 'not_ready' });
  });

  test('256 strangers at a time; who is known does not count among them', () => {
    const bench = new Bench().win().enter(1);
    for (let i = 0; i < 256; i++) bench.call(100 + i);
    bench.call(999);
    expect(bench.heard(999)).toEqual({ type: 'sessionRefused', code: 'busy' });
    bench.desk.receive({ kind: 'disconnected', connection: 100, peer: 'x', reason: '' }, bench.now, bench.out);
    bench.enter(1_000, 'eve');
    expect(bench.heard(1_000)?.type).toBe('providerHello');
  });

  test('one connection of an account: the newest', () => {
    const bench = new Bench().win().enter(1).enter(2);
    expect(bench.closed).toEqual([1]);
    expect(bench.offer(2)).toMatchObject({ type: 'manifestWanted' });
  });

  test('what a node would say is no word of a node from a caller', () => {
    const bench = new Bench().win().enter(1);
    bench.say(1, { type: 'answer', answer: { what: 'account', value: { address: TOM, nonce: 9, balance: 0n } } });
    expect(bench.closed).toEqual([1]);
  });
});

describe('what is taken', () => {
  test("the manifest of the chain's version: stored and durable before anything runs, and before it is said", () => {
    const bench = new Bench().win().enter(1);
    expect(bench.started).toEqual([]);
    bench.offer(1);
    bench.calls.length = 0;
    expect(bench.chunks(1)).toMatchObject({ type: 'manifestResult', code: 'accepted', version: WEB.version });
    const effects = bench.calls.filter(name => name !== 'observe');
    expect(effects).toEqual(['put', 'sync', 'startWorkload', 'startWorkload', 'manifestResult']);
    expect(bench.started.map(one => one.service?.name)).toEqual(['web', 'web']);
    bench.fire('status');
    expect(bench.heard(1)).toMatchObject({ type: 'leaseStatus', status: { services: [{ wanted: 2, running: 0 }] } });
  });

  test('once: what is held already need not be sent', () => {
    const bench = new Bench().win().enter(1);
    bench.offer(1);
    bench.chunks(1);
    bench.enter(2);
    expect(bench.offer(2)).toMatchObject({ type: 'manifestResult', code: 'accepted' });
    expect(bench.started).toHaveLength(2);
  });

  test.each<[string, Partial<Offer>, string]>([
    ["of somebody else's lease", { lease: `${accountOf('eve')}/1/0/0` }, 'not_tenant'],
    ['of a lease that there is not', { lease: `${TOM}/2/0/0` }, 'unknown_lease'],
    ['that is too large', { bytes: MAX_MANIFEST_BYTES + 1 }, 'too_large'],
    ['of nothing', { bytes: 0 }, 'malformed'],
  ])('nothing %s', (_, changes, code) => {
    const bench = new Bench().win();
    bench.win(`${accountOf('eve')}/1/0/0`).enter(1);
    expect(bench.offer(1, changes)).toMatchObject({ type: 'manifestResult', code });
  });

  test('no other bytes than those of the version', () => {
    const bench = new Bench().win().enter(1);
    bench.offer(1);
    expect(bench.chunks(1, MANIFEST.with(5, 0x20))).toMatchObject({ code: 'wrong_hash' });
    expect([bench.started.length, bench.stored.size]).toEqual([0, 0]);
  });

  test('no bytes that are no manifest, though their version is on the chain', () => {
    const bytes = new TextEncoder().encode('[{"name":"dc","services":[]} ]');
    const version = sha256(bytes);
    const bench = new Bench().win(LEASE, version).enter(1);
    bench.offer(1, { version, bytes: bytes.length });
    expect(bench.chunks(1, bytes)).toMatchObject({ code: 'malformed', detail: expect.stringMatching(/canonical/) });
  });

  test.each([
    ['a group that it does not have', WEB, 'nowhere'],
    ['more instances than are leased', deployRequest(sdlOf([{ name: 'web', image: 'nginx:1', count: 3 }])), 'dc'],
    ['larger ones', deployRequest(sdlOf([{ name: 'web', image: 'nginx:1', count: 2, volume: true }])), 'dc'],
  ])('no manifest with %s', (_, { manifest, version }, group) => {
    const bench = new Bench().win(LEASE, version).enter(1);
    bench.offer(1, { version, group, bytes: manifest!.length });
    expect(bench.chunks(1, manifest!)).toMatchObject({ code: 'mismatch' });
    expect([bench.started.length, bench.stored.size]).toEqual([0, 0]);
  });

  test('another version only when the chain has it, which is asked once in a while', () => {
    const bench = new Bench().win(LEASE, new Uint8Array(32).fill(1)).enter(1);
    bench.offer(1);
    expect(bench.asked).toEqual([deploymentOf(LEASE)]);
    bench.desk.onVersion(deploymentOf(LEASE), WEB.version, bench.now, bench.out);
    expect(bench.heard(1)).toMatchObject({ type: 'manifestWanted' });
    expect(bench.chunks(1)).toMatchObject({ code: 'accepted' });

    const other = { version: new Uint8Array(32).fill(9) };
    bench.offer(1, other);
    expect(bench.offer(1, other)).toMatchObject({ code: 'wrong_version' });
    expect(bench.asked).toHaveLength(2);
    bench.desk.onVersion(deploymentOf(LEASE), WEB.version, bench.now, bench.out);
    // A second later it may be asked again.
    bench.now += SECOND;
    bench.offer(1, other);
    expect(bench.asked).toHaveLength(3);
    bench.desk.onVersion(deploymentOf(LEASE), null, bench.now, bench.out);
    expect(bench.heard(1)).toMatchObject({ code: 'unknown_lease' });
  });

  test('not when the lease has ended meanwhile, or its deployment was updated', () => {
    const bench = new Bench().win().enter(1);
    bench.offer(1);
    bench.keeper.versionIs(deploymentOf(LEASE), new Uint8Array(32).fill(2));
    expect(bench.chunks(1)).toMatchObject({ code: 'wrong_version' });
    bench.keeper.versionIs(deploymentOf(LEASE), WEB.version);
    bench.offer(1);
    bench.keeper.close(LEASE, bench.out);
    expect(bench.chunks(1)).toMatchObject({ code: 'unknown_lease' });
    expect(bench.started).toEqual([]);
  });
});

describe('what comes in pieces', () => {
  const chunk = (offset: number, length: number): Wire => ({
    type: 'manifestChunk',
    lease: LEASE,
    offset,
    bytes: new Uint8Array(length),
  });

  test.each([
    ['with a gap', [chunk(0, 10), chunk(11, 10)]],
    ['twice', [chunk(0, 10), chunk(0, 10)]],
    ['beyond its end', [chunk(0, MANIFEST.length + 1)]],
    ['empty', [chunk(0, 0)]],
    ['larger than pieces are', [chunk(0, MANIFEST_CHUNK_BYTES + 1)]],
  ])('is not taken %s', (_, messages) => {
    const bench = new Bench().win().enter(1);
    bench.offer(1, {
      bytes: Math.max(
        MANIFEST.length,
        messages[0]!.type === 'manifestChunk' && messages[0].bytes.length > MANIFEST_CHUNK_BYTES ? 2 ** 20 : 0,
      ),
    });
    for (const message of messages) bench.say(1, message);
    expect(bench.heard(1)).toMatchObject({ type: 'manifestResult', code: 'malformed' });
    // What still comes of it is ignored, and a new offer begins from nothing.
    bench.say(1, chunk(0, 10));
    expect(bench.offer(1)).toMatchObject({ type: 'manifestWanted' });
    expect(bench.chunks(1)).toMatchObject({ code: 'accepted' });
  });

  test('is given up when no more comes, and then the room is free again', () => {
    const bench = new Bench();
    const names = Array.from({ length: 17 }, (_, i) => `tenant-${i}`);
    for (const [i, name] of names.entries()) bench.win(`${accountOf(name)}/1/0/0`).enter(i, name);
    const offer = (i: number) => bench.offer(i, { lease: `${accountOf(names[i]!)}/1/0/0`, bytes: MAX_MANIFEST_BYTES });
    for (let i = 0; i < 16; i++) expect(offer(i)).toMatchObject({ type: 'manifestWanted' });
    // 64 MiB are promised.
    expect(offer(16)).toMatchObject({ code: 'busy' });
    bench.fire('delivery:3');
    expect(bench.heard(3)).toMatchObject({ code: 'timeout' });
    expect(offer(16)).toMatchObject({ type: 'manifestWanted' });
    bench.desk.receive({ kind: 'disconnected', connection: 5, peer: 'x', reason: '' }, bench.now, bench.out);
    expect(offer(3)).toMatchObject({ type: 'manifestWanted' });
  });
});

describe('logs', () => {
  function served() {
    const bench = new Bench().win().enter(1);
    bench.offer(1);
    bench.chunks(1);
    return bench;
  }
  const question = (changes = {}): Wire => ({
    type: 'getLeaseLog',
    serial: 1,
    lease: LEASE,
    service: '',
    lines: 3,
    ...changes,
  });
  const tell = (bench: Bench, id: string, lines: readonly string[] | null) =>
    bench.desk.receive({ kind: 'workloadLog', id, lines }, bench.now, bench.out);
  const [first, second] = [`${LEASE}#0@0`, `${LEASE}#1@0`];

  test('are the newest lines of each replica, told when all are there', () => {
    const bench = served();
    bench.say(1, question());
    expect(bench.logReads).toEqual([first, second]);
    tell(bench, second, null);
    expect(bench.heard(1)?.type).not.toBe('leaseLog');
    tell(bench, first, ['a', 'b', 'c', 'd']);
    expect(bench.heard(1)).toEqual({
      type: 'leaseLog',
      serial: 1,
      code: 'ok',
      replicas: [
        { service: 'web', replica: 0, lines: ['b', 'c', 'd'] },
        { service: 'web', replica: 1, lines: null },
      ],
    });
  });

  test('fit into a message, whatever was written', () => {
    const bench = served();
    bench.say(1, question({ lines: 1_000 }));
    for (const id of [first, second])
      tell(
        bench,
        id,
        Array.from({ length: 1_000 }, () => '\ud800\u4e16'.repeat(900)),
      );
    const answer = bench.heard(1)!;
    if (answer.type !== 'leaseLog') expect.fail(answer.type);
    const units = answer.replicas.flatMap(one => one.lines ?? []).join('').length;
    expect(units).toBeGreaterThan(MAX_LOG_UNITS / 2);
    expect(units).toBeLessThanOrEqual(MAX_LOG_UNITS);
    // A lone surrogate has no bytes: it must not get so far.
    expect(encodeWire(answer).length).toBeLessThan(256 * 1024);
  });

  test('a line longer than all that fits is cut', () => {
    const bench = served();
    bench.say(1, question());
    for (const id of [first, second]) tell(bench, id, ['old', 'x'.repeat(10 ** 6)]);
    const answer = bench.heard(1)!;
    if (answer.type !== 'leaseLog') expect.fail(answer.type);
    expect(answer.replicas.map(one => one.lines!.map(line => line.length))).toEqual([
      [MAX_LOG_UNITS / 2],
      [MAX_LOG_UNITS / 2],
    ]);
  });

  test('four at a time, and the backend is asked once for all of them', () => {
    const bench = served();
    for (let serial = 1; serial <= 5; serial++) bench.say(1, question({ serial }));
    expect(bench.heard(1)).toMatchObject({ serial: 5, code: 'busy' });
    expect(bench.logReads).toHaveLength(2);
    for (const id of [first, second]) tell(bench, id, []);
    const answered = bench.sent
      .filter(one => one.message.type === 'leaseLog')
      .map(one => (one.message as { serial: number }).serial);
    expect(answered).toEqual([5, 1, 2, 3, 4]);
  });

  test('a backend that does not answer is not waited for', () => {
    const bench = served();
    bench.say(1, question());
    tell(bench, first, ['a']);
    bench.fire('log:1');
    expect(bench.heard(1)).toMatchObject({ code: 'ok', replicas: [{ lines: ['a'] }, { lines: null }] });
    bench.say(1, question({ serial: 2 }));
    expect(bench.logReads).toEqual([first, second, first, second]);
  });

  test("nobody else's, and none of what does not run", () => {
    const bench = served();
    bench.enter(2, 'eve');
    bench.say(2, question());
    expect(bench.heard(2)).toMatchObject({ code: 'unknown_lease' });
    bench.say(2, { type: 'getLeaseStatus', lease: LEASE });
    expect(bench.heard(2)).toEqual({ type: 'leaseStatus', status: { lease: LEASE, version: null, services: [] } });
    bench.say(1, question({ service: 'db' }));
    expect(bench.heard(1)).toMatchObject({ code: 'unknown_service' });
    expect(bench.logReads).toEqual([]);
  });
});
