/**
 * Whoever calls and does not keep to the protocol is refused and logged once. Beside each stands a good peer, whose
 * messages go on all the while and whose like can still come in.
 */
import { createSecureContext } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_MESSAGE_BYTES } from '../../../../src/actors/actor.ts';
import { addressOf } from '../../../../src/protocol/codec/address.ts';
import { type TlsIdentity, tlsIdentity } from '../../../../src/worlds/live/identity/identity.ts';
import { refusalText } from '../../../../src/worlds/live/transport/framed-socket.ts';
import { HELLO, MESSAGE, PING, PONG, REFUSED, VERSION, WELCOME } from '../../../../src/worlds/live/transport/frames.ts';
import type { TransportLimits } from '../../../../src/worlds/live/transport/options.ts';
import { asLeaf, asRoot, craft, freshKeys, keyPem, rawPublicKey, toPem } from '../identity/certificates.ts';
import { heldBytes, leafOf, Net, type Participant, Puppet, seedOf, sleep, until } from './support.ts';

let net: Net;
let victim: Participant;
let good: Participant;
let stranger: TlsIdentity;
let said = 0;
/** The connection of the good peer. */
let there = 0;
let talk: NodeJS.Timeout;

/** Longest that a good peer's message took, of those that have arrived. */
let slowest_ms = 0;

/** A victim with these limits, and a good peer that talks to it all the while. */
async function begin(limits: Partial<TransportLimits> = {}): Promise<void> {
  net = new Net();
  said = 0;
  slowest_ms = 0;
  victim = await net.add('victim', limits, {
    acceptsUnknown: true,
    react(told) {
      if (told.kind !== 'message' || told.from !== 'good') return;
      slowest_ms = Math.max(slowest_ms, performance.now() - Number(told.text.split(' ')[1]));
    },
  });
  good = await net.add('good');
  stranger = await tlsIdentity(seedOf('stranger'));
  [there] = await net.link(good, victim);
  talk = setInterval(() => good.say(there, `${said++} ${performance.now()}`), 10);
}

/** The good peer has been heard all the while, none of its messages is missing, and it can come again. */
async function goodIsUndisturbed(): Promise<void> {
  await until(() => said > 3);
  clearInterval(talk);
  const heard = (): number => victim.only('message').filter(one => one.from === 'good').length;
  await until(() => heard() === said);
  expect(victim.only('disconnected').filter(one => one.peer === 'good')).toEqual([]);
  expect(good.only('disconnected')).toEqual([]);
  expect(good.only('queueFull')).toEqual([]);
  await net.link(good, victim);
}

afterEach(async () => {
  clearInterval(talk);
  await net.close();
});

/** Shows credentials and greets; what the victim answers. */
async function shows(credentials: { key: string; chain: string } | null): Promise<Puppet> {
  const puppet = new Puppet(net.tls(victim, credentials));
  puppet.send(HELLO, Uint8Array.of(VERSION));
  await until(() => puppet.heard.length > 0);
  return puppet;
}

async function refusalOf(credentials: { key: string; chain: string } | null): Promise<string> {
  const before = victim.only('connected').length;
  const puppet = await shows(credentials);
  await until(() => puppet.closed);
  expect(puppet.heard.map(frame => frame.type)).toEqual([REFUSED]);
  expect(victim.only('connected')).toHaveLength(before);
  return refusalText(puppet.heard[0]!.payload);
}

