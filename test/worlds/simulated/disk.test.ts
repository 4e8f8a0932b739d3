/** The simulated disk against a plain model: what is visible, and what a crash may leave. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys, SimulatedDisk } from '../../../src/worlds/simulated/disk.ts';
import { RandomStreams } from '../../../src/worlds/simulated/streams.ts';

type Step =
  | { readonly do: 'append' | 'sync' | 'crash' }
  | { readonly do: 'truncate'; readonly share: number }
  | { readonly do: 'put' | 'delete'; readonly key: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('append' as const, 'append' as const, 'sync' as const, 'crash' as const) }),
  fc.record({ do: fc.constant('truncate' as const), share: fc.nat(100) }),
  fc.record({ do: fc.constantFrom('put' as const, 'put' as const, 'delete' as const), key: fc.nat(4) }),
);

function disk(seed: number, model = {}): SimulatedDisk {
  return new SimulatedDisk(model, new RandomStreams(seed).stream('disk', 'test'));
}

function logOf(subject: SimulatedDisk): string {
  const { first, entries } = subject.replay();
  return `${first}: ${entries.map(entry => entry.join('.')).join(' ')}`;
}

/** Every state of the log since the last sync. */
class LogModel {
  first = 0;
  entries: number[] = [];
  states: string[] = [];

  text(): string {
    return `${this.first}: ${this.entries.join(' ')}`;
  }

  settle(): void {
    this.states = [this.text()];
  }
}

describe('simulated disk', () => {
  it('is left by a crash in one of the log states since the last sync, and with each key old or one of its new values', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), fc.nat(), (steps, seed) => {
        const subject = disk(seed);
        const log = new LogModel();
        log.settle();
        const store = new Map<string, Set<number | null>>();
        let counter = 0;
        for (const each of steps) {
          counter++;
          if (each.do === 'append') {
            subject.append(Uint8Array.of(counter));
            log.entries.push(counter);
            log.states.push(log.text());
          } else if (each.do === 'truncate') {
            const index = log.first + Math.floor((log.entries.length * each.share) / 100);
            subject.truncate(index);
            log.entries = log.entries.slice(index - log.first);
            log.first = index;
            log.states.push(log.text());
          } else if (each.do === 'put' || each.do === 'delete') {
            const key = `k${each.key}`;
            const value = each.do === 'put' ? counter : null;
            subject.write(key, value === null ? null : Uint8Array.of(value));
            const possible = store.get(key) ?? new Set([null]);
            store.set(key, possible.add(value));
            expect(subject.read(key)?.[0] ?? null).toBe(value);
          } else {
            const before = subject.usedBytes;
            if (each.do === 'sync') expect(subject.commit()).toBe(null);
            else subject.crash();
            expect(each.do === 'sync' ? [log.text()] : log.states).toContain(logOf(subject));
            const { first, entries } = subject.replay();
            log.first = first;
            log.entries = entries.map(entry => entry[0]!);
            log.settle();
            for (const [key, possible] of store) {
              const found = subject.read(key)?.[0] ?? null;
              expect([...possible]).toContain(found);
              store.set(key, new Set([found]));
            }
            if (each.do === 'sync') expect(subject.usedBytes).toBe(before);
            expect(subject.dirty).toBe(false);
          }
          expect(logOf(subject)).toBe(log.text());
        }
        const stored = subject.scan('');
        const bytes = subject.replay().entries.length * 17 + stored.length * (2 + 1 + 16);
        expect(subject.usedBytes).toBe(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it('orders keys as their UTF-8 bytes', () => {
    const encoder = new TextEncoder();
    const unit = fc.string({ unit: 'grapheme', maxLength: 6 });
    fc.assert(
      fc.property(unit, unit, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(Buffer.compare(encoder.encode(a), encoder.encode(b))));
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps its scans right while keys come and go', () => {
    const subject = disk(1);
    expect(subject.scan('')).toEqual([]);
    for (const key of ['b', 'a', 'c', 'ab']) subject.write(key, new Uint8Array(1));
    subject.write('b', null);
    expect(subject.scan('').map(([key]) => key)).toEqual(['a', 'ab', 'c']);
    expect(subject.scan('a').map(([key]) => key)).toEqual(['a', 'ab']);
  });

  it('refuses what does not fit, and no sync succeeds after that until a restart', () => {
    const subject = disk(1, { capacity_bytes: 100 });
    expect(subject.append(new Uint8Array(60))).toBe(null);
    expect(subject.commit()).toBe(null);
    expect(subject.append(new Uint8Array(60))).toBe('disk full');
    expect(subject.commit()).toBe('disk full');
    expect(subject.truncate(1)).toBe(null);
    expect(subject.commit()).toBe('disk full');
    subject.crash();
    expect(subject.commit()).toBe(null);
  });

  it('takes its time: constant part, transfer, slowness', () => {
    const subject = disk(1, { sync_us: 2_000, read_us: 50, bytes_per_s: 1_000_000 });
    subject.append(new Uint8Array(984));
    expect(subject.syncDuration()).toBe(3_000);
    expect(subject.readDuration(500)).toBe(550);
    subject.setSlow(10, true);
    expect(subject.syncDuration()).toBe(30_000);
    subject.setSlow(10, false);
    expect(subject.syncDuration()).toBe(3_000);
  });

  it('counts torn entries, which happen in some crashes', () => {
    let torn = 0;
    for (let seed = 0; seed < 100; seed++) {
      const subject = disk(seed);
      for (let i = 0; i < 3; i++) subject.append(Uint8Array.of(i));
      subject.crash();
      torn += subject.tornEntries;
    }
    expect(torn).toBeGreaterThan(10);
    expect(torn).toBeLessThan(90);
  });
});
