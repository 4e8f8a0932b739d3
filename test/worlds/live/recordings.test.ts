/** The files of recordings: torn, damaged, cut off, in parts; what a killed process leaves of them. */
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileRecorder, type RecordOptions } from '../../../src/worlds/live/record.ts';
import { recordingName, recordingsIn } from '../../../src/worlds/live/record-files.ts';
import { RECORD_HEAD_BYTES, type RecordedEntry } from '../../../src/worlds/live/record-format.ts';
import { readRecording } from '../../../src/worlds/live/record-reader.ts';
import { replayRecording } from '../../../src/worlds/live/replay.ts';
import { temporaryFolder } from '../../support/recordings.ts';

type Entry = RecordedEntry<string, string>;

const texts = {
  encode: (text: string) => new TextEncoder().encode(text),
  decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes),
};
const HEAD = { name: 'a', incarnation: 0, seed: 'seed', secret: 'secret' };

let folder = temporaryFolder();
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** Records some messages, each answered. */
async function record(count: number, options: RecordOptions = {}): Promise<void> {
  const recorder = new FileRecorder<string, string>(folder.path, texts, options);
  recorder.begin(HEAD);
  for (let i = 0; i < count; i++) {
    recorder.input(i, 1_000 + i, { kind: 'message', connection: 1, from: 'b', message: `message ${i}` });
    recorder.effect(i, { kind: 'send', connection: 1, message: `answer ${i}` });
  }
  recorder.end({ how: 'closed', reason: '' });
  await recorder.close();
}

function read(torn: string[] = []): Entry[] {
  return [...readRecording<string, string>(folder.path, 0, texts, line => void torn.push(line))];
}

const first = (): string => join(folder.path, recordingName(0, 0));

/** Where each record of the first file begins, and where the last one ends. */
function boundaries(): number[] {
  const bytes = readFileSync(first());
  const starts = [0];
  for (let at = 0; at < bytes.length; ) starts.push((at += RECORD_HEAD_BYTES + bytes.readUInt32LE(at)));
  return starts;
}

