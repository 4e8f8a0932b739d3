/** Recordings of actors in the live world, fed to fresh ones. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Actor } from '../../src/actors/actor.ts';
import type { ParticipantPorts } from '../../src/worlds/live/participant.ts';
import { FileRecorder } from '../../src/worlds/live/record.ts';
import type { RecordedEntry } from '../../src/worlds/live/record-format.ts';
import { readRecording } from '../../src/worlds/live/record-reader.ts';
import { replayRecording } from '../../src/worlds/live/replay.ts';
import { live, notes } from './live.ts';
import { bytes, type Note, recording, type Seen, type Sight } from './world-under-test.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-recording-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An actor that does a bit of everything, with some chance in it. */
function busy(ports: ParticipantPorts, observed = 'draw'): Actor<Note, string> {
  const chance = ports.random('chance');
  let count = 0;
  return {
    receive(input, now, out) {
      count++;
      out.observe(observed, chance.uniform(), input.kind);
      if (input.kind === 'recovered') {
        out.connect('b');
        out.append(bytes('entry'));
        out.put('key', bytes('value'));
        out.sync(1);
        out.scan('k');
        out.setTimer('tick', now + 3_000);
        out.ask('question', 'double', 21n);
      }
      if (input.kind === 'timer' && count < 40) out.setTimer('tick', now + 3_000);
      if (input.kind === 'connected') out.send(input.connection, { text: `hello ${chance.uniform()}` });
      if (input.kind === 'message') out.put('heard', bytes(input.message.text));
      if (input.kind === 'request') out.reply(input.id, { count: BigInt(count), text: input.request });
    },
  };
}

async function record(): Promise<void> {
  const world = await live.open({ seed: 81, programs: { double: question => (question as bigint) * 2n } });
  const b: Sight[] = [];
  world.add(
    'b',
    recording(b, (input: Seen, out) => {
      if (input.kind === 'message') out.send(input.connection, { text: 'answer' });
    }),
  );
  world.add('a', busy, { recorder: new FileRecorder<Note, string>(folder, notes) });
  await world.run(100);
  world.request('a', 'please');
  await world.run(100);
  await world.close();
}

const entries = (): Generator<RecordedEntry<Note, string>> => readRecording<Note, string>(folder, 0, notes);

describe('a recording', () => {
  it('makes a fresh actor do the same', async () => {
    await record();
    const result = replayRecording(entries(), busy, notes);
    expect(result.difference).toBeNull();
    expect(result.inputs).toBeGreaterThan(20);
    expect(result.effects).toBeGreaterThan(result.inputs);
    const all = [...entries()];
    expect(all[0]).toMatchObject({ kind: 'head', name: 'a', incarnation: 0, seed: expect.stringMatching(/^\w{64}$/) });
    const inputs = all.flatMap(entry => (entry.kind === 'input' ? [entry] : []));
    expect(inputs.map(({ index }) => index)).toEqual(inputs.map((_, i) => i));
    expect(inputs.map(({ input }) => input.kind)).toEqual(
      expect.arrayContaining([
        'recovered',
        'connected',
        'message',
        'synced',
        'scanned',
        'timer',
        'answered',
        'request',
      ]),
    );
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  it('names the first difference of an actor that does something else, more or less', async () => {
    await record();
    const all = [...entries()];
    const observed = replayRecording(all, ports => busy(ports, 'other'), notes);
    expect(observed.difference).toMatchObject({
      input: 0,
      effect: 0,
      expected: { kind: 'observe', metric: 'draw' },
      found: { kind: 'observe', metric: 'other' },
    });
    const mute = (ports: ParticipantPorts): Actor<Note, string> => {
      const actor = busy(ports);
      return {
        receive: (input, now, out) => {
          if (input.kind !== 'message') actor.receive(input, now, out);
        },
      };
    };
    const less = replayRecording(all, mute, notes);
    expect(less.difference).toMatchObject({ expected: { kind: 'observe', label: 'message' }, found: null });
    const heard = all.find(entry => entry.kind === 'input' && entry.input.kind === 'message');
    expect(less.difference!.input).toBe((heard as { index: number }).index);
    const talkative = (ports: ParticipantPorts): Actor<Note, string> => {
      const actor = busy(ports);
      return {
        receive: (input, now, out) => {
          actor.receive(input, now, out);
          if (input.kind === 'connected') out.disconnect(input.connection);
        },
      };
    };
    const more = replayRecording(all, talkative, notes);
    expect(more.difference).toMatchObject({ expected: null, found: { kind: 'disconnect' } });
    const louder = (ports: ParticipantPorts): Actor<Note, string> => {
      const actor = busy(ports);
      return {
        receive: (input, now, out) =>
          actor.receive(input, now, {
            ...Object.fromEntries(
              ['observe', 'connect', 'append', 'put', 'sync', 'scan', 'setTimer', 'ask', 'reply'].map(name => [
                name,
                (...given: never[]) => (out[name as 'observe'] as (...all: never[]) => void)(...given),
              ]),
            ),
            send: (connection: number, note: Note) => out.send(connection, { text: note.text.toUpperCase() }),
          } as never),
      };
    };
    const sent = replayRecording(all, louder, notes).difference!;
    expect([sent.expected?.kind, sent.found?.kind]).toEqual(['send', 'send']);
  });

  it('that was torn at its end counts up to there; one that is damaged before says so', async () => {
    await record();
    const path = join(folder, readdirSync(folder)[0]!);
    const whole = readFileSync(path);
    const length = [...entries()].length;
    truncateSync(path, whole.length - 3);
    expect([...entries()]).toHaveLength(length - 1);
    expect(replayRecording(entries(), busy, notes).difference).toBeNull();
    whole[200]! ^= 4;
    writeFileSync(path, whole);
    expect(() => [...entries()]).toThrow(/does not match its checksum/);
    expect(() => [...readRecording(folder, 7, notes)]).toThrow(/no recording of incarnation 7/);
    expect(() => replayRecording([], busy, notes)).toThrow(/found nothing, expected the head/);
  });

  it('ends at its limit, and says so', async () => {
    const log: string[] = [];
    const recorder = new FileRecorder<Note, string>(folder, notes, {
      maxBytes: 2_000,
      log: line => void log.push(line),
    });
    recorder.begin({ name: 'a', incarnation: 0, seed: 'seed', secret: 'secret' });
    for (let i = 0; i < 100; i++) recorder.effect(i, { kind: 'put', key: 'key', value: new Uint8Array(100) });
    await recorder.close();
    expect(log).toEqual(['the recording has reached its 2000 bytes, and ends']);
    const all = [...entries()];
    expect(all.at(-1)).toMatchObject({ kind: 'end', how: 'cut' });
    expect(all.length).toBeLessThan(20);
  });
});
