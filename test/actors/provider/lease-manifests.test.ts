/** A lease whose manifest comes, changes, and is interrupted; effects as they are called. */
import { describe, expect, test } from 'vitest';
import type { Effects, WorkloadSpec } from '../../../src/actors/actor.ts';
import type { ChainClient } from '../../../src/actors/client/chain-client.ts';
import { CapacityBook } from '../../../src/actors/provider/capacity.ts';
import { type Conduct, HONEST } from '../../../src/actors/provider/conduct.ts';
import { LeaseKeeper } from '../../../src/actors/provider/lease-keeper.ts';
import { ManifestShelf } from '../../../src/actors/provider/manifest-shelf.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import { unitsOfLease } from '../../../src/protocol/manifest/lease-units.ts';
import { readManifest } from '../../../src/protocol/manifest/reading.ts';
import type { Message } from '../../../src/protocol/model/messages.ts';
import { defaultParams } from '../../../src/protocol/model/params.ts';
import { deployRequest, sdlOf } from '../../support/lease-net.ts';

const LEASE = 'tom/1/0/0';
const [FIRST, SECOND] = [`${LEASE}#0@0`, `${LEASE}#1@0`];
const HOST = { cpu: 1_000, memory: 2 ** 30, disk: 2 ** 31, gpus: 0, bandwidth: 0 };
/** Half a period of 100 blocks of 6 s. */
const HALF_PERIOD_US = 50 * 6_000_000;

/** A manifest of two units, and what belongs to it. */
function pair(...images: readonly [string, string]) {
  const request = deployRequest(sdlOf(images.map((image, i) => ({ name: `s${i}`, image }))));
  const { version, infrastructure } = request;
  const bytes = request.manifest!;
  const reading = readManifest(bytes);
  if (!reading.ok) throw new Error(reading.reason);
  const { resources } = infrastructure[0]!;
  const units = unitsOfLease(reading.manifest[0]!, resources);
  if (!units.ok) throw new Error(units.reason);
  return { version, resources, held: { version, group: 'dc', bytes }, services: units.units };
}

const OLD = pair('a:1', 'b:1');
const NEW = pair('a:2', 'b:2');

function setUp(conduct: Partial<Conduct> = {}, hosts = 2, store = new Map<string, Uint8Array>()) {
  const calls: string[] = [];
  const sent: Message[] = [];
  const note = (name: string) => (one: unknown) => {
    if (name === 'observe' || name === 'setTimer' || name === 'cancelTimer') return;
    const spec = one as WorkloadSpec;
    calls.push(
      name === 'startWorkload' ? `start ${spec.id} ${spec.image}` : name === 'stopWorkload' ? `stop ${one}` : name,
    );
  };
  const out = new Proxy({} as Effects<Wire>, {
    get: (_, name) =>
      name === 'put'
        ? (key: string, value: Uint8Array) => {
            store.set(key, value);
            calls.push('put');
          }
        : note(String(name)),
  });
  const chain = { params: defaultParams(), submit: (message: Message) => sent.push(message) } as unknown as ChainClient;
  const shelf = new ManifestShelf();
  const told: string[] = [];
  const book = new CapacityBook(Array.from({ length: hosts }, () => HOST));
  const keeper = new LeaseKeeper(book, chain, { ...HONEST, ...conduct }, shelf, lease => told.push(lease));
  const take = () => calls.splice(0);
  return { keeper, shelf, book, calls, sent, told, out, take, store };
}

type Bench = ReturnType<typeof setUp>;

function won(bench: Bench): Bench {
  const { resources, version } = OLD;
  bench.keeper.begin({ lease: LEASE, resources, collateral: 0n, version }, null, 0, bench.out);
  return bench;
}

function started(bench: Bench, ...ids: readonly string[]): void {
  for (const id of ids) bench.keeper.workload(id, 'started', [], 1, bench.out);
}

function running(bench: Bench): Bench {
  won(bench).keeper.accept(LEASE, OLD.held, OLD.services, 1, bench.out);
  started(bench, FIRST, SECOND);
  bench.take();
  return bench;
}

const resets = ({ sent }: Bench) => sent.map(one => (one.type === 'SubmitLeaseConfirmation' ? one.reset : one.type));

