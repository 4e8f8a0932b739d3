/**
 * The config.yaml that an `init` or a launcher writes: every field with a comment that says what it decides, so that
 * the file can be read and changed without a manual beside it.
 */
import type { HostCapacity } from '../../../actors/provider/capacity.ts';
import { Page } from './config-page.ts';
import type { ContainersConfig, Directory, NodeConfig, ProviderConfig, TenantConfig } from './config-types.ts';
import {
  bytesWords,
  capacityWords,
  distributionWords,
  durationWords,
  escrowWords,
  moneyWords,
  providerBehaviourWords,
  ratesWords,
  regionWords,
  strategyWords,
  timeoutsWords,
  validatorConductWords,
  type Words,
} from './config-words.ts';
import { endpointText, peerText } from './endpoints.ts';

/** What stands in the first lines, which the reader does not look at. */
export interface Heading {
  readonly chainId: string;
  readonly genesisHash: string;
}

const UNITS =
  'Values have units, as in scenario files: 5s, 10m, 7d; 64Gi; 0.5 akash, 900 uakt (a millionth of an AKASH); ' +
  '900 uakt/h. A participant reads this file when it starts; `orrery ROLE start` says what is wrong with it, line by line.';

function page(role: string, { name, address }: { name: string; address: string }, heading: Heading): Page {
  const { chainId, genesisHash } = heading;
  return new Page()
    .heading(`A ${role} of the chain ${chainId} (genesis ${genesisHash}).\n${UNITS.replace('ROLE', role)}`)
    .field('role', role, 'What lives here.')
    .field('name', name, 'What it is called in logs and answers, and by others in their configurations.')
    .field('address', address, 'The account of the key in identity.key; a start checks that the two belong together.');
}

function directory(peers: Directory): Words {
  return Object.fromEntries(Object.entries(peers).map(([name, peer]) => [name, peerText(peer)]));
}

const API = 'Where its HTTP API listens. Beyond this machine nobody should reach it but through a proxy of yours.';
const LISTEN = 'Where others reach it, over mutual TLS. 127.0.0.1 is this machine only, 0.0.0.0 all of its addresses.';

function ending(on: Page, { seed, log }: Pick<NodeConfig, 'seed' | 'log'>): string {
  on.gap().field('seed', seed, 'Of everything that it draws. null: from its key, so that nobody can foresee it.');
  on.field(
    'log',
    { level: log.level, size: bytesWords(log.size), files: log.files },
    'What it writes to logs/ (error, warn, info, debug), bytes of a file, and how many files are kept.',
  );
  return on.text;
}

function candidateWords(candidate: NodeConfig['candidate']): Words {
  if (candidate === null) return 'off';
  return { offer: { stake: moneyWords(candidate.stake), commission: candidate.commission / 1e6 } };
}

function knownWords(known: NodeConfig['known']): Words {
  const words = Object.entries(known).map(([name, { account, capacity }]): [string, Words] => [
    name,
    capacity === null ? { account } : { account, capacity: capacityWords(capacity) },
  ]);
  return Object.fromEntries(words);
}

