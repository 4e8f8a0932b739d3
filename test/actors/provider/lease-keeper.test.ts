/** The life of a lease at its provider: start, confirm, restart, move, tear down, walk away; effects as they are called. */
import { describe, expect, test } from 'vitest';
import type { Effects } from '../../../src/actors/actor.ts';
import type { ChainClient } from '../../../src/actors/client/chain-client.ts';
import { CapacityBook } from '../../../src/actors/provider/capacity.ts';
import { type Conduct, HONEST } from '../../../src/actors/provider/conduct.ts';
import { LeaseKeeper } from '../../../src/actors/provider/lease-keeper.ts';
import { ManifestShelf } from '../../../src/actors/provider/manifest-shelf.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import type { Message } from '../../../src/protocol/model/messages.ts';
import { defaultParams } from '../../../src/protocol/model/params.ts';

const LEASE = 'tom/1/0/0';
const UNITS = [
  { compute: { cpu: 1_000, memory: 0, disk: 0, bandwidth: 0, gpu: 0 }, price: 1n, collateral: 0n, count: 2 },
];
const HOST = { cpu: 2_000, memory: 0, disk: 0, gpus: 0, bandwidth: 0 };
/** A period of 100 blocks of 6 s; half of it is when the next confirmation is due. */
const HALF_PERIOD_US = 50 * 6_000_000;

/** A lease for which no manifest will come. */
function terms(lease: string, collateral: bigint) {
  return { lease, resources: UNITS, collateral, version: new Uint8Array(32) };
}

function setUp(conduct: Conduct = HONEST, hosts = 2) {
  const calls: string[] = [];
  const sent: Message[] = [];
  /** Whether services were told to be there, as it was observed. */
  const services: string[] = [];
  const note =
    (name: string) =>
    (...args: unknown[]): void => {
      if (name === 'observe') {
        if (args[0] === 'service') services.push(`${args[2]} ${args[1]}`);
        return;
      }
      calls.push(
        [name, ...args.map(one => (typeof one === 'object' ? (one as { id: string }).id : String(one)))].join(' '),
      );
    };
  const out = new Proxy({} as Effects<Wire>, { get: (_, name) => note(String(name)) });
  const chain = { params: defaultParams(), submit: (message: Message) => sent.push(message) } as unknown as ChainClient;
  const book = new CapacityBook(Array.from({ length: hosts }, () => HOST));
  const keeper = new LeaseKeeper(book, chain, conduct, new ManifestShelf(), () => undefined);
  return { keeper, book, calls, sent, services, out };
}

const confirmed = (sent: readonly Message[]) =>
  sent.map(one => (one.type === 'SubmitLeaseConfirmation' ? one.reset : one.type));

