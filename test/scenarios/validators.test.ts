/** What the tables of a run say of validators, held against what the chain's own events say. */
import { describe, expect, test } from 'vitest';
import { TABLES } from '../../src/lab/report/tables.ts';
import { metric, type Row, runFile, type ScenarioRun } from './run.ts';

function cell(table: 'blocks' | 'validators' | 'events', row: Row, column: string): Row[number] {
  const at = TABLES[table].findIndex(one => one.name === column);
  if (at < 0) throw new Error(`${table}.csv has no column ${column}`);
  expect(row.length).toBe(TABLES[table].length);
  return row[at] as Row[number];
}

function rows(run: ScenarioRun, table: 'blocks' | 'validators' | 'events'): readonly Row[] {
  const found = run.tables.get(table);
  if (found === undefined) throw new Error(`the run has no table ${table}`);
  return found;
}

describe('validators in the tables', { timeout: 300_000 }, () => {
  test('stake that moves changes the set two heights later, and turns follow', () => {
    const run = runFile('scenarios/validator-churn.yaml');
    const events = rows(run, 'events').map(row => ({
      height: cell('events', row, 'height') as number,
      type: cell('events', row, 'type'),
      participant: cell('events', row, 'participant'),
      details: JSON.parse(cell('events', row, 'details') as string) as Record<string, unknown>,
    }));
    const changes = events.filter(one => one.type === 'ValidatorSetChanged');
    expect(changes).toHaveLength(3);
    for (const { height, details } of changes) expect(details.height).toBe(height + 2);
    const blocks = rows(run, 'blocks');
    expect(blocks.map(row => cell('blocks', row, 'height'))).toEqual(blocks.map((_, i) => i + 1));
    const proposed = (name: string): number[] =>
      blocks
        .filter(row => cell('blocks', row, 'proposer') === name)
        .map(row => cell('blocks', row, 'height') as number);
    const [up, out, back] = changes.map(one => one.height + 2) as [number, number, number];
    // Nobody proposes who is not in the set, and whoever has come in does before long.
    const aspirant = proposed('validator-4');
    expect(Math.min(...aspirant)).toBeGreaterThanOrEqual(up);
    expect(Math.min(...aspirant)).toBeLessThan(up + 20);
    expect(Math.max(...aspirant)).toBeLessThan(back);
    const founder = proposed('validator-3');
    expect(founder.some(height => height >= up && height < out)).toBe(false);
    expect(founder.some(height => height >= out && height < out + 20)).toBe(true);
    const absent = proposed('validator-1');
    expect(absent.some(height => height >= out && height < back)).toBe(false);
    expect(absent.some(height => height >= back)).toBe(true);
    // It asks to come back in the first block in which it may.
    const jailed = events.find(one => one.type === 'ValidatorJailed');
    const unjailed = events.find(one => one.type === 'ValidatorUnjailed');
    const until = (jailed?.details.until as number) / 1e6;
    const mayFrom = blocks.find(row => (cell('blocks', row, 'time_s') as number) >= until);
    expect(unjailed?.height).toBeLessThanOrEqual((cell('blocks', mayFrom!, 'height') as number) + 2);
    expect(unjailed?.participant).toBe('validator-1');
  });

  test('an operator who does not ask stays out', () => {
    const set = [
      'chain.validators=[{count: 4, stake: 1000000 akash, unjail: false}, {count: 1, stake: 500000 akash}]',
      'horizon=100m',
      'delegators.fund.script=[{at: 1m, kind: withdraw, from: validator-0}]',
      'expect=[]',
    ];
    const run = runFile('scenarios/validator-churn.yaml', { set });
    expect(metric(run, 'jails')).toBe(1);
    expect(metric(run, 'unjails')).toBe(0);
    expect(metric(run, 'validator_1_power_share')).toBe(0);
  });

  test('a delegator does each step once, also across a crash, and none that fell into it', () => {
    const step = (at: string): string => `{at: ${at}, kind: delegate, to: validator-1, amount: 10 akash}`;
    const set = [
      'chain.validators=2',
      'observe.files=[events]',
      'expect=[]',
      `delegators={fund: {count: 2, balance: 100 akash, script: [${['3m', '6m', '12m', '12m'].map(step).join(', ')}]}}`,
      'faults=[{at: 5m, kind: crash, target: fund-1, for: 4m}]',
    ];
    const run = runFile('scenarios/first-lease.yaml', { set });
    const bonded = rows(run, 'events').filter(row => cell('events', row, 'type') === 'StakeBonded');
    const times = (who: string): number[] =>
      bonded
        .filter(row => cell('events', row, 'participant') === who)
        .map(row => Math.round((cell('events', row, 'time_s') as number) / 60));
    expect(times('fund-0')).toEqual([3, 6, 12, 12]);
    expect(times('fund-1')).toEqual([3, 12, 12]);
    expect(metric(run, 'validator_1_stake_akash')).toBe(1_000_070);
    // The market took no notice.
    expect(metric(run, 'orders_matched')).toBe(1);
  });

  test('a partition: rows of blocks and of validators agree with each other', () => {
    const run = runFile('scenarios/partition.yaml');
    const blocks = rows(run, 'blocks');
    const validators = rows(run, 'validators');
    expect(blocks.length).toBe(metric(run, 'blocks'));
    const sum = (table: 'blocks' | 'validators', column: string): number =>
      rows(run, table).reduce((total, row) => total + Number(cell(table, row, column) ?? 0), 0);
    expect(sum('validators', 'proposed')).toBe(blocks.length);
    expect(sum('validators', 'signed')).toBe(sum('blocks', 'signers'));
    expect(sum('validators', 'missed')).toBe(metric(run, 'blocks_missed'));
    // The newest block's commit is not known yet.
    expect(sum('validators', 'signed') + sum('validators', 'missed')).toBe(validators.length * (blocks.length - 1));
    expect(sum('validators', 'mean_power_share')).toBeCloseTo(1, 9);
    expect(sum('validators', 'fetched')).toBe(metric(run, 'blocks_fetched'));
    // While the cable is cut only the five decide, and they are all there is of each commit.
    const during = blocks.filter(row => {
      const at = cell('blocks', row, 'proposed_s') as number;
      return at > 2_420 && at < 3_590;
    });
    expect(during.length).toBeGreaterThan(100);
    for (const row of during) {
      expect(cell('blocks', row, 'nodes')).toBe(5);
      expect(cell('blocks', row, 'signers')).toBe(5);
      expect(cell('blocks', row, 'power_signed')).toBeCloseTo(5 / 7, 12);
    }
    // A row is written when all seven are through, in the order of heights.
    for (const row of blocks.slice(0, 300)) {
      expect(cell('blocks', row, 'nodes')).toBe(7);
      const [p50, p90, last] = ['commit_p50_s', 'commit_p90_s', 'commit_max_s'].map(name => cell('blocks', row, name));
      expect(p50 as number).toBeGreaterThan(0);
      expect(p90 as number).toBeGreaterThanOrEqual(p50 as number);
      expect(last as number).toBeGreaterThanOrEqual(p90 as number);
    }
    // All fees are theirs, to the last rounding; an order that is opened again pays its fee of 500 from the escrow.
    const fees = metric(run, 'fees_uakt') + 500 * metric(run, 'leases_renewed');
    expect(sum('validators', 'rewards_uakt')).toBeLessThanOrEqual(fees);
    expect(sum('validators', 'rewards_uakt')).toBeGreaterThan(fees - validators.length * blocks.length);
  });

  test('four against three decide nothing, and break nothing', () => {
    const set = ['chain.validators=[{count: 4, region: eu}, {count: 3, region: asia}]', 'horizon=80m', 'expect=[]'];
    const run = runFile('scenarios/partition.yaml', { set });
    expect(metric(run, 'region_eu_stall_s')).toBeGreaterThan(1_190);
    expect(metric(run, 'region_asia_stall_s')).toBeGreaterThan(1_190);
    expect(metric(run, 'stall_max_s')).toBeLessThan(1_260);
    expect(metric(run, 'heights_apart')).toBe(0);
    expect(metric(run, 'leases_broken')).toBe(0);
  });
});
