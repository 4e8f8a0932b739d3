/** The parts that count and remember: admission, the log of trouble, addresses of peers, the outbox. */
import { describe, expect, it } from 'vitest';
import { tlsIdentity } from '../../../../src/worlds/live/identity/identity.ts';
import { Admission, hostOf, type Ticket } from '../../../../src/worlds/live/transport/admission.ts';
import { limitsOf, type TransportLogEvent } from '../../../../src/worlds/live/transport/options.ts';
import { Outbox } from '../../../../src/worlds/live/transport/outbox.ts';
import { formatPeerAddress, parsePeerAddress } from '../../../../src/worlds/live/transport/peer-address.ts';
import { TroubleLog } from '../../../../src/worlds/live/transport/trouble-log.ts';
import { seedOf, sleep } from './support.ts';

describe('admission', () => {
  const limits = limitsOf({
    maxInbound: 5,
    maxInboundPerRemote: 3,
    maxHandshakes: 4,
    handshakesPerSecond: 100,
    handshakesPerSecondPerRemote: 10,
  });

  it('counts in all, from one host and at once, and gives places back once', () => {
    const admission = new Admission(limits, () => 0);
    const place = (host: string): Ticket => {
      const ticket = admission.enter(host);
      if (typeof ticket === 'string') throw new Error(ticket);
      return ticket;
    };
    const tickets = [place('a'), place('a'), place('a')];
    expect(admission.enter('a')).toBe('there are 3 connections from this host already');
    tickets.push(place('b'));
    expect(admission.enter('c')).toBe('there are 4 handshakes already');
    for (const ticket of tickets) ticket.greeted();
    tickets.push(place('c'));
    expect(admission.enter('d')).toBe('there are 5 inbound connections already');
    for (const ticket of tickets) {
      ticket.leave();
      ticket.leave();
      ticket.greeted();
    }
    expect(admission.inbound).toBe(0);
    for (const host of ['a', 'a', 'a', 'b']) place(host);
    expect(admission.enter('c')).toBe('there are 4 handshakes already');
  });

  it('bounds the pace of a host without taking it from others, and lets it go on later', () => {
    let now_ms = 0;
    const admission = new Admission(limits, () => now_ms);
    const tries = (host: string, count: number): number => {
      let admitted = 0;
      for (let i = 0; i < count; i++) {
        const ticket = admission.enter(host);
        if (typeof ticket === 'string') continue;
        admitted++;
        ticket.leave();
      }
      return admitted;
    };
    expect(tries('flood', 1_000)).toBe(10);
    expect(admission.enter('flood')).toBe('more than 10 handshakes a second from this host');
    expect(tries('good', 5)).toBe(5);
    now_ms = 500;
    expect(tries('flood', 1_000)).toBe(5);
    let all = 0;
    for (let host = 0; host < 1_000; host++) all += tries(`host ${host}`, 1);
    // Of the hundred in all, 20 were used and some came back meanwhile.
    expect(all).toBe(95);
    expect(admission.enter('late')).toBe('more than 100 handshakes a second');
  });

  it('leaves room for the handshakes of others when a host keeps its own open', () => {
    const admission = new Admission({ ...limits, maxInboundPerRemote: 5, maxHandshakesPerRemote: 2 }, () => 0);
    const slow = [admission.enter('slow'), admission.enter('slow')] as Ticket[];
    expect(admission.enter('slow')).toBe('there are 2 handshakes of this host already');
    expect(typeof admission.enter('good')).toBe('object');
    slow[0]!.greeted();
    slow[0]!.leave();
    expect(typeof admission.enter('slow')).toBe('object');
    expect(admission.enter('slow')).toBe('there are 2 handshakes of this host already');
  });

  it('counts identities by use', () => {
    const admission = new Admission(limits, () => 0);
    const leave = admission.enterIdentity('messages x', 1);
    expect(admission.enterIdentity('messages x', 1)).toBe('there are 1 connections of this identity already');
    expect(typeof admission.enterIdentity('tunnels x', 1)).toBe('function');
    if (typeof leave === 'function') leave();
    expect(typeof admission.enterIdentity('messages x', 1)).toBe('function');
  });

  it('knows what is one host', () => {
    expect(hostOf('192.0.2.7')).toBe('192.0.2.7');
    expect(hostOf('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(hostOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(hostOf('2001:db8:1:2::9')).toBe('2001:db8:1:2::/64');
    expect(hostOf('2001:0db8:0001:0002:ffff::')).toBe('2001:db8:1:2::/64');
    expect(hostOf('::1')).toBe('0:0:0:0::/64');
    expect(hostOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
    expect(hostOf('2001:db8:1:3::9')).not.toBe(hostOf('2001:db8:1:2::9'));
  });
});

describe('the log of trouble', () => {
  const event = (reason: string): TransportLogEvent => ({ level: 'warn', what: 'handshake', reason });

  it('tells of each offender and kind once, and again after an hour with how often it was', () => {
    let now_ms = 0;
    const told: TransportLogEvent[] = [];
    const log = new TroubleLog<TransportLogEvent>(
      one => void told.push(one),
      () => now_ms,
    );
    for (let i = 0; i < 100; i++) log.note('x', event(`no ${i}`));
    log.note('y', event('also'));
    log.note('x', { ...event('other kind'), what: 'certificate' });
    expect(told.map(one => one.reason)).toEqual(['no 0', 'also', 'other kind']);
    now_ms = 3_600_000;
    log.note('x', event('again'));
    expect(told.at(-1)!.reason).toBe('again (and 99 more times in the hour before)');
  });

  it('is not filled by ever new offenders, and says how many it left out', () => {
    let now_ms = 0;
    const told: TransportLogEvent[] = [];
    const log = new TroubleLog<TransportLogEvent>(
      one => void told.push(one),
      () => now_ms,
    );
    for (let i = 0; i < 100_000; i++) log.note(`host ${i}`, event('no'));
    expect(told).toHaveLength(50);
    now_ms = 10_000;
    log.note('another', event('no'));
    expect(told.slice(50).map(one => one.reason)).toEqual(['99950 offences were not logged', 'no']);
  });
});

describe('the address of a peer', () => {
  it('is read as it is written, and nothing else is', async () => {
    const { address } = await tlsIdentity(seedOf('x'));
    for (const host of ['127.0.0.1', 'node.example.org', '::1']) {
      const one = { address, host, port: 26_656 };
      expect(parsePeerAddress(formatPeerAddress(one))).toEqual(one);
    }
    expect(formatPeerAddress({ address, host: '::1', port: 1 })).toBe(`${address}@[::1]:1`);
    const broken = [
      'validator-0',
      address,
      `${address}@host`,
      `${address}@host:0`,
      `${address}@host:65536`,
      `${address}@:1`,
      `${address}@::1:1`,
      `${address}@ho st:1`,
      `${address.slice(0, -1)}@host:1`,
      `${address.toUpperCase()}@host:1`,
      `${address}@${'h'.repeat(256)}:1`,
      ` ${address}@host:1`,
    ];
    expect(broken.map(parsePeerAddress)).toEqual(broken.map(() => null));
  });
});

describe('the outbox', () => {
  it('tells later, in order, and goes on after one that throws', async () => {
    const told: string[] = [];
    const outbox = new Outbox();
    const caught: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', error => caught.push(error));
    try {
      outbox.push(() => {
        told.push('first');
        outbox.push(() => void told.push('from within'));
      });
      outbox.push(() => {
        throw new Error('broken');
      });
      outbox.push(() => void told.push('last'));
      expect(told).toEqual([]);
      await sleep(50);
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    expect(told).toEqual(['first', 'last', 'from within']);
    expect(caught).toMatchObject([{ message: 'broken' }]);
    outbox.push(() => void told.push('never'));
    outbox.close();
    outbox.push(() => void told.push('never'));
    await sleep(20);
    expect(told).toHaveLength(3);
  });
});
