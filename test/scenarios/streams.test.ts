/**
 * Draws are keyed by what they are for and for whom: events that do nothing change no outcome, and who else takes part
 * changes no draw of those who stay.
 */
import { describe, expect, test } from 'vitest';
import { bidderOf } from '../../src/lab/experiment/bidders.ts';
import { type BuiltWorld, buildWorld } from '../../src/lab/experiment/build-world.ts';
import type { ProviderMember } from '../../src/lab/experiment/population.ts';
import { checkProtocolParams } from '../../src/lab/scenario/chain-params.ts';
import { loadScenarioFile } from '../../src/lab/scenario/load-node.ts';
import type { Scenario } from '../../src/lab/scenario/types.ts';
import { keyedHashScheme } from '../../src/protocol/codec/signature.ts';
import { RandomStreams } from '../../src/worlds/simulated/streams.ts';
import { runFile } from './run.ts';

const FILE = 'scenarios/spot-market.yaml';
const MINUTE = 60_000_000;
const HOUR = 60 * MINUTE;

function build(scenario: Scenario): BuiltWorld {
  return buildWorld({ scenario, seed: 5, trace: null, scheme: keyedHashScheme, watch() {}, onObserve() {} });
}

function withoutClass(scenario: Scenario, name: string): Scenario {
  return { ...scenario, providers: scenario.providers.filter(one => one.name !== name) };
}

describe('streams', { timeout: 300_000 }, () => {
  test('events that do nothing change no outcome', () => {
    const set = ['horizon=16h', 'observe.files=[orders, leases, providers, payments, events]'];
    const plain = runFile(FILE, { seed: 3, set });
    // On instants at which other things happen (blocks are made each six seconds), and on others.
    const noops = Array.from({ length: 5_000 }, (_, i) => (i % 2 === 0 ? 6_000_000 * i : 7_777_777 * i) % (16 * HOUR));
    const stirred = runFile(FILE, { seed: 3, set, noops: noops.sort((a, b) => a - b) });
    expect(stirred.result.traceHash).toBe(plain.result.traceHash);
    expect(stirred.result.summary).toEqual(plain.result.summary);
    expect(stirred.tables).toEqual(plain.tables);
    expect(plain.tables.get('leases')?.length).toBeGreaterThan(50);
  });

  test('a provider that is not there changes no cost, region or margin of another', () => {
    const { scenario } = loadScenarioFile(FILE, {
      checkParams: checkProtocolParams,
      overrides: ['providers.hyperscaler.strategy={costPlus: {margin: {uniform: [0.1, 0.5]}}}'],
    });
    const all = build(scenario).population.providers.flatMap(group => group.members);
    const fewer = build(withoutClass(scenario, 'regional')).population.providers.flatMap(group => group.members);
    const byName = new Map(all.map(member => [member.name, member]));
    expect(fewer.length).toBe(all.length - 5);
    for (const member of fewer) {
      const before = byName.get(member.name) as ProviderMember;
      expect(member).toEqual(before);
    }
    // Costs are drawn: were they all alike, nothing would have been shown.
    expect(new Set(fewer.map(member => member.costs.cpu)).size).toBeGreaterThan(5);
    const margins = (s: Scenario): string[] => {
      const spec = s.providers.find(one => one.name === 'hyperscaler');
      if (spec === undefined) throw new Error('there is no hyperscaler');
      return all.filter(one => one.name.startsWith('hyperscaler')).map(member => priceOf(spec, member));
    };
    expect(margins(withoutClass(scenario, 'regional'))).toEqual(margins(scenario));
    expect(new Set(margins(scenario)).size).toBe(3);
  });

  test('a provider that is not there changes no arrival, size or lifetime of demand', () => {
    const set = ['horizon=13h', 'observe.files=[orders]'];
    const all = runFile(FILE, { seed: 4, set });
    const fewer = runFile(FILE, { seed: 4, set, change: scenario => withoutClass(scenario, 'newcomer') });
    // Who asked for what, when, and at which price; not what came of it, nor its id: a tenant that tops up its escrow
    // uses up a number, and when it must depends on the price.
    const asked = (run: typeof all): string[] =>
      (run.tables.get('orders') ?? []).map(row => row.slice(1, 7).join(' ')).sort((a, b) => (a < b ? -1 : 1));
    expect(asked(fewer)).toEqual(asked(all));
    expect(asked(all).length).toBeGreaterThan(150);
    expect(fewer.result.summary.leases).not.toBe(0);
  });

  test('a provider thinks as long whoever else is there', () => {
    // With links that take as long for each message, when a bid stands in a block tells how long its bidder thought.
    const set = ['horizon=14h', 'observe.files=[events]', 'network={latency: 15ms}'];
    const thoughts = (change?: (scenario: Scenario) => Scenario): string[] => {
      const { tables } = runFile(FILE, { seed: 6, set, ...(change === undefined ? {} : { change }) });
      const events = tables.get('events') ?? [];
      return events
        .filter(row => row[2] === 'FulfillmentPlaced' && String(row[4]).startsWith('hyperscaler'))
        .map(row => `${row[1]} ${String(row[3]).replace(/\/.*/, '')} ${row[4]}`);
    };
    const all = thoughts();
    // Hyperscalers have room to spare in these hours, and their price depends on nobody: they bid on all they may.
    expect(thoughts(scenario => withoutClass(scenario, 'enthusiast'))).toEqual(all);
    expect(all.length).toBeGreaterThan(100);
  });
});

/** What a provider asks for one vCPU at a fixed cost, from the draws of its own name. */
function priceOf(spec: Scenario['providers'][number], member: ProviderMember): string {
  const { strategy } = bidderOf(spec, member, new Map(), new RandomStreams(5));
  const unit = { cpu: 1_000_000, memory: 0, disk: 0, bandwidth: 0, gpu: 0 };
  const prices = strategy({
    order: 'a',
    infrastructure: {
      region: '',
      persist: false,
      resources: [{ compute: unit, price: 10n ** 12n, collateral: 0n, count: 1 }],
      attributes: {},
      reputationAtLeast: 0,
    },
    costs: { cpu: 1_000_000n, memory: 0n, disk: 0n, gpu: 0n },
    utilisation: 0,
    lastClearing: null,
    lowestBid: null,
    bids: 0,
    time: 0,
    draw: () => 0,
  });
  return String(prices?.[0]);
}
