/**
 * From a workload to what the engine is asked to create: limits, security, network, mounts. A function of its inputs, so
 * that every promise in here can be tested without an engine.
 *
 * As with the orchestrators that manifests are written for, a command that replaces the image's entry point also
 * replaces the image's arguments: those belong to the entry point that is gone.
 */
import type Docker from 'dockerode';
import type { WorkloadMount, WorkloadPort, WorkloadService, WorkloadSpec } from '../../../actors/actor.ts';
import { containerName, type GivenPort, LABELS, ownerLabels, volumeName, workloadLabels } from './labels.ts';
import type { DockerSettings } from './options.ts';

/** Engines refuse less, and take none at all for no limit: who asks for less gets this. */
const LEAST_CPU = 10; // milli-vCPU
const LEAST_MEMORY = 6 * 1024 * 1024;
const LEAST_DISK = 1024 * 1024;

/** Size in bytes of /tmp and /run where the root is read-only. They count as memory. */
const SCRATCH_BYTES = 64 * 1024 * 1024;

const MAX_MOUNTS = 32;
const MAX_ARGUMENTS = 1_024;
const MAX_TEXT_BYTES = 256 * 1024;

/** Where nothing is mounted: what the kernel or the engine puts there is what keeps a container in. */
const RESERVED = /^\/(?:$|(?:proc|sys|dev)(?:\/|$))/;

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

export interface Surroundings {
  readonly settings: DockerSettings;
  /** The engine's name of the private network; null: no network at all. */
  readonly network: string | null;
  /** Whether the engine publishes the ports, on this machine's loopback, for want of another way to them. */
  readonly enginePublishes: boolean;
  readonly ports: readonly GivenPort[];
  /** Whether the storage driver holds containers to a size. */
  readonly storageQuota: boolean;
  /** Whether volumes can be given a size. */
  readonly volumeQuota: boolean;
  readonly cgroupVersion: string;
  /** Paths for which the image declares volumes. */
  readonly imageVolumes: readonly string[];
}

/** What is wrong with a workload, before anything is done for it; null when nothing is. */
export function specObjection({ gpu, service }: WorkloadSpec): string | null {
  if (gpu % 1000 !== 0) return `whole GPUs only can be handed out, found ${gpu} milli-GPU`;
  return service === null ? null : serviceObjection(service);
}

function serviceObjection({ name, command, args, env, ports, mounts }: WorkloadService): string | null {
  if (!DNS_LABEL.test(name)) return `a service's name must be a label of DNS, found ${JSON.stringify(name)}`;
  const texts = [...command, ...args, ...env];
  if (texts.length > MAX_ARGUMENTS) return `at most ${MAX_ARGUMENTS} arguments and variables, found ${texts.length}`;
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
  if (bytes > MAX_TEXT_BYTES) return `arguments and variables must fit ${MAX_TEXT_BYTES} bytes, found ${bytes}`;
  if (texts.some(text => text.includes('\0'))) return 'arguments and variables must have no zero byte';
  const bare = env.find(variable => variable.indexOf('=') < 1);
  if (bare !== undefined) return `a variable must be NAME=value, found ${JSON.stringify(bare)}`;
  const port = ports.find(one => !isPort(one.port) || !isPort(one.externalPort));
  if (port !== undefined) return `ports must be from 1 to 65535, found ${port.port} and ${port.externalPort}`;
  if (mounts.length > MAX_MOUNTS) return `at most ${MAX_MOUNTS} mounts, found ${mounts.length}`;
  const taken = new Set<string>();
  for (const { path, size } of mounts) {
    if (!path.startsWith('/') || path.split('/').includes('..') || RESERVED.test(path) || path.includes(':')) {
      return `nothing can be mounted at ${JSON.stringify(path)}`;
    }
    if (!Number.isSafeInteger(size) || size <= 0) return `a mount must have a size in bytes, found ${size}`;
    if (taken.has(path)) return `two mounts at ${path}`;
    taken.add(path);
  }
  return null;
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_535;
}

/** Under which name an engine knows a port of a container. */
export function enginePort({ port, protocol }: WorkloadPort): string {
  return `${port}/${protocol.toLowerCase()}`;
}

/** What to ask the engine for. */
export function containerOptions(spec: WorkloadSpec, around: Surroundings): Docker.ContainerCreateOptions {
  const { settings, network, ports } = around;
  const { service } = spec;
  const published = around.enginePublishes ? ports.map(enginePort) : [];
  return {
    name: containerName(settings.owner, spec.id),
    Image: spec.image,
    Labels: { ...workloadLabels(settings.owner, spec, ports) },
    ...(service === null ? {} : serviceOptions(service)),
    ExposedPorts: Object.fromEntries(published.map(port => [port, {}])),
    AttachStdin: false,
    OpenStdin: false,
    Tty: false,
    HostConfig: {
      ...limits(spec, around),
      ...security(around),
      NetworkMode: network ?? 'none',
      ...nameService(settings, network),
      PortBindings: Object.fromEntries(published.map(port => [port, [{ HostIp: '127.0.0.1', HostPort: '' }]])),
      PublishAllPorts: false,
      Mounts: mounts(spec, around),
      Tmpfs: scratch(spec, around),
      LogConfig: { Type: 'json-file', Config: { 'max-size': String(settings.logFile), 'max-file': '2' } },
      // Whether and when it is started again is the provider's decision.
      RestartPolicy: { Name: 'no' },
    },
    ...(network === null || service === null
      ? {}
      : { NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [service.name] } } } }),
  };
}

