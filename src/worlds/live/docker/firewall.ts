/**
 * Rules of the machine's firewall that keep containers from the machine itself.
 *
 * The host end of a bridge has an address so that the provider can reach its containers; without more, a container
 * reaches every service of the host through it, on every address that the host has. The rules drop what comes from the
 * owner's bridges and does not answer a connection that the host opened, and what would be routed out of them or into
 * them. They name the bridges by the beginning of their names, which is the owner's alone: one set of rules covers every
 * network that there will ever be, so there is no moment at which a network is without them.
 *
 * They stand in the `mangle` table. Engines and firewall front ends put rules into `filter` before and after anybody
 * else's, and one that accepts ends the matter there; in `mangle` nobody accepts, and dropped is dropped.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { reasonOf } from './engine.ts';
import { bridgePrefix, ruleComment, ruleMarks } from './labels.ts';
import type { DockerOwner } from './options.ts';
import { NOT_THE_INTERNET } from './subnets.ts';

const run = promisify(execFile);

/** How long a command may take; it waits for the lock of others for half of that. */
const COMMAND_MS = 10_000;
const LOCK_S = 5;

type Program = 'iptables' | 'ip6tables';

interface Rule {
  readonly program: Program;
  readonly chain: 'INPUT' | 'FORWARD';
  readonly match: readonly string[];
}

/** The rules for bridges whose names begin so. */
export function firewallRules(prefix: string, egress: 'deny' | 'allow'): Rule[] {
  const from = ['-i', `${prefix}+`];
  const into = ['-o', `${prefix}+`];
  // Neighbours on one bridge may talk; where the kernel shows bridged packets to these chains, they are not meant.
  const routed = ['-m', 'physdev', '!', '--physdev-is-bridged'];
  const rules: Rule[] = [
    { program: 'iptables', chain: 'INPUT', match: [...from, '-m', 'conntrack', '!', '--ctstate', 'ESTABLISHED'] },
    { program: 'ip6tables', chain: 'INPUT', match: from },
    { program: 'ip6tables', chain: 'FORWARD', match: from },
  ];
  if (egress === 'deny') {
    rules.push({ program: 'iptables', chain: 'FORWARD', match: [...from, ...routed] });
    rules.push({ program: 'iptables', chain: 'FORWARD', match: [...into, ...routed] });
    return rules;
  }
  for (const range of NOT_THE_INTERNET) {
    rules.push({ program: 'iptables', chain: 'FORWARD', match: [...from, ...routed, '-d', range] });
  }
  const answers = ['-m', 'conntrack', '!', '--ctstate', 'ESTABLISHED,RELATED'];
  rules.push({ program: 'iptables', chain: 'FORWARD', match: [...into, ...routed, ...answers] });
  return rules;
}

async function command(program: Program, args: readonly string[]): Promise<string> {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  const { stdout } = await run(program, ['-w', String(LOCK_S), '-t', 'mangle', ...args], {
    timeout: COMMAND_MS,
    env: { ...process.env, PATH: path },
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

/** Whether this machine speaks IPv6 at all. */
function hasIpv6(): boolean {
  return existsSync('/proc/net/if_inet6');
}

export class Firewall {
  readonly #owner: DockerOwner;
  readonly #rules: readonly Rule[];
  readonly #comment: readonly string[];

  constructor(owner: DockerOwner, egress: 'deny' | 'allow') {
    this.#owner = owner;
    const rules = firewallRules(bridgePrefix(owner), egress);
    this.#rules = hasIpv6() ? rules : rules.filter(rule => rule.program === 'iptables');
    this.#comment = ['-m', 'comment', '--comment', ruleComment(owner)];
  }

  /** Sets the rules that are missing. Throws where there is no right or no program to do so. */
  async ensure(): Promise<void> {
    for (const { program, chain, match } of this.#rules) {
      const rule = [chain, ...match, ...this.#comment, '-j', 'DROP'];
      if (await this.#isThere(program, rule)) continue;
      try {
        await command(program, ['-I', ...rule]);
      } catch (error) {
        throw new Error(`set a rule of the firewall: ${reasonOf(error)}`);
      }
    }
  }

  /** Takes the rules of this owner away. */
  async remove(): Promise<void> {
    await removeRules(this.#owner);
  }

  async #isThere(program: Program, rule: readonly string[]): Promise<boolean> {
    try {
      await command(program, ['-C', ...rule]);
      return true;
    } catch (error) {
      // 1: no such rule (2 and above: it cannot be asked). What cannot be asked cannot be set either, which is told.
      if (typeof (error as { code?: unknown }).code === 'number') return false;
      throw new Error(`look at the firewall: ${reasonOf(error)}`);
    }
  }
}

/** The rules in a listing (`-S`) that carry all of these marks, each as the arguments that delete it. */
export function markedRules(listing: string, marks: readonly string[]): string[][] {
  return listing.split('\n').flatMap(line => {
    const comment = /--comment "(orrery [^"]*)"/.exec(line)?.[1];
    if (comment === undefined || !line.startsWith('-A ')) return [];
    const words = comment.split(' ');
    if (!marks.every(mark => words.includes(mark))) return [];
    const args = line.replace(`"${comment}"`, '\u0000').slice('-A '.length).split(' ');
    return [['-D', ...args.map(arg => (arg === '\u0000' ? comment : arg))]];
  });
}

/** Removes all rules of what this part of an owner names, and says how many. Without the right to, there are none. */
export async function removeRules(owner: Partial<DockerOwner>): Promise<number> {
  if (process.getuid?.() !== 0) return 0;
  const marks = ruleMarks(owner);
  let removed = 0;
  for (const program of ['iptables', 'ip6tables'] as const) {
    let listing: string;
    try {
      listing = await command(program, ['-S']);
    } catch {
      continue; // There is no such program, or it may do nothing here: then it has set no rule either.
    }
    for (const rule of markedRules(listing, marks)) {
      await command(program, rule);
      removed += 1;
    }
  }
  return removed;
}
