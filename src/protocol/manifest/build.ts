/**
 * Group specifications and manifest out of a checked SDL file.
 *
 * Every placement becomes a group: what one provider is to supply. Services that share a profile in a placement share an
 * entry of resources there, with their counts added and their endpoints together; the numbers of entries follow the order
 * of the services' names. In the manifest each service keeps its own endpoints, in the order of the file.
 */

import { byCodeUnits, byWords } from './collation.ts';
import type {
  Attribute,
  Endpoint,
  GroupResource,
  GroupSpec,
  Manifest,
  ManifestService,
  Price,
  Resources,
  Sdl,
  SdlCompute,
  SdlDeployment,
  SdlGpu,
  SdlPlacement,
  SdlPrice,
  SdlService,
  ServiceExpose,
  ServiceParams,
  TeeType,
} from './types.ts';
import type { Quantity } from './units.ts';
import { attoAmount, attoText, cardsOf, quantity, sizeInBytes } from './units.ts';

const SHARED_HTTP = 0;
const RANDOM_PORT = 1;
const LEASED_IP = 2;

/** The groups of a file and the services in them, both by name. */
export function build(sdl: Sdl): { groupSpecs: readonly GroupSpec[]; manifest: Manifest } {
  const ips = sequenceNumbers(sdl.services);
  const services = [...sdl.services].sort(([a], [b]) => byWords(a, b));
  const groups = new Map<string, GroupBuilder>();
  for (const [name, service] of services) {
    for (const [placement, deployment] of sdl.deployment.get(name) ?? []) {
      let group = groups.get(placement);
      if (group === undefined) {
        group = new GroupBuilder(placement, the(sdl.placement, placement));
        groups.set(placement, group);
      }
      group.add(name, service, deployment, the(sdl.compute, deployment.profile), ips);
    }
  }
  const sorted = [...groups.values()].sort((a, b) => byCodeUnits(a.name, b.name));
  return {
    groupSpecs: sorted.map(group => group.spec()),
    manifest: sorted.map(({ name, services }) => ({ name, services })),
  };
}

class GroupBuilder {
  readonly name: string;
  readonly placement: SdlPlacement;
  readonly services: ManifestService[] = [];
  /** By profile. */
  readonly resources = new Map<string, GroupResource>();
  tee: TeeType | null = null;

  constructor(name: string, placement: SdlPlacement) {
    this.name = name;
    this.placement = placement;
  }

  add(
    name: string,
    service: SdlService,
    { profile, count }: SdlDeployment,
    compute: SdlCompute,
    ips: ReadonlyMap<string, number>,
  ): void {
    this.tee ??= service.params?.tee ?? null;
    const known = this.resources.get(profile);
    const own = resourcesOf(known?.id ?? this.resources.size + 1, compute, endpointsOf(service, ips));
    this.resources.set(profile, {
      ...own,
      count: (known?.count ?? 0) + count,
      price: priceOf(the(this.placement.pricing, profile)),
      endpoints: [...(known?.endpoints ?? []), ...own.endpoints],
    });
    this.services.push({
      name,
      image: service.image,
      command: service.command,
      args: service.args,
      env: service.env,
      resources: own,
      count,
      expose: exposeOf(service, ips),
      params: paramsOf(service),
      credentials: service.credentials,
    });
  }

  spec(): GroupSpec {
    const attributes = [...this.placement.attributes];
    if (this.tee !== null) attributes.push({ key: 'tee/type', value: this.tee });
    return {
      name: this.name,
      requirements: {
        attributes: attributes.sort((a, b) => byWords(a.key, b.key)),
        signedBy: this.placement.signedBy,
      },
      resources: [...this.resources.values()].map(one => ({
        ...one,
        endpoints: [...one.endpoints].sort((a, b) => a.kind - b.kind || a.sequenceNumber - b.sequenceNumber),
      })),
    };
  }
}

/**
 * Numbers of leased IPs, from 1. All uses of all names are counted in order and a name has the number of its last use, so
 * numbers have gaps where services share an IP; providers have come to expect that.
 */
function sequenceNumbers(services: ReadonlyMap<string, SdlService>): ReadonlyMap<string, number> {
  const uses = [...services.values()].flatMap(({ expose }) =>
    expose.flatMap(({ to }) => to.filter(({ global, ip }) => global && ip !== '').map(({ ip }) => ip)),
  );
  return new Map(uses.sort(byCodeUnits).map((ip, i) => [ip, i + 1]));
}

