/**
 * A daemon: a participant with its store, its connections, its API and its log, in this process, out of its home. What
 * is particular to a role is handed in by node-daemon.ts, provider-daemon.ts and tenant-daemon.ts.
 *
 * Everything that a start takes is given back when a later step fails, and at the end in the opposite order. Workloads
 * are no part of this: they belong to leases, and outlast the process.
 */
import type { Actor, PeerName } from '../../../actors/actor.ts';
import type { Wire } from '../../../actors/wire.ts';
import { wireCodec } from '../../../actors/wire-bytes.ts';
import { WallClock } from '../../../worlds/live/clock.ts';
import { type TlsIdentity, tlsIdentity } from '../../../worlds/live/identity/identity.ts';
import { Participant, type ParticipantPorts } from '../../../worlds/live/participant.ts';
import type { ContainerEvents, Containers, TransportEvents } from '../../../worlds/live/ports.ts';
import type { Recorder } from '../../../worlds/live/recorder.ts';
import { HomeInUse } from '../../../worlds/live/storage/failure.ts';
import { LiveStorage } from '../../../worlds/live/storage/storage.ts';
import { monotonic_ms } from '../../../worlds/live/transport/framed-socket.ts';
import { LiveTransport } from '../../../worlds/live/transport/transport.ts';
import { type Trouble, TroubleLog } from '../../../worlds/live/transport/trouble-log.ts';
import type { ApiOptions, ApiRefusal, ApiServer } from '../api/server.ts';
import type { Directory } from '../home/config-types.ts';
import { type Endpoint, endpointText, isLoopback } from '../home/endpoints.ts';
import { UnusableHome } from '../home/files.ts';
import type { Role } from '../home/folder.ts';
import type { OpenHome } from '../home/open-home.ts';
import { errorFields, FileLog, type Log } from './log.ts';
import { removeRunFile, thisProcess, writeRunFile } from './run-file.ts';

/** Whoever looks on at a daemon. */
export interface Onlooker {
  /** A metric of the actor. `time`: its clock, microseconds since 1970. */
  observed?(metric: string, value: number, label: string | null, time: number): void;
  /** A node has executed a block, also one that a start executes again. */
  executed?(height: number, hash: Uint8Array, appHash: Uint8Array, time: number): void;
  /** What a provider's backend took for a workload, microseconds. */
  workload?(workload: string, image: string, start_us: number | null, stop_us: number | null): void;
  /** Is told all that the actor is given and does. */
  readonly recorder?: Recorder<Wire, unknown>;
}

/** What makes a role of a daemon. */
export interface RoleParts<Request> {
  readonly start: (ports: ParticipantPorts) => Actor<Wire, Request>;
  /** Whom it knows by name. */
  readonly directory: Directory;
  /** Null: it only calls. */
  readonly listen: Endpoint | null;
  readonly containers?: (events: ContainerEvents) => Promise<Containers>;
  /** Whether it knows again what it knew before its start, where that takes time. */
  readonly isReady?: () => boolean;
  /** Serves its API. `ask` hands the actor a request and rejects after so long. */
  readonly api: (ask: Ask<Request>, options: ApiOptions) => Promise<ApiServer>;
  /** Stops and removes what the backend runs. */
  readonly stopWorkloads?: () => Promise<void>;
}

export type Ask<Request> = (request: Request, timeout_ms: number) => Promise<unknown>;

/** How a daemon ended. `halted`: its actor stopped for good; `failed`: something broke. */
export interface DaemonEnd {
  readonly how: 'stopped' | 'halted' | 'failed';
  readonly reason: string;
}

export interface StopOptions {
  /** Also ends what a provider's backend runs. */
  readonly stopWorkloads?: boolean;
}

export interface Daemon {
  readonly role: Role;
  readonly name: string;
  readonly address: string;
  readonly api: Endpoint & { readonly url: string };
  /** Where peers reach it; null: it only calls. */
  readonly listen: Endpoint | null;
  readonly log: Log;
  /** Resolves when all is given back. */
  readonly ended: Promise<DaemonEnd>;
  /** Ends it in good order: what was sent leaves, what was written is kept. */
  stop(options?: StopOptions): Promise<void>;
  /** Hands the actor a request; rejects when it ends first. */
  request(request: unknown): Promise<unknown>;
  /** Closes connections with these, by name or account, and refuses new ones, until told otherwise. */
  shutOut(peers: ReadonlySet<PeerName>): void;
}

