/**
 * A small market whose tenants and providers are killed, cut off and robbed of their disks at drawn moments, while
 * deployments come, change and go; and what must hold whatever was struck: containers run for nothing but manifests that
 * the chain names, what is leased by those who are well runs in the end, and nothing runs for nobody.
 */
import seedrandom from 'seedrandom';
import { deploymentOf } from '../../src/protocol/model/objects.ts';
import type { EffectName } from '../../src/worlds/simulated/effect-codes.ts';
import type { Fault } from '../../src/worlds/simulated/faults.ts';
import { accountOf, deployRequest, LeaseNet, type LeaseNetOptions, SECOND, sdlOf } from '../support/lease-net.ts';

const EFFECTS: readonly (EffectName | 'any')[] = [
  'put',
  'sync',
  'send',
  'startWorkload',
  'stopWorkload',
  'setTimer',
  'connect',
  'delete',
  'any',
];
const MESSAGES = [
  'tenantHello',
  'providerHello',
  'tenantProof',
  'manifestOffer',
  'manifestWanted',
  'manifestChunk',
  'manifestResult',
  'leaseStatus',
  'submit',
  'events',
];

/** Strikes end by then, and everything is given the time to come right. */
const TROUBLE_US = 150 * SECOND;
const PATIENCE_US = 250 * SECOND;

interface Wanted {
  readonly tenant: string;
  readonly at: number;
  readonly sdl: string;
  readonly persist: boolean;
  readonly lifetime_us: number | null;
  /** Another manifest for the same resources. */
  readonly update: { readonly at: number; readonly sdl: string } | null;
}

export interface ChaosCase {
  readonly options: LeaseNetOptions;
  readonly wanted: readonly Wanted[];
}

function servicesOf(mark: string, count: number, below: (bound: number) => number) {
  return Array.from({ length: count }, (_, i) => ({
    name: `s${i}`,
    image: `${mark}-s${i}`,
    // Sometimes it takes several messages.
    env: i === 0 && below(4) === 0 ? Array.from({ length: 25 }, (__, j) => `V${j}=${'x'.repeat(9_000)}`) : [],
  }));
}

