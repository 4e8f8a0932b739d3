/**
 * Who takes part in a scenario: every participant with its name, key and account, and what was drawn for it.
 *
 * Everything that is drawn for one participant comes from streams of its own name, so that adding or removing another
 * changes none of it.
 */

import type { HostCapacity } from '../../actors/provider/capacity.ts';
import type { UnitCosts } from '../../actors/provider/costs.ts';
import { addressOf } from '../../protocol/codec/address.ts';
import { sha256 } from '../../protocol/codec/sha256.ts';
import type { KeyPair, SignatureScheme } from '../../protocol/codec/signature.ts';
import { encodeUtf8, utf8Length } from '../../protocol/codec/utf8.ts';
import type { Attributes } from '../../protocol/model/objects.ts';
import type { RandomStreams } from '../../worlds/simulated/streams.ts';
import { regionChooser, sampler } from '../scenario/distributions.ts';
import { type Trace, traceProviders } from '../scenario/trace.ts';
import type {
  DelegatorClass,
  ProviderClass,
  ResourceRates,
  Scenario,
  TenantClass,
  ValidatorClass,
} from '../scenario/types.ts';
import { companionClass, companionName, ownMark } from './wash-trade.ts';

export interface Participant {
  readonly name: string;
  readonly keys: KeyPair;
  readonly address: string;
}

export interface ProviderMember extends Participant {
  readonly index: number;
  readonly region: string;
  readonly attributes: Attributes;
  readonly hosts: readonly HostCapacity[];
  readonly costs: UnitCosts;
}

export interface ProviderGroup {
  readonly spec: ProviderClass;
  readonly members: readonly ProviderMember[];
}

export interface TenantMember extends Participant {
  readonly region: string;
}

export interface TenantGroup {
  /** The class under which results count its members. */
  readonly className: string;
  readonly spec: TenantClass;
  readonly members: readonly TenantMember[];
}

export interface DelegatorGroup {
  readonly spec: DelegatorClass;
  readonly members: readonly TenantMember[];
}

export interface ValidatorMember extends Participant {
  readonly spec: ValidatorClass;
  /** Empty: nowhere in particular. */
  readonly region: string;
}

export interface Population {
  readonly validators: readonly ValidatorMember[];
  readonly providers: readonly ProviderGroup[];
  readonly tenants: readonly TenantGroup[];
  readonly delegators: readonly DelegatorGroup[];
}

/** The attribute by which orders name the GPU models that will do. */
export const GPU_MODEL = 'gpu-model';

/** What a validator can spend at genesis: the fees of what it reports. micro-AKASH. */
export const VALIDATOR_BALANCE = 1_000_000_000n;

const VALIDATOR_PREFIX = 'validator-';

function participant(name: string, scheme: SignatureScheme): Participant {
  const text = `orrery/participant/${name}`;
  const bytes = new Uint8Array(utf8Length(text));
  encodeUtf8(text, bytes, 0);
  const keys = scheme.keyPair(sha256(bytes));
  return { name, keys, address: addressOf(keys.publicKey) };
}

/** One draw of each rate. */
export function drawRates(rates: ResourceRates, streams: RandomStreams, purpose: string, entity: string): UnitCosts {
  const draw = (kind: keyof ResourceRates): bigint =>
    BigInt(sampler(rates[kind], streams.stream(`${purpose}/${kind}`, entity))());
  return { cpu: draw('cpu'), memory: draw('memory'), disk: draw('disk'), gpu: draw('gpu') };
}

interface Site {
  readonly hosts: readonly HostCapacity[];
  readonly attributes: Attributes;
}

