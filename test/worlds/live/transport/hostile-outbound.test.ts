/**
 * Whom we call may be anybody: each kind of wrong answer ends in one `refused` with the reason, in time, while a
 * connection beside it goes on.
 */
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectionId } from '../../../../src/actors/actor.ts';
import { type LeafCredentials, type TlsIdentity, tlsIdentity } from '../../../../src/worlds/live/identity/identity.ts';
import { PROTOCOLS } from '../../../../src/worlds/live/transport/credentials.ts';
import {
  BYE,
  frameOf,
  MESSAGE,
  PING,
  REFUSED,
  VERSION,
  WELCOME,
} from '../../../../src/worlds/live/transport/frames.ts';
import { fromPem, toPem } from '../identity/certificates.ts';
import { leafOf, Net, type Participant, seedOf, sleep, until } from './support.ts';

let net: Net;
let caller: Participant;
let good: Participant;
let toGood: ConnectionId;
let server: TlsIdentity;
let servers: Server[];
let sockets: Set<Socket>;

beforeEach(async () => {
  net = new Net();
  servers = [];
  sockets = new Set();
  caller = await net.add('caller', { connectTimeout_ms: 1_500 });
  good = await net.add('good');
  [toGood] = await net.link(caller, good);
  server = await tlsIdentity(seedOf('server'));
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map(one => new Promise<void>(resolve => one.close(() => resolve()))));
  await net.close();
});

/** Lets a server listen as `server`. */
async function listen(one: Server): Promise<void> {
  servers.push(one);
  one.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>(resolve => one.listen(0, '127.0.0.1', resolve));
  const bound = one.address();
  if (bound === null || typeof bound === 'string') throw new Error('expected a TCP port');
  net.know('server', server.address, bound.port);
}

/** A TLS server that does as told once a caller is secured. */
async function listenSecured(
  { key, chain }: { key: string; chain: string },
  act: (socket: TLSSocket) => void,
  more: TlsOptions = {},
): Promise<void> {
  const tls = createTlsServer(
    { key, cert: chain, requestCert: true, rejectUnauthorized: false, ALPNProtocols: PROTOCOLS, ...more },
    socket => {
      socket.on('error', () => {});
      act(socket);
    },
  );
  tls.on('tlsClientError', () => {});
  await listen(tls);
}

/** Calls the server; the one reason that is told. */
async function refusal(): Promise<string> {
  caller.transport.connect('server');
  await until(() => caller.only('refused').length === 1);
  await sleep(100);
  expect(caller.only('refused')).toHaveLength(1);
  expect(caller.only('connected')).toHaveLength(1);
  caller.say(toGood, 'undisturbed');
  await until(() => good.texts().length === 1);
  expect(caller.only('disconnected')).toEqual([]);
  return caller.only('refused')[0]!.reason;
}

const welcome = frameOf(WELCOME, Uint8Array.of(VERSION));

