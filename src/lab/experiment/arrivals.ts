/**
 * Demand: draws deployments and hands them to tenants when they are due. Stands outside the participants, as the users
 * of tenant agents do.
 */

import { hexToBytes } from '@noble/hashes/utils.js';
import type { RandomStream } from '../../actors/actor.ts';
import { costOfUnit } from '../../actors/provider/costs.ts';
import type { DeployRequest, TenantRequest } from '../../actors/tenant/requests.ts';
import { sha256 } from '../../protocol/codec/sha256.ts';
import type { DeploymentInfrastructure, ResourceGroup } from '../../protocol/model/objects.ts';
import type { Params } from '../../protocol/model/params.ts';
import type { RandomStreams } from '../../worlds/simulated/streams.ts';
import { regionChooser, sampler, weighted } from '../scenario/distributions.ts';
import { compileExpression, PRICE_VARIABLES } from '../scenario/expression.ts';
import type { PlannedInfrastructure, SdlPlan } from '../scenario/sdl-plan.ts';
import type { Trace, TracePod } from '../scenario/trace.ts';
import type { GroupTemplate, InfrastructureTemplate, Scenario, TenantClass } from '../scenario/types.ts';
import { arrivalTimes, podArrivals, workloadScale } from '../scenario/workloads.ts';
import { escrowFor } from './escrow.ts';
import { GPU_MODEL, type TenantGroup } from './population.ts';
import type { SdlBooks } from './sdl-books.ts';

/** The world in which demand arrives. Times are of the run, microseconds. */
export interface Demanding {
  at(time: number, label: string, action: () => void): void;
  /** Hands a tenant what its user wants. */
  request(time: number, name: string, request: TenantRequest): void;
}

const GIB = 2 ** 30;
/** Of deployments that have no manifest. */
const NO_VERSION = new Uint8Array(32);
/** Of those whose tenant keeps to itself what it would run. */
const WITHHELD_VERSION = sha256(new TextEncoder().encode('withheld'));

/** Makes the resource groups of one kind, drawn anew for each deployment. */
function groupMaker(
  template: GroupTemplate,
  stream: (purpose: string) => RandomStream,
): (pod: TracePod | null) => ResourceGroup {
  const cpu = sampler(template.cpu, stream('cpu'));
  const memory = sampler(template.memory, stream('memory'));
  const disk = sampler(template.disk, stream('disk'));
  const gpu = sampler(template.gpu, stream('gpu'));
  const bandwidth = sampler(template.bandwidth, stream('bandwidth'));
  const collateral = sampler(template.collateral, stream('collateral'));
  const price = priceMaker(template, stream);
  return pod => {
    const compute = {
      cpu: pod?.cpu ?? cpu(),
      memory: pod?.memory ?? memory(),
      disk: disk(),
      bandwidth: bandwidth(),
      gpu: pod?.gpu ?? gpu(),
    };
    return { compute, price: price(compute), collateral: BigInt(collateral()), count: template.count };
  };
}

function priceMaker(
  template: GroupTemplate,
  stream: (purpose: string) => RandomStream,
): (compute: ResourceGroup['compute']) => bigint {
  const { price } = template;
  const atLeastOne = (value: bigint): bigint => (value < 1n ? 1n : value);
  switch (price.kind) {
    case 'rate': {
      const draw = sampler(price.rate, stream('price'));
      return () => atLeastOne(BigInt(draw()));
    }
    case 'perUnit': {
      const draws = {
        cpu: sampler(price.rates.cpu, stream('price/cpu')),
        memory: sampler(price.rates.memory, stream('price/memory')),
        disk: sampler(price.rates.disk, stream('price/disk')),
        gpu: sampler(price.rates.gpu, stream('price/gpu')),
      };
      return compute => {
        const rates = {
          cpu: BigInt(draws.cpu()),
          memory: BigInt(draws.memory()),
          disk: BigInt(draws.disk()),
          gpu: BigInt(draws.gpu()),
        };
        return atLeastOne(costOfUnit(compute, rates));
      };
    }
    case 'expression': {
      const formula = compileExpression(price.expression, PRICE_VARIABLES);
      return ({ cpu, memory, disk, gpu }) => {
        const value = formula({ cpu: cpu / 1000, memory: memory / GIB, disk: disk / GIB, gpu: gpu / 1000 });
        if (!(value > 0)) throw new Error(`price limit ${price.expression} gave ${value} uakt/h, expected more than 0`);
        return atLeastOne(BigInt(Math.round((value * 1e6) / 3600)));
      };
    }
  }
}