describe('a recording', () => {
  it('torn anywhere is read up to there, and that is told', async () => {
    await record(2);
    const whole = read();
    const bytes = readFileSync(first());
    const ends = boundaries();
    for (let size = bytes.length - 1; size >= 0; size--) {
      truncateSync(first(), size);
      const torn: string[] = [];
      const count = ends.filter(end => end > 0 && end <= size).length;
      expect(read(torn)).toEqual(whole.slice(0, count));
      expect(torn).toEqual(ends.includes(size) ? [] : [`${first()}: torn at byte ${ends[count]}, in record ${count}`]);
    }
  });

  it('with a byte changed anywhere is refused, and the record is named', async () => {
    await record(2);
    const bytes = readFileSync(first());
    const starts = boundaries();
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << (at % 8);
      writeFileSync(first(), changed);
      const number = starts.findLastIndex(start => start <= at);
      expect(() => read()).toThrow(`${first()}: found record ${number}, at byte ${starts[number]},`);
    }
  });

  it('with a record removed, doubled or moved is refused, and the place is named', async () => {
    await record(3);
    const bytes = readFileSync(first());
    const starts = boundaries();
    const part = (i: number): Buffer => bytes.subarray(starts[i], starts[i + 1]);
    const parts = starts.slice(0, -1).map((_, i) => part(i));
    const cases: [name: string, order: number[], at: number][] = [
      ['removed', [0, 1, 2, 4, 5, 6, 7], 3],
      ['doubled', [0, 1, 1, 2, 3, 4, 5, 6, 7], 2],
      ['moved', [0, 1, 4, 3, 2, 5, 6, 7], 2],
    ];
    for (const [, order, at] of cases) {
      writeFileSync(first(), Buffer.concat(order.map(i => parts[i]!)));
      expect(() => read()).toThrow(new RegExp(`found record ${at}, at byte ${starts[at]}, that does not follow from`));
    }
  });

  it('lies in several files, and a missing one is named', async () => {
    await record(40, { fileBytes: 500 });
    const names = readdirSync(folder.path);
    expect(names.length).toBeGreaterThan(5);
    expect(read()).toHaveLength(82);
    expect(recordingsIn(folder.path)).toMatchObject([{ incarnation: 0, isCut: false }]);
    truncateSync(join(folder.path, recordingName(0, 1)), 300);
    expect(() => read()).toThrow(/-0001\.recording: found record \d+, at byte \d+, cut off, expected all of it/);
    rmSync(join(folder.path, recordingName(0, 1)));
    expect(() => read()).toThrow(/found no incarnation-000000-0001.recording before it/);
  });

  it('that a file system gave its length and not its bytes counts as torn', async () => {
    await record(2);
    const whole = read();
    const end = boundaries().at(-1);
    appendFileSync(first(), new Uint8Array(4_096));
    const torn: string[] = [];
    expect(read(torn)).toEqual(whole);
    expect(torn).toEqual([`${first()}: torn at byte ${end}, in record ${whole.length}`]);
  });

  it('is with the system before anybody could notice what the actor did', () => {
    const recorder = new FileRecorder<string, string>(folder.path, texts);
    recorder.begin(HEAD);
    recorder.input(0, 1, { kind: 'timer', id: 'a' });
    recorder.effect(0, { kind: 'put', key: 'k', value: new Uint8Array(3) });
    expect(read()).toHaveLength(1);
    recorder.effect(1, { kind: 'sync', token: null });
    expect(read().map(one => one.kind)).toEqual(['head', 'input', 'effect', 'effect']);
    recorder.input(1, 2, { kind: 'timer', id: 'b' });
    recorder.effect(2, { kind: 'observe', metric: 'm', value: 1, label: null });
    expect(read()).toHaveLength(4);
    recorder.effect(3, { kind: 'send', connection: 1, message: 'm' });
    expect(read()).toHaveLength(7);
  });

  it('that cannot be written any further says so by its name, and is read as far as it came', async () => {
    const recorder = new FileRecorder<string, string>(folder.path, texts, { fileBytes: 1 });
    recorder.begin(HEAD);
    const next = join(folder.path, recordingName(0, 1));
    mkdirSync(next);
    recorder.input(0, 1, { kind: 'timer', id: 'a' });
    expect(() => recorder.effect(0, { kind: 'connect', peer: 'b' })).toThrow(/EEXIST/);
    recorder.effect(1, { kind: 'connect', peer: 'c' });
    await recorder.close();
    rmSync(next, { recursive: true });
    expect(readdirSync(folder.path)).toEqual(['incarnation-000000-0000.cut.recording']);
    expect(read()).toEqual([
      expect.objectContaining({ kind: 'head' }),
      { kind: 'end', how: 'cut', reason: 'nothing more could be written' },
    ]);
  });

  it('is never written over', async () => {
    await record(1);
    const again = new FileRecorder<string, string>(folder.path, texts);
    expect(() => again.begin(HEAD)).toThrow(/EEXIST/);
    expect(read()).toHaveLength(4);
  });

  it('of an actor that failed is the same when the fresh one fails as well', async () => {
    const recorder = new FileRecorder<string, string>(folder.path, texts);
    recorder.begin(HEAD);
    recorder.input(0, 1, { kind: 'recovered', incarnation: 0, workloads: [] });
    recorder.effect(0, { kind: 'connect', peer: 'b' });
    recorder.end({ how: 'failed', reason: 'broken' });
    await recorder.close();
    const failing = {
      receive: (_: unknown, __: number, out: { connect(peer: string): void }) => {
        out.connect('b');
        throw new Error('broken');
      },
    };
    expect(replayRecording(read(), () => failing, texts).difference).toBeNull();
    const { difference } = replayRecording(read().slice(0, -1), () => failing, texts);
    expect(difference).toMatchObject({ input: 0, expected: null, found: null, threw: new Error('broken') });
  });

  it('of other names is none', async () => {
    await record(1);
    renameSync(first(), join(folder.path, 'incarnation-0.recording'));
    expect(recordingsIn(folder.path)).toEqual([]);
    expect(() => read()).toThrow(`${folder.path}: found no recording of incarnation 0`);
  });
});
