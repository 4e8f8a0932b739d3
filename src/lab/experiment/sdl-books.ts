/**
 * What becomes of the SDL files of a scenario: which tenants deploy which, what their orders come to, and what is said
 * about each file at the end, those included that could not be deployed at all.
 *
 * On the chain a deployment shows a hash and infrastructures, no name of a file. Hash and prices together tell files
 * apart; files that agree in both are one and the same to the market, and share their counts under the first name.
 */

import { bytesToHex } from '@noble/hashes/utils.js';
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult } from '../../protocol/chain/chain.ts';

import { RATE_SCALE } from '../../protocol/manifest/market.ts';
import { problemText } from '../../protocol/manifest/problem.ts';
import type { Event } from '../../protocol/model/events.ts';
import { type DeploymentInfrastructure, deploymentOf, totalPrice } from '../../protocol/model/objects.ts';
import type { State } from '../../protocol/model/state.ts';
import type { SdlCatalogue } from '../scenario/sdl-folder.ts';
import { type ClassPlan, planClass, type SdlPlan } from '../scenario/sdl-plan.ts';
import type { Scenario, SdlWorkload } from '../scenario/types.ts';
import { Histogram } from './histogram.ts';
import type { Cell } from './types.ts';

/** Counts of the files that are equal to the market; over the whole run, its warm-up included. */
interface Outcome {
  /** The first of them. */
  readonly file: string;
  readonly plan: SdlPlan;
  deployments: number;
  orders: number;
  matched: number;
  expired: number;
  /** Orders that ended otherwise. */
  ended: number;
  /** Sum over leases of price / maximum. */
  shares: number;
}

function keyOf(version: string, infrastructure: readonly DeploymentInfrastructure[]): string {
  const prices = infrastructure.map(one => one.resources.map(({ price, count }) => `${price}x${count}`).join('+'));
  return `${version} ${prices.join(' ')}`;
}

export class SdlBooks {
  readonly #catalogue: SdlCatalogue;
  readonly #workload: SdlWorkload;
  readonly #plans = new Map<string, ClassPlan>();
  readonly #outcomes = new Map<string, Outcome>();
  /** By file that some class deploys. */
  readonly #keys = new Map<string, string>();
  readonly #unmappable = new Map<string, readonly string[]>();
  readonly #drawn = new Set<string>();
  /** By id of a deployment that stands. */
  readonly #deployments = new Map<string, Outcome>();
  /** From a lease to its provider having the manifest, seconds. */
  readonly #manifestWaits = new Histogram();
  #manifestsRefused = 0;

  constructor(scenario: Scenario, catalogue: SdlCatalogue) {
    if (scenario.sdl === null) throw new Error(`found a scenario ${scenario.name} without SDL files, expected some`);
    this.#catalogue = catalogue;
    this.#workload = scenario.sdl;
    for (const tenant of scenario.tenants) {
      if (tenant.sdl === null) continue;
      const plan = planClass(catalogue, tenant, scenario.sdl.conversion);
      this.#plans.set(tenant.name, plan);
      for (const one of plan.plans) this.#register(one);
      for (const { file, reasons } of plan.unmappable) this.#unmappable.set(file, reasons);
    }
  }

  #register(plan: SdlPlan): void {
    const key = keyOf(
      plan.version,
      plan.infrastructure.map(one => one.infrastructure),
    );
    if (!this.#keys.has(plan.file)) this.#keys.set(plan.file, key);
    if (this.#outcomes.has(key)) return;
    const counts = { deployments: 0, orders: 0, matched: 0, expired: 0, ended: 0, shares: 0 };
    this.#outcomes.set(key, { file: plan.file, plan, ...counts });
  }

  /** What a class deploys. */
  planOf(className: string): ClassPlan {
    const plan = this.#plans.get(className);
    if (plan === undefined) throw new Error(`found no plan of the class ${className}, expected one`);
    return plan;
  }

  /** A file is about to be deployed. */
  drawn(file: string): void {
    this.#drawn.add(file);
  }

  /** A tenant or a provider has observed something about itself. */
  onObserve(metric: string, value: number): void {
    if (metric === 'manifest_accepted') this.#manifestWaits.add(value / 1e6);
    else if (metric === 'manifest_refused') this.#manifestsRefused += 1;
  }

  /** The hook of the node that is watched. */
  watch(_block: Block, result: BlockResult, state: State): void {
    for (const event of result.events) this.#onEvent(event, state);
  }

  #onEvent(event: Event, state: State): void {
    switch (event.type) {
      case 'DeploymentSubmitted': {
        const row = state.deployments.get(event.deployment);
        if (row === undefined) return;
        const infrastructure = row.slots.map(slot => slot.infrastructure);
        const outcome = this.#outcomes.get(keyOf(bytesToHex(row.version), infrastructure));
        if (outcome === undefined) return;
        outcome.deployments += 1;
        this.#deployments.set(event.deployment, outcome);
        return;
      }
      case 'OrderOpened': {
        const outcome = this.#outcomeOf(event.order);
        if (outcome !== undefined) outcome.orders += 1;
        return;
      }
      case 'OrderClosed': {
        const outcome = this.#outcomeOf(event.order);
        if (outcome === undefined) return;
        if (event.reason === 'expired') outcome.expired += 1;
        else outcome.ended += 1;
        return;
      }
      case 'LeaseCreated': {
        const outcome = this.#outcomeOf(event.lease);
        if (outcome === undefined) return;
        outcome.matched += 1;
        outcome.shares += Number(event.price) / Number(event.maximum);
        return;
      }
      case 'DeploymentClosed':
        this.#deployments.delete(event.deployment);
        return;
      default:
    }
  }

