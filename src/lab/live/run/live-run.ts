/** A live run with everything around it: what it needs is made or refused beforehand, its results are written as a whole. */
import { randomBytes } from 'node:crypto';
import { readManifest } from '../../../protocol/manifest/reading.ts';
import { cleanUp } from '../../../worlds/live/docker/clean-up.ts';
import { Engine } from '../../../worlds/live/docker/engine.ts';
import {
  isLocalImage,
  LOCAL_REPOSITORY,
  makeLocalImage,
  removeLocalImage,
} from '../../../worlds/live/docker/local-image.ts';
import { ed25519Scheme } from '../../../worlds/live/ed25519.ts';
import { RandomStreams } from '../../../worlds/simulated/streams.ts';
import { populate } from '../../experiment/population.ts';
import { ResultsWriter } from '../../experiment/results.ts';
import { OutputFolder } from '../../experiment/results-folder.ts';
import type { Loaded } from '../../experiment/results-source.ts';
import { planClass } from '../../scenario/sdl-plan.ts';
import type { ContainersConfig } from '../home/config-types.ts';
import { impossibleLive } from './faults.ts';
import { killOneWorkload } from './kill-workload.ts';
import { type LiveEvent, type LiveOutcome, runLive } from './launcher.ts';
import { recordingsFolder, saveRecordings } from './recorded-run.ts';
import { leftovers, removeLeftover } from './registry.ts';

/** How long an engine may take to say that it is there. */
const PING_MS = 5_000;

export interface LiveRunOptions {
  readonly loaded: Loaded;
  readonly seed: number;
  /** Where results go. */
  readonly folder: string;
  /** `none`: leases are kept and nothing runs. */
  readonly containers: 'docker' | 'none';
  readonly signal: AbortSignal;
  readonly onEvent: (event: LiveEvent) => void;
  readonly keep: boolean;
  /** Whether all participants record what they are given and do. */
  readonly record: boolean;
}

/** A scenario, or this machine, cannot be run live. */
export class CannotRunLive extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'CannotRunLive';
    this.problems = problems;
  }
}

export interface FinishedLiveRun extends LiveOutcome {
  readonly wallSeconds: number;
  readonly peakMemoryBytes: number;
}

/**
 * Runs a scenario live and writes its results.
 * @throws CannotRunLive, UnusableFolder before anything is started; see `runLive`
 */
export async function liveRun(options: LiveRunOptions): Promise<FinishedLiveRun> {
  const { loaded, seed, folder, signal, onEvent, keep, record } = options;
  const { scenario } = loaded;
  const population = populate(scenario, null, new RandomStreams(seed), ed25519Scheme);
  const problems = impossibleLive(scenario, population);
  if (problems.length > 0) throw new CannotRunLive(problems);
  const withDocker = options.containers === 'docker' && scenario.providers.length > 0;
  if (withDocker) await requireEngine();
  const place = new OutputFolder(folder);
  const writer = new ResultsWriter(place.temporary, scenario, ['workloads']);
  const run = randomBytes(6).toString('hex');
  const began = performance.now();
  try {
    if (withDocker) for (const image of localImages(loaded)) await makeLocalImage(image);
    const outcome = await runLive({
      loaded,
      seed,
      scheme: ed25519Scheme,
      sink: writer,
      containers: containersOf(withDocker, run),
      run,
      cleanContainers: async () => void (withDocker ? await cleanUp({ run }) : undefined),
      killWorkload: provider => killOneWorkload(run, provider),
      signal,
      onEvent,
      keep,
      record: record ? recordingsFolder(place.temporary) : null,
    });
    const measures = {
      wallSeconds: (performance.now() - began) / 1000,
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    };
    await writer.finish(outcome.result, loaded.source, loaded.hash, measures);
    place.commit();
    return { ...outcome, ...measures };
  } catch (error) {
    writer.abandon();
    const recordings = saveRecordings(place.temporary, folder, run);
    if (recordings !== null) onEvent({ type: 'saved', recordings });
    throw error;
  } finally {
    place.discard();
  }
}

function containersOf(withDocker: boolean, run: string): ContainersConfig {
  return withDocker ? { kind: 'docker', run, options: {} } : { kind: 'none' };
}

async function requireEngine(): Promise<void> {
  const engine = new Engine(null);
  try {
    await engine.ping(PING_MS);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CannotRunLive([
      `found no Docker engine that answers (${reason}), expected one at DOCKER_HOST or its usual socket; ` +
        'with --containers none leases are kept and nothing runs',
    ]);
  } finally {
    engine.close();
  }
}

/** Images that a scenario's SDL files want and that are made on this machine. */
function localImages({ scenario, sdl }: Loaded): string[] {
  if (sdl === null || scenario.sdl === null) return [];
  const { conversion } = scenario.sdl;
  const images = new Set<string>();
  for (const tenant of scenario.tenants) {
    if (tenant.sdl === null) continue;
    for (const { manifest } of planClass(sdl, tenant, conversion).plans) {
      const read = readManifest(new TextEncoder().encode(manifest));
      if (!read.ok) throw new Error(`found a manifest of its own that does not read: ${read.reason}`);
      for (const { services } of read.manifest) for (const { image } of services) images.add(image);
    }
  }
  return [...images].filter(isLocalImage);
}

export interface Cleaned {
  readonly runs: number;
  readonly containers: number;
  readonly images: number;
}

/** Removes what launchers left behind that were killed, and the images that were made for live runs. */
export async function cleanLive(): Promise<Cleaned> {
  let containers = 0;
  const left = leftovers();
  const engine = new Engine(null);
  const answers = await engine.ping(PING_MS).then(
    () => true,
    () => false,
  );
  engine.close();
  for (const one of left) {
    removeLeftover(one);
    if (answers && one.run !== null) containers += (await cleanUp({ run: one.run.run })).containers;
  }
  let images = 0;
  const major = process.versions.node.split('.')[0];
  if (answers && (await removeLocalImage(`${LOCAL_REPOSITORY}:${major}`))) images += 1;
  return { runs: left.length, containers, images };
}