describe('a caller whose certificate', () => {
  beforeEach(() => begin());

  it('is good is welcomed: the control of all others', async () => {
    const puppet = await shows(await leafOf(stranger));
    expect(puppet.heardOf(WELCOME)).toHaveLength(1);
    await until(() => victim.only('connected').some(one => one.peer === stranger.address));
    expect(victim.log).toEqual([]);
    await goodIsUndisturbed();
  });

  it('is missing is refused', async () => {
    expect(await refusalOf(null)).toBe('your certificate: no certificate was shown');
    expect(victim.log).toMatchObject([{ level: 'warn', what: 'certificate', reason: 'no certificate was shown' }]);
    await goodIsUndisturbed();
  });

  it('has expired, or is not yet valid, is refused', async () => {
    const now_ms = Date.now();
    const old = await leafOf(stranger, now_ms - 60_000, now_ms - 5_000);
    expect(await refusalOf(old)).toMatch(/^your certificate: the leaf certificate has expired: it ended at /);
    const early = await leafOf(stranger, now_ms + 60_000, now_ms + 120_000);
    expect(await refusalOf(early)).toMatch(/^your certificate: the leaf certificate is not yet valid: /);
    // One offender, one kind, one line.
    expect(victim.log).toHaveLength(1);
    await goodIsUndisturbed();
  });

  it('came without its root, or is signed by another key, is refused', async () => {
    const whole = await leafOf(stranger);
    const alone = { key: whole.key, chain: whole.chain.slice(0, whole.chain.indexOf('-----END')) };
    alone.chain += '-----END CERTIFICATE-----\n';
    expect(await refusalOf(alone)).toBe('your certificate: the certificate came without the root that issued it');
    const [root, leaf, other] = await Promise.all([freshKeys(), freshKeys(), freshKeys()]);
    const name = `CN=${addressOf(await rawPublicKey(root))}`;
    const times = { notBefore_ms: Date.now() - 60_000, notAfter_ms: Date.now() + 60_000 };
    const rootCertificate = await craft({
      subject: name,
      issuer: name,
      keys: root,
      signer: root,
      extensions: asRoot,
      ...times,
    });
    const leafBy = (signer: typeof root): Promise<Uint8Array> =>
      craft({ subject: name, issuer: name, keys: leaf, signer, extensions: asLeaf, ...times });
    const key = await keyPem(leaf);
    const forged = { key, chain: toPem(await leafBy(other), rootCertificate) };
    expect(await refusalOf(forged)).toBe('your certificate: the leaf certificate is not signed by its root');
    const right = await shows({ key, chain: toPem(await leafBy(root), rootCertificate) });
    expect(right.heardOf(WELCOME)).toHaveLength(1);
    await goodIsUndisturbed();
  });

  it("is another's, without its key, does not get through TLS", async () => {
    const [one, two] = [await leafOf(stranger), await leafOf(good.identity)];
    expect(() => createSecureContext({ key: one.key, cert: two.chain })).toThrow(/key values mismatch/i);
  });

  it('was good once is looked at again: sessions are not resumed', async () => {
    const first = net.tls(victim, await leafOf(stranger));
    const sessions: Buffer[] = [];
    first.on('session', session => sessions.push(session));
    const puppet = new Puppet(first);
    puppet.send(HELLO, Uint8Array.of(VERSION));
    await until(() => puppet.heardOf(WELCOME).length === 1);
    await sleep(50);
    expect(sessions.length).toBeGreaterThan(0);
    for (const session of sessions) {
      const again = net.tls(victim, null, { session });
      const reused: boolean[] = [];
      again.on('secureConnect', () => reused.push(again.isSessionReused()));
      const second = new Puppet(again);
      second.send(HELLO, Uint8Array.of(VERSION));
      await until(() => second.closed);
      expect(reused).toEqual([false]);
      expect(second.heardOf(WELCOME)).toEqual([]);
    }
    await goodIsUndisturbed();
  });
});

