/**
 * A live network for tests: the participants of a scenario as processes on this machine, a node that follows the chain
 * in the test's own process, and everything that is known of the run held against itself as it happens: each block
 * against the monitors of the market, block and state of all nodes against each other, each return of a node against
 * what it had told before.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ContainersConfig } from '../../../src/lab/live/home/config-types.ts';
import type { Role } from '../../../src/lab/live/home/folder.ts';
import { Agreement } from '../../../src/lab/live/run/agreement.ts';
import { Battlefield } from '../../../src/lab/live/run/battlefield.ts';
import { Child } from '../../../src/lab/live/run/children.ts';
import { type Follower, startFollower } from '../../../src/lab/live/run/follower.ts';
import { type LivePlan, type PlannedMember, planLive } from '../../../src/lab/live/run/plan.ts';
import type { Report } from '../../../src/lab/live/run/words.ts';
import { allMonitors } from '../../../src/lab/monitors/all-monitors.ts';
import type { Monitor } from '../../../src/lab/monitors/monitor.ts';
import { checkProtocolParams } from '../../../src/lab/scenario/chain-params.ts';
import { loadScenario } from '../../../src/lab/scenario/load.ts';
import type { Block } from '../../../src/protocol/chain/block.ts';
import type { Chain } from '../../../src/protocol/chain/chain.ts';
import { ed25519Scheme } from '../../../src/worlds/live/ed25519.ts';

export interface LiveNetOptions {
  /** YAML of a scenario. */
  readonly scenario: string;
  readonly containers: ContainersConfig;
  /** What children run instead of their ordinary program. */
  readonly program?: string;
  /** Participants that have an account and no process. */
  readonly absent?: (name: string) => boolean;
  /** Everybody is started so long before the chain begins. */
  readonly lead_ms?: number;
}

export class LiveNet {
  readonly folder: string;
  readonly plan: LivePlan;
  readonly children = new Map<string, Child>();
  readonly battlefield: Battlefield;
  readonly agreement = new Agreement();
  /** Every block that any node ever told of, as the hash of its header in hexadecimal digits, by height. */
  readonly decided = new Map<number, string>();
  /** Each block that the follower saw, in order. */
  readonly blocks: Block[] = [];
  /** When the follower had executed it, milliseconds of this process's clock; in the order of `blocks`. */
  readonly blockTimes_ms: number[] = [];
  /** Processes that said that they take part. */
  readonly #ready = new Map<string, number | null>();
  readonly #monitors: readonly Monitor[];
  #follower: Follower | null = null;
  #failure: Error | null = null;
  #isStopping = false;