/** Metrics that an operator should see. */
const WARNINGS = new Set(['node/refused', 'deploy_failed', 'failed', 'refused']);
/** Those that others can bring about as often as they like. */
const BY_OTHERS = new Set([
  'client/node-dropped',
  'client/diverged',
  'node/dropped',
  'node/full',
  'node/other-network',
  'peer/refused',
  'peer/turned-away',
  'session_refused',
]);

/** Time of the network's clocks is counted from here: 1970. */
const EPOCH_MS = 0;

/** Trouble that others make, in a log: each once for each offender and kind, and then not for an hour. */
type Complaints = TroubleLog<Trouble & { readonly remote?: string; readonly request?: string; readonly code?: string }>;

function complaintsTo(log: Log): Complaints {
  return new TroubleLog(({ level, what, ...rest }) => log[level](what, rest), monotonic_ms);
}

/** Tells a log, and whoever looks on, what an actor observes. */
function observer(log: Log, complaints: Complaints, onlooker: Onlooker) {
  return (metric: string, value: number, label: string | null, time: number): void => {
    if (BY_OTHERS.has(metric)) complaints.note(label ?? '', { level: 'warn', what: metric, reason: label ?? '' });
    else log[WARNINGS.has(metric) ? 'warn' : 'debug'](metric, { value, ...(label === null ? {} : { label }) });
    onlooker.observed?.(metric, value, label, time);
  };
}

async function openTransport(
  { paths }: OpenHome<Role>,
  { directory, listen }: Pick<RoleParts<never>, 'directory' | 'listen'>,
  identity: TlsIdentity,
  events: TransportEvents,
  log: Log,
): Promise<LiveTransport> {
  const names = new Map(Object.entries(directory).map(([name, { address }]) => [address, name]));
  try {
    return await LiveTransport.open({
      identity,
      events,
      resolve: name => directory[name] ?? null,
      nameOf: address => names.get(address) ?? null,
      log: ({ level, what, ...rest }) => log[level](`transport: ${what}`, rest),
      listen,
      acceptsUnknown: listen !== null,
    });
  } catch (error) {
    throw (listen === null ? null : cannotListen(paths.config, 'listen', listen, error)) ?? error;
  }
}

/** Why a port cannot be had, in words; null: it is something else. */
function cannotListen(config: string, field: string, place: Endpoint, error: unknown): UnusableHome | null {
  const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
  const why =
    code === 'EADDRINUSE'
      ? 'where somebody else listens, expected a free port'
      : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? 'which is no address of this machine, expected one'
        : code === 'EACCES'
          ? 'where this user may not listen, expected a port from 1,024 on'
          : null;
  if (why === null) return null;
  return new UnusableHome(`${config}: ${field}: found ${endpointText(place)}, ${why}`, { cause: error });
}

async function openStorage({ paths }: OpenHome<Role>, log: Log): Promise<LiveStorage> {
  try {
    return await LiveStorage.open(paths.data, { report: line => log.warn('storage', { line }) });
  } catch (error) {
    if (!(error instanceof HomeInUse)) throw error;
    throw new UnusableHome(`${paths.root}: found a daemon that runs here already, expected none`, { cause: error });
  }
}

export interface StartOptions {
  readonly onlooker?: Onlooker;
  /** Records all that the actor is given and does, in a folder of its name in this one; unless an onlooker does. */
  readonly record?: string | undefined;
}

/** What writes recordings down reads homes of every role: much to load for the many who record nothing. */
async function recorderInto(record: string, home: OpenHome<Role>, log: Log): Promise<Recorder<Wire, unknown>> {
  const { openRecorder } = await import('./recordings.ts');
  return openRecorder(home, record, log);
}

/**
 * Starts a daemon out of an open home.
 * @param parts what makes its role, given its TLS identity
 * @throws UnusableHome when something of the home, or a port that it names, cannot be had
 */
