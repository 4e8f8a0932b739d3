/**
 * What the operator of a Docker backend decides, with defaults that are safe for whoever decides nothing.
 *
 * Defaults worth a word:
 *  - The root file system of a container is writable, because nobody can know from outside whether an image writes only
 *    where its manifest mounts something. `readOnlyRoot` turns that round, and /tmp and /run are then small tmpfs.
 *  - No capability is left to a container. Many public images start as root and give that up themselves, for which they
 *    need SETUID, SETGID, CHOWN and the like: an operator who wants to serve those names them in `capabilities`.
 *  - A container whose image has a health check and which fails it is ended and told as `exited`, so that whoever asked
 *    for it decides, by the same rule as for any other exit, whether it is started again.
 */

import { isOfTheInternet } from './subnets.ts';

/** What one host offers. Hosts are shares of the machine that the engine runs on. */
export interface DockerHostShare {
  /** milli-vCPU */
  readonly cpu: number;
  /** bytes */
  readonly memory: number;
  /** bytes */
  readonly disk: number;
  /** milli-GPU; whole GPUs only can be handed out. */
  readonly gpu: number;
}

/** Whose containers they are. Everything that is made carries this on labels; what carries it is adopted and removed. */
export interface DockerOwner {
  /** The chain's id. */
  readonly network: string;
  readonly provider: string;
  /** For a network that lives as long as one run of it, the run's id; else null. */
  readonly run: string | null;
}

/** `auto`: the firewall where it works, else isolated networks, else a refusal to start. See isolation.ts. */
export type IsolationChoice = 'auto' | 'firewall' | 'isolated' | 'weak';

export interface DockerOptions {
  readonly owner: DockerOwner;
  readonly hosts: readonly DockerHostShare[];
  /** Where the engine is, as DOCKER_HOST would say it; null or absent: DOCKER_HOST, else the default sockets. */
  readonly engine?: string | null;
  /** Images that may run, as globs over the name that the manifest gives (`*` stays within a path segment, `**` does
   * not); null or absent: all. */
  readonly allowedImages?: readonly string[] | null;
  /** `missing` (default): images that are not there are pulled; `always`: every start asks the registry, so that nobody
   * runs a private image that somebody else's credentials fetched; `never`: only what is there. */
  readonly pull?: 'missing' | 'always' | 'never';
  readonly pullTimeout_ms?: number;
  readonly pullAttempts?: number;
  readonly isolation?: IsolationChoice;
  /** Image with a `node` (18 or newer) on its path, of which relays are made where the host does not reach containers;
   * null or absent: one made of this machine's own, where that runs at the engine. See relay.ts. */
  readonly relayImage?: string | null;
  /** Whether containers may reach the internet (never the operator's own networks). Default `deny`. */
  readonly egress?: 'deny' | 'allow';
  /** Name servers of the internet, IPv4, for containers that may reach it; there must be one then. What the engine
   * itself asks is often in the operator's own network, and that is out of reach. */
  readonly dns?: readonly string[];
  /** Addresses for the private networks, a /`subnetBits` each. Default 10.223.0.0/16 in pieces of /26. */
  readonly subnetPool?: string;
  readonly subnetBits?: number;
  /** Capabilities that every container gets, of those in `GRANTABLE_CAPABILITIES`. Default none. */
  readonly capabilities?: readonly string[];
  readonly readOnlyRoot?: boolean;
  /** `enforce`: a workload is refused when the storage driver cannot hold it to its disk. Default `best-effort`: where
   * the driver cannot, usage is measured every `diskCheck_ms` and who is above its share is ended. */
  readonly disk?: 'best-effort' | 'enforce';
  readonly diskCheck_ms?: number;
  /** Most processes and threads of a container. */
  readonly pids?: number;
  /** Most open files of a process. An engine may not be allowed to give more than it has itself. */
  readonly openFiles?: number;
  /** Size in bytes of one log file of a container; there are at most two. */
  readonly logFile?: number;
  /** Address on which published ports listen, 127.0.0.1 by default. */
  readonly portHost?: string;
  /** The host that tenants are told; `portHost` by default. */
  readonly advertisedHost?: string | null;
  /** First and last port that may be published. */
  readonly portFrom?: number;
  readonly portTo?: number;
  /** Most connections (or UDP peers) at a time of one published port. */
  readonly connections?: number;
  /** After how long without a byte a proxied connection is closed. */
  readonly idle_ms?: number;
  /** How long a container may take to end when it is asked to, before it is killed. */
  readonly stopGrace_s?: number;
  readonly unhealthy?: 'restart' | 'ignore';
  /** Most starts and stops at a time. */
  readonly concurrency?: number;
  /** How often the engine is asked whether it is there, and after how many misses it is not. */
  readonly ping_ms?: number;
  readonly misses?: number;
  /** How long an ended container (for its log) and a network without containers are kept. */
  readonly keepEnded_ms?: number;
  /** Told what an operator should know and no workload event says. Default: a warning of the process. */
  readonly problem?: (text: string) => void;
}

export type DockerSettings = { readonly [K in keyof DockerOptions]-?: Exclude<DockerOptions[K], undefined> };