describe('a lease that waits for its manifest', () => {
  test('holds its capacity, runs nothing, and is confirmed', () => {
    const bench = won(setUp());
    expect([bench.calls, bench.book.used.cpu, resets(bench)]).toEqual([[], 1_000, [false]]);
    bench.keeper.confirmationDue(LEASE, HALF_PERIOD_US, bench.out);
    expect(resets(bench)).toEqual([false, false]);
  });

  test('is not confirmed any more from when it came until everything has started', () => {
    const bench = won(setUp());
    bench.keeper.accept(LEASE, OLD.held, OLD.services, 1, bench.out);
    started(bench, FIRST);
    bench.keeper.confirmationDue(LEASE, HALF_PERIOD_US, bench.out);
    expect(resets(bench)).toEqual([false]);
    bench.keeper.workload(SECOND, 'started', [], HALF_PERIOD_US + 1, bench.out);
    expect(resets(bench)).toEqual([false, false]);
  });

  test('tears down at once when it closes', () => {
    const bench = won(setUp());
    bench.keeper.close(LEASE, bench.out);
    expect(resets(bench)).toEqual([false, true]);
  });

  test('and one whose provider runs nothing takes the manifest all the same', () => {
    const bench = won(setUp({ runs: false }));
    bench.keeper.accept(LEASE, OLD.held, OLD.services, 1, bench.out);
    expect(bench.calls).toEqual(['put', 'sync']);
    expect(bench.keeper.status(LEASE)?.services).toMatchObject([{ running: 0 }, { running: 0 }]);
  });
});

describe('a new manifest', () => {
  test('is stored first; each new workload starts when the old one in its place has stopped', () => {
    const bench = running(setUp());
    bench.keeper.accept(LEASE, NEW.held, NEW.services, 2, bench.out);
    expect(bench.take()).toEqual(['put', 'sync', `stop ${FIRST}`, `stop ${SECOND}`]);
    // What the old one still does is nothing of the new one's.
    bench.keeper.workload(FIRST, 'exited', [], 3, bench.out);
    bench.keeper.restartWorkload(FIRST, bench.out);
    expect(bench.take()).toEqual([]);
    bench.keeper.workload(FIRST, 'stopped', [], 4, bench.out);
    expect(bench.take()).toEqual([`start ${FIRST} a:2`]);
    bench.keeper.workload(SECOND, 'stopped', [], 5, bench.out);
    // And then it is noted that nothing old is left.
    expect(bench.take()).toEqual([`start ${SECOND} b:2`, 'put', 'sync']);
    expect(bench.book.used.cpu).toBe(1_000);
  });

  test('that comes before the last one is in place starts once what is there has stopped', () => {
    const bench = running(setUp());
    bench.keeper.accept(LEASE, NEW.held, NEW.services, 2, bench.out);
    bench.keeper.workload(FIRST, 'stopped', [], 3, bench.out);
    const newest = pair('a:3', 'b:3');
    bench.take();
    bench.keeper.accept(LEASE, newest.held, newest.services, 4, bench.out);
    bench.keeper.workload(SECOND, 'stopped', [], 5, bench.out);
    bench.keeper.workload(FIRST, 'stopped', [], 6, bench.out);
    expect(bench.take().filter(call => call.startsWith('start'))).toEqual([
      `start ${SECOND} b:3`,
      `start ${FIRST} a:3`,
    ]);
  });

  test('that is being put in place when the lease closes is not started, and its end is waited for', () => {
    const bench = running(setUp());
    bench.keeper.accept(LEASE, NEW.held, NEW.services, 2, bench.out);
    bench.keeper.close(LEASE, bench.out);
    bench.take();
    bench.keeper.workload(FIRST, 'stopped', [], 3, bench.out);
    expect(resets(bench)).toEqual([false]);
    bench.keeper.workload(SECOND, 'stopped', [], 4, bench.out);
    expect([resets(bench), bench.take()]).toEqual([[false, true], []]);
  });

  test('moves with its lease to another host', () => {
    const bench = running(setUp());
    bench.keeper.host(0, false, 5, bench.out);
    expect(bench.take().filter(call => call.startsWith('start'))).toEqual([
      `start ${LEASE}#0@1 a:1`,
      `start ${LEASE}#1@1 b:1`,
    ]);
  });

  test('is dropped from the store when its lease is over', () => {
    const bench = running(setUp());
    bench.keeper.close(LEASE, bench.out);
    bench.take();
    bench.keeper.end(LEASE, 9, bench.out);
    expect(bench.take()).toEqual(['delete']);
  });
});

