/**
 * Fifty kills in a row under load: validators, providers and a tenant die by SIGKILL at any moment and come back, while
 * deployments are made and closed and transfers go on. Afterwards nobody has signed two things for one step, no block
 * that any node ever had is gone, all have the same state at every height, the rules of the market held in every block,
 * and what runs at the engine is what is leased.
 *
 * STORM_SEED and STORM_KILLS choose another storm: a seed gives the same participants and pauses again.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { afterAll, describe, expect, test } from 'vitest';
import { blockKey, decodeCommitted } from '../../src/actors/validator/block-store.ts';
import { SIGNER_KEY, Signer } from '../../src/actors/validator/signer.ts';
import { homePaths } from '../../src/lab/live/home/folder.ts';
import { decodeBlock, headerHash } from '../../src/protocol/chain/block.ts';
import { voteOfCommit } from '../../src/protocol/consensus/types.ts';
import { cleanUp } from '../../src/worlds/live/docker/clean-up.ts';
import { connectionTo } from '../../src/worlds/live/docker/engine.ts';
import { ed25519Scheme } from '../../src/worlds/live/ed25519.ts';
import { randomStream } from '../../src/worlds/live/random.ts';
import { LiveStorage } from '../../src/worlds/live/storage/storage.ts';
import { noDockerReason, type TestEngine, testEngine } from '../support/docker.ts';
import { LiveNet } from './net/live-net.ts';
import { accountOf, freshAddress, Transfers } from './net/load.ts';
import { type Kill, storm } from './net/storm.ts';
import { Tenancy, webSdl } from './net/tenancy.ts';
import { Statements, witnessed } from './net/witness.ts';
import { processesOf } from './support.ts';

const SEED = process.env.STORM_SEED ?? '1';
const KILLS = Number(process.env.STORM_KILLS ?? 50);
const LIMIT_MS = 300_000;
/** What everybody may take to come back and agree when the storm is over. */
const CALM_MS = 60_000;
const RUN = randomBytes(6).toString('hex');
const WITNESS_MAIN = fileURLToPath(new URL('./net/witness-main.ts', import.meta.url));

/** Blocks twice a second, rounds that wait little for who is dead, and leases that outlast a provider's restarts. */
const SCENARIO = `
name: kill-storm
question: Does a network lose anything to fifty kills in a row?
horizon: 1h
chain:
  blockInterval: 500ms
  validators: 4
  signatures: ed25519
  keepBlocks: 10000
  snapshotEvery: 25
  timeouts:
    propose: { base: 600ms, delta: 200ms }
    prevote: { base: 300ms, delta: 200ms }
    precommit: { base: 300ms, delta: 200ms }
  params: { reconfirmationPeriod: 40, resetGrace: 40 }
providers:
  iron:
    count: 2
    region: local
    capacity: { cpu: 4, memory: 4Gi, disk: 16Gi }
    cost: { cpu: 20000 uakt/h, memory: 4000 uakt/h, disk: 40 uakt/h }
    strategy: { costPlus: { margin: 0.1 } }
    bidDelay: { uniform: [50ms, 200ms] }
    stake: 100 akash
    balance: 1000 akash
tenants:
  alice: &idle
    count: 1
    balance: 1000 akash
    arrivals: { at: [50m] }
    deployment: [{ region: local, groups: [{ cpu: 1, memory: 1Gi, disk: 1Gi, price: 100 uakt/h }] }]
  payer: *idle
`;

const found = noDockerReason() === null || process.env.CI === 'true' ? await testEngine() : { skip: noDockerReason() };
const why = 'skip' in found ? ` (skipped: ${found.skip})` : '';
const engine = found as TestEngine;

/** What a storm came to, for whoever reads that it failed. */
function told(net: LiveNet, kills: readonly Kill[]): string {
  const list = kills.map(({ at_ms, name, state }) => `${at_ms} ms ${name} (${state})`).join('\n  ');
  return `STORM_SEED=${SEED} STORM_KILLS=${KILLS}, homes in ${net.folder}, ${net.decided.size} blocks, kills:\n  ${list}`;
}

/** Leases of containers that run, as the engine says, one word each; a lease with two containers is there twice. */
async function served(docker: Docker): Promise<string[]> {
  const running = await docker.listContainers({ filters: { label: [`orrery.run=${RUN}`] } });
  return running.map(one => one.Labels['orrery.lease'] as string).sort();
}

function activeLeases(net: LiveNet): string[] {
  return [...net.chain.state.leases.unordered()].flatMap(({ id, state }) => (state === 'active' ? [id] : [])).sort();
}

/** Nobody spoke twice for one step, and the record of each signer forbids it to speak again for what peers have heard. */
async function checkSignatures(net: LiveNet): Promise<Statements> {
  const { genesis } = net.plan;
  const validators = net.plan.population.validators;
  const keys = new Map(validators.map(one => [one.address, one.keys.publicKey]));
  const statements = new Statements(genesis.chainId, ed25519Scheme, keys);
  for (const name of net.names) for (const one of witnessed(net.member(name).home)) statements.add(one);
  for (const { lastCommit } of net.blocks)
    for (const one of lastCommit?.signatures ?? [])
      statements.add({ type: 'vote', statement: voteOfCommit(lastCommit!, one) });
  expect(statements.conflicts).toEqual([]);
  for (const { name, address, keys: pair } of validators) {
    const latest = statements.latest.get(address)!;
    const storage = await LiveStorage.open(homePaths(net.member(name).home).data);
    try {
      const signer = new Signer(address, genesis.chainId, pair, ed25519Scheme);
      signer.restore(storage.get(SIGNER_KEY)!);
      const other = 'f'.repeat(64);
      const again =
        latest.type === 'vote'
          ? signer.signVote({ ...latest.statement, value: other })
          : signer.signProposal({ ...latest.statement, value: other });
      expect(again, `${name} would sign again for ${JSON.stringify(latest.statement.height)}`).toBe(null);
    } finally {
      await storage.close();
    }
  }
  return statements;
}

