/** A participant on ports by hand: what the suite of both worlds cannot reach. */
import { describe, expect, it } from 'vitest';
import type { Actor, Input, Time } from '../../../../src/actors/actor.ts';
import { CROWDED_INPUTS } from '../../../../src/worlds/live/inbox.ts';
import { Participant, type ParticipantOptions } from '../../../../src/worlds/live/participant.ts';
import type { MessageCodec, Storage, Transport, TransportEvents } from '../../../../src/worlds/live/ports.ts';
import { StorageFailure } from '../../../../src/worlds/live/storage/failure.ts';

const codec: MessageCodec<string> = {
  encode: message => new TextEncoder().encode(message),
  decode: bytes => {
    const text = new TextDecoder().decode(bytes);
    if (text === 'garbage') throw new Error('found garbage, expected a word');
    return text;
  },
};

const bytes = (text: string): Uint8Array => codec.encode(text);

/** A storage in memory; commits are ended by hand. */
class HandStorage implements Storage {
  isDirty = false;
  log: Uint8Array[] = [];
  isClosed = false;
  damage: Error | null = null;
  end: (failure?: Error) => void = () => {};

  async begin(): Promise<number> {
    return 0;
  }

  replay(): { first: number; entries: Uint8Array[] } {
    if (this.damage !== null) throw this.damage;
    return { first: 0, entries: this.log };
  }

  append(): void {
    this.isDirty = true;
  }

  truncateLog(): void {}
  put(): void {
    this.isDirty = true;
  }

  delete(): void {}
  get(): null {
    return null;
  }

  scan(): [] {
    return [];
  }

  commit(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.end = failure => {
        this.isDirty = false;
        if (failure === undefined) resolve();
        else reject(failure);
      };
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

class HandTransport implements Transport {
  readonly port = 1;
  readonly calls: string[] = [];
  events!: TransportEvents;

  connect(peer: string): void {
    this.calls.push(`connect ${peer}`);
  }

  disconnect(connection: number): void {
    this.calls.push(`disconnect ${connection}`);
  }

  send(connection: number, sent: Uint8Array): void {
    this.calls.push(`send ${connection} ${new TextDecoder().decode(sent)}`);
  }

  openTunnel(): void {}
  closeTunnel(): void {}
  shutOut(): void {}
  hold(on: boolean): void {
    this.calls.push(`hold ${on}`);
  }
  holdConnection(connection: number, on: boolean): void {
    this.calls.push(`hold ${connection} ${on}`);
  }

  async close(abruptly: boolean): Promise<void> {
    this.calls.push(`close ${abruptly}`);
  }
}

interface Setup {
  readonly participant: Participant<string, string>;
  readonly transport: HandTransport;
  readonly storage: HandStorage;
  readonly seen: Input<string, string>[];
  readonly log: string[];
}

type React = Actor<string, string>['receive'];

async function setUp(react: React = () => {}, more: Partial<ParticipantOptions<string, string>> = {}): Promise<Setup> {
  const transport = new HandTransport();
  const storage = new HandStorage();
  const seen: Input<string, string>[] = [];
  const log: string[] = [];
  const participant = await Participant.start<string, string>({
    name: 'a',
    start: () => ({
      receive(input, now, out) {
        seen.push(input);
        react(input, now, out);
      },
    }),
    codec,
    clock: { now: () => Math.floor(performance.now() * 1_000) },
    storage,
    transport: async events => {
      transport.events = events;
      return transport;
    },
    log: line => void log.push(line),
    ...more,
  });
  await turns();
  return { participant, transport, storage, seen, log };
}

/** Lets the event loop go round some times. */
async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve));
}

const kinds = (seen: readonly Input<string, string>[]): string[] => seen.map(input => input.kind);