describe('after a restart', () => {
  /** Another incarnation that finds this store. */
  function restarted(store: Map<string, Uint8Array>): Bench {
    const bench = setUp({}, 2, store);
    bench.shelf.begin(1, bench.out);
    const entries = [...store];
    expect(bench.shelf.receive({ kind: 'scanned', prefix: 'manifest/', entries }, bench.out)).toBe(true);
    bench.take();
    return bench;
  }
  const resume = (
    bench: Bench,
    runs: readonly string[],
    stage: 'active' | 'closing' = 'active',
    { version, resources } = OLD,
  ) => bench.keeper.resume({ lease: LEASE, resources, collateral: 0n, version }, stage, runs, 10, bench.out);

  test('what runs is taken up, and confirmed', () => {
    const bench = restarted(running(setUp()).store);
    resume(bench, [FIRST, SECOND]);
    // Asked to run what runs: the backend leaves it, and tells its addresses again.
    expect(bench.take()).toEqual([`start ${FIRST} a:1`, `start ${SECOND} b:1`]);
    expect(resets(bench)).toEqual([false]);
    expect(bench.keeper.facts(LEASE)?.held).toEqual(OLD.version);
  });

  test('what may be of an older manifest is replaced: nobody can tell what runs there', () => {
    const before = running(setUp());
    before.keeper.accept(LEASE, NEW.held, NEW.services, 2, before.out);
    const bench = restarted(before.store);
    resume(bench, [FIRST, SECOND], 'active', NEW);
    expect(bench.take()).toEqual([`stop ${FIRST}`, `stop ${SECOND}`]);
    bench.keeper.workload(FIRST, 'stopped', [], 11, bench.out);
    expect(bench.take()).toEqual([`start ${FIRST} a:2`]);
    bench.keeper.workload(SECOND, 'stopped', [], 12, bench.out);
    expect(bench.take()).toEqual([`start ${SECOND} b:2`, 'put', 'sync']);
    // Once it is known to be of the new one it is taken up like anything else.
    const next = restarted(bench.store);
    resume(next, [FIRST, SECOND], 'active', NEW);
    expect(next.take()).toEqual([`start ${FIRST} a:2`, `start ${SECOND} b:2`]);
  });

  test('of an older manifest nothing stands any more: that is noted at once', () => {
    const before = running(setUp());
    before.keeper.accept(LEASE, NEW.held, NEW.services, 2, before.out);
    const bench = restarted(before.store);
    resume(bench, [], 'active', NEW);
    expect(bench.take()).toEqual([`start ${FIRST} a:2`, `start ${SECOND} b:2`, 'put', 'sync']);
  });

  test('what was found of an older manifest than the chain has runs on until the new one comes', () => {
    const bench = restarted(running(setUp()).store);
    resume(bench, [FIRST, SECOND], 'active', { ...OLD, version: NEW.version });
    expect(bench.take()).toEqual([`start ${FIRST} a:1`, `start ${SECOND} b:1`]);
    expect(bench.keeper.facts(LEASE)).toMatchObject({ version: NEW.version, held: OLD.version });
  });

  test('without its manifest nothing runs on: what it was is not known', () => {
    const bench = restarted(new Map());
    resume(bench, [FIRST, SECOND]);
    expect(bench.take()).toEqual([`stop ${FIRST}`, `stop ${SECOND}`]);
    expect(resets(bench)).toEqual([false]);
  });

  test('a lease that is closing is torn down, and nothing is started for it', () => {
    const bench = restarted(running(setUp()).store);
    resume(bench, [FIRST], 'closing');
    expect(bench.take()).toEqual([`stop ${FIRST}`]);
    bench.keeper.workload(FIRST, 'stopped', [], 11, bench.out);
    expect(resets(bench)).toEqual([true]);
  });

  test('manifests of leases that are over are swept out', () => {
    const bench = restarted(running(setUp()).store);
    bench.shelf.sweep(bench.out);
    expect(bench.take()).toEqual(['delete']);
  });

  test('a manifest that is damaged in itself is none', () => {
    const { store } = running(setUp());
    const bench = restarted(new Map([...store].map(([key, bytes]) => [key, bytes.slice(0, -3)])));
    resume(bench, []);
    expect(bench.keeper.facts(LEASE)?.held).toBeNull();
  });
});
