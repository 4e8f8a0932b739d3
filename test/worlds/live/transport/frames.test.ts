/** Frames: whole whatever the pieces, refused at the header, and costing no more than what came. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_MESSAGE_BYTES } from '../../../../src/actors/actor.ts';
import {
  BYE,
  FrameDecoder,
  frameHeader,
  frameOf,
  HELLO,
  MalformedFrame,
  MESSAGE,
  PING,
} from '../../../../src/worlds/live/transport/frames.ts';

const anything = (): FrameDecoder => new FrameDecoder(() => true);

function frames(decoder: FrameDecoder, chunks: readonly Uint8Array[]): { type: number; payload: Uint8Array }[] {
  const found: { type: number; payload: Uint8Array }[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame !== null; frame = decoder.next()) found.push(frame);
  }
  return found;
}

function header(length: number, type: number): Uint8Array {
  const bytes = new Uint8Array(5);
  new DataView(bytes.buffer).setUint32(0, length);
  bytes[4] = type;
  return bytes;
}

describe('a stream of frames', () => {
  it('comes apart as it was put together, whatever the pieces', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 20_000 }), { maxLength: 6 });
    const cuts = fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(payloads, cuts, (wanted, sizes) => {
        const stream = Buffer.concat(wanted.map(payload => frameOf(MESSAGE, payload)));
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = at + sizes[i % sizes.length]!;
          chunks.push(stream.subarray(at, end));
          at = end;
        }
        const decoder = anything();
        expect(frames(decoder, chunks)).toEqual(wanted.map(payload => ({ type: MESSAGE, payload })));
        expect(decoder.isWithinFrame).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('hands out copies, so that what was received may be used again', () => {
    const chunk = frameOf(MESSAGE, Uint8Array.of(1, 2, 3));
    const [whole] = frames(anything(), [chunk]);
    const [pieced] = frames(anything(), [chunk.subarray(0, 6), chunk.subarray(6)]);
    chunk.fill(9);
    expect(whole!.payload).toEqual(Uint8Array.of(1, 2, 3));
    expect(pieced!.payload).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('knows whether a frame has begun', () => {
    const decoder = anything();
    expect(decoder.isWithinFrame).toBe(false);
    expect(frames(decoder, [Uint8Array.of(0)])).toEqual([]);
    expect(decoder.isWithinFrame).toBe(true);
    expect(frames(decoder, [Uint8Array.of(0, 0, 0, PING)])).toHaveLength(1);
    expect(decoder.isWithinFrame).toBe(false);
  });
});

describe('a header', () => {
  it('is refused before its payload when it announces too much, and taken when it announces as much as may be', () => {
    expect(frames(anything(), [header(MAX_MESSAGE_BYTES, MESSAGE)])).toEqual([]);
    expect(() => frames(anything(), [header(MAX_MESSAGE_BYTES + 1, MESSAGE)])).toThrow(
      new MalformedFrame('a frame of type 1 has at most 262144 bytes, 262145 were announced'),
    );
    expect(() => frames(anything(), [header(2 ** 32 - 1, MESSAGE)])).toThrow('4294967295 were announced');
    expect(() => frames(anything(), [header(1, PING)])).toThrow('at most 0 bytes, 1 were announced');
  });

  it('is refused when its type is unknown, or has no place now', () => {
    expect(() => frames(anything(), [header(0, 0)])).toThrow('a frame of type 0, which there is not');
    expect(() => frames(anything(), [header(0, 255)])).toThrow('a frame of type 255, which there is not');
    const greeting = new FrameDecoder(type => type === HELLO);
    expect(() => frames(greeting, [header(3, MESSAGE)])).toThrow('a frame of type 1 has no place here');
    expect(
      frames(greeting.hasRest ? anything() : new FrameDecoder(type => type === HELLO), [
        frameOf(HELLO, Uint8Array.of(1)),
      ]),
    ).toHaveLength(1);
  });

  it('costs nothing: what is kept grows with what has come', () => {
    const chunk = Buffer.concat([header(MAX_MESSAGE_BYTES, MESSAGE), new Uint8Array(10)]);
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 2_000 }, () => {
      const decoder = anything();
      decoder.push(chunk);
      expect(decoder.next()).toBe(null);
      return decoder;
    });
    const grown = process.memoryUsage().arrayBuffers - before;
    // Half a gigabyte was announced.
    expect(grown).toBeLessThan(16 * 1024 * 1024);
    expect(decoders.every(decoder => decoder.isWithinFrame)).toBe(true);
  });

  it('is not made for what would be refused', () => {
    expect(() => frameHeader(MESSAGE, MAX_MESSAGE_BYTES + 1)).toThrow('found 262145');
    expect(() => frameHeader(BYE, 2)).toThrow('at most 1 bytes, found 2');
    expect(() => frameHeader(99, 0)).toThrow(RangeError);
  });
});