/** Every block that any node ever told of is in the store of every node. */
async function checkBlocks(net: LiveNet): Promise<void> {
  for (const name of net.namesOf('node')) {
    const storage = await LiveStorage.open(homePaths(net.member(name).home).data);
    try {
      for (const [height, hash] of net.decided) {
        const bytes = storage.get(blockKey(height));
        const kept = bytes === null ? null : Buffer.from(headerHash(decodeBlock(decodeCommitted(bytes).block).header));
        expect(kept?.toString('hex'), `${name}, block ${height}`).toBe(hash);
      }
    } finally {
      await storage.close();
    }
  }
}

describe.skipIf(why !== '')(`fifty kills in a row under load${why}`, () => {
  afterAll(async () => {
    await cleanUp({ run: RUN }, engine.address);
    await engine.stop();
  });

  test('lose nothing, and leave nothing', { timeout: LIMIT_MS }, async () => {
    const docker = new Docker(connectionTo(engine.address));
    const options = { engine: engine.address, pull: 'never', stopGrace_s: 1 } as const;
    const net = await LiveNet.start({
      scenario: SCENARIO,
      containers: { kind: 'docker', run: RUN, options },
      program: WITNESS_MAIN,
      absent: name => name === 'payer-0',
    });
    let kills: Kill[] = [];
    try {
      const random = randomStream(SEED, 'load');
      const up = (): string | null => {
        const there = net.namesOf('node').filter(name => net.takesPart(name));
        return there[Math.floor(random.uniform() * there.length)] ?? null;
      };
      await net.until('there is a first block', 30_000, () => net.blocks.length > 0);
      const transfers = new Transfers(net, accountOf(net, 'payer-0'), freshAddress(7), up);
      const tenancy = new Tenancy(net, 'alice-0', webSdl(await engine.image()), 4, randomStream(SEED, 'tenancy'));
      await net.until('a lease is served', CALM_MS, async () => (await served(docker)).length > 0);
      const before = { height: net.chain.height, included: transfers.included };
      const began = performance.now();
      try {
        kills = await storm(net, { seed: SEED, kills: KILLS });
      } finally {
        await Promise.all([transfers.stop(), tenancy.stop()]);
      }
      const lasted_s = (performance.now() - began) / 1_000;
      const blocks = net.chain.height - before.height;
      const sent = transfers.included - before.included;

      // Everybody comes back, and what runs is what is leased.
      const now = (): unknown => [
        Object.fromEntries(net.agreement.heights),
        net.names.filter(one => !net.takesPart(one)),
      ];
      await net.until('everybody takes part', CALM_MS, () => net.names.every(name => net.takesPart(name)), now);
      const height = net.chain.height;
      const isThere = (name: string): boolean => (net.agreement.heights.get(name) ?? 0) >= height + 2;
      await net.until('all nodes go on together', CALM_MS, () => net.namesOf('node').every(isThere), now);
      let pair: unknown = null;
      await net.until(
        'what runs is what is leased',
        CALM_MS,
        async () => {
          const [runs, leased] = [await served(docker), activeLeases(net)];
          pair = { runs, leased };
          return (
            runs.join() === leased.join() &&
            leased.length > 0 &&
            [...net.chain.state.leases.unordered()].every(one => one.state === 'active')
          );
        },
        () => pair,
      );
      expect(net.chain.state.accounts.get(transfers.payee)?.balance).toBe(BigInt(transfers.included));
      await net.stop();
      net.check();
      net.finish();

      expect(await cleanUp({ run: RUN }, engine.address)).toEqual({ containers: 0, networks: 0, volumes: 0, rules: 0 });
      expect(processesOf(net.folder)).toEqual([]);
      await checkBlocks(net);
      const statements = await checkSignatures(net);
      const reports = net.blocks.flatMap(one =>
        one.transactions.filter(tx => tx.body.message.type === 'SubmitEvidence'),
      );
      expect(reports).toEqual([]);
      for (const candidate of net.chain.state.candidates.unordered()) expect(candidate.tombstoned).toBe(false);
      // It was a storm, and there was something to lose in it.
      expect(kills).toHaveLength(KILLS);
      expect(new Set(kills.map(one => one.name)).size).toBeGreaterThan(4);
      expect(kills.filter(one => one.state === 'starting').length).toBeGreaterThan(KILLS / 20);
      expect(statements.size).toBeGreaterThan(6 * blocks);
      expect(blocks).toBeGreaterThan(KILLS / 4);
      expect(sent).toBeGreaterThan(KILLS);
      console.log(
        `storm ${SEED}: ${kills.length} kills (${kills.filter(one => one.state === 'starting').length} of who was starting) in ` +
          `${lasted_s.toFixed(0)} s, ${blocks} blocks, ${sent} transfers, ${statements.size} statements; ` +
          JSON.stringify(Object.fromEntries(tenancy.answers)),
      );
      net.remove();
    } catch (error) {
      throw new Error(told(net, kills), { cause: error });
    } finally {
      await net.stop();
    }
  });
});