describe('a caller that speaks something else', () => {
  beforeEach(() => begin());

  it.each([
    [
      'plain text',
      () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      /no TLS 1\.3 handshake \(ERR_SSL_HTTP_REQUEST\)/,
    ],
    ['garbage', () => Buffer.alloc(1_000, 0xa5), /no TLS 1\.3 handshake \(ERR_SSL_/],
    [
      'the beginning of a handshake, then garbage',
      () => Buffer.from(`1603010200010001fc0303${'5a'.repeat(600)}`, 'hex'),
      /no TLS 1\.3 handshake/,
    ],
  ])('%s, is dropped and logged', async (_, bytes, reason) => {
    const socket = net.tcp(victim);
    let closed = false;
    socket.on('close', () => {
      closed = true;
    });
    socket.resume();
    socket.write(bytes());
    await until(() => closed);
    await until(() => victim.log.length === 1);
    expect(victim.log).toMatchObject([{ level: 'warn', what: 'handshake' }]);
    expect(victim.log[0]!.reason).toMatch(reason);
    expect(victim.log[0]!.remote).toMatch(/^127\.0\.0\.1:\d+$/);
    await goodIsUndisturbed();
  });

  it('TLS 1.2, is dropped and logged; TLS 1.3 is what the control speaks', async () => {
    const credentials = await leafOf(stranger);
    const secureContext = createSecureContext({
      key: credentials.key,
      cert: credentials.chain,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
    });
    const errors: string[] = [];
    const old = net.tls(victim, null, { secureContext });
    old.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''));
    const puppet = new Puppet(old);
    await until(() => puppet.closed);
    expect(errors).toEqual(['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION']);
    await until(() => victim.log.length === 1);
    expect(victim.log[0]!.reason).toBe('no TLS 1.3 handshake (ERR_SSL_UNSUPPORTED_PROTOCOL)');
    const control = await shows(credentials);
    expect(control.socket.getProtocol()).toBe('TLSv1.3');
    expect(control.heardOf(WELCOME)).toHaveLength(1);
    await goodIsUndisturbed();
  });

  it('another protocol over TLS, or none, is refused', async () => {
    const credentials = await leafOf(stranger);
    const other = new Puppet(net.tls(victim, credentials, { ALPNProtocols: ['h2'] }));
    await until(() => other.closed);
    const none = new Puppet(net.tls(victim, credentials, { ALPNProtocols: [] }));
    await until(() => none.closed);
    expect(none.heardOf(REFUSED).map(refusalText)).toEqual([
      'asked for no protocol, expected one of orrery-messages/1, orrery-tunnel/1',
    ]);
    expect(victim.log).toMatchObject([{ what: 'handshake' }]);
    await goodIsUndisturbed();
  });

  it('another version of ours, is dropped and logged', async () => {
    const puppet = new Puppet(net.tls(victim, await leafOf(stranger)));
    puppet.send(HELLO, Uint8Array.of(VERSION + 1));
    await until(() => puppet.closed);
    expect(victim.log).toMatchObject([{ what: 'malformed-frame', reason: 'speaks version 2, expected 1' }]);
    await goodIsUndisturbed();
  });
});

describe('a caller that is slow', () => {
  it('and says nothing, or too little, to TLS is dropped in time', async () => {
    await begin({ handshakeTimeout_ms: 1_000 });
    const silent = net.tcp(victim);
    const dripping = net.tcp(victim);
    const hello = Buffer.from('160301020001', 'hex');
    let at = 0;
    const drip = setInterval(() => dripping.write(hello.subarray(at, ++at)), 60);
    const closed: string[] = [];
    silent.on('close', () => closed.push('silent')).resume();
    dripping.on('close', () => closed.push('dripping')).resume();
    const start = performance.now();
    await until(() => closed.length === 2);
    clearInterval(drip);
    expect(performance.now() - start).toBeLessThan(6_000);
    expect(victim.log).toMatchObject([{ what: 'handshake', reason: 'the TLS handshake was not over within 1000 ms' }]);
    await goodIsUndisturbed();
  });

  it('to greet is dropped in time', async () => {
    await begin({ helloTimeout_ms: 1_000 });
    const puppet = new Puppet(net.tls(victim, await leafOf(stranger)));
    await until(() => puppet.closed);
    expect(victim.log).toMatchObject([{ what: 'too-slow', reason: 'no greeting within 1000 ms' }]);
    await goodIsUndisturbed();
  });

  it('to end a frame is dropped in time, however busy it looks; one that ends it is not', async () => {
    await begin({ partialFrameTimeout_ms: 500 });
    const loris = await net.puppet(victim, 'loris');
    const steady = await net.puppet(victim, 'steady');
    loris.socket.write(Buffer.from([0, 0, 1, 0, MESSAGE]));
    const drip = setInterval(() => {
      if (!loris.closed) loris.socket.write(Buffer.alloc(1));
      steady.send(MESSAGE, new Uint8Array(1));
    }, 20);
    await until(() => loris.closed);
    clearInterval(drip);
    expect(victim.only('disconnected')).toMatchObject([
      { peer: 'loris', reason: 'a frame was not complete within 500 ms' },
    ]);
    expect(victim.log).toMatchObject([{ what: 'too-slow', peer: 'loris' }]);
    expect(steady.closed).toBe(false);
    await goodIsUndisturbed();
  });

  it('and is not there any more is given up after the keep-alive, without blame', async () => {
    await begin({ keepAlive_ms: 1_000 });
    const puppet = await net.puppet(victim, 'half-open');
    // It neither reads nor answers, and its socket stays.
    puppet.socket.pause();
    await until(() => victim.only('disconnected').length === 1);
    expect(victim.only('disconnected')).toMatchObject([{ peer: 'half-open', reason: 'timed out' }]);
    expect(victim.log).toEqual([]);
    await goodIsUndisturbed();
  });
});