function serviceOptions({ name, command, args, env }: WorkloadService): Docker.ContainerCreateOptions {
  return {
    Hostname: name,
    Env: [...env],
    ...(command.length > 0 ? { Entrypoint: [...command] } : {}),
    ...(args.length > 0 ? { Cmd: [...args] } : {}),
  };
}

function limits(spec: WorkloadSpec, { settings, storageQuota }: Surroundings): Docker.HostConfig {
  const memory = Math.max(spec.memory, LEAST_MEMORY);
  return {
    NanoCpus: Math.max(spec.cpu, LEAST_CPU) * 1_000_000,
    Memory: memory,
    // Memory and swap together: no swap.
    MemorySwap: memory,
    PidsLimit: settings.pids,
    Ulimits: [
      { Name: 'nofile', Soft: settings.openFiles, Hard: settings.openFiles },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    ...(storageQuota ? { StorageOpt: { size: String(Math.max(spec.disk, LEAST_DISK)) } } : {}),
    ...(spec.gpu > 0
      ? { DeviceRequests: [{ Driver: 'nvidia', Count: spec.gpu / 1000, Capabilities: [['gpu']] }] }
      : {}),
  };
}

function security({ settings, cgroupVersion }: Surroundings): Docker.HostConfig {
  return {
    Privileged: false,
    CapDrop: ['ALL'],
    CapAdd: [...settings.capabilities],
    SecurityOpt: ['no-new-privileges'],
    ReadonlyRootfs: settings.readOnlyRoot,
    IpcMode: 'private',
    ...(cgroupVersion === '2' ? { CgroupnsMode: 'private' } : {}),
    // An init process reaps what the image's own first process does not, and passes signals on.
    Init: true,
    OomKillDisable: false,
  };
}

/**
 * Who may not reach the internet must not reach its name service either: a name can carry anything out. The engine's own
 * resolver, which knows the neighbours, passes what it does not know to this address, the container's own loopback.
 */
function nameService(settings: DockerSettings, network: string | null): Docker.HostConfig {
  if (network === null) return {};
  return { Dns: settings.egress === 'allow' ? [...settings.dns] : ['127.0.0.1'], DnsSearch: ['.'] };
}

function mounts(spec: WorkloadSpec, around: Surroundings): Docker.MountSettings[] {
  const { settings, imageVolumes, volumeQuota } = around;
  const wanted = spec.service?.mounts ?? [];
  const covered = new Set(wanted.map(mount => mount.path));
  return [
    ...wanted.map((mount): Docker.MountSettings => {
      const common = { Target: mount.path, ReadOnly: mount.readOnly };
      return mount.persistent
        ? { ...common, Type: 'volume', Source: volumeName(settings.owner, spec.id, mount.name) }
        : { ...common, Source: '', Type: 'tmpfs', TmpfsOptions: { SizeBytes: mount.size, Mode: 0o1777 } };
    }),
    // What an image declares as a volume is the container's own disk: labelled so that it is measured as such.
    ...imageVolumes
      .filter(path => !covered.has(path))
      .map(
        (path): Docker.MountSettings => ({
          Target: path,
          Source: '',
          Type: 'volume',
          VolumeOptions: {
            NoCopy: false,
            Labels: { ...ownerLabels(settings.owner), [LABELS.workload]: spec.id },
            DriverConfig: {
              Name: 'local',
              Options: volumeQuota ? { size: String(Math.max(spec.disk, LEAST_DISK)) } : {},
            },
          },
        }),
      ),
  ];
}

function scratch(spec: WorkloadSpec, { settings, imageVolumes }: Surroundings): Record<string, string> {
  if (!settings.readOnlyRoot) return {};
  const covered = new Set([...(spec.service?.mounts ?? []).map(mount => mount.path), ...imageVolumes]);
  const size = Math.max(LEAST_DISK, Math.min(SCRATCH_BYTES, Math.floor(spec.memory / 4)));
  const free = ['/tmp', '/run'].filter(path => !covered.has(path));
  return Object.fromEntries(free.map(path => [path, `rw,nosuid,nodev,size=${size},mode=1777`]));
}

/** Mounts for which there must be a volume. */
export function persistentMounts(spec: WorkloadSpec): readonly WorkloadMount[] {
  return spec.service?.mounts.filter(mount => mount.persistent) ?? [];
}
