/** A node's endpoints over a small chain: what they say is what the state says, and the document says what they say. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type NodeApiOptions, startNodeApi } from '../../../../src/lab/live/api/node-api.ts';
import { RECENT_LIMITS } from '../../../../src/lab/live/api/recent-blocks.ts';
import type { ApiServer } from '../../../../src/lab/live/api/server.ts';
import { type Header, header, headerHash } from '../../../../src/protocol/chain/block.ts';
import { accountOfLeaf, trustedGenesis, verifyOptionsOf } from '../../../../src/protocol/chain/light-chain.ts';
import { keyedHashScheme } from '../../../../src/protocol/codec/signature.ts';
import { stateProof, verifyStateProof } from '../../../../src/protocol/codec/state-proof.ts';
import { decode, encode } from '../../../../src/protocol/codec/struct.ts';
import { lightBlock } from '../../../../src/protocol/consensus/light-block.ts';
import { LightClient } from '../../../../src/protocol/consensus/light-client.ts';
import { commit } from '../../../../src/protocol/consensus/types.ts';
import { reputationOf } from '../../../../src/protocol/market/reputation.ts';
import { accruedOf } from '../../../../src/protocol/market/settlement.ts';
import { addressOfName, type SendOptions } from '../../../support/chain-driver.ts';
import { ApiClient } from './client.ts';
import { type DrivenNode, HOSTILE, smallNode, withMarket } from './support.ts';

let node: DrivenNode;
let server: ApiServer;
let api: ApiClient;
const faults: unknown[] = [];

async function start(options: NodeApiOptions = {}): Promise<void> {
  node = smallNode();
  server = await startNodeApi(node, { checkReplies: true, onFault: error => faults.push(error), ...options });
  withMarket(node);
  api = await ApiClient.of(server.url);
}

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

describe('what a node says', () => {
  beforeAll(() => start());
  afterAll(async () => {
    await server.close();
    expect(faults).toEqual([]);
  });

  it('how it is', async () => {
    const { body } = await api.get('/status');
    expect(body).toMatchObject({
      name: 'validator-0',
      chain_id: 'test',
      height: node.driver.height,
      time_us: node.driver.time,
      hash: node.driver.last.hash.toHex(),
      target_block_interval_us: 1_000_000,
      validator: addressOfName('validator-0'),
      round: 0,
      proposer: node.chain().rotation.proposer(0),
      catching_up: false,
      orders_open: 1,
      leases: { pending: 1, active: 1, closing: 0 },
      providers: 4,
      deployments: 3,
      mempool: { transactions: 0 },
    });
    expect(body.peers).toEqual([
      { name: 'validator-1', connected: true },
      { name: 'validator-2', connected: false },
    ]);
  });

  it('where the chain begins, and its parameters', async () => {
    const genesis = (await api.get('/genesis')).body;
    expect(genesis).toMatchObject({ chainId: 'test', time: node.genesis.time });
    expect(genesis.accounts).toHaveLength(node.genesis.accounts.length);
    const { params } = (await api.get('/params')).body;
    const named = new Map(params.map((one: { name: string }) => [one.name, one]));
    expect(named.get('feeBase')).toMatchObject({ value: '50', unit: 'uakt' });
    expect(named.get('reconfirmationPeriod')).toMatchObject({ value: 20, unit: 'blocks' });
    expect(named.get('matchingRule')).toMatchObject({ value: 'lowest-price', unit: null });
  });

  it('its newest blocks, and one of them in full', async () => {
    const { body } = await api.get('/blocks?limit=3');
    const { height } = node.driver;
    expect(body).toMatchObject({ newest_height: height, oldest_height: 1 });
    expect(body.blocks.map((one: { height: number }) => one.height)).toEqual([height, height - 1, height - 2]);
    const placed = node.driver.results.findIndex(one => one.events.some(ev => ev.type === 'FulfillmentPlaced'));
    const block = (await api.get(`/blocks/${placed + 1}`)).body;
    const result = node.driver.results[placed]!;
    expect(block).toMatchObject({
      hash: result.hash.toHex(),
      app_hash: result.appHash.toHex(),
      transactions: 2,
      failed: 0,
      round: 0,
      power_signed_ppm: 1_000_000,
      interval_us: 1_000_000,
    });
    expect(headerHash(decode(header, hex(block.header_hex)))).toEqual(result.hash);
    expect(block.transaction_items.map((one: { message: { type: string } }) => one.message.type)).toEqual([
      'SubmitFulfillment',
      'SubmitFulfillment',
    ]);
    const event = block.event_items.find((one: { type: string }) => one.type === 'FulfillmentPlaced');
    expect(event).toMatchObject({
      provider: addressOfName('eu-0'),
      total_pakt_per_s: '800000',
      collateral_uakt: '2000000',
    });
    expect(block.names[addressOfName('eu-0')]).toBe('eu-0');
    expect(block.commit.signatures).toHaveLength(3);
  });

  it('who validates, with power and votes', async () => {
    const { body } = await api.get('/validators');
    expect(body).toMatchObject({ total_power: 2_500, vote_height: node.driver.height });
    const byName = new Map(body.validators.map((one: { name: string }) => [one.name, one]));
    expect(byName.get('validator-2')).toMatchObject({
      power: 500,
      power_ppm: 200_000,
      vote: 'for',
      stake_uakt: '500000000',
    });
  });

  it('who provides, with reputation and record', async () => {
    const { body } = await api.get('/providers');
    expect(body.next).toBeNull();
    expect(body.providers).toHaveLength(4);
    const address = addressOfName('eu-0');
    const row = node.driver.provider('eu-0');
    const one = (await api.get(`/providers/${address}`)).body;
    expect(one).toMatchObject({
      name: 'eu-0',
      region: 'eu',
      attributes: { tier: 'community', cpu: 'amd' },
      reputation_ppm: reputationOf(node.driver.state, row),
      leases: 2,
      used: { cpu_milli: 4_000 },
      utilisation_ppm: 250_000,
      record: { own_stake_uakt: '200000000', broken_uakt: '0', broken_leases: 0 },
      jailed_until_us: null,
    });
    expect(BigInt(one.record.kept_uakt)).toBe(row.kept);
    expect(one.lease_ids).toHaveLength(2);
    const evil = body.providers.find((other: { name: string }) => other.name === 'evil-0');
    expect(Object.values(evil.attributes)).toContain(HOSTILE);
    expect(evil).toMatchObject({ capacity: null, utilisation_ppm: null });
  });

  it('open orders with their bids', async () => {
    const { body } = await api.get('/orders');
    expect(body.orders).toHaveLength(1);
    const [order] = body.orders;
    const row = [...node.driver.state.orders.unordered()][0]!;
    expect(order).toMatchObject({
      order: row.id,
      tenant_name: 'web-0',
      match_from_height: row.matchFrom,
      closes_at_us: row.closesAt,
      maximum_pakt_per_s: '2000000',
      asks: { cpu_milli: 2_000 },
    });
    expect(order.bids.map((one: { provider_name: string }) => one.provider_name)).toEqual(['eu-1', 'evil-0']);
    expect(order.bids[1]).toMatchObject({ total_pakt_per_s: '1300000', ineligible: null });
    // With slashes as they are, and encoded.
    const natural = await api.get(`/orders/${row.id}`);
    expect(natural.body.infrastructure.resources[0]).toMatchObject({ price_pakt_per_s: '1000000', count: 2 });
    expect((await api.get(`/orders/${encodeURIComponent(row.id)}`)).body).toEqual(natural.body);
  });

  it('leases, deployments and accounts', async () => {
    const { body } = await api.get('/leases');
    const active = body.leases.find((one: { state: string }) => one.state === 'active');
    const row = node.driver.lease(active.lease);
    expect(active).toMatchObject({
      provider_name: 'eu-0',
      price_pakt_per_s: row.price.toString(),
      paid_uakt: row.paid.toString(),
      accrued_uakt: accruedOf(row, node.driver.time).toString(),
      billing_start_us: row.billingStart,
      confirm_by_height: row.confirmedAt + 20,
    });
    expect(row.paid).toBeGreaterThan(0n);
    expect(body.leases.find((one: { state: string }) => one.state === 'pending').billing_start_us).toBeNull();
    expect((await api.get(`/leases/${active.lease}`)).body).toMatchObject({ fulfillment: row.fulfillment });
    const deployment = (await api.get(`/deployments/${row.deployment}`)).body;
    expect(deployment).toMatchObject({ tenant_name: 'web-0', version: '07'.repeat(32), leases: [row.id] });
    expect(BigInt(deployment.free_escrow_uakt)).toBe(BigInt(deployment.escrow_uakt) - accruedOf(row, node.driver.time));
    const account = (await api.get(`/accounts/${addressOfName('web-0')}`)).body;
    expect(account).toMatchObject({ name: 'web-0', balance_uakt: node.driver.balance('web-0').toString(), nonce: 2 });
  });

  it('long lists in pages', async () => {
    const seen: string[] = [];
    let query = '?limit=3';
    for (;;) {
      const { body } = await api.get(`/providers${query}`);
      seen.push(...body.providers.map((one: { name: string }) => one.name));
      if (body.next === null) break;
      query = `?limit=3&before=${body.next}`;
    }
    expect(seen).toHaveLength(4);
    expect(new Set(seen).size).toBe(4);
    expect((await api.get('/providers?before=0')).body).toMatchObject({ providers: [], next: null });
  });

  it('metrics', async () => {
    const { body, headers } = await api.get('/metrics');
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = String(body).split('\n');
    expect(lines).toContain(`orrery_height ${node.driver.height}`);
    expect(lines).toContain('orrery_peers 1');
    expect(lines).toContain('orrery_leases{state="active"} 1');
    expect(lines).toContain('# TYPE orrery_round gauge');
  });

  it.each([
    ['/orders/akash1none/0/0/0', 404, 'not_found'],
    ['/leases/x', 404, 'not_found'],
    ['/deployments/a/b', 404, 'not_found'],
    ['/accounts/nobody', 404, 'not_found'],
    ['/providers/nobody', 404, 'not_found'],
    ['/blocks/9999', 404, 'not_found'],
    ['/blocks/-1', 400, 'bad_request'],
    ['/blocks?limit=0', 400, 'bad_request'],
    ['/blocks?limit=many', 400, 'bad_request'],
    ['/orders?limit=1001', 400, 'bad_request'],
    ['/proof/nothing', 404, 'not_found'],
    ['/proof/account%2F%ED%A0%80', 400, 'bad_request'],
    ['/nowhere', 404, 'not_found'],
  ])('no, to %s', async (path, status, code) => {
    const answer = await api.get(path);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ error: { code, found: expect.any(String), expected: expect.any(String) } });
  });

  it.each([
    ['/blocks?limit=many', 'a whole number from 1 to 200'],
    ['/blocks?limit=1.5', 'a whole number from 1 to 200'],
    ['/leases?limit=1001', 'a whole number from 1 to 1000'],
    ['/leases?before=yesterday', 'a sequence number'],
    ['/leases?before=-1', 'a sequence number'],
  ])('to %s it says what it expects', async (path, expected) => {
    expect((await api.get(path)).body).toMatchObject({ error: { expected } });
  });

  it('and the document names each operation that was asked', () => {
    const operations = Object.values(api.document.paths).flatMap(one => Object.values(one).map(two => two.operationId));
    const reads = operations.filter(one => !['submit', 'events', 'proof'].includes(one));
    expect(
      [...api.asked]
        .filter(([, statuses]) => statuses.has(200))
        .map(([name]) => name)
        .sort(),
    ).toEqual(reads.sort());
  });
});

describe('a proof', () => {
  beforeEach(() => start());
  afterEach(() => server.close());

  async function proven(leaf: string): Promise<Awaited<ReturnType<ApiClient['get']>>['body']> {
    const asked = api.get(`/proof/${leaf}`);
    const until = Date.now() + 5_000;
    let answered = false;
    void asked.finally(() => {
      answered = true;
    });
    while (!answered && Date.now() < until) {
      await new Promise(resolve => setTimeout(resolve, 20));
      node.block();
    }
    const answer = await asked;
    expect(answer.status).toBe(200);
    return answer.body;
  }

  it.each([true, false])(
    'convinces a light client that trusts the genesis alone (commit at once: %s)',
    async at_once => {
      node.tellsCommits = at_once;
      const leaf = `account/${addressOfName('web-0')}`;
      const balance = node.driver.balance('web-0');
      const proof = await proven(leaf);
      const { genesis } = node;
      const options = verifyOptionsOf(genesis.chainId, genesis.params, keyedHashScheme);
      const client = new LightClient<Header>(options, trustedGenesis(genesis));
      const light = decode(lightBlock(header), hex(proof.light_block_hex));
      client.aimAt(light.header.height);
      expect(client.give('node', light, node.driver.time).outcome).toBe('reached');
      const believed = client.header(proof.height + 1)!;
      expect(headerHash(believed).toHex()).toBe(proof.header_hash);
      expect(encode(header, believed).toHex()).toBe(proof.header_hex);
      expect(encode(commit, light.commit).toHex()).toBe(proof.commit_hex);
      const shown = decode(stateProof, hex(proof.proof_hex));
      const bytes = hex(proof.leaf_hex);
      expect(verifyStateProof(believed.appHash, leaf, bytes, shown)).toBe(true);
      expect(accountOfLeaf(bytes).balance).toBe(balance);
      // A control: one byte more, or another account, and it shows nothing.
      expect(
        verifyStateProof(
          believed.appHash,
          leaf,
          bytes.map((one, i) => (i === 0 ? one ^ 1 : one)),
          shown,
        ),
      ).toBe(false);
      expect(verifyStateProof(believed.appHash, `account/${addressOfName('web-1')}`, bytes, shown)).toBe(false);
    },
  );

  it('shows as well that there is no such thing', async () => {
    const leaf = `account/${addressOfName('a stranger')}`;
    const proof = await proven(leaf);
    expect(proof.leaf_hex).toBeNull();
    const { appHash } = decode(header, hex(proof.header_hex));
    expect(verifyStateProof(appHash, leaf, null, decode(stateProof, hex(proof.proof_hex)))).toBe(true);
  });

  it('is waited for so long, by so many, and not beyond the end', async () => {
    await server.close();
    await start({ recent: { ...RECENT_LIMITS, waiters: 1, wait_ms: 150 } });
    const first = api.get('/proof/chainwide');
    const pause = new Promise(resolve => setTimeout(resolve, 50));
    await pause;
    expect((await api.get('/proof/chainwide')).body.error.code).toBe('busy');
    expect(await first).toMatchObject({ status: 504, body: { error: { code: 'no_block' } } });
    expect(node.watchers).toBe(2);
    const last = fetch(`${server.url}/proof/chainwide`).then(
      answer => answer.status,
      () => 'cut',
    );
    await new Promise(resolve => setTimeout(resolve, 50));
    await server.close();
    expect([503, 'cut']).toContain(await last);
    expect(node.watchers).toBe(0);
  });
});

describe('a transaction', () => {
  beforeAll(() => start());
  afterAll(() => server.close());

  const transfer = () => ({ type: 'Transfer' as const, to: addressOfName('web-1'), amount: 5n });

  /** A transfer with the nonce that the chain expects now. */
  const signed = (options: SendOptions): string => {
    const nonce = node.driver.state.accounts.get(addressOfName('web-0'))!.nonce;
    return node.driver
      .sign('web-0', transfer(), { nonce, ...options })
      .encode()
      .toHex();
  };

  it('that is signed is admitted, and stands in the next block', async () => {
    const tx = node.driver.sign('web-0', transfer());
    const { status, body } = await api.ask('POST', '/transactions', { transaction: tx.encode().toHex() });
    expect(status).toBe(202);
    expect(body).toEqual({
      admitted: true,
      account: addressOfName('web-0'),
      nonce: tx.body.nonce,
      message: 'Transfer',
      fee_uakt: tx.body.fee.toString(),
      size_bytes: tx.size,
    });
    expect((await api.get('/status')).body.mempool.transactions).toBe(1);
    const before = node.driver.balance('web-1');
    node.block();
    expect(node.driver.balance('web-1')).toBe(before + 5n);
    const again = await api.ask('POST', '/transactions', { transaction: tx.encode().toBase64(), encoding: 'base64' });
    expect(again).toMatchObject({ status: 422, body: { error: { code: 'wrong_nonce' } } });
  });

  it.each([
    ['no hexadecimal', () => 'xyz', 400, 'bad_request'],
    ['no transaction', () => '00ff', 400, 'bad_transaction'],
    ['bytes behind it', () => `${node.driver.sign('web-0', transfer()).encode().toHex()}00`, 400, 'bad_transaction'],
    ['a fee too low', () => signed({ fee: 1n }), 422, 'low_fee'],
    ['another chain', () => signed({ chainId: 'other' }), 422, 'wrong_chain'],
    ['somebody else’s signature', () => signed({ signedBy: 'web-1' }), 422, 'bad_signature'],
  ])('is refused: %s', async (_, transaction, status, code) => {
    const answer = await api.ask('POST', '/transactions', { transaction: transaction() });
    expect(answer).toMatchObject({ status, body: { error: { code } } });
  });

  it.each([
    ['{}'],
    ['[]'],
    ['{"transaction": 5}'],
    ['{"transaction": "00", "more": 1}'],
    ['{"transaction": "00", "encoding": "utf8"}'],
    ['{"transaction": "00", "__proto__": {"admitted": true}}'],
    ['{"transaction": '],
    ['nothing'],
  ])('is refused for its form: %s', async body => {
    expect(await api.ask('POST', '/transactions', body)).toMatchObject({
      status: 400,
      body: { error: { code: 'bad_request' } },
    });
  });
});