describe('a peer that breaks the frames', () => {
  beforeEach(() => begin());

  it('by announcing a gigabyte is dropped at the header, and memory does not grow', async () => {
    const control = await net.puppet(victim, 'control');
    control.send(MESSAGE, new Uint8Array(MAX_MESSAGE_BYTES));
    await until(() => victim.only('message').some(one => one.bytes === MAX_MESSAGE_BYTES));
    const puppet = await net.puppet(victim, 'boaster');
    const before = heldBytes();
    const header = Buffer.alloc(5);
    header.writeUInt32BE(2 ** 30);
    header[4] = MESSAGE;
    puppet.socket.write(header);
    for (let i = 0; i < 20 && !puppet.closed; i++) {
      puppet.socket.write(Buffer.alloc(65_536));
      await sleep(5);
    }
    await until(() => puppet.closed);
    expect(heldBytes() - before).toBeLessThan(2 * 1024 * 1024);
    const reason = 'a frame of type 1 has at most 262144 bytes, 1073741824 were announced';
    expect(victim.only('disconnected')).toMatchObject([{ peer: 'boaster', reason }]);
    expect(victim.log).toMatchObject([{ level: 'warn', what: 'malformed-frame', peer: 'boaster', reason }]);
    expect(control.closed).toBe(false);
    await goodIsUndisturbed();
  });

  it('is logged once, however often it comes back', async () => {
    for (let i = 0; i < 5; i++) {
      const puppet = await net.puppet(victim, 'vandal');
      puppet.socket.write(Buffer.from([0, 0, 0, 0, 77]));
      await until(() => puppet.closed);
    }
    await until(() => victim.only('disconnected').length === 5);
    expect(victim.log).toMatchObject([{ peer: 'vandal', reason: 'a frame of type 77, which there is not' }]);
    const other = await net.puppet(victim, 'other vandal');
    other.send(HELLO, Uint8Array.of(VERSION));
    await until(() => other.closed);
    expect(victim.log.map(one => one.peer)).toEqual(['vandal', 'other vandal']);
    await goodIsUndisturbed();
  });

  it('before it has greeted is dropped', async () => {
    const puppet = new Puppet(net.tls(victim, await leafOf(stranger)));
    puppet.send(MESSAGE, new Uint8Array(10));
    await until(() => puppet.closed);
    expect(victim.log).toMatchObject([{ what: 'malformed-frame', reason: 'a frame of type 1 has no place here' }]);
    expect(victim.only('message').every(one => one.from === 'good')).toBe(true);
    await goodIsUndisturbed();
  });
});