function infrastructureMaker(
  template: InfrastructureTemplate,
  stream: (purpose: string) => RandomStream,
): (index: number, pod: TracePod | null) => DeploymentInfrastructure {
  const groups = template.groups.map((group, i) => groupMaker(group, purpose => stream(`group-${i}/${purpose}`)));
  const region = template.region === null ? () => '' : regionChooser(template.region, stream('region'));
  return (index, pod) => {
    const models = pod === null || pod.models.length === 0 ? {} : { [GPU_MODEL]: pod.models.join('|') };
    return Object.freeze({
      region: region(index),
      persist: template.persist,
      resources: groups.map(make => make(pod)),
      attributes: { ...template.attributes, ...models },
      reputationAtLeast: Math.round(template.reputationAtLeast * 1e6),
    });
  };
}

/** What is about to be deployed, drawn. */
interface Wish {
  readonly infrastructure: readonly DeploymentInfrastructure[];
  readonly version: Uint8Array;
  /** Canonical, and its group for each infrastructure; null where the scenario describes what is asked for. */
  readonly manifest: { readonly bytes: Uint8Array; readonly groups: readonly string[] } | null;
  /** blocks */
  readonly waitDuration: number;
  /** microseconds */
  readonly openFor: number;
}
type WishMaker = (index: number, pod: TracePod | null) => Wish;

/** Draws an SDL file by weight for each deployment. */
function sdlMaker(spec: TenantClass, books: SdlBooks, stream: (purpose: string) => RandomStream): WishMaker {
  const { plans } = books.planOf(spec.name);
  const draw = weighted(
    plans,
    plans.map(plan => plan.weight),
    stream('sdl'),
  );
  const regions = new Map<PlannedInfrastructure, (index: number) => string>();
  const regionOf = (plan: SdlPlan, one: PlannedInfrastructure, slot: number): ((index: number) => string) => {
    const { region } = one;
    let chooser = regions.get(one);
    if (chooser === undefined) {
      chooser = region === null ? () => '' : regionChooser(region, stream(`sdl/${plan.file}/${slot}/region`));
      regions.set(one, chooser);
    }
    return chooser;
  };
  const manifests = new Map(
    plans.map(plan => {
      const groups = plan.infrastructure.map(one => one.group);
      return [plan, { bytes: new TextEncoder().encode(plan.manifest), groups }];
    }),
  );
  return index => {
    const plan = draw();
    books.drawn(plan.file);
    return {
      infrastructure: plan.infrastructure.map((one, slot) =>
        Object.freeze({ ...one.infrastructure, region: regionOf(plan, one, slot)(index + one.copy) }),
      ),
      version: hexToBytes(plan.version),
      manifest: manifests.get(plan) ?? null,
      waitDuration: plan.waitDuration,
      openFor: plan.openFor,
    };
  };
}

/** Draws what the scenario describes. */
function templateMaker(spec: TenantClass, stream: (purpose: string) => RandomStream): WishMaker {
  const { waitDuration, openFor } = spec;
  const makers = spec.deployment.map((template, i) =>
    infrastructureMaker(template, purpose => stream(`${i}/${purpose}`)),
  );
  return (index, pod) => ({
    infrastructure: makers.map(make => make(index, pod)),
    version: NO_VERSION,
    manifest: null,
    waitDuration,
    openFor,
  });
}

function wishMaker(spec: TenantClass, books: SdlBooks | null, stream: (purpose: string) => RandomStream): WishMaker {
  if (spec.sdl === null) return templateMaker(spec, stream);
  if (books === null) throw new Error(`class ${spec.name} needs SDL files`);
  return sdlMaker(spec, books, stream);
}