  private constructor(folder: string, plan: LivePlan, options: LiveNetOptions) {
    this.folder = folder;
    this.plan = plan;
    this.#monitors = allMonitors(plan.genesis, { fullEvery: 50 });
    for (const member of plan.members) {
      if (options.absent?.(member.name)) continue;
      this.children.set(member.name, this.#child(member, options.program));
    }
    this.battlefield = new Battlefield({
      members: plan.members,
      children: this.children,
      killWorkload: async () => undefined,
      onProcesses: () => undefined,
      onError: error => this.fail(error),
    });
  }

  /** Starts a network; resolves when everybody takes part. */
  static async start(options: LiveNetOptions): Promise<LiveNet> {
    const { scenario } = loadScenario('live-net.yaml', {
      readFile: () => options.scenario,
      checkParams: checkProtocolParams,
    });
    const folder = mkdtempSync(join(tmpdir(), 'orrery-live-net-'));
    // As the launcher does it: compiled modules are kept, or most of the time would go into loading them.
    process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), `orrery-modules-${userInfo().uid}`);
    const begins = (Date.now() + (options.lead_ms ?? 8_000)) * 1_000;
    const { containers } = options;
    const plan = await planLive({ scenario, seed: 1, scheme: ed25519Scheme, folder, begins, containers });
    const net = new LiveNet(folder, plan, options);
    try {
      await Promise.all([net.#follow(), ...[...net.children.values()].map(one => one.start())]);
      return net;
    } catch (error) {
      await net.stop();
      throw error;
    }
  }

  get names(): string[] {
    return [...this.children.keys()];
  }

  /** Names of all of a role that have a process. */
  namesOf(role: Role): string[] {
    return this.plan.members.filter(one => one.role === role && this.children.has(one.name)).map(one => one.name);
  }

  member(name: string): PlannedMember {
    const found = this.plan.members.find(one => one.name === name);
    if (found === undefined) throw new Error(`found no ${name}, expected one of ${this.names.join(', ')}`);
    return found;
  }

  /** Whether a participant's process of now has said that it takes part. */
  takesPart(name: string): boolean {
    const pid = this.children.get(name)?.pid ?? null;
    return pid !== null && this.#ready.get(name) === pid && this.children.get(name)?.isRunning === true;
  }

  /** The chain as the follower knows it. */
  get chain(): Chain {
    if (this.#follower === null) throw new Error('found no follower, expected a network that was started');
    return this.#follower.chain;
  }

  /** Something is wrong with the run; the first that is told counts. */
  fail(error: unknown): void {
    if (!this.#isStopping) this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }

  /** Throws what was found wrong so far. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** Waits until something holds; throws with what was found when it does not, or when anything is wrong meanwhile. */
  async until(
    what: string,
    ms: number,
    holds: () => boolean | Promise<boolean>,
    found: () => unknown = () => '',
  ): Promise<void> {
    const end = Date.now() + ms;
    for (;;) {
      this.check();
      if (await holds()) return;
      if (Date.now() > end) throw new Error(`waited ${ms} ms in vain until ${what}: found ${JSON.stringify(found())}`);
      await pause(50);
    }
  }

  /** Calls a participant's API. Rejects when it is not there. */
  async ask<T>(name: string, path: string, method = 'GET', body?: unknown, timeout_ms = 5_000): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.member(name).api}${path}`, {
      method,
      signal: AbortSignal.timeout(timeout_ms),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${name}${path}: ${response.status} ${text.slice(0, 500)}`);
    return JSON.parse(text) as T;
  }

  /** Lines of a participant's log. */
  log(name: string): Record<string, unknown>[] {
    const text = readFileSync(join(this.member(name).home, 'logs', 'daemon.log'), 'utf8');
    return text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Record<string, unknown>);
  }

  /** Ends all processes, tenants first and nodes last. Their homes stay for a look. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const role of ['tenant', 'provider', 'node'] as const)
      await Promise.all(this.namesOf(role).map(name => this.children.get(name)?.stop()));
    await this.#follower?.close();
  }

  /** Holds the end of the run against the monitors. Throws MonitorViolation. */
  finish(): void {
    for (const monitor of this.#monitors) monitor.atEnd(this.chain.state);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #child({ name, role, home }: PlannedMember, program?: string): Child {
    return new Child({
      name,
      role,
      home,
      ...(program === undefined ? {} : { program }),
      output: join(this.folder, `${name}.out`),
      onReport: report => this.#guard(() => this.#onReport(name, report)),
      onDeath: why => this.fail(new Error(why)),
    });
  }

  #onReport(name: string, report: Report): void {
    if (report.type === 'executed') {
      this.decided.set(report.height, Buffer.from(report.hash).toString('hex'));
      this.agreement.onExecuted(name, report.height, report.hash, report.appHash);
    } else if (report.type === 'ready') this.#onReady(name);
    else if (report.type === 'halted') throw new Error(`${name} halted: ${report.reason}`);
  }

  /** A node that comes back has every block of which it told before. */
  #onReady(name: string): void {
    const pid = this.children.get(name)?.pid ?? null;
    this.#ready.set(name, pid);
    const told = this.agreement.heights.get(name);
    if (told === undefined) return;
    this.ask<{ height: number }>(name, '/status').then(
      ({ height }) => {
        if (height < told) this.fail(new Error(`${name} came back with height ${height}, and had told of ${told}`));
      },
      // Killed again before it could answer; any other silence is looked into by whoever waits for it.
      () => undefined,
    );
  }

  async #follow(): Promise<void> {
    this.#follower = await startFollower({
      genesis: this.plan.genesis,
      nodes: this.plan.nodes,
      home: join(this.folder, 'follower'),
      scheme: ed25519Scheme,
      onBlock: (block, result, chain) =>
        this.#guard(() => {
          this.blocks.push(block);
          this.blockTimes_ms.push(performance.now());
          this.agreement.onExecuted('follower', result.height, result.hash, result.appHash);
          for (const monitor of this.#monitors) monitor.afterBlock(block, result, chain.state);
        }),
      onFailure: error => this.fail(error),
    });
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.fail(error);
    }
  }
}