export function nodeConfigText(config: NodeConfig, heading: Heading): string {
  const { mempool, stateSync, peers, dials } = config;
  const calls = Object.keys(peers);
  const dialsAll = dials.length === calls.length && dials.every((name, i) => name === calls[i]);
  const on = page('node', config, heading)
    .gap()
    .field('listen', endpointText(config.listen), LISTEN)
    .field('api', endpointText(config.api), API)
    .field('peers', directory(peers), 'Other nodes, by name: {beta: akash1...@10.0.0.2:26600}.')
    .field('dials', dialsAll ? null : [...dials], 'Names of the peers that it calls; null: all. Others may call it.')
    .gap()
    .field('votes', config.votes, 'Whether it proposes and votes with its key, where that is a validator.')
    .field(
      'candidate',
      candidateWords(config.candidate),
      'How it becomes a candidate for validation where it is none yet, as soon as its account can pay for it: ' +
        '{offer: {stake: 1000 akash, commission: 10%}}. off: it stays what it is.',
    )
    .field('unjail', config.unjail, 'Whether it asks to come back when it was jailed for missing blocks.')
    .gap()
    .field('timeouts', timeoutsWords(config.timeouts), 'How long a round waits for a proposal and for votes.')
    .field('keepBlocks', config.keepBlocks, 'Blocks that it keeps for others, at least.')
    .field('snapshotEvery', config.snapshotEvery, 'Blocks between snapshots of the state, from which a start goes on.')
    .field('keepEvents', config.keepEvents, 'Blocks of which it can tell light clients the events that they missed.')
    .field(
      'stateSync',
      stateSync === null || stateSync === 'genesis' ? (stateSync ?? 'off') : { block: { ...stateSync } },
      'A node that begins with nothing fetches all blocks (off), or a snapshot of the state, which it verifies by the ' +
        'validators of genesis, or by a block that you trust: {block: {height: 9000, hash: 64 digits}}.',
    )
    .field('mempool', { count: mempool.count, size: bytesWords(mempool.bytes) }, 'Transactions that wait at most.')
    .field(
      'known',
      knownWords(config.known),
      'Names for accounts on its status page, and what providers offer, which the chain does not know: ' +
        '{iron: {account: akash1..., capacity: {cpu: 8, memory: 32Gi}}}.',
    );
  if (config.behaviour.kind !== 'honest') {
    on.field('behaviour', validatorConductWords(config.behaviour), 'How it misbehaves, for whoever studies that.');
  }
  return ending(on, config);
}

function hostWords({ gpus, ...rest }: HostCapacity): Words {
  return capacityWords({ ...rest, gpu: gpus * 1_000 });
}

/** Hosts that are alike are written once. */
function hostsFields(on: Page, hosts: readonly HostCapacity[]): void {
  const words = hosts.map(hostWords);
  const [first] = words;
  const alike = first !== undefined && words.every(one => JSON.stringify(one) === JSON.stringify(first));
  if (!alike) {
    on.field('hosts', words, 'What each of its hosts offers.');
    return;
  }
  on.field('hosts', hosts.length, 'Hosts that are alike. A list of capacities says it for each.');
  on.field('capacity', first, 'What each host offers: vCPUs, memory, disk, GPUs, bandwidth (0: not limited).');
}

function containersFields(on: Page, containers: ContainersConfig): void {
  const about =
    'What runs the workloads of its leases. {kind: docker}: a Docker engine. {kind: none}: nothing; leases are kept ' +
    'and paid for, and tenants are told that nothing runs.';
  if (containers.kind === 'none') {
    on.field('containers', { kind: 'none' }, about);
    return;
  }
  const { run, options } = containers;
  const { engine, allowedImages, subnetPool, subnetBits, portHost, advertisedHost, portFrom, portTo, ...rest } =
    options;
  const { stopGrace_s } = rest;
  const ports = present({ host: portHost, advertised: advertisedHost ?? undefined, from: portFrom, to: portTo });
  on.field(
    'containers',
    present({
      kind: 'docker',
      run: run ?? undefined,
      engine: engine ?? undefined,
      images: allowedImages ?? undefined,
      pull: rest.pull,
      isolation: rest.isolation,
      relayImage: rest.relayImage ?? undefined,
      egress: rest.egress,
      dns: rest.dns,
      subnets:
        subnetPool === undefined || subnetBits === undefined ? undefined : { pool: subnetPool, bits: subnetBits },
      capabilities: rest.capabilities,
      readOnlyRoot: rest.readOnlyRoot,
      disk: rest.disk,
      pids: rest.pids,
      ports: Object.keys(ports).length === 0 ? undefined : ports,
      stopGrace: stopGrace_s === undefined ? undefined : durationWords(stopGrace_s * 1e6),
      unhealthy: rest.unhealthy,
    }),
    `${about} Beside the kind may stand: engine (unix:///var/run/docker.sock), images (a list of those that may run, * ` +
      'for anything within a part of a name, ** across parts), pull (missing, always, never), isolation (auto, ' +
      'firewall, isolated, weak), relayImage (an image with Node.js, where ports are published through a relay and this ' +
      'machine’s own does not run at the engine), egress (deny, allow), dns (a list), subnets ({pool: 10.223.0.0/16, bits: 26}), ' +
      'capabilities (a list, such as [SETUID, SETGID]), readOnlyRoot, disk (best-effort, enforce), pids, ports ({host: ' +
      '0.0.0.0, advertised: my.host, from: 30000, to: 32767}), stopGrace (10s), unhealthy (restart, ignore).',
  );
}