describe('a participant', () => {
  it('closes a connection over which comes what is no message, and says so once for each peer', async () => {
    const { participant, transport, seen, log } = await setUp();
    for (const connection of [1, 2]) {
      transport.events.connected(connection, 'mallory', true);
      transport.events.message(connection, 'mallory', bytes('word'));
      transport.events.message(connection, 'mallory', bytes('garbage'));
      transport.events.message(connection, 'mallory', bytes('unheard'));
      transport.events.queueFull(connection, 'mallory');
      transport.events.disconnected(connection, 'mallory', 'unheard');
    }
    await turns();
    const of = (connection: number) => seen.filter(one => 'connection' in one && one.connection === connection);
    for (const connection of [1, 2]) expect(kinds(of(connection))).toEqual(['connected', 'message', 'disconnected']);
    expect(seen).toHaveLength(7);
    expect(of(1)[2]).toMatchObject({ reason: 'sent what is no message: found garbage, expected a word' });
    expect(transport.calls).toEqual(['disconnect 1', 'disconnect 2']);
    expect(log).toEqual(['mallory sent what is no message: found garbage, expected a word']);
    await participant.close();
  });

  it('has its transport hold messages back while too much waits', async () => {
    const { participant, transport, seen } = await setUp();
    transport.events.connected(1, 'b', true);
    for (let i = 0; i < 2 * CROWDED_INPUTS; i++) transport.events.message(1, 'b', bytes(String(i)));
    // The line of the one that sends first, then all.
    expect(transport.calls).toEqual(['hold 1 true', 'hold true']);
    await turns(400);
    expect(transport.calls.sort()).toEqual(['hold 1 false', 'hold 1 true', 'hold false', 'hold true']);
    expect(kinds(seen)).toHaveLength(2 + 2 * CROWDED_INPUTS);
    await participant.close();
  });

  it('lets sockets have their turn between slices', async () => {
    const { participant, transport } = await setUp(() => {
      for (const end = performance.now() + 2; performance.now() < end; );
    });
    transport.events.connected(1, 'b', true);
    for (let i = 0; i < 50; i++) transport.events.message(1, 'b', bytes('slow'));
    let longest_ms = 0;
    for (let i = 0, last = performance.now(); i < 10; i++) {
      await turns(1);
      longest_ms = Math.max(longest_ms, performance.now() - last);
      last = performance.now();
    }
    // All at once would take 100 ms.
    expect(longest_ms).toBeLessThan(60);
    await participant.close();
  });

  it('fires timers among inputs by the clock, however many of those wait', async () => {
    let now: Time = 1_000;
    const { participant, transport, seen } = await setUp(
      (input, at, out) => {
        if (input.kind === 'recovered') out.setTimer('tick', at + 500);
      },
      { clock: { now: () => now } },
    );
    transport.events.connected(1, 'b', true);
    transport.events.message(1, 'b', bytes('before'));
    now = 2_000;
    transport.events.message(1, 'b', bytes('after'));
    await turns();
    expect(kinds(seen)).toEqual(['recovered', 'connected', 'message', 'timer', 'message']);
    await participant.close();
  });

  it('encodes a message that goes to many once', async () => {
    let encoded = 0;
    const counting: MessageCodec<string> = {
      ...codec,
      encode: message => {
        encoded++;
        return codec.encode(message);
      },
    };
    const { participant, transport } = await setUp(
      (input, _now, out) => {
        if (input.kind !== 'connected' || input.connection < 3) return;
        for (const connection of [1, 2, 3, 4]) out.send(connection, 'to all');
      },
      { codec: counting },
    );
    for (const connection of [1, 2, 3]) transport.events.connected(connection, `peer-${connection}`, true);
    await turns();
    expect(transport.calls).toEqual(['send 1 to all', 'send 2 to all', 'send 3 to all']);
    expect(encoded).toBe(1);
    await participant.close();
  });

  it('keeps effects behind a commit, and drops them when that fails', async () => {
    for (const fails of [false, true]) {
      const { participant, transport, storage, seen } = await setUp((input, _now, out) => {
        if (input.kind !== 'recovered') return;
        out.append(bytes('entry'));
        out.sync(5);
        out.connect('b');
        out.sync(6);
      });
      expect(transport.calls).toEqual([]);
      storage.end(fails ? new StorageFailure('disk full') : undefined);
      await turns();
      if (fails) {
        expect(await participant.ended).toEqual({ how: 'halted', reason: 'sync failed: disk full' });
        expect(transport.calls).toEqual(['close false']);
      } else {
        expect(transport.calls).toEqual(['connect b']);
        expect(seen.slice(1)).toEqual([
          { kind: 'synced', token: 5 },
          { kind: 'synced', token: 6 },
        ]);
        await participant.close();
      }
      expect(storage.isClosed).toBe(true);
    }
  });

  it('fails when its actor throws, and says what it was given', async () => {
    const { participant, storage } = await setUp(input => {
      if (input.kind === 'request') throw new Error('no idea');
    });
    const asked = participant.request('what now');
    await expect(asked).rejects.toThrow(
      /a is not running: failed: actor a failed at \d+ us, given .*what now.*: no idea/,
    );
    expect(await participant.ended).toMatchObject({ how: 'failed', error: new Error('no idea') });
    expect(storage.isClosed).toBe(true);
    await expect(participant.request('too late')).rejects.toThrow(/not running/);
  });

  it('closes what it was given when it cannot start', async () => {
    const storage = new HandStorage();
    const refused = setUp(undefined, {
      storage,
      transport: async () => {
        throw new Error('the port is taken');
      },
    });
    await expect(refused).rejects.toThrow(/the port is taken/);
    expect(storage.isClosed).toBe(true);
  });

  it('goes on without a recorder that breaks', async () => {
    let told = 0;
    const { participant, seen, log, transport } = await setUp(undefined, {
      recorder: {
        begin: () => {},
        input: () => {
          told++;
          throw new Error('disk full');
        },
        effect: () => {},
        shown: () => {},
        end: () => {},
        close: async () => {},
      },
    });
    transport.events.refused('b', 'why not');
    await turns();
    expect(kinds(seen)).toEqual(['recovered', 'refused']);
    expect(told).toBe(1);
    expect(log).toEqual(['the recording ends: disk full']);
    await participant.close();
  });

  it('waits for a far timer without being woken all the time', async () => {
    const waits: number[] = [];
    const { participant } = await setUp(
      (input, now, out) => {
        if (input.kind === 'recovered') out.setTimer('far', now + 3_600_000_000);
      },
      {
        scheduler: {
          soon: action => void setImmediate(action),
          after: (ms, _action) => {
            waits.push(ms);
            return () => {};
          },
        },
      },
    );
    expect(waits).toEqual([60_000]);
    await participant.close();
  });
});
