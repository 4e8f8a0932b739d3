/** What each provider came to: leases, income, cost, losses, and how much of it was leased over time. */

import { costOfGroups } from '../../actors/provider/costs.ts';
import { cumulativePay } from '../../protocol/ledger/money.ts';
import type { ResourceGroup } from '../../protocol/model/objects.ts';
import type { ProviderMember } from './population.ts';

interface Leased {
  cpu: number;
  memory: number;
  gpu: number;
}

function sumOf(groups: readonly ResourceGroup[]): Leased {
  const sum = { cpu: 0, memory: 0, gpu: 0 };
  for (const { compute, count } of groups) {
    sum.cpu += compute.cpu * count;
    sum.memory += compute.memory * count;
    sum.gpu += compute.gpu * count;
  }
  return sum;
}

/** The books of one provider. Times are microseconds. */
export class ProviderBooks {
  readonly member: ProviderMember;
  readonly className: string;
  readonly total: Leased;
  readonly used: Leased = { cpu: 0, memory: 0, gpu: 0 };
  /** Integral of what was leased over time since the warm-up. */
  readonly area: Leased = { cpu: 0, memory: 0, gpu: 0 };
  bids = 0;
  leases = 0;
  broken = 0;
  income = 0n;
  cost = 0n;
  lost = 0n;
  /** Leases that it walked away from for an outside offer; some end before anybody notices. */
  defaults = 0;
  outside = 0n;
  /** Transaction fees; not in `profit`, which is what serving leases brings. */
  fees = 0n;
  #since: number;

  constructor(member: ProviderMember, className: string, warmup: number) {
    this.member = member;
    this.className = className;
    this.total = { cpu: 0, memory: 0, gpu: 0 };
    for (const host of member.hosts) {
      this.total.cpu += host.cpu;
      this.total.memory += host.memory;
      this.total.gpu += host.gpus * 1000;
    }
    this.#since = warmup;
  }

  /** Brings the integrals up to a time. */
  advance(time: number): void {
    const dt = time - this.#since;
    if (dt <= 0) return;
    this.area.cpu += this.used.cpu * dt;
    this.area.memory += this.used.memory * dt;
    this.area.gpu += this.used.gpu * dt;
    this.#since = time;
  }

  lease(groups: readonly ResourceGroup[], sign: 1 | -1, time: number): void {
    this.advance(time);
    const sum = sumOf(groups);
    this.used.cpu += sign * sum.cpu;
    this.used.memory += sign * sum.memory;
    this.used.gpu += sign * sum.gpu;
  }

  /** What serving these resources for some time costs. */
  charge(groups: readonly ResourceGroup[], elapsed_us: number): void {
    this.cost += cumulativePay(costOfGroups(groups, this.member.costs), elapsed_us);
  }

  get profit(): bigint {
    return this.income - this.cost - this.lost + this.outside;
  }
}

/** Share of the scarcest resource: of GPUs where there are any, else of cpu or memory, whichever is used more. */
export function scarcest(part: Leased, whole: Leased, factor = 1): number {
  const share = (used: number, all: number): number => (all === 0 ? 0 : used / (all * factor));
  if (whole.gpu > 0) return share(part.gpu, whole.gpu);
  return Math.max(share(part.cpu, whole.cpu), share(part.memory, whole.memory));
}

/** The same over several providers together. */
export function scarcestOf(books: readonly ProviderBooks[], which: 'used' | 'area', factor = 1): number {
  const part = { cpu: 0, memory: 0, gpu: 0 };
  const whole = { cpu: 0, memory: 0, gpu: 0 };
  for (const one of books) {
    for (const kind of ['cpu', 'memory', 'gpu'] as const) {
      part[kind] += one[which][kind];
      whole[kind] += one.total[kind];
    }
  }
  return scarcest(part, whole, factor);
}
