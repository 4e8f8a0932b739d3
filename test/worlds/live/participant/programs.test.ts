/** Commands that answer questions: what they are given, and what is made of those that fail. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { commandProgram } from '../../../../src/worlds/live/programs.ts';

/** A program of Node's. */
function script(text: string, more = {}): ReturnType<typeof commandProgram> {
  return commandProgram({ command: [process.execPath, '-e', text], ...more });
}

const READ = "let q = ''; process.stdin.on('data', c => (q += c)).on('end', () => answer(JSON.parse(q)));";

describe('a command', () => {
  it('gets the question and who asks, and nothing of our environment; what it writes is the answer', async () => {
    process.env.ORRERY_TEST_SECRET = 'secret';
    const program = script(
      `${READ} function answer(q) {
        console.log(JSON.stringify([q.price * 2, process.env.ORRERY_ACTOR, process.env.ORRERY_TEST_SECRET ?? null]));
      }`,
    );
    expect(await program({ price: 21 }, 'provider-1')).toEqual([42, 'provider-1', null]);
    delete process.env.ORRERY_TEST_SECRET;
    const given = script('console.log(JSON.stringify(process.env.WHAT))', { env: { WHAT: 'this' } });
    expect(await given(null, 'a')).toBe('this');
  });

  it('need not read the question', async () => {
    expect(await script('console.log(1)')('x'.repeat(500_000), 'a')).toBe(1);
  });

  it.each([
    ['fails', 'console.error("out of ideas"); process.exit(3)', /ended with code 3: out of ideas/],
    ['writes no JSON', 'console.log("no")', /answered what is no JSON: no/],
    ['writes nothing', '', /answered what is no JSON/],
    ['dies', 'process.kill(process.pid, "SIGTERM")', /was ended by SIGTERM/],
    ['never ends', 'setInterval(() => {}, 1000)', /took longer than 800 ms/],
    ['never stops to write', 'for (;;) process.stdout.write("x".repeat(100000))', /answered more than 10000 bytes/],
  ])('that %s is an error', async (_what, text, expected) => {
    await expect(script(text, { timeout_ms: 800, maxBytes: 10_000 })(null, 'a')).rejects.toThrow(expected);
  });

  it('that does not exist is an error, and so is a question that is none', async () => {
    await expect(commandProgram({ command: ['no-such-command'] })(1, 'a')).rejects.toThrow(/cannot be run: .*ENOENT/);
    await expect(script('console.log(1)')(undefined, 'a')).rejects.toThrow(/must be JSON, found undefined/);
    await expect(script('', { maxBytes: 10 })('x'.repeat(20), 'a')).rejects.toThrow(/at most 10 bytes, found 22/);
    expect(() => script('', { timeout_ms: 0 })).toThrow(/timeout_ms must be a positive whole number/);
  });

  it('leaves nothing behind: what it started ends with it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-programs-'));
    try {
      const path = join(folder, 'pid');
      const text = `
        const { spawn } = require('node:child_process');
        const child = spawn('sleep', ['60'], { stdio: 'inherit' });
        require('node:fs').writeFileSync(${JSON.stringify(path)}, String(child.pid));
        setTimeout(() => {}, 60000);`;
      const begin_ms = performance.now();
      await expect(script(text, { timeout_ms: 1_500 })(null, 'a')).rejects.toThrow(/took longer/);
      expect(performance.now() - begin_ms).toBeLessThan(20_000);
      const pid = Number(readFileSync(path, 'utf8'));
      let isThere = true;
      for (let i = 0; i < 100 && isThere; i++) {
        isThere = isRunning(pid);
        await sleep(20);
      }
      expect(isThere).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function isRunning(pid: number): boolean {
  try {
    // One that has ended and waits to be asked for its exit code is not running.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
