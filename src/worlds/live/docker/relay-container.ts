/**
 * The container that a relay runs in: what the engine is asked for, and the stream to its program.
 *
 * It is given nothing that it could do without: one internal network, no capability, no mount, nowhere to write, no log.
 * It lives as long as the stream: when that ends, by a word or with this process, its program ends, and the engine removes
 * it.
 */
import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { type Engine, reasonOf } from './engine.ts';
import { EngineFrames, OUTPUT } from './engine-frames.ts';
import { LABELS, ownerLabels, relayName } from './labels.ts';
import type { DockerOwner } from './options.ts';
import { RelayClient } from './relay-client.ts';
import { RELAY_START, RELAY_VARIABLE, relaySource } from './relay-source.ts';
import { removeContainer } from './removal.ts';

/** What a relay may use: a bare Node.js, what may wait in all of its channels, and some air. */
const MEMORY = 192 * 1024 * 1024;
const CPU = 500; // milli-vCPU
const PIDS = 32;

/** Two for each channel, and a few for itself. */
const OPEN_FILES = 1_088;

/** Nobody, in every image. */
const USER = '65534:65534';

/** How long the engine may take to create or start a container, and its program to say that it is ready. */
const SLOW_CALL_MS = 60_000;
const READY_MS = 30_000;

/** How much of what a relay says of itself is kept: the end of it, in bytes. */
const MAX_LAST_WORDS = 2_048;

/** For whom a relay is made. */
export interface RelayPlace {
  readonly owner: DockerOwner;
  /** The private network as the market calls it, and as the engine does. */
  readonly network: string;
  readonly networkName: string;
  readonly cgroupVersion: string;
}

/** What to ask the engine for. */
export function relayOptions(place: RelayPlace, image: string): Docker.ContainerCreateOptions {
  const { owner, network, networkName, cgroupVersion } = place;
  return {
    name: relayName(owner, network),
    Image: image,
    Labels: { ...ownerLabels(owner), [LABELS.relay]: network },
    Entrypoint: ['node', '--max-old-space-size=48', '--v8-pool-size=1', '--input-type=module', '--eval'],
    Cmd: [RELAY_START],
    Env: [`${RELAY_VARIABLE}=${relaySource()}`, 'UV_THREADPOOL_SIZE=1', 'NODE_OPTIONS='],
    User: USER,
    WorkingDir: '/',
    Healthcheck: { Test: ['NONE'] },
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    // Its input ends with the stream, and it with its input.
    StdinOnce: true,
    Tty: false,
    HostConfig: {
      NetworkMode: networkName,
      Dns: ['127.0.0.1'],
      DnsSearch: ['.'],
      PublishAllPorts: false,
      NanoCpus: CPU * 1_000_000,
      Memory: MEMORY,
      MemorySwap: MEMORY,
      PidsLimit: PIDS,
      Ulimits: [
        { Name: 'nofile', Soft: OPEN_FILES, Hard: OPEN_FILES },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      OomKillDisable: false,
      Privileged: false,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      IpcMode: 'none',
      ...(cgroupVersion === '2' ? { CgroupnsMode: 'private' } : {}),
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
      AutoRemove: true,
    },
  };
}

/** A relay that runs, and the stream to it. */
export interface RunningRelay {
  readonly client: RelayClient;
  /** Resolves with the reason when the stream is over. */
  readonly over: Promise<string>;
  /** Ends the stream, and with it the relay. */
  end(reason: string): void;
}

/**
 * Starts a relay in place of one that is there. Throws with the reason why not, and has then removed what it made.
 * @param signal gives it up
 */
export async function startRelay(
  engine: Engine,
  place: RelayPlace,
  image: string,
  signal: AbortSignal,
): Promise<RunningRelay> {
  const name = relayName(place.owner, place.network);
  await removeContainer(engine, name);
  signal.throwIfAborted();
  let running: RunningRelay | null = null;
  try {
    const container = await engine.call(
      `create the relay of ${place.network}`,
      (docker, abortSignal) => docker.createContainer({ ...relayOptions(place, image), abortSignal }),
      SLOW_CALL_MS,
    );
    // Before its start, so that nothing that it says is missed. (The signal of a call would end the stream with it.)
    const stream = await engine.call(`attach to the relay of ${place.network}`, () =>
      container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true }),
    );
    running = followRelay(stream as Duplex);
    const give = (): void => running?.end(reasonOf(signal.reason));
    if (signal.aborted) give();
    signal.addEventListener('abort', give, { once: true });
    try {
      await engine.call(
        `start the relay of ${place.network}`,
        (_, abortSignal) => container.start({ abortSignal }),
        SLOW_CALL_MS,
      );
      await saysReady(running);
    } finally {
      signal.removeEventListener('abort', give);
    }
    return running;
  } catch (error) {
    running?.end('it could not be started');
    if (!engine.isClosed) await removeContainer(engine, name);
    throw error;
  }
}

/** Waits until the relay is ready. Throws with its last words when it is over before, or with the time that it had. */
async function saysReady({ client, over, end }: RunningRelay): Promise<void> {
  const late = setTimeout(() => end(`it did not say within ${READY_MS} ms that it is ready`), READY_MS);
  try {
    const isReady = await Promise.race([client.ready.then(() => true), over.then(() => false)]);
    if (!isReady) throw new Error(await over);
  } catch {
    throw new Error(await over);
  } finally {
    clearTimeout(late);
  }
}

/** Puts a client on the stream to a relay. */
export function followRelay(stream: Duplex): RunningRelay {
  const over = Promise.withResolvers<string>();
  let lastWords: Buffer = Buffer.alloc(0);
  let isOver = false;
  const end = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    const said = reasonOf(lastWords.toString('utf8'));
    const whole = said === '' ? reason : `${reason}: ${said}`;
    client.close(whole);
    stream.destroy();
    over.resolve(whole);
  };
  const client = new RelayClient(stream, end);
  const frames = new EngineFrames((output, part) => {
    if (output === OUTPUT.standard) client.push(part);
    else if (output === OUTPUT.error) lastWords = Buffer.concat([lastWords, part]).subarray(-MAX_LAST_WORDS);
    else end(`found output ${output} in the engine's stream, expected 1 or 2`);
  });
  stream.on('data', chunk => {
    if (!isOver) frames.push(chunk as Buffer);
  });
  stream.once('end', () => end('it ended'));
  stream.once('close', () => end('its stream was closed'));
  stream.on('error', error => end(`its stream broke (${reasonOf(error)})`));
  return { client, over: over.promise, end };
}