/** A map without what is absent. */
function present(fields: Readonly<Record<string, Words | undefined>>): { readonly [key: string]: Words } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

export function providerConfigText(config: ProviderConfig, heading: Heading): string {
  const on = page('provider', config, heading)
    .gap()
    .field('listen', endpointText(config.listen), LISTEN)
    .field('api', endpointText(config.api), API)
    .field('nodes', directory(config.nodes), 'Nodes that it asks, in order of preference; it believes what is proven.')
    .field(
      'endpoint',
      config.endpoint === null ? null : endpointText(config.endpoint),
      'Where tenants reach it, as the chain tells them; null: where it listens.',
    )
    .field(
      'register',
      config.register,
      'Whether it registers itself as soon as its account can pay for it, and again when what it says here changes.',
    )
    .gap()
    .field('region', config.region, 'Where it is.')
    .field('attributes', config.attributes, 'What it says about itself, text to text: {tier: community}.');
  hostsFields(on, config.hosts);
  on.field('cost', ratesWords(config.cost), 'What a vCPU, a GiB of memory, a GiB of disk and a GPU cost it.')
    .gap()
    .field(
      'strategy',
      strategyWords(config.strategy),
      'How it finds its price: costPlus, utilisation, undercut, fixed, zeroIntelligence, bestResponse, sniper, ' +
        'expression or ring, as in scenarios.',
    );
  if (config.ringMembers.length > 0) {
    on.field('ringMembers', [...config.ringMembers], 'Names of the members of its ring, in their order.');
  }
  on.field('reserve', config.reserve, 'Whether open bids count as used capacity (bids, none).')
    .field('bidProbability', config.bidProbability, 'The share of orders that it looks at.')
    .field('bidDelay', distributionWords(config.bidDelay), 'Time to think before a bid.');
  if (config.behaviour.kind !== 'honest') {
    on.field('behaviour', providerBehaviourWords(config.behaviour), 'How it misbehaves, for whoever studies that.');
  }
  on.gap();
  containersFields(on, config.containers);
  return ending(on, config);
}

export function tenantConfigText(config: TenantConfig, heading: Heading): string {
  const { terms, conversion, refill } = config;
  const on = page('tenant', config, heading)
    .gap()
    .field('api', endpointText(config.api), API)
    .field('nodes', directory(config.nodes), 'Nodes that it asks, in order of preference; it believes what is proven.')
    .gap()
    .field(
      'terms',
      {
        region: regionWords(terms.region),
        persist: terms.persist,
        reputationAtLeast: terms.reputationAtLeast,
        collateral: moneyWords(terms.collateral),
        datacenters: terms.datacenters,
      },
      'What SDL files do not say, as in orrery.yaml: region (any), persist (order again when a lease breaks), the ' +
        'least reputation, collateral of a unit, and how many datacenters run the same. Options of `deploy` go first.',
    )
    .field('escrow', escrowWords(config.escrow), 'What it pays in: {periods: 2}, {duration: 1d} or an amount.')
    .field(
      'refill',
      refill === null ? null : { ...refill },
      'Pay in again when the escrow covers fewer than `below` periods, up to `to`: {below: 2, to: 6}; null: never.',
    )
    .field('waitDuration', config.waitDuration, 'Blocks in which bids are gathered.')
    .field('openFor', durationWords(config.openFor), 'After that long without a lease an order is given up.')
    .gap()
    .field('sdlSecondsPerBlock', durationWords(conversion.sdlBlock_us), 'Time of a block in the prices of SDL files.')
    .field(
      'denominations',
      { uakt: decimalOfRate(conversion.denominations.uakt), uact: decimalOfRate(conversion.denominations.uact) },
      'What one of each denomination in SDL files is worth, in micro-AKASH.',
    );
  return ending(on, config);
}

const RATE_PLACES = 12;

function decimalOfRate(rate: bigint): string {
  const digits = rate.toString().padStart(RATE_PLACES + 1, '0');
  const fraction = digits.slice(-RATE_PLACES).replace(/0+$/, '');
  return digits.slice(0, -RATE_PLACES) + (fraction === '' ? '' : `.${fraction}`);
}