  #outcomeOf(order: string): Outcome | undefined {
    return this.#deployments.get(deploymentOf(order));
  }

  /** Whether any of what may be deployed asks for more than a region. */
  get #asksForAttributes(): boolean {
    const plans = [...this.#outcomes.values()].flatMap(({ plan }) => plan.infrastructure);
    return plans.some(({ infrastructure }) => Object.keys(infrastructure.attributes).length > 0);
  }

  #refused(): { file: string; stage: string; why: string }[] {
    return this.#catalogue.files.flatMap(one =>
      one.ok ? [] : [{ file: one.file, stage: one.stage, why: one.problems.map(problemText).join('; ') }],
    );
  }

  /** Files that were deployed and of whose orders some, or none, found a datacenter. */
  #deployed(found: boolean): string[] {
    return [...this.#outcomes.values()]
      .filter(one => one.deployments > 0 && one.matched > 0 === found)
      .flatMap(one => this.#sharing(one).filter(file => this.#drawn.has(file)));
  }

  #sharing(outcome: Outcome): string[] {
    return [...this.#keys].filter(([, key]) => this.#outcomes.get(key) === outcome).map(([file]) => file);
  }

  metrics(): Record<string, number> {
    return {
      sdl_files: this.#catalogue.files.length,
      sdl_refused: this.#refused().length,
      sdl_unmappable: this.#unmappable.size,
      sdl_deployed: this.#drawn.size,
      sdl_matched: this.#deployed(true).length,
      sdl_unmatched: this.#deployed(false).length,
      manifests_accepted: this.#manifestWaits.count,
      manifests_refused: this.#manifestsRefused,
      manifest_wait_p50_s: this.#manifestWaits.quantile(0.5),
      manifest_wait_p95_s: this.#manifestWaits.quantile(0.95),
    };
  }

  /** What a reader of the results needs to know, every file that was not deployed by its name. */
  notes(): string[] {
    const { folder, conversion } = this.#workload;
    const { denominations, sdlBlock_us } = conversion;
    const refused = this.#refused().map(one => one.file);
    const unmappable = [...this.#unmappable];
    const idle = [...this.#keys.keys()].filter(file => !this.#drawn.has(file));
    const unmatched = this.#deployed(false);
    const counts = [
      [this.#drawn.size, 'deployed'],
      [refused.length, 'refused as SDL'],
      [unmappable.length, "not to be said in the market's words"],
      [idle.length, 'not drawn'],
    ] as const;
    const files = this.#catalogue.files.length;
    const told = counts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
    const notes = [
      `SDL: ${files} ${files === 1 ? 'file' : 'files'} in ${folder}: ${told.join(', ')}`,
      `prices: a block of SDL is ${sdlBlock_us / 1e6} s, a uakt ${decimal(denominations.uakt)} and a uact ` +
        `${decimal(denominations.uact)} micro-AKASH; limits are rounded down to whole pico-AKASH per second`,
    ];
    if (this.#asksForAttributes)
      notes.push(
        'auditors (signedBy), GPU models, classes of storage and leased IPs are attributes that datacenters state of ' +
          'themselves: the market has nobody who audits them',
      );
    if (refused.length > 0) notes.push(`refused (\`orrery sdl\` says why): ${refused.join(', ')}`);
    for (const [file, reasons] of unmappable) notes.push(`not mapped: ${file}: ${reasons.join('; ')}`);
    if (idle.length > 0) notes.push(`not drawn: ${idle.join(', ')}`);
    if (unmatched.length > 0) notes.push(`deployed and never matched: ${unmatched.join(', ')}`);
    return notes;
  }

  /** Rows of sdl.csv, one for each file of the folder. */
  rows(): Cell[][] {
    return this.#catalogue.files.map(file => {
      if (!file.ok) return row(file.file, 'refused', file.stage, file.problems.map(problemText).join('; '), null);
      const reasons = this.#unmappable.get(file.file);
      if (reasons !== undefined) return row(file.file, 'not mapped', null, reasons.join('; '), file.version);
      const outcome = this.#outcomes.get(this.#keys.get(file.file) ?? '');
      // A scenario whose classes deploy nothing has been refused by the loader.
      if (outcome === undefined) throw new Error(`found no outcome of ${file.file}, expected one`);
      const verdict = this.#drawn.has(file.file) ? 'deployed' : 'not drawn';
      if (outcome.file !== file.file) return row(file.file, verdict, null, null, file.version, outcome.file);
      const maximum = outcome.plan.infrastructure.reduce(
        (sum, one) => sum + totalPrice(one.infrastructure.resources),
        0n,
      );
      return [
        ...row(file.file, verdict, null, null, file.version).slice(0, 6),
        outcome.plan.infrastructure.length,
        Number(maximum) / 1e6,
        outcome.deployments,
        outcome.orders,
        outcome.matched,
        outcome.expired,
        outcome.ended,
        outcome.matched === 0 ? null : outcome.shares / outcome.matched,
      ];
    });
  }
}

/** A row about a file of which there is nothing to count. */
function row(
  file: string,
  verdict: string,
  stage: string | null,
  reason: string | null,
  version: string | null,
  same: string | null = null,
): Cell[] {
  return [file, verdict, stage, reason, version, same, ...new Array<null>(8).fill(null)];
}

/** A rate as it may stand in a scenario. */
function decimal(rate: bigint): string {
  const fraction = (rate % RATE_SCALE)
    .toString()
    .padStart(String(RATE_SCALE).length - 1, '0')
    .replace(/0+$/, '');
  return `${rate / RATE_SCALE}${fraction === '' ? '' : `.${fraction}`}`;
}