describe('a server', () => {
  it('that keeps to the protocol is connected with: the control of all others', async () => {
    await listenSecured(await leafOf(server), socket => {
      socket.write(Buffer.concat([welcome, frameOf(MESSAGE, Buffer.from('hello'))]));
    });
    caller.transport.connect('server');
    await until(() => caller.texts().length === 1);
    expect(caller.told.map(one => one.kind)).toEqual(['connected', 'connected', 'message']);
    expect(caller.only('connected')[1]).toMatchObject({ peer: 'server', inbound: false });
  });

  it('with the key of somebody else is not who was called', async () => {
    const other = await tlsIdentity(seedOf('other'));
    await listenSecured(await leafOf(other), socket => socket.write(welcome));
    expect(await refusal()).toMatch(
      new RegExp(
        `^certificate of 127.0.0.1:\\d+: found the key of ${other.address}, expected that of ${server.address}$`,
      ),
    );
    expect(caller.log).toMatchObject([{ level: 'warn', what: 'certificate', peer: 'server' }]);
  });

  it.each([
    ['has expired', -60_000, -5_000, 'the leaf certificate has expired: it ended at '],
    ['is not yet valid', 60_000, 120_000, 'the leaf certificate is not yet valid: it begins at '],
  ])('whose certificate %s is refused', async (_, from_ms, to_ms, reason) => {
    const credentials = await leafOf(server, Date.now() + from_ms, Date.now() + to_ms);
    await listenSecured(credentials, socket => socket.write(welcome));
    expect(await refusal()).toContain(reason);
    expect(caller.log).toMatchObject([{ what: 'certificate', peer: 'server' }]);
  });

  it('is judged by the clock that the caller was handed', async () => {
    const credentials = await leafOf(server, Date.now() + 86_400_000, Date.now() + 90_000_000);
    await listenSecured(credentials, socket => socket.write(welcome));
    const ahead = await net.add('ahead', {}, { now_ms: () => Date.now() + 88_000_000 });
    ahead.transport.connect('server');
    await until(() => ahead.only('connected').length === 1);
    expect(await refusal()).toContain('not yet valid');
  });

  it('that does not send its root is refused', async () => {
    const whole = await leafOf(server);
    const alone: LeafCredentials = { ...whole, chain: toPem(fromPem(whole.chain)[0]!) };
    await listenSecured(alone, socket => socket.write(welcome));
    expect(await refusal()).toContain('the certificate came without the root that issued it');
  });

  it('that speaks only TLS 1.2, or another protocol, is refused', async () => {
    await listenSecured(await leafOf(server), socket => socket.write(welcome), {
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
    });
    expect(await refusal()).toMatch(/^127\.0\.0\.1:\d+ broke the TLS handshake off \(ERR_SSL_/);
  });

  it('that speaks another protocol is refused', async () => {
    await listenSecured(await leafOf(server), socket => socket.write(welcome), { ALPNProtocols: ['h2'] });
    expect(await refusal()).toMatch(/broke the TLS handshake off \(ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL\)$/);
  });

  it('that speaks no TLS is refused', async () => {
    await listen(createTcpServer(socket => socket.write('220 mail.example.org ESMTP\r\n')));
    expect(await refusal()).toMatch(/broke the TLS handshake off \(ERR_SSL_/);
  });

  it('that accepts and closes at once is refused', async () => {
    await listen(createTcpServer(socket => socket.destroy()));
    expect(await refusal()).toMatch(
      /broke the TLS handshake off \(ECONNRESET\)$|closed the connection before it was secured$/,
    );
  });

  it('that says nothing is refused in time', async () => {
    await listen(createTcpServer(() => {}));
    const start = performance.now();
    expect(await refusal()).toMatch(/^timed out: 127\.0\.0\.1:\d+ did not end the TLS handshake within 1500 ms$/);
    expect(performance.now() - start).toBeLessThan(6_000);
  });

  it('that is secured and does not greet is refused in time', async () => {
    await listenSecured(await leafOf(server), () => {});
    expect(await refusal()).toMatch(/did not greet within 1500 ms; it may have refused our certificate$/);
  });

  it('that is secured and closes, as one does that refuses a certificate in TLS, is refused', async () => {
    // A server of TLS's own making asks an authority, of which there is none.
    await listenSecured(await leafOf(server), socket => socket.write(welcome), { rejectUnauthorized: true });
    expect(await refusal()).toMatch(
      /ended the connection before its greeting; it may have refused our certificate$|broke the TLS handshake off/,
    );
  });

  it.each([
    ['a frame that there is not', Buffer.from([0, 0, 0, 0, 99]), 'a frame of type 99, which there is not'],
    ['a gigabyte', Buffer.from([64, 0, 0, 0, WELCOME]), 'at most 16 bytes, 1073741824 were announced'],
    ['a message', frameOf(MESSAGE, Uint8Array.of(1)), 'a frame of type 1 has no place here'],
    ['a ping', frameOf(PING, new Uint8Array(0)), 'a frame of type 2 has no place here'],
    ['a farewell', frameOf(BYE, Uint8Array.of(0)), 'a frame of type 8 has no place here'],
    ['another version', frameOf(WELCOME, Uint8Array.of(9)), 'speaks version 9, expected 1'],
    ['no version', frameOf(WELCOME, new Uint8Array(0)), 'speaks version undefined, expected 1'],
  ])('that greets with %s is refused and logged', async (_, bytes, reason) => {
    await listenSecured(await leafOf(server), socket => socket.write(bytes));
    expect(await refusal()).toContain(reason);
    expect(caller.log).toMatchObject([{ what: 'malformed-frame', peer: 'server' }]);
  });

  it('that refuses says why, and no more than a line', async () => {
    const text = `no\r\n\u001b[31m${'x'.repeat(400)}`;
    await listenSecured(await leafOf(server), socket => socket.write(frameOf(REFUSED, Buffer.from(text))));
    const reason = await refusal();
    expect(reason).toMatch(/^refused by the peer: no\?\?\?\[31mx+$/);
    expect(reason.length).toBeLessThan(200);
    expect(caller.log).toEqual([]);
  });
});