describe('lease keeper', () => {
  test('confirms when every workload has started, and not before', () => {
    const { keeper, calls, sent, out } = setUp();
    keeper.begin(terms(LEASE, 0n), null, 0, out);
    expect(calls).toEqual([`startWorkload ${LEASE}#0@0`, `startWorkload ${LEASE}#1@0`]);
    keeper.workload(`${LEASE}#0@0`, 'started', [], 1, out);
    expect(sent).toEqual([]);
    keeper.workload(`${LEASE}#1@0`, 'started', [], 2, out);
    expect(confirmed(sent)).toEqual([false]);
    expect(calls.at(-1)).toBe(`setTimer ${LEASE} ${2 + HALF_PERIOD_US}`);
  });

  test('a workload that exits is started again and breaks nothing', () => {
    const { keeper, calls, sent, out } = setUp();
    keeper.begin(terms(LEASE, 0n), null, 0, out);
    for (const unit of [0, 1]) keeper.workload(`${LEASE}#${unit}@0`, 'started', [], 1, out);
    keeper.workload(`${LEASE}#0@0`, 'exited', [], 10, out);
    expect(calls.at(-1)).toBe(`setTimer restart:${LEASE}#0@0 ${10 + 1_000_000}`);
    keeper.restartWorkload(`${LEASE}#0@0`, out);
    expect(calls.at(-1)).toBe(`startWorkload ${LEASE}#0@0`);
    keeper.confirmationDue(LEASE, HALF_PERIOD_US + 1, out);
    expect(confirmed(sent)).toEqual([false, false]);
  });

  test('what starts meanwhile does not bring the next confirmation forward', () => {
    const { keeper, sent, calls, out } = setUp();
    keeper.begin(terms(LEASE, 0n), null, 0, out);
    for (const unit of [0, 1]) keeper.workload(`${LEASE}#${unit}@0`, 'started', [], 1, out);
    expect(confirmed(sent)).toEqual([false]);
    // The host is lost and comes back: both start anew, far beyond the quarter period that the chain asks for.
    keeper.host(0, false, 2, out);
    for (const unit of [0, 1]) keeper.workload(`${LEASE}#${unit}@1`, 'started', [], HALF_PERIOD_US - 1, out);
    expect(confirmed(sent)).toEqual([false]);
    expect(calls.at(-1)).toBe(`setTimer ${LEASE} ${HALF_PERIOD_US + 1}`);
    keeper.confirmationDue(LEASE, HALF_PERIOD_US + 1, out);
    expect(confirmed(sent)).toEqual([false, false]);
  });

  test('a lost host: moved to another, and confirmed only once it runs there', () => {
    const { keeper, book, calls, sent, out } = setUp();
    keeper.begin(terms(LEASE, 0n), null, 0, out);
    for (const unit of [0, 1]) keeper.workload(`${LEASE}#${unit}@0`, 'started', [], 1, out);
    keeper.host(0, false, 5, out);
    expect(calls.slice(-2)).toEqual([`startWorkload ${LEASE}#0@1`, `startWorkload ${LEASE}#1@1`]);
    keeper.confirmationDue(LEASE, HALF_PERIOD_US + 1, out);
    expect(confirmed(sent)).toEqual([false]);
    for (const unit of [0, 1]) keeper.workload(`${LEASE}#${unit}@1`, 'started', [], HALF_PERIOD_US + 2, out);
    expect(confirmed(sent)).toEqual([false, false]);
    expect(book.used.cpu).toBe(2_000);
  });

  test('without room elsewhere it does not confirm, and takes its capacity back when the host returns', () => {
    const { keeper, book, sent, out } = setUp(HONEST, 1);
    keeper.begin(terms(LEASE, 0n), null, 0, out);
    for (const unit of [0, 1]) keeper.workload(`${LEASE}#${unit}@0`, 'started', [], 1, out);
    keeper.host(0, false, 5, out);
    keeper.confirmationDue(LEASE, HALF_PERIOD_US + 1, out);
    expect([confirmed(sent), book.used.cpu]).toEqual([[false], 0]);
    keeper.host(0, true, HALF_PERIOD_US + 2, out);
    for (const unit of [0, 1]) keeper.workload(`${LEASE}#${unit}@0`, 'started', [], HALF_PERIOD_US + 3, out);
    expect([confirmed(sent), book.used.cpu]).toEqual([[false, false], 2_000]);
  });

  test('teardown: the reset is confirmed when the last workload has stopped, and the capacity returns at the end', () => {
    const { keeper, book, sent, out } = setUp();
    keeper.begin(terms(LEASE, 0n), null, 0, out);
    for (const unit of [0, 1]) keeper.workload(`${LEASE}#${unit}@0`, 'started', [], 1, out);
    keeper.close(LEASE, out);
    keeper.workload(`${LEASE}#0@0`, 'stopped', [], 2, out);
    expect(confirmed(sent)).toEqual([false]);
    keeper.workload(`${LEASE}#1@0`, 'stopped', [], 3, out);
    expect(confirmed(sent)).toEqual([false, true]);
    expect(book.used.cpu).toBe(2_000);
    keeper.end(LEASE, 4, out);
    expect(book.used.cpu).toBe(0);
  });

  test('a lease left for outside work gives its capacity back once, whether it breaks or its tenant closes it', () => {
    for (const closes of [false, true]) {
      const offers = { next_us: () => 1_000, worth: () => 5n, occupied_us: 9_000 };
      const { keeper, book, out } = setUp({ ...HONEST, offers });
      keeper.begin(terms(LEASE, 4n), null, 0, out);
      for (const unit of [0, 1]) keeper.workload(`${LEASE}#${unit}@0`, 'started', [], 1, out);
      keeper.offer(LEASE, 1_000, out);
      if (closes) keeper.close(LEASE, out);
      keeper.end(LEASE, 2_000, out);
      expect(book.used.cpu).toBe(2_000);
      keeper.outsideDone(LEASE, 10_000, out);
      expect(book.used.cpu).toBe(0);
    }
  });

  test('an offer that gains no more than the collateral is not taken', () => {
    const offers = { next_us: () => 1_000, worth: () => 5n, occupied_us: 9_000 };
    const { keeper, calls, out } = setUp({ ...HONEST, offers });
    keeper.begin(terms(LEASE, 5n), null, 0, out);
    keeper.offer(LEASE, 1_000, out);
    expect(calls.at(-1)).toBe(`setTimer offer:${LEASE} 2000`);
  });

  test('says when a service begins to be there and when it ends, each once', () => {
    const { keeper, services, out } = setUp();
    const told = (): string[] => services.splice(0);
    const start = (host: number): void => {
      for (const unit of [0, 1]) keeper.workload(`${LEASE}#${unit}@${host}`, 'started', [], 1, out);
    };
    keeper.begin(terms(LEASE, 0n), null, 0, out);
    keeper.workload(`${LEASE}#0@0`, 'started', [], 1, out);
    expect(told()).toEqual([]);
    start(0);
    expect(told()).toEqual([`${LEASE} 1`]);
    keeper.workload(`${LEASE}#0@0`, 'exited', [], 2, out);
    keeper.workload(`${LEASE}#1@0`, 'exited', [], 2, out);
    expect(told()).toEqual([`${LEASE} 0`]);
    start(0);
    keeper.host(0, false, 5, out);
    start(1);
    expect(told()).toEqual([`${LEASE} 1`, `${LEASE} 0`, `${LEASE} 1`]);
    keeper.close(LEASE, out);
    keeper.end(LEASE, 9, out);
    expect(told()).toEqual([`${LEASE} 0`]);
  });

  test('who never confirms, never confirms', () => {
    const { keeper, sent, out } = setUp({ ...HONEST, runs: false, confirms: false });
    keeper.begin(terms(LEASE, 0n), null, 0, out);
    keeper.close(LEASE, out);
    expect(sent).toEqual([]);
  });
});
