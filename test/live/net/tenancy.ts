/** A load for a live market: a tenant that keeps some deployments open through its API, closes some, and opens others. */
import { setTimeout as pause } from 'node:timers/promises';
import type { RandomStream } from '../../../src/actors/actor.ts';
import type { LiveNet } from './live-net.ts';

const EVERY_MS = 1_000;
/** Of the rounds in which all deployments are there, so many in one close one of them. */
const CLOSES_ONE_IN = 6;
/** How long a request may take: the chain must take it in. A tenant that is killed meanwhile answers none. */
const REQUEST_MS = 15_000;

interface Deployments {
  readonly deployments: readonly { readonly deployment: string; readonly state: 'open' | 'closing' }[];
}

/**
 * A deployment of one container that serves a page.
 * @param image one that has a shell and busybox's httpd
 * @param page its text; without one there is nothing to be had
 */
export function webSdl(image: string, page: string | null = null): string {
  const written = page === null ? '' : `echo ${page} > /tmp/index.html; `;
  return `version: "2.0"
services:
  web:
    image: ${image}
    command: [sh, -c]
    args: ["${written}exec httpd -f -p 8080 -h /tmp"]
    expose:
      - {port: 8080, as: 80, to: [{global: true}]}
profiles:
  compute:
    web:
      resources: {cpu: {units: 0.25}, memory: {size: 32Mi}, storage: {size: 32Mi}}
  placement:
    here:
      pricing:
        web: {denom: uakt, amount: 1000}
deployment:
  web:
    here: {profile: web, count: 1}
`;
}

export class Tenancy {
  /** Answers so far, by what they were. */
  readonly answers = new Map<string, number>();
  readonly #net: LiveNet;
  readonly #tenant: string;
  readonly #sdl: string;
  readonly #keeps: number;
  readonly #random: RandomStream;
  #isStopped = false;
  readonly #running: Promise<void>;

  /** @param keeps deployments that are to be open at a time */
  constructor(net: LiveNet, tenant: string, sdl: string, keeps: number, random: RandomStream) {
    this.#net = net;
    this.#tenant = tenant;
    this.#sdl = sdl;
    this.#keeps = keeps;
    this.#random = random;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const open = await this.#open();
      if (open !== null) await this.#act(open);
      await pause(EVERY_MS);
    }
  }

  /** Open deployments; null when the tenant does not say. */
  async #open(): Promise<string[] | null> {
    try {
      const { deployments } = await this.#net.ask<Deployments>(this.#tenant, '/deployments');
      return deployments.filter(one => one.state === 'open').map(one => one.deployment);
    } catch {
      // It is down, or starting.
      return null;
    }
  }

  async #act(open: readonly string[]): Promise<void> {
    if (open.length < this.#keeps) {
      const terms = {
        escrow_uakt: '20000000',
        wait_blocks: 2,
        open_for_us: 60_000_000,
        market: { region: 'local', persist: true },
      };
      await this.#try('deployed', '/deployments', 'POST', { sdl: this.#sdl, terms });
    } else if (this.#random.uniform() * CLOSES_ONE_IN < 1) {
      const chosen = open[Math.floor(this.#random.uniform() * open.length)] as string;
      await this.#try('closed', `/deployments/${encodeURIComponent(chosen)}`, 'DELETE');
    }
  }

  async #try(what: string, path: string, method: string, body?: unknown): Promise<void> {
    let answer = what;
    try {
      await this.#net.ask(this.#tenant, path, method, body, REQUEST_MS);
    } catch (error) {
      answer = `${what}: ${(error as Error).message}`;
    }
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
  }
}