/** What stands in each provider of a class. */
function sitesOf(spec: ProviderClass, scenario: Scenario, trace: Trace | null): Site[] {
  const { supply } = spec;
  if (supply.kind === 'counted') {
    const { cpu, memory, disk, gpu, bandwidth } = supply.capacity;
    const host: HostCapacity = { cpu, memory, disk, gpus: gpu / 1000, bandwidth };
    const site: Site = { hosts: Array.from({ length: supply.hosts }, () => host), attributes: {} };
    return Array.from({ length: supply.count }, () => site);
  }
  if (trace === null || scenario.workload === null) throw new Error(`class ${spec.name} needs a trace`);
  return traceProviders(trace.nodes, scenario.workload.nodesPerProvider).map(({ model, nodes }) => ({
    hosts: nodes.map(node => ({
      cpu: node.cpu,
      memory: node.memory,
      disk: supply.disk,
      gpus: node.gpu / 1000,
      bandwidth: supply.bandwidth,
    })),
    attributes: model === null ? {} : { [GPU_MODEL]: model },
  }));
}

function providerGroup(
  spec: ProviderClass,
  scenario: Scenario,
  trace: Trace | null,
  streams: RandomStreams,
  scheme: SignatureScheme,
): ProviderGroup {
  const members = sitesOf(spec, scenario, trace).map((site, index): ProviderMember => {
    const who = participant(`${spec.name}-${index}`, scheme);
    const region = regionChooser(spec.region, streams.stream('region', who.name))(index);
    return {
      ...who,
      index,
      region,
      attributes: { ...spec.attributes, ...site.attributes, ...ownMark(spec, who.name) },
      hosts: site.hosts,
      costs: drawRates(spec.cost, streams, 'cost', who.name),
    };
  });
  return { spec, members };
}

/** The members of a class that only talks to the chain. */
function clientsOf(
  spec: Pick<TenantClass, 'name' | 'count' | 'region'>,
  streams: RandomStreams,
  scheme: SignatureScheme,
): TenantMember[] {
  return Array.from({ length: spec.count }, (_, index): TenantMember => {
    const who = participant(`${spec.name}-${index}`, scheme);
    const region = spec.region === null ? '' : regionChooser(spec.region, streams.stream('region', who.name))(index);
    return { ...who, region };
  });
}

function tenantGroup(spec: TenantClass, streams: RandomStreams, scheme: SignatureScheme): TenantGroup {
  return { className: spec.name, spec, members: clientsOf(spec, streams, scheme) };
}

/** The tenants through which wash traders lease from themselves: one each, counted as one class. */
function companionsOf(
  { spec, members }: ProviderGroup,
  streams: RandomStreams,
  scheme: SignatureScheme,
): TenantGroup[] {
  const { behaviour } = spec;
  if (behaviour.kind !== 'washTrader') return [];
  return members.map(({ name, region }) => ({
    ...tenantGroup(companionClass(spec, behaviour, name, region), streams, scheme),
    className: companionName(spec.name),
  }));
}

function validatorsOf(scenario: Scenario, streams: RandomStreams, scheme: SignatureScheme): ValidatorMember[] {
  const members: ValidatorMember[] = [];
  for (const spec of scenario.chain.validators) {
    for (let i = 0; i < spec.count; i++) {
      const who = participant(`${VALIDATOR_PREFIX}${members.length}`, scheme);
      const region = spec.region === null ? '' : regionChooser(spec.region, streams.stream('region', who.name))(i);
      members.push({ ...who, spec, region });
    }
  }
  return members;
}

export function populate(
  scenario: Scenario,
  trace: Trace | null,
  streams: RandomStreams,
  scheme: SignatureScheme,
): Population {
  const providers = scenario.providers.map(spec => providerGroup(spec, scenario, trace, streams, scheme));
  return {
    validators: validatorsOf(scenario, streams, scheme),
    providers,
    tenants: [
      ...scenario.tenants.map(spec => tenantGroup(spec, streams, scheme)),
      ...providers.flatMap(group => companionsOf(group, streams, scheme)),
    ],
    delegators: scenario.delegators.map(spec => ({ spec, members: clientsOf(spec, streams, scheme) })),
  };
}