export interface ArrivalsOptions {
  readonly world: Demanding;
  readonly scenario: Scenario;
  readonly trace: Trace | null;
  /** Null where no class deploys SDL files. */
  readonly sdl: SdlBooks | null;
  readonly params: Params;
  readonly streams: RandomStreams;
}

/** Schedules the deployments of one class, one after another, so that memory holds only the next. */
export function startArrivals(group: TenantGroup, options: ArrivalsOptions): void {
  const { spec, members } = group;
  const { world, params, streams, sdl } = options;
  const stream = (purpose: string): RandomStream => streams.stream(`demand/${purpose}`, spec.name);
  const make = wishMaker(spec, sdl, stream);
  const lifetime = spec.lifetime === null ? null : sampler(spec.lifetime, stream('lifetime'));
  const conduct = conductOf(spec, stream);
  let index = 0;
  const deploy = (pod: TracePod | null, at: number): void => {
    for (let i = 0; i < conduct.burst; i++) {
      const { infrastructure, version, manifest, waitDuration, openFor } = make(index, pod);
      const member = members[index % members.length] as (typeof members)[number];
      world.request(at, member.name, {
        type: 'deploy',
        infrastructure,
        waitDuration,
        openFor,
        ...(conduct.withholds ? withheld(version) : { version, ...handedOver(manifest) }),
        escrow: escrowFor(spec.escrow, infrastructure, params),
        lifetime_us: conduct.closeAfter?.() ?? (pod === null ? (lifetime?.() ?? null) : (lifetime?.() ?? pod.lifetime)),
        refill: spec.refill,
        closePending_us: conduct.closePending_us(),
      });
      index += 1;
    }
  };
  const arrivals = arrivalsOf(spec, options, stream);
  const next = (): void => {
    const { value, done } = arrivals.next();
    if (done === true) return;
    world.at(value.at, `demand/${spec.name}`, () => {
      deploy(value.pod, value.at);
      next();
    });
  };
  next();
}

/** A version that somebody could have a manifest for, and nobody is handed it. */
function withheld(version: Uint8Array): Pick<DeployRequest, 'version' | 'manifest'> {
  return { version: version === NO_VERSION ? WITHHELD_VERSION : version, manifest: null };
}

function handedOver(manifest: Wish['manifest']): Pick<DeployRequest, 'manifest' | 'groups'> {
  return manifest === null ? { manifest: null } : { manifest: manifest.bytes, groups: manifest.groups };
}

interface TenantConduct {
  /** Deployments per arrival. */
  readonly burst: number;
  readonly closeAfter: (() => number) | null;
  readonly closePending_us: () => number | null;
  /** Hands nothing to the providers of its leases. */
  readonly withholds: boolean;
}

const HONEST: TenantConduct = { burst: 1, closeAfter: null, closePending_us: () => null, withholds: false };

function conductOf(spec: TenantClass, stream: (purpose: string) => RandomStream): TenantConduct {
  const { behaviour } = spec;
  switch (behaviour.kind) {
    case 'honest':
      return HONEST;
    case 'withholdManifest':
      return { ...HONEST, withholds: true };
    case 'griefer':
      return {
        ...HONEST,
        burst: behaviour.orders,
        closeAfter: sampler(behaviour.closeAfter, stream('close-after')),
      };
    case 'closeWhilePending': {
      const chance = stream('close-pending');
      return { ...HONEST, closePending_us: () => (chance.uniform() < behaviour.probability ? 0 : null) };
    }
  }
}

function* arrivalsOf(
  spec: TenantClass,
  { scenario, trace }: ArrivalsOptions,
  stream: (purpose: string) => RandomStream,
): Generator<{ at: number; pod: TracePod | null }, void> {
  const window = { first: spec.first, last: Math.min(spec.last, scenario.horizon) };
  if (spec.arrivals.kind === 'trace') {
    if (trace === null || scenario.workload === null) throw new Error(`class ${spec.name} needs a trace`);
    yield* podArrivals(trace, workloadScale(scenario.workload, trace), window);
    return;
  }
  for (const at of arrivalTimes(spec.arrivals, window, stream('arrivals'))) yield { at, pod: null };
}