/** The engine's own defaults, less those that reach beyond the container: raw packets and device nodes. */
export const GRANTABLE_CAPABILITIES: readonly string[] = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
];

const DEFAULTS = {
  engine: null,
  allowedImages: null,
  pull: 'missing',
  pullTimeout_ms: 600_000,
  pullAttempts: 3,
  isolation: 'auto',
  relayImage: null,
  egress: 'deny',
  dns: [],
  subnetPool: '10.223.0.0/16',
  subnetBits: 26,
  capabilities: [],
  readOnlyRoot: false,
  disk: 'best-effort',
  diskCheck_ms: 60_000,
  pids: 512,
  openFiles: 16_384,
  logFile: 10 * 1024 * 1024,
  portHost: '127.0.0.1',
  advertisedHost: null,
  portFrom: 30_000,
  portTo: 32_767,
  connections: 256,
  idle_ms: 3_600_000,
  stopGrace_s: 10,
  unhealthy: 'restart',
  concurrency: 4,
  ping_ms: 5_000,
  misses: 3,
  keepEnded_ms: 600_000,
  problem: (text: string) => process.emitWarning(text, 'DockerBackend'),
} as const;

/** Longest name of an image. */
const MAX_IMAGE_NAME = 500;

/** Whether a text names an image: [registry/]name[:tag]. */
export function isImageName(text: string): boolean {
  return text.length <= MAX_IMAGE_NAME && /^[A-Za-z0-9][\w./:@-]*$/.test(text);
}

/** Longest name of a network, run or provider: they stand on labels and in filters. */
const MAX_NAME = 200;

function whole(name: keyof DockerSettings, value: number, from: number, to: number): void {
  if (Number.isSafeInteger(value) && value >= from && value <= to) return;
  throw new RangeError(`${name} must be a whole number from ${from} to ${to}, found ${value}`);
}

function one(name: keyof DockerSettings, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw new RangeError(`${name} must be one of ${allowed.join(', ')}, found ${value}`);
}

/** The options with their defaults. Throws a RangeError that names what is out of bounds. */
export function settle(options: DockerOptions): DockerSettings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings = { ...DEFAULTS, ...given } as unknown as DockerSettings;
  for (const key of ['network', 'provider', 'run'] as const) {
    const name = settings.owner[key];
    if (key === 'run' && name === null) continue;
    if (typeof name === 'string' && name.length > 0 && name.length <= MAX_NAME) continue;
    throw new RangeError(`owner.${key} must have 1 to ${MAX_NAME} characters, found ${JSON.stringify(name)}`);
  }
  settings.hosts.forEach((host, i) => {
    for (const unit of ['cpu', 'memory', 'disk', 'gpu'] as const) {
      if (Number.isSafeInteger(host[unit]) && host[unit] >= 0) continue;
      throw new RangeError(`${unit} of host ${i} must be a whole number, found ${host[unit]}`);
    }
  });
  one('pull', settings.pull, ['missing', 'always', 'never']);
  one('isolation', settings.isolation, ['auto', 'firewall', 'isolated', 'weak']);
  one('egress', settings.egress, ['deny', 'allow']);
  one('disk', settings.disk, ['best-effort', 'enforce']);
  one('unhealthy', settings.unhealthy, ['restart', 'ignore']);
  for (const server of settings.dns) {
    if (!isOfTheInternet(server)) throw new RangeError(`dns must be IPv4 addresses of the internet, found ${server}`);
  }
  if (settings.egress === 'allow' && settings.dns.length === 0) {
    throw new RangeError('dns must name a server when egress is allowed, found none');
  }
  if (settings.relayImage !== null && !isImageName(settings.relayImage)) {
    throw new RangeError(`relayImage must be the name of an image, found ${JSON.stringify(settings.relayImage)}`);
  }
  for (const capability of settings.capabilities) one('capabilities', capability, GRANTABLE_CAPABILITIES);
  whole('pullTimeout_ms', settings.pullTimeout_ms, 1_000, 86_400_000);
  whole('pullAttempts', settings.pullAttempts, 1, 10);
  whole('subnetBits', settings.subnetBits, 16, 29);
  whole('diskCheck_ms', settings.diskCheck_ms, 100, 86_400_000);
  whole('pids', settings.pids, 8, 1_000_000);
  whole('openFiles', settings.openFiles, 64, 1_048_576);
  whole('logFile', settings.logFile, 1_024, 1_073_741_824);
  whole('portFrom', settings.portFrom, 1, 65_535);
  whole('portTo', settings.portTo, settings.portFrom, 65_535);
  whole('connections', settings.connections, 1, 100_000);
  whole('idle_ms', settings.idle_ms, 100, 86_400_000);
  whole('stopGrace_s', settings.stopGrace_s, 0, 600);
  whole('concurrency', settings.concurrency, 1, 64);
  whole('ping_ms', settings.ping_ms, 10, 600_000);
  whole('misses', settings.misses, 1, 1_000);
  whole('keepEnded_ms', settings.keepEnded_ms, 100, 86_400_000);
  return settings;
}
