/**
 * A running network of four validators, one of which is attacked in every way that a stranger has. Each attack is
 * refused, said once in the node's log, and disturbs nothing: net/calm.ts says what that means.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Wire } from '../../src/actors/wire.ts';
import { wireCodec } from '../../src/actors/wire-bytes.ts';
import { SERVER_LIMITS } from '../../src/lab/live/api/server.ts';
import { genesisHash } from '../../src/lab/live/home/genesis-file.ts';
import { Transaction } from '../../src/protocol/chain/transaction.ts';
import { addressOf } from '../../src/protocol/codec/address.ts';
import { refusalText } from '../../src/worlds/live/transport/framed-socket.ts';
import { MESSAGE, REFUSED, WELCOME } from '../../src/worlds/live/transport/frames.ts';
import { DEFAULT_LIMITS } from '../../src/worlds/live/transport/options.ts';
import { asLeaf, asRoot, craft, freshKeys, keyPem, rawPublicKey, toPem } from '../worlds/live/identity/certificates.ts';
import { leafOf, type Puppet, sleep, until } from '../worlds/live/transport/support.ts';
import { Attacker, identityOf, say, toldTo } from './net/attacker.ts';
import { type Calm, calmUnder, type Line, type Watched } from './net/calm.ts';
import type { Flood } from './net/flood-main.ts';
import { LiveNet } from './net/live-net.ts';
import { accountOf, freshAddress, offer, transfer } from './net/load.ts';

const VICTIM = 'validator-0';
const FLOOD_MAIN = fileURLToPath(new URL('./net/flood-main.ts', import.meta.url));
const TEST_MS = 90_000;

const SCENARIO = `
name: hostile-network
question: What do strangers get out of a network?
horizon: 1h
chain:
  blockInterval: 500ms
  validators: 4
  signatures: ed25519
  keepBlocks: 10000
  snapshotEvery: 50
providers: {}
tenants:
  payer: &idle
    count: 1
    balance: 1000 akash
    arrivals: { at: [50m] }
    deployment: [{ groups: [{ cpu: 1, memory: 1Gi, disk: 1Gi, price: 100 uakt/h }] }]
  victim: *idle
`;

let net: LiveNet;
let watched: Watched;
/** A frame that is never finished; its end takes longer than most attacks. */
let loris: { readonly puppet: Puppet; readonly began_ms: number; readonly stop: () => void };
let hosts = 10;

/** An attacker on a host of its own. */
function attacker(): Attacker {
  const { port, address } = net.plan.nodes[VICTIM]!;
  return new Attacker(`127.0.0.${++hosts}`, { host: '127.0.0.1', port, address }, net.member(VICTIM).api);
}

async function calm(attack: () => Promise<void>): Promise<Calm> {
  const found = await calmUnder(watched, attack);
  const { blocks, lasted_ms, included_ms, grown_bytes } = found;
  console.log(
    `${expect.getState().currentTestName}: ${blocks} blocks in ${Math.round(lasted_ms)} ms, a transaction in ` +
      `${Math.round(included_ms)} ms, ${Math.round(grown_bytes / 2 ** 20)} MiB more`,
  );
  return found;
}

/** What a log says, without times and ports. */
function told({ lines }: Calm): Partial<Line>[] {
  return lines.map(({ time: _time, ...line }) => line);
}

const gone = (puppet: Puppet): Promise<void> => until(() => puppet.closed);

beforeAll(async () => {
  net = await LiveNet.start({
    scenario: SCENARIO,
    containers: { kind: 'none' },
    absent: name => !name.startsWith('validator'),
  });
  await net.until('there are some blocks', 60_000, () => net.blocks.length > 3);
  watched = { net, victim: VICTIM, payer: accountOf(net, 'payer-0') };
  const { payer } = watched;
  expect(await offer(net, VICTIM, transfer(net, payer, 0, freshAddress(9), 1n))).toBe('admitted');
  await net.until('there is a transaction', 30_000, () => net.blocks.some(one => one.transactions.length > 0));
  const puppet = await attacker().stranger('loris');
  puppet.socket.write(Buffer.from([0, 1, 0, 0, MESSAGE]));
  const drip = setInterval(() => puppet.socket.write(Buffer.alloc(1)), 500);
  loris = { puppet, began_ms: performance.now(), stop: () => clearInterval(drip) };
}, TEST_MS);

afterAll(async () => {
  loris?.stop();
  await net?.stop();
  net?.remove();
});