export async function startParts<Request>(
  home: OpenHome<Role>,
  parts: (identity: TlsIdentity, log: Log) => RoleParts<Request>,
  { onlooker = {}, record }: StartOptions,
): Promise<Daemon> {
  const { paths, config, identity, genesis, genesisHash } = home;
  const log = new FileLog(paths.logs, config.log);
  const complaints = complaintsTo(log);
  const taken: (() => Promise<void> | void)[] = [() => log.close()];
  const giveBack = async (): Promise<void> => {
    for (const release of taken.splice(0).reverse()) await release();
  };
  try {
    const storage = await openStorage(home, log);
    let isOwned = false;
    taken.push(() => (isOwned ? undefined : storage.close()));
    const tls = await tlsIdentity(identity.keys.secretKey);
    const role = parts(tls, log);
    const recorder = onlooker.recorder ?? (record === undefined ? null : await recorderInto(record, home, log));
    isOwned = true;
    const participant = await Participant.start<Wire, Request>({
      name: config.name,
      start: role.start,
      codec: wireCodec,
      clock: new WallClock(EPOCH_MS),
      storage,
      transport: events => openTransport(home, role, tls, events, log),
      ...(role.containers === undefined ? {} : { containers: role.containers }),
      ...(recorder === null ? {} : { recorder: recorder as Recorder<Wire, Request> }),
      observe: observer(log, complaints, onlooker),
      log: line => log.warn('participant', { line }),
      ...(config.seed === null ? {} : { seed: config.seed }),
    });
    taken.push(async () => void (await participant.close()));
    await untilReady(role, participant);
    const ask: Ask<Request> = (request, timeout_ms) => participant.request(request, AbortSignal.timeout(timeout_ms));
    const api = await serve(home, role, ask, log, complaints);
    taken.push(() => api.close());
    const listen = role.listen === null ? null : { ...role.listen, port: participant.port ?? role.listen.port };
    const { chainId } = genesis;
    writeRunFile(paths.run, {
      role: config.role,
      name: config.name,
      address: config.address,
      ...thisProcess(),
      chainId,
      genesisHash,
      api: { host: api.host, port: api.port },
      listen,
    });
    taken.push(() => removeRunFile(paths.run));
    log.info('started', { role: config.role, name: config.name, chainId, genesisHash, api: api.url, listen });
    return running({ home, role, participant, api, listen, log, giveBack });
  } catch (error) {
    log.error('did not start', errorFields(error));
    await giveBack();
    throw error;
  }
}

const LOOK_MS = 10;

/** Waits until a participant is ready, or has ended, which is then told like any end. */
async function untilReady<Request>(
  { isReady }: RoleParts<Request>,
  participant: Participant<Wire, Request>,
): Promise<void> {
  let isOver = false;
  void participant.ended.then(() => (isOver = true));
  while (isReady?.() === false && !isOver) await new Promise(resolve => setTimeout(resolve, LOOK_MS));
}

async function serve<Request>(
  { paths, config }: OpenHome<Role>,
  role: RoleParts<Request>,
  ask: Ask<Request>,
  log: Log,
  complaints: Complaints,
): Promise<ApiServer> {
  const { host, port } = config.api;
  if (!isLoopback(host)) log.warn('the API can be reached from other machines', { host, port });
  try {
    const onRefused = ({ remote, request, code, reason }: ApiRefusal): void =>
      complaints.note(`${remote} ${code}`, { level: 'warn', what: 'api: refused', remote, request, code, reason });
    return await role.api(ask, { host, port, onFault: error => log.error('api', errorFields(error)), onRefused });
  } catch (error) {
    throw cannotListen(paths.config, 'api', config.api, error) ?? error;
  }
}

interface RunningParts<Request> {
  readonly home: OpenHome<Role>;
  readonly role: RoleParts<Request>;
  readonly participant: Participant<Wire, Request>;
  readonly api: ApiServer;
  readonly listen: Endpoint | null;
  readonly log: FileLog;
  readonly giveBack: () => Promise<void>;
}

function running<Request>(parts: RunningParts<Request>): Daemon {
  const { home, role, participant, api, listen, log, giveBack } = parts;
  const { config } = home;
  let stopWorkloads = false;
  const ended = participant.ended.then(async (end): Promise<DaemonEnd> => {
    let result: DaemonEnd =
      end.how === 'closed' ? { how: 'stopped', reason: '' } : { how: end.how, reason: end.reason };
    if (end.how === 'failed') log.error('failed', { reason: end.reason, ...errorFields(end.error) });
    else if (end.how === 'halted') log.error('halted', { reason: end.reason });
    try {
      if (stopWorkloads) await role.stopWorkloads?.();
    } catch (error) {
      log.error('workloads were not stopped', errorFields(error));
      result = { how: 'failed', reason: `workloads were not stopped: ${(error as Error).message}` };
    }
    log.info('ended', { how: result.how });
    await giveBack();
    return result;
  });
  return {
    role: config.role,
    name: config.name,
    address: config.address,
    api: { host: api.host, port: api.port, url: api.url },
    listen,
    log,
    ended,
    stop: async (options = {}) => {
      stopWorkloads ||= options.stopWorkloads === true;
      // Whoever asks over the API is told first: what is under way there is answered, or cut off, before the actor is gone.
      await api.close();
      await participant.close();
      await ended;
    },
    request: request => participant.request(request as Request),
    shutOut: peers => participant.shutOut(peers),
  };
}