describe('a flood', () => {
  it('of connections takes no room from who is there, and is logged once', async () => {
    await begin({ handshakeTimeout_ms: 1_000 });
    const sockets = Array.from({ length: 400 }, () => net.tcp(victim));
    let closed = 0;
    for (const socket of sockets) {
      socket.on('close', () => {
        closed++;
      });
      socket.resume();
    }
    await until(() => closed === 400);
    expect(victim.log.filter(one => one.what === 'too-many')).toHaveLength(1);
    expect(victim.log.filter(one => one.what === 'too-many')[0]!.reason).toMatch(
      /^there are 64 handshakes of this host already|^more than 100 handshakes a second from this host/,
    );
    expect(slowest_ms).toBeLessThan(4_000);
    // After a second the pace of this host is what it was, and every place was given back.
    await sleep(500);
    await goodIsUndisturbed();
  });

  it('of connections of one identity stops at its limit; others go on', async () => {
    await begin();
    const credentials = await leafOf(stranger);
    const puppets = Array.from({ length: 12 }, () => new Puppet(net.tls(victim, credentials)));
    for (const puppet of puppets) puppet.send(HELLO, Uint8Array.of(VERSION));
    await until(() => puppets.every(puppet => puppet.heard.length > 0));
    const refused = puppets.filter(puppet => puppet.heardOf(REFUSED).length > 0);
    expect(refused).toHaveLength(4);
    expect(refusalText(refused[0]!.heardOf(REFUSED)[0]!)).toBe('there are 8 connections of this identity already');
    expect(victim.log).toMatchObject([{ what: 'too-many', peer: stranger.address }]);
    for (const puppet of puppets) puppet.socket.destroy();
    await until(() => victim.only('disconnected').length === 8);
    await sleep(50);
    const again = await shows(credentials);
    expect(again.heardOf(WELCOME)).toHaveLength(1);
    await goodIsUndisturbed();
  });

  it('of tiny messages and pings lets others have their turn', async () => {
    await begin();
    const puppet = await net.puppet(victim, 'flood');
    const message = Buffer.from([0, 0, 0, 0, MESSAGE]);
    const ping = Buffer.from([0, 0, 0, 0, PING]);
    const burst = Buffer.concat(Array.from({ length: 4_000 }, (_, i) => (i % 2 === 0 ? message : ping)));
    const before = heldBytes();
    const end = performance.now() + 1_000;
    let pings = 0;
    while (performance.now() < end) {
      if (puppet.socket.writableLength < 1_000_000) {
        puppet.socket.write(burst);
        pings += 2_000;
      }
      await sleep(1);
    }
    expect(pings).toBeGreaterThan(10_000);
    await goodIsUndisturbed();
    expect(slowest_ms).toBeLessThan(4_000);
    // Pings that come together are answered together.
    expect(puppet.heardOf(PONG).length).toBeLessThan(pings / 20);
    expect(puppet.heardOf(PONG).length).toBeGreaterThan(0);
    expect(heldBytes() - before).toBeLessThan(32 * 1024 * 1024);
    expect(victim.log).toEqual([]);
  });

  it('is handled a few frames a turn', async () => {
    await begin();
    let [most, count, counting] = [0, 0, false];
    const fair = await net.add(
      'fair',
      { framesPerTurn: 10 },
      {
        react(told) {
          if (told.kind !== 'message') return;
          count++;
          if (counting) return;
          counting = true;
          setImmediate(() => {
            most = Math.max(most, count);
            [count, counting] = [0, false];
          });
        },
      },
    );
    const many = await net.puppet(fair, 'many');
    many.socket.write(Buffer.concat(Array.from({ length: 3_000 }, () => Buffer.from([0, 0, 0, 0, MESSAGE]))));
    await until(() => fair.only('message').length === 3_000);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(20);
  });

  it('of pings from a peer that reads no answers does not pile them up', async () => {
    await begin();
    const puppet = await net.puppet(victim, 'deaf');
    puppet.socket.pause();
    const burst = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([0, 0, 0, 0, PING])));
    const before = heldBytes();
    for (let i = 0; i < 100; i++) {
      puppet.socket.write(burst);
      while (puppet.socket.writableLength > 1_000_000 && !puppet.closed) await sleep(2);
    }
    // A million answers, each in a record of its own, would be thirty megabytes.
    expect(heldBytes() - before).toBeLessThan(16 * 1024 * 1024);
    await goodIsUndisturbed();
  });
});
