/** Kills and returns of real processes, whatever their order: each ends with as many processes as it should. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Battlefield } from '../../../../src/lab/live/run/battlefield.ts';
import { Child, StruckDown } from '../../../../src/lab/live/run/children.ts';

const PROGRAM = fileURLToPath(new URL('./child-program.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'orrery-battlefield-'));

interface Field {
  readonly child: Child;
  readonly battlefield: Battlefield;
  readonly deaths: string[];
  readonly errors: unknown[];
  readonly processes: () => number;
}

const fields: Field[] = [];

/** A field with one participant that takes so long to start. */
function fieldOf(delay_ms: number): Field {
  const deaths: string[] = [];
  const errors: unknown[] = [];
  const pids = new Set<number>();
  const child = new Child({
    name: 'one',
    role: 'node',
    home: `home-${delay_ms}`,
    program: PROGRAM,
    output: join(folder, 'one.out'),
    onReport: () => undefined,
    onDeath: why => deaths.push(why),
  });
  const battlefield = new Battlefield({
    members: [{ name: 'one', role: 'node', home: child.home, address: 'akash1one', api: 1 }],
    children: new Map([['one', child]]),
    killWorkload: async () => undefined,
    onProcesses: () => {
      if (child.pid !== null) pids.add(child.pid);
    },
    onError: error => errors.push(error),
  });
  const field = { child, battlefield, deaths, errors, processes: () => pids.size };
  fields.push(field);
  return field;
}

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) expect.fail(`did not come to hold: ${holds}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

afterEach(async () => {
  for (const { child } of fields.splice(0)) await child.stop();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a participant', () => {
  it('that is killed while it starts comes back, and nothing is wrong', async () => {
    const { child, battlefield, deaths, errors, processes } = fieldOf(1_500);
    battlefield.revive('one');
    await until(() => child.pid !== null);
    for (let i = 0; i < 3; i++) {
      battlefield.kill('one');
      battlefield.revive('one');
      await until(() => child.isRunning);
    }
    await until(() => processes() === 4);
    expect({ deaths, errors }).toEqual({ deaths: [], errors: [] });
  });

  it('that two faults bring back at once, or that runs already, is started once', async () => {
    const { child, battlefield, errors, processes } = fieldOf(1);
    await child.start();
    const first = child.pid;
    battlefield.revive('one');
    battlefield.kill('one');
    battlefield.revive('one');
    battlefield.revive('one');
    await until(() => child.isRunning);
    expect(child.pid).not.toBe(first);
    expect(processes()).toBe(1);
    expect(errors).toEqual([]);
  });

  it('that is stopped does not come back by a fault that ends later', async () => {
    const { child, battlefield, errors } = fieldOf(1);
    await child.start();
    // Runs, so that there is nothing to bring back; waiting for its end would start it when all is over.
    battlefield.revive('one');
    battlefield.kill('one');
    battlefield.revive('one');
    await child.stop();
    battlefield.revive('one');
    await new Promise(resolve => setTimeout(resolve, 200));
    expect(child.pid).toBe(null);
    expect(errors).toEqual([]);
    await expect(child.start()).rejects.toThrow(StruckDown);
  });

  it('that ends by itself while it starts is an error, which says how', async () => {
    const { child, errors, battlefield } = fieldOf(60_000);
    battlefield.revive('one');
    await until(() => child.pid !== null);
    process.kill(child.pid as number, 'SIGTERM');
    await until(() => errors.length === 1);
    expect(String(errors[0])).toContain('one ended with signal SIGTERM');
  });
});
