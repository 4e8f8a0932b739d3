/** What is said to a relay and how, and what it is made of: without any relay. */
import { Duplex, PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { EngineFacts } from '../../../../src/worlds/live/docker/engine.ts';
import { EngineFrames } from '../../../../src/worlds/live/docker/engine-frames.ts';
import { settle } from '../../../../src/worlds/live/docker/options.ts';
import { relayObjection } from '../../../../src/worlds/live/docker/relay-access.ts';
import { RelayClient } from '../../../../src/worlds/live/docker/relay-client.ts';
import { followRelay, relayOptions } from '../../../../src/worlds/live/docker/relay-container.ts';
import { Channel, Mux, WINDOW } from '../../../../src/worlds/live/docker/relay-mux.ts';
import {
  countOf,
  countPayload,
  FRAME,
  FrameReader,
  frame,
  targetOf,
  targetPayload,
  WIRE_VERSION,
  WireError,
} from '../../../../src/worlds/live/docker/relay-wire.ts';
import { MIB } from './backend-bench.ts';

const HOST = '127.0.0.1';

describe('what is said to a relay', () => {
  it('comes out the same, however it is cut', () => {
    const said = fc.tuple(fc.constantFrom(...Object.values(FRAME)), fc.nat(), fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(fc.array(said, { maxLength: 10 }), fc.array(fc.nat({ max: 40 })), (frames, cuts) => {
        const whole = Buffer.concat(frames.map(([kind, channel, payload]) => frame(kind, channel, payload)));
        const got: [number, number, string][] = [];
        const reader = new FrameReader((kind, channel, payload) => {
          got.push([kind, channel, payload.toString('hex')]);
        });
        let at = 0;
        for (const cut of cuts) {
          reader.push(whole.subarray(at, at + cut));
          at += cut;
        }
        reader.push(whole.subarray(at));
        expect(got).toEqual(frames.map(([kind, id, payload]) => [kind, id, Buffer.from(payload).toString('hex')]));
      }),
    );
  });

  it('is bounded, and what is too short is refused', () => {
    expect(() => frame(FRAME.data, 1, Buffer.alloc(65_536))).toThrow(/at most 65535 bytes, found 65536/);
    expect(targetOf(targetPayload('10.1.2.3', 8_080))).toEqual({ host: '10.1.2.3', port: 8_080 });
    expect(() => targetOf(Buffer.alloc(2))).toThrow(WireError);
    expect(countOf(countPayload(70_000))).toBe(70_000);
    expect(() => countOf(Buffer.alloc(3))).toThrow(WireError);
  });

  it('holds a sender to its window, in small pieces as in large ones', () => {
    for (const size of [1, 30_000]) {
      const mux = new Mux(new PassThrough().resume(), () => {});
      const channel = new Channel(mux, 1);
      const piece = frame(FRAME.data, 1, Buffer.alloc(size));
      const send = (): void => {
        for (let i = 0; i * Math.max(size, 256) <= WINDOW; i += 1) mux.push(piece);
      };
      expect(send).toThrow(/more than the 131072 bytes that may be on their way/);
      channel.destroy();
    }
  });

  it('is refused when no such side says it', () => {
    const wrong: readonly (readonly [number, Buffer, RegExp])[] = [
      [FRAME.connect, targetPayload(HOST, 1), /kind 4 on a connection/],
      [FRAME.credit, countPayload(1), /credit for more than was sent: 1 bytes/],
    ];
    for (const [kind, payload, reason] of wrong) {
      const mux = new Mux(new PassThrough().resume(), () => {});
      const channel = new Channel(mux, 1);
      expect(() => mux.push(frame(kind, 1, payload))).toThrow(reason);
      channel.destroy();
    }
    const late: readonly (readonly [Buffer, RegExp])[] = [
      [frame(FRAME.data, 1, Buffer.alloc(1)), /bytes after their end/],
      [frame(FRAME.end, 1), /a second end of one half/],
    ];
    for (const [bytes, reason] of late) {
      const mux = new Mux(new PassThrough().resume(), () => {});
      const channel = new Channel(mux, 1);
      mux.push(frame(FRAME.end, 1));
      expect(() => mux.push(bytes)).toThrow(reason);
      channel.destroy();
    }
  });
});

describe('the stream to a relay', () => {
  /** A stream as an engine gives it, and what to let it say. */
  function engineStream(): { readonly stream: Duplex; say(output: number, bytes: Buffer): void } {
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const say = (output: number, bytes: Buffer): void => {
      const header = Buffer.alloc(8);
      header[0] = output;
      header.writeUInt32BE(bytes.length, 4);
      stream.push(Buffer.concat([header, bytes]));
    };
    return { stream, say };
  }
  const hello = (version: number): Buffer => frame(FRAME.hello, 0, Uint8Array.of(version));

  it('is over with its last words, whoever ends it', async () => {
    const { stream, say } = engineStream();
    const running = followRelay(stream);
    say(1, hello(WIRE_VERSION));
    await running.client.ready;
    say(2, Buffer.from('killed\n'));
    stream.push(null);
    expect(await running.over).toBe('it ended: killed');
    expect(running.client.isClosed).toBe(true);
    const other = engineStream();
    const broken = followRelay(other.stream);
    other.stream.destroy(new Error('pipe'));
    expect(await broken.over).toBe('its stream broke (pipe)');
    await expect(broken.client.ready).rejects.toThrow(/its stream broke/);
  });

  it.each([
    ['another version', 1, hello(WIRE_VERSION + 1), /found version 02, expected 1, in the stream of a relay/],
    ['a question of the relay’s', 1, frame(FRAME.connect, 7, targetPayload(HOST, 1)), /found kind 4 on channel 7/],
    ['an output that programs do not have', 3, Buffer.from('x'), /found output 3 .* expected 1 or 2/],
  ])('is given up at %s', async (_, output, bytes, reason) => {
    const { stream, say } = engineStream();
    const running = followRelay(stream);
    say(output, bytes);
    expect(await running.over).toMatch(reason);
    expect(stream.destroyed).toBe(true);
  });

  it('is given up when the relay has not answered three times, and not while it answers', () => {
    vi.useFakeTimers();
    try {
      const output = new PassThrough();
      const broken: string[] = [];
      const client = new RelayClient(output, reason => void broken.push(reason));
      for (let i = 0; i < 10; i += 1) {
        vi.advanceTimersByTime(10_000);
        expect(output.read()).toEqual(frame(FRAME.ping, 0));
        client.push(frame(FRAME.pong, 0));
      }
      vi.advanceTimersByTime(30_000);
      expect(broken).toEqual([]);
      vi.advanceTimersByTime(10_000);
      expect(broken).toEqual([expect.stringMatching(/^no answer to 3 questions/)]);
      client.close('over');
    } finally {
      vi.useRealTimers();
    }
  });

  it('is taken out of the engine’s frames, cut anywhere', () => {
    const got: [number, string][] = [];
    const frames = new EngineFrames((output, part) => void got.push([output, String(part)]));
    const header = (output: number, length: number): Buffer => Buffer.from([output, 0, 0, 0, 0, 0, 0, length]);
    const whole = Buffer.concat([header(1, 3), Buffer.from('abc'), header(2, 0), header(2, 1), Buffer.from('d')]);
    for (const byte of whole) frames.push(Buffer.from([byte]));
    expect(got).toEqual([
      [1, 'a'],
      [1, 'b'],
      [1, 'c'],
      [2, 'd'],
    ]);
  });
});

describe('the container of a relay', () => {
  it('is given nothing that it could do without', () => {
    const place = {
      owner: { network: 'n', provider: 'p', run: null },
      network: 'lease-1/0',
      networkName: 'the-network',
      cgroupVersion: '2',
    };
    const options = relayOptions(place, 'an-image');
    expect(options).toMatchObject({
      Image: 'an-image',
      User: '65534:65534',
      Labels: { 'orrery.network': 'n', 'orrery.provider': 'p', 'orrery.relay': 'lease-1/0' },
      StdinOnce: true,
      Tty: false,
    });
    expect(options.Labels).not.toHaveProperty('orrery.workload');
    expect(options.HostConfig).toMatchObject({
      NetworkMode: 'the-network',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      Privileged: false,
      PidsLimit: 32,
      NanoCpus: 500_000_000,
      Memory: 192 * MIB,
      MemorySwap: 192 * MIB,
      AutoRemove: true,
    });
    for (const key of ['CapAdd', 'Mounts', 'Binds', 'PortBindings', 'Devices', 'Tmpfs', 'PidMode']) {
      expect(options.HostConfig).not.toHaveProperty(key);
    }
    expect(options).not.toHaveProperty('ExposedPorts');
  });

  it('is made of this machine’s own Node.js where that runs, else of what the operator names, else not at all', () => {
    const settings = settle({ owner: { network: 'n', provider: 'p', run: null }, hosts: [] });
    const facts = { platform: 'linux/none' } as EngineFacts;
    const here = { platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}` } as EngineFacts;
    expect(relayObjection(settings, facts)).toMatch(
      /does not run at the engine \(linux\/none\): name an image .* relayImage/,
    );
    expect(relayObjection({ ...settings, relayImage: 'node:22' }, facts)).toBeNull();
    expect(relayObjection(settings, here)).toBeNull();
    expect(() => settle({ ...settings, relayImage: '' })).toThrow(/relayImage must be the name of an image, found ""/);
  });
});