export function drawChaos(seed: string): ChaosCase {
  const random = seedrandom.alea(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const providers = 1 + below(3);
  const tenants = 1 + below(2);
  const nodes = below(5) === 0 ? 4 : 1;
  const names = [
    ...Array.from({ length: providers }, (_, i) => `provider-${i}`),
    ...Array.from({ length: tenants }, (_, i) => `tenant-${i}`),
  ];
  const wanted = Array.from({ length: 1 + below(4) }, (_, i): Wanted => {
    const count = 1 + below(3);
    const at = SECOND * (1 + below(60));
    return {
      tenant: `tenant-${below(tenants)}`,
      at,
      sdl: sdlOf(servicesOf(`d${i}`, count, below)),
      persist: below(2) === 0,
      lifetime_us: below(3) === 0 ? SECOND * (20 + below(100)) : null,
      update:
        below(2) === 0 ? { at: at + SECOND * (10 + below(60)), sdl: sdlOf(servicesOf(`u${i}`, count, below)) } : null,
    };
  });
  const faults = Array.from({ length: 1 + below(5) }, (): Fault => {
    const target = pick(names);
    const lasting = 1 + below(25 * SECOND);
    switch (below(7)) {
      case 0:
        return { kind: 'crash', target, at: below(TROUBLE_US - 30 * SECOND), for: lasting, silent: below(2) === 0 };
      case 1: {
        const other = pick([...names.filter(one => one !== target), 'validator-0']);
        return { kind: 'cut', from: [target], to: [other], at: below(TROUBLE_US - 30 * SECOND), for: lasting };
      }
      case 2: {
        const other = pick([...names.filter(one => one !== target), 'validator-0']);
        return { kind: 'break', from: [target], to: [other], at: below(TROUBLE_US), inFlight: 'late', late_us: SECOND };
      }
      case 3: {
        const at = {
          messageType: pick(MESSAGES),
          to: target,
          nth: 1 + below(4),
          on: pick(['sent', 'arrives', 'handled'] as const),
        };
        return { kind: 'crash', target, at, for: lasting };
      }
      case 4:
        return {
          kind: 'workloadCrash',
          target: `provider-${below(providers)}`,
          at: below(TROUBLE_US),
          outOfMemory: false,
        };
      default: {
        const effect = pick(EFFECTS);
        const nth = 1 + below(effect === 'any' ? 60 : 8);
        return {
          kind: 'crash',
          target,
          at: { actor: target, effect, nth, point: pick(['before', 'after'] as const) },
          for: lasting,
        };
      }
    }
  });
  // What a provider loses with its disk, its tenants have; a tenant's own is another matter.
  if (below(4) === 0) {
    const target = `provider-${below(providers)}`;
    const at = 40 * SECOND + below(40 * SECOND);
    faults.push({ kind: 'diskLoss', target, at }, { kind: 'restart', target, at: at + 1 });
  }
  return { options: { seed, providers, tenants, nodes, faults }, wanted };
}

/** Runs a case and says what was wrong. */
export function runChaos({ options, wanted }: ChaosCase): {
  readonly net: LeaseNet;
  readonly problems: readonly string[];
} {
  const net = new LeaseNet(options);
  /** Images by version, of all manifests that there are. */
  const images = new Map<string, readonly string[]>();
  for (const { tenant, at, sdl, persist, lifetime_us, update } of wanted) {
    const request = deployRequest(sdl, { persist, lifetime_us });
    images.set(request.version.toHex(), imagesOf(sdl));
    net.request(tenant, request, at);
    if (update === null) continue;
    const next = deployRequest(update.sdl);
    images.set(next.version.toHex(), imagesOf(update.sdl));
    net.world.at(update.at, 'update', () => {
      const standing = [...(net.chain?.state.deployments.unordered() ?? [])];
      const row = standing.find(one => one.version.toHex() === request.version.toHex());
      if (row === undefined) return;
      net.request(tenant, { type: 'update', deployment: row.id, version: next.version, manifest: next.manifest! });
    });
  }
  net.run(TROUBLE_US + PATIENCE_US);
  return {
    net,
    problems: [...startedWrongly(net, images), ...madeTwice(net), ...leftUndone(net, images), ...net.halted],
  };
}

function imagesOf(sdl: string): string[] {
  return [...sdl.matchAll(/image: (\S+)/g)].map(one => one[1]!);
}

/** Containers that were started for something else than a manifest that the chain had named by then. */
function startedWrongly(net: LeaseNet, images: ReadonlyMap<string, readonly string[]>): string[] {
  return net.started.flatMap(({ provider, time, spec }) => {
    const deployment = deploymentOf(spec.id);
    const versions = (net.versions.get(deployment) ?? []).filter(one => one.since <= time);
    const isNamed = versions.some(({ version }) => images.get(version)?.includes(spec.image) === true);
    return isNamed ? [] : [`${provider} started ${spec.image} as ${spec.id}, which no manifest of it says`];
  });
}

function madeTwice(net: LeaseNet): string[] {
  const first = new Map<string, string>();
  const problems: string[] = [];
  for (const [deployment, versions] of net.versions) {
    const version = versions[0]!.version;
    if (first.has(version)) problems.push(`${deployment} and ${first.get(version)} are the same request`);
    first.set(version, deployment);
  }
  return problems;
}

/** What is leased and does not run, and what runs and is not leased. */
function leftUndone(net: LeaseNet, images: ReadonlyMap<string, readonly string[]>): string[] {
  const problems: string[] = [];
  const { state } = net.chain!;
  for (const provider of net.providers) {
    const expected: string[] = [];
    for (const lease of state.leases.unordered()) {
      if (lease.provider !== accountOf(provider) || lease.state === 'closing') continue;
      if (lease.state === 'pending') problems.push(`${lease.id} is still pending at ${provider}`);
      const version = state.deployments.need(lease.deployment).version.toHex();
      for (const image of images.get(version)!) expected.push(`${lease.id} ${image}`);
    }
    const actual = net.running(provider).map(spec => `${spec.id.split('#')[0]} ${spec.image}`);
    const [want, have] = [expected, actual].map(list => [...list].sort().join(', '));
    if (want !== have) problems.push(`${provider} runs ${have}; expected ${want}`);
  }
  return problems;
}