describe('a certificate', () => {
  /** Shows it twenty times; what it was told. */
  async function shown(from: Attacker, credentials: { key: string; chain: string } | null): Promise<string[]> {
    const puppets: Puppet[] = [];
    for (let i = 0; i < 20; i++) {
      const puppet = from.puppet(credentials);
      await gone(puppet);
      puppets.push(puppet);
    }
    expect(puppets.flatMap(one => one.heardOf(WELCOME))).toEqual([]);
    return [...new Set(puppets.flatMap(one => one.heardOf(REFUSED).map(refusalText)))];
  }

  test('that has expired, proves another key, or is missing, is refused and said once each', {
    timeout: TEST_MS,
  }, async () => {
    const [expired, forged, missing] = [attacker(), attacker(), attacker()];
    const stranger = await identityOf('stranger');
    const old = await leafOf(stranger, Date.now() - 7_200_000, Date.now() - 3_600_000);
    // A root that bears the name of a validator's account, over a key that is not that account's.
    const [root, leaf] = await Promise.all([freshKeys(), freshKeys()]);
    const name = `CN=${net.member('validator-1').address}`;
    const times = { notBefore_ms: Date.now() - 60_000, notAfter_ms: Date.now() + 600_000 };
    const both = { subject: name, issuer: name, signer: root, ...times };
    const [rootCertificate, leafCertificate] = await Promise.all([
      craft({ ...both, keys: root, extensions: asRoot }),
      craft({ ...both, keys: leaf, extensions: asLeaf }),
    ]);
    const wrong = { key: await keyPem(leaf), chain: toPem(leafCertificate, rootCertificate) };
    const found = await calm(async () => {
      const answers = await Promise.all([shown(expired, old), shown(forged, wrong), shown(missing, null)]);
      // The time of the clock is in it.
      expect(answers[0]!.length).toBeGreaterThan(0);
      for (const one of answers[0]!) expect(one).toMatch(/^your certificate: the leaf certificate has expired/);
      expect(answers[1]).toEqual([expect.stringMatching(/^your certificate: the root certificate is named/)]);
      expect(answers[2]).toEqual(['your certificate: no certificate was shown']);
    });
    const what = 'transport: certificate';
    const key = addressOf(await rawPublicKey(root));
    expect(told(found).sort(byReason)).toEqual([
      { level: 'warn', what, remote: at(missing), reason: 'no certificate was shown' },
      { level: 'warn', what, remote: at(expired), reason: expect.stringMatching(/^the leaf certificate has expired/) },
      {
        level: 'warn',
        what,
        remote: at(forged),
        reason: `the root certificate is named ${name}, its key is that of ${key}`,
      },
    ]);
  });

  test('of another network, or of nobody: it is no peer there, and said once', { timeout: TEST_MS }, async () => {
    const from = attacker();
    const found = await calm(async () => {
      for (let i = 0; i < 20; i++) {
        const foreigner = await from.stranger('foreigner');
        say(foreigner, { type: 'hello', chainId: 'f'.repeat(64), validator: '', height: 0 });
        await gone(foreigner);
        // It hears which network this is, and nothing else.
        expect(toldTo(foreigner)).toMatchObject([{ type: 'hello', chainId: genesisHash(net.plan.genesis) }]);
      }
      // Whoever has not said that it belongs here gets no hearing for votes either.
      for (let i = 0; i < 20; i++) {
        const nobody = await from.stranger('nobody');
        say(nobody, { type: 'votes', votes: [] });
        await gone(nobody);
        expect(toldTo(nobody)).toEqual([]);
      }
    });
    const [foreigner, nobody] = [await identityOf('foreigner'), await identityOf('nobody')];
    expect(told(found)).toEqual([
      { level: 'warn', what: 'node/other-network', reason: foreigner.address },
      { level: 'warn', what: 'peer/turned-away', reason: `${nobody.address}: votes` },
    ]);
  });
});

const at = (from: Attacker): unknown => expect.stringMatching(new RegExp(`^${from.host}:\\d+$`));
const byCode = (left: Partial<Line>, right: Partial<Line>): number => (String(left.code) < String(right.code) ? -1 : 1);
const byReason = (left: Partial<Line>, right: Partial<Line>): number => {
  const rank = (one: Partial<Line>): number =>
    ['no certificate', 'the leaf', 'the root'].findIndex(text => String(one.reason).startsWith(text));
  return rank(left) - rank(right);
};