function resourcesOf(id: number, compute: SdlCompute, endpoints: readonly Endpoint[]): Resources {
  const cpu = known(quantity(compute.cpuMilli), 'a number of processors');
  const cards = compute.gpu === null ? { text: '0', whole: 0n } : known(cardsOf(compute.gpu), 'graphics cards');
  return {
    id,
    cpu: { milli: cpu.whole, units: cpu.text, attributes: compute.cpuAttributes },
    memory: { bytes: known(sizeInBytes(compute.memory), 'a size') },
    gpu: { units: cards.whole, text: cards.text, attributes: cardAttributes(compute.gpu) },
    storage: compute.storage.map(({ name, size, attributes }) => ({
      name: name === null || name === '' ? 'default' : name,
      bytes: known(sizeInBytes(size), 'a size'),
      attributes: attributes === null ? [] : pairs(attributes.class, attributes.persistent),
    })),
    endpoints,
  };
}

function pairs(storageClass: string, persistent: string): Attribute[] {
  return [
    { key: 'class', value: storageClass },
    { key: 'persistent', value: persistent },
  ];
}

/** The keys of the cards that will do. */
function cardAttributes(gpu: SdlGpu | null): Attribute[] {
  const vendor = gpu?.attributes?.vendor ?? null;
  if (vendor === null) return [];
  if (vendor.nvidia === null) return [{ key: 'vendor/nvidia/model/*', value: 'true' }];
  return vendor.nvidia.map(({ model, ram, interface: link }) => {
    // A card without model gets the word that the official tool has for it.
    let key = `vendor/nvidia/model/${model ?? 'undefined'}`;
    if (ram !== '') key += `/ram/${ram}`;
    if (link !== null) key += `/interface/${link}`;
    return { key, value: 'true' };
  });
}

/** Whether a port is reached through the provider's shared HTTP entrance. */
export function isIngress(expose: { port: number; externalPort: number; proto: string; global: boolean }): boolean {
  const port = expose.externalPort === 0 ? expose.port : expose.externalPort;
  return expose.global && expose.proto === 'TCP' && port === 80;
}

function endpointsOf(service: SdlService, ips: ReadonlyMap<string, number>): Endpoint[] {
  return service.expose.flatMap(({ port, as, proto, to }) =>
    to
      .filter(({ global }) => global)
      .flatMap(({ global, ip }) => {
        const shared = isIngress({ port, externalPort: as ?? 0, proto, global });
        const own: Endpoint = { kind: shared ? SHARED_HTTP : RANDOM_PORT, sequenceNumber: 0 };
        return ip === '' ? [own] : [own, { kind: LEASED_IP, sequenceNumber: ips.get(ip) ?? 0 }];
      }),
  );
}

function exposeOf(service: SdlService, ips: ReadonlyMap<string, number>): ServiceExpose[] {
  return service.expose
    .flatMap(({ port, as, proto, accept, http, to }) =>
      to.map(({ service: other, global, ip }) => ({
        port,
        externalPort: as ?? 0,
        proto,
        service: other,
        global,
        hosts: accept,
        httpOptions: http,
        ip,
        endpointSequenceNumber: ips.get(ip) ?? 0,
      })),
    )
    .sort(
      (a, b) =>
        byWords(a.service, b.service) ||
        a.port - b.port ||
        byWords(a.proto, b.proto) ||
        (a.global === b.global ? 0 : a.global ? -1 : 1),
    );
}

function paramsOf({ params }: SdlService): ServiceParams | null {
  if (params === null) return null;
  const { storage, permissions, tee } = params;
  return { storage, permissions, tee: tee === null ? null : { type: tee, attestation: true } };
}

function priceOf({ denom, amount }: SdlPrice): Price {
  const atto = attoAmount(amount);
  return { denom, amount, decimal: attoText(atto), atto };
}

function known<T extends Quantity | bigint>(value: T | null, what: string): T {
  if (value === null) throw new Error(`found none, expected ${what} in a checked file`);
  return value;
}

function the<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`found no ${name}, expected one in a checked file`);
  return value;
}
