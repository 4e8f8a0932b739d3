/** Tunnels: open when the peer has welcomed them, closed when either side ends, always told. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TUNNEL_PROTOCOL } from '../../../../src/worlds/live/transport/credentials.ts';
import { frameOf, HELLO, MESSAGE, VERSION, WELCOME } from '../../../../src/worlds/live/transport/frames.ts';
import { leafOf, Net, type Participant, Puppet, sleep, until } from './support.ts';

let net: Net;
beforeEach(() => {
  net = new Net();
});
afterEach(() => net.close());

const states = (of: Participant): { [id: string]: boolean[] } => {
  const found: { [id: string]: boolean[] } = {};
  for (const { id, open } of of.only('tunnel')) (found[id] ??= []).push(open);
  return found;
};

describe('a tunnel', () => {
  it('opens to peers that are there, and tells when it ends', async () => {
    const [a, b, gone] = [await net.add('a'), await net.add('b'), await net.add('gone')];
    await gone.transport.close(true);
    a.transport.openTunnel('t1', 'b');
    a.transport.openTunnel('t2', 'gone');
    a.transport.openTunnel('t3', 'b');
    a.transport.openTunnel('t4', 'nobody');
    expect(a.told).toEqual([]);
    await until(() => a.only('tunnel').length === 4);
    expect(states(a)).toEqual({ t1: [true], t2: [false], t3: [true], t4: [false] });
    a.transport.closeTunnel('t1');
    a.transport.closeTunnel('never opened');
    await until(() => a.only('tunnel').length === 6);
    await b.transport.close(true);
    await until(() => a.only('tunnel').length === 7);
    await sleep(50);
    expect(states(a)).toEqual({
      t1: [true, false],
      t2: [false],
      t3: [true, false],
      t4: [false],
      'never opened': [false],
    });
    const reasons = Object.fromEntries(a.only('tunnel').map(one => [one.id, one.reason]));
    expect(reasons.t1).toBe('closed');
    expect(reasons['never opened']).toBe('was not open');
    expect(reasons.t4).toBe('unknown peer');
    // Nobody but who asked hears of tunnels.
    expect(b.told).toEqual([]);
    expect([...a.log, ...b.log]).toEqual([]);
  });

  it('is one however often it is asked for, and can be closed while it opens', async () => {
    const [a, b] = [await net.add('a'), await net.add('b')];
    a.transport.openTunnel('t', 'b');
    a.transport.openTunnel('t', 'b');
    await until(() => a.only('tunnel').length === 1);
    a.transport.openTunnel('t', 'b');
    await until(() => a.only('tunnel').length === 2);
    expect(a.only('tunnel')[1]).toMatchObject({ open: true, reason: 'already open' });
    a.transport.openTunnel('early', 'b');
    a.transport.closeTunnel('early');
    await sleep(300);
    expect(a.only('tunnel').filter(one => one.id === 'early')).toEqual([
      { kind: 'tunnel', id: 'early', open: false, reason: 'closed' },
    ]);
    // The name is free again.
    a.transport.openTunnel('early', 'b');
    await until(() => a.only('tunnel').at(-1)!.open);
    expect([...a.log, ...b.log].filter(one => one.what !== 'handshake')).toEqual([]);
  });

  it('stays open, and is as bounded as connections are', async () => {
    const a = await net.add('a', { maxTunnels: 3, keepAlive_ms: 400 });
    await net.add('b', { maxInboundTunnelsPerIdentity: 2 });
    for (const id of ['t1', 't2', 't3', 't4']) a.transport.openTunnel(id, 'b');
    await until(() => a.only('tunnel').length === 4);
    await sleep(1_200);
    const open = a.only('tunnel').filter(one => one.open);
    expect(open).toHaveLength(2);
    expect(
      a
        .only('tunnel')
        .filter(one => !one.open)
        .map(one => one.reason)
        .toSorted(),
    ).toEqual(['refused by the peer: there are 2 connections of this identity already', 'there are 3 tunnels already']);
  });

  it('carries no messages: who sends some is dropped and logged', async () => {
    const b = await net.add('b');
    const a = await net.add('a');
    a.transport.openTunnel('good', 'b');
    const puppet = new Puppet(net.tls(b, await leafOf(a.identity), { ALPNProtocols: [TUNNEL_PROTOCOL] }));
    puppet.socket.write(frameOf(HELLO, Uint8Array.of(VERSION)));
    await until(() => puppet.heardOf(WELCOME).length === 1);
    puppet.send(MESSAGE, new Uint8Array(3));
    await until(() => puppet.closed);
    expect(b.log).toMatchObject([
      { what: 'malformed-frame', peer: 'a', reason: 'a frame of type 1 has no place here' },
    ]);
    expect(states(a)).toEqual({ good: [true] });
  });
});