describe('a frame', () => {
  test('that is malformed, announces a gigabyte, or holds no message, is refused and said once each', {
    timeout: TEST_MS,
  }, async () => {
    const from = attacker();
    const many = async (name: string, bytes: Buffer): Promise<string> => {
      for (let i = 0; i < 10; i++) {
        const puppet = await from.stranger(name);
        puppet.socket.write(bytes);
        // Whoever announces much also sends it, for as long as it is let.
        for (let more = 0; more < 20 && !puppet.closed; more++) {
          if (name === 'giant') puppet.socket.write(Buffer.alloc(65_536));
          await sleep(5);
        }
        await gone(puppet);
      }
      return (await identityOf(name)).address;
    };
    const giant = Buffer.from([0x40, 0, 0, 0, MESSAGE]);
    const names: string[] = [];
    const found = await calm(async () => {
      names.push(await many('odd', Buffer.from([0, 0, 0, 0, 77])));
      names.push(await many('giant', giant));
      names.push(await many('babbler', Buffer.concat([Buffer.from([0, 0, 0, 4, MESSAGE]), Buffer.from('junk')])));
    });
    const [odd, big, babbler] = names;
    const what = 'transport: malformed-frame';
    const remote = at(from);
    expect(told(found)).toEqual([
      { level: 'warn', what, peer: odd, remote, reason: 'a frame of type 77, which there is not' },
      {
        level: 'warn',
        what,
        peer: big,
        remote,
        reason: 'a frame of type 1 has at most 262144 bytes, 1073741824 were announced',
      },
      {
        level: 'warn',
        what: 'participant',
        line: expect.stringMatching(new RegExp(`^${babbler} sent what is no message`)),
      },
    ]);
  });
});

describe('a caller that is slow', () => {
  test('takes no room from others with handshakes that it keeps open', { timeout: TEST_MS }, async () => {
    const [slow, good] = [attacker(), attacker()];
    let slowest_ms = 0;
    const found = await calm(async () => {
      const sockets = Array.from({ length: 200 }, () => slow.tcp());
      let closed = 0;
      for (const socket of sockets) socket.on('close', () => closed++).resume();
      const drip = setInterval(() => {
        for (const socket of sockets) if (!socket.destroyed) socket.write(Buffer.from([0x16]));
      }, 1_000);
      await sleep(200);
      // Meanwhile others come in, and are served, at once.
      for (let i = 0; i < 10; i++) {
        const began = performance.now();
        const guest = await good.stranger('guest');
        say(guest, { type: 'query', query: { what: 'status' } });
        await until(() => toldTo(guest).length > 0);
        slowest_ms = Math.max(slowest_ms, performance.now() - began);
        guest.socket.destroy();
      }
      await until(() => closed === 200, DEFAULT_LIMITS.handshakeTimeout_ms + 10_000);
      clearInterval(drip);
    });
    expect(slowest_ms).toBeLessThan(4_000);
    const remote = at(slow);
    expect(told(found)).toEqual([
      {
        level: 'warn',
        what: 'transport: too-many',
        remote,
        reason: expect.stringMatching(/^there are 64 handshakes of this host already|^more than/),
      },
      {
        level: 'warn',
        what: 'transport: handshake',
        remote,
        reason: expect.stringMatching(/^no TLS 1\.3 handshake|^the TLS handshake was not over/),
      },
    ]);
  });
});

describe('a transaction', () => {
  const forgedOf = (nonce: number, amount = 1n): Transaction => {
    const { body, key, signedBytes } = transfer(net, accountOf(net, 'victim-0'), nonce, freshAddress(8), amount);
    return new Transaction(body, key, new Uint8Array(64).fill(7), signedBytes);
  };
  const hexOf = (tx: Transaction): string => Buffer.from(tx.encode()).toString('hex');
  const bodyOf = (tx: Transaction): string => JSON.stringify({ transaction: hexOf(tx), encoding: 'hex' });

  test('that is forged or replayed, over the wire and over HTTP, is refused and said once', {
    timeout: TEST_MS,
  }, async () => {
    const from = attacker();
    // One that is in a block already, signed by its owner.
    const old = net.blocks.flatMap(one => one.transactions)[0]!;
    const owner = accountOf(net, 'victim-0').address;
    const before = net.chain.state.accounts.get(owner)!;
    const { nonce, balance } = before;
    const found = await calm(async () => {
      const client = await from.stranger('client');
      for (let i = 0; i < 50; i++) {
        say(client, { type: 'submit', tx: forgedOf(nonce, BigInt(i + 1)) });
        say(client, { type: 'submit', tx: old });
      }
      await until(() => toldTo(client).length === 100);
      const codes = new Set(toldTo(client).map(one => (one.type === 'refused' ? one.code : one.type)));
      expect([...codes].sort()).toEqual(['bad_signature', 'wrong_nonce']);
      // A peer that passes a forged one on is no honest peer.
      const peer = await from.stranger('relay');
      say(peer, { type: 'hello', chainId: genesisHash(net.plan.genesis), validator: '', height: 0 });
      say(peer, { type: 'relay', tx: old });
      say(peer, { type: 'relay', tx: forgedOf(nonce) });
      await gone(peer);
      for (let i = 0; i < 50; i++) {
        expect(await from.request('POST', '/transactions', bodyOf(forgedOf(nonce, BigInt(i + 1))))).toMatchObject({
          status: 422,
        });
        expect(await from.request('POST', '/transactions', bodyOf(old))).toMatchObject({ status: 422 });
      }
    });
    const [client, relay] = [await identityOf('client'), await identityOf('relay')];
    const what = 'api: refused';
    const api = { level: 'warn', what, remote: from.host, request: 'POST /transactions' };
    expect(told(found)).toEqual([
      { level: 'warn', what: 'peer/refused', reason: `${client.address}: Transfer: bad_signature` },
      { level: 'warn', what: 'peer/refused', reason: `${client.address}: Transfer: wrong_nonce` },
      {
        level: 'warn',
        what: 'node/dropped',
        reason: `${relay.address}: a transaction with a signature that does not hold`,
      },
      { ...api, code: 'bad_signature', reason: expect.stringContaining('signature') },
      { ...api, code: 'wrong_nonce', reason: expect.stringContaining('nonce') },
    ]);
    const after = net.chain.state.accounts.get(owner)!;
    expect([after.nonce, after.balance]).toEqual([nonce, balance]);
    // Each transaction stands in the chain once.
    const all = net.blocks.flatMap(one => one.transactions.map(hexOf));
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('a flood', () => {
  /** Pours from a process of its own; messages that were handed over. */
  async function pour(from: Attacker, messages: readonly Wire[], first: readonly Wire[] = []): Promise<number> {
    const hex = (message: Wire): string => Buffer.from(wireCodec.encode(message)).toString('hex');
    const flood: Flood = {
      from: from.host,
      port: net.plan.nodes[VICTIM]!.port,
      identities: Array.from({ length: 8 }, (_, i) => `${from.host} ${i}`),
      connections: 8,
      first: first.map(hex),
      messages: messages.map(hex),
      seconds: 6,
    };
    const child = spawn(process.execPath, [FLOOD_MAIN], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(JSON.stringify(flood));
    let text = '';
    child.stdout.on('data', chunk => (text += String(chunk)));
    const code = await new Promise<number | null>(resolve => child.once('close', resolve));
    expect(code).toBe(0);
    return (JSON.parse(text) as { sent: number }).sent;
  }

  /** Sixty-four handshakes at once may be too many, or too slow, for a busy machine: said once each. */
  const onlyBusy = (lines: readonly Partial<Line>[]): void => {
    const kinds = lines.map(one => one.what);
    for (const kind of kinds)
      expect(['transport: too-slow', 'transport: too-many', 'transport: handshake']).toContain(kind);
    expect(new Set(kinds).size).toBe(kinds.length);
  };

  test('of clients that ask, follow and submit what is forged holds up nobody', { timeout: TEST_MS }, async () => {
    const from = attacker();
    const owner = accountOf(net, 'victim-0');
    const { nonce } = net.chain.state.accounts.get(owner.address)!;
    const messages: Wire[] = Array.from({ length: 64 }, (_, i): Wire => {
      const { body, key, signedBytes } = transfer(net, owner, nonce, freshAddress(8), BigInt(i + 1));
      if (i % 4 === 0) return { type: 'submit', tx: new Transaction(body, key, new Uint8Array(64), signedBytes) };
      if (i % 4 === 1) return { type: 'query', query: { what: 'leaf', leaf: `account/${owner.address}` } };
      if (i % 4 === 2) return { type: 'query', query: { what: 'status' } };
      return { type: 'getLight', height: 1 + i };
    });
    const topics = Array.from({ length: 256 }, (_, i) => `account/${i}`);
    let sent = 0;
    const found = await calm(async () => {
      sent = await pour(from, messages, [{ type: 'follow', serial: 1, from: 0, topics }]);
    });
    expect(sent).toBeGreaterThan(10_000);
    const said = told(found);
    const refused = said.filter(one => one.what === 'peer/refused').map(one => one.reason);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(8);
    expect(new Set(refused).size).toBe(refused.length);
    onlyBusy(said.filter(one => one.what !== 'peer/refused'));
  });

  test('of peers that say what peers say, and more than there is, holds up nobody', { timeout: TEST_MS }, async () => {
    const from = attacker();
    const { height } = net.chain;
    const hello: Wire = { type: 'hello', chainId: genesisHash(net.plan.genesis), validator: '', height: 1_000_000 };
    const stranger = (await identityOf('voter')).address;
    const vote = { kind: 'prevote', height: height + 5, round: 0, value: 'a'.repeat(64), time: 1 } as const;
    const votes = Array.from({ length: 500 }, () => ({ ...vote, validator: stranger, signature: new Uint8Array(64) }));
    const messages: Wire[] = [
      { type: 'votes', votes },
      { type: 'getBlock', height: Math.max(1, height - 3) },
      { type: 'ahead', height: 1_000_000, oldest: 999_000 },
      { type: 'getSnapshot' },
      { type: 'getLight', height: Math.max(1, height - 2) },
      { type: 'links', lacks: [] },
    ];
    let sent = 0;
    const found = await calm(async () => {
      sent = await pour(from, messages, [hello]);
    });
    expect(sent).toBeGreaterThan(1_000);
    // What strangers sent before may still wait for its turn, and is refused then.
    onlyBusy(told(found).filter(one => one.what !== 'peer/refused'));
  });
});

describe('over HTTP', () => {
  test('what is too large, malformed, foreign, too slow or too much is refused and said once', {
    timeout: TEST_MS,
  }, async () => {
    const from = attacker();
    const found = await calm(async () => {
      for (let i = 0; i < 20; i++) {
        const large = JSON.stringify({ transaction: '0'.repeat(SERVER_LIMITS.body_bytes) });
        // It may hear the answer, or only that the connection ends, while it still sends.
        await from.request('POST', '/transactions', large).then(
          ({ status }) => expect(status).toBe(413),
          (error: Error) => expect(error.message).toMatch(/ECONNRESET|EPIPE|socket hang up/),
        );
        expect(await from.request('POST', '/transactions', '{"transaction')).toMatchObject({ status: 400 });
        expect(await from.request('GET', '/status', null, { host: 'evil.example' })).toMatchObject({ status: 421 });
      }
      const slow = Array.from({ length: SERVER_LIMITS.connections + 44 }, () => from.tcp(true));
      let closed = 0;
      for (const socket of slow) {
        socket.on('close', () => closed++).resume();
        socket.write('GET /status HTTP/1.1\r\nHost: loc');
      }
      await until(() => closed === slow.length, SERVER_LIMITS.headers_ms + 10_000);
    });
    const api = { level: 'warn', what: 'api: refused', remote: from.host, reason: expect.any(String) };
    expect(told(found).sort(byCode)).toEqual([
      { ...api, request: 'GET /status', code: 'bad_host' },
      { ...api, request: 'POST /transactions', code: 'bad_request' },
      { ...api, request: 'a connection', code: 'full' },
      { ...api, request: 'POST /transactions', code: 'too_large' },
      { ...api, request: 'a request', code: 'too_slow' },
    ]);
  });

  test('a flood of WebSockets and of their requests is ended and said once', { timeout: TEST_MS }, async () => {
    const from = attacker();
    const codes: (number | null)[] = [];
    const found = await calm(async () => {
      for (let i = 0; i < 150; i++)
        void from.socket('/events?topics=blocks', '{"subscribe":["events"]}', 500).then(code => codes.push(code));
      await until(() => codes.length === 150, 20_000);
    });
    const closes = new Map<number | null, number>();
    for (const code of codes) closes.set(code, (closes.get(code) ?? 0) + 1);
    // Too hasty; or without a connection, where one address has as many as it may.
    expect(closes.get(1008)).toBeGreaterThan(SERVER_LIMITS.connectionsPerRemote / 2);
    expect((closes.get(1008) ?? 0) + (closes.get(null) ?? 0)).toBe(150);
    const api = { level: 'warn', what: 'api: refused', remote: from.host };
    expect(
      told(found)
        .map(({ reason: _reason, ...one }) => one)
        .sort(byCode),
    ).toEqual([
      { ...api, request: 'WebSocket /events', code: 'close_1008' },
      ...(closes.has(null) ? [{ ...api, request: 'a connection', code: 'full' }] : []),
    ]);
  });
});

describe('a frame that comes a byte at a time', () => {
  test('is given up in time, and said once', { timeout: TEST_MS }, async () => {
    await until(() => loris.puppet.closed, DEFAULT_LIMITS.partialFrameTimeout_ms + 20_000);
    loris.stop();
    const { address } = await identityOf('loris');
    const lines = net.log(VICTIM).filter(one => one.peer === address);
    const reason = `a frame was not complete within ${DEFAULT_LIMITS.partialFrameTimeout_ms} ms`;
    expect(lines).toMatchObject([{ level: 'warn', what: 'transport: too-slow', reason }]);
  });
});
