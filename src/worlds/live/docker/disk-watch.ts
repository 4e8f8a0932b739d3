/**
 * Who uses more disk than it leased, measured at the engine: for storage drivers that cannot hold anybody to a size.
 * Between two measurements nothing is enforced; the operator's margin has to cover what can be written meanwhile.
 */
import type { Engine } from './engine.ts';
import { type Claim, claimOf, isOwn, LABELS, labelFilters } from './labels.ts';
import type { DockerOwner } from './options.ts';

/** An engine goes through all files for an answer. */
const MEASURE_MS = 120_000;

interface Measured {
  readonly Labels?: Record<string, string> | null;
  readonly SizeRw?: number;
  readonly UsageData?: { readonly Size?: number } | null;
}

/** Ids of workloads that use too much, each with what is to be said of it. */
export async function overDisk(engine: Engine, owner: DockerOwner): Promise<ReadonlyMap<string, string>> {
  const containers = (await engine.call(
    'measure the disk of containers',
    (docker, abortSignal) =>
      docker.listContainers({ size: true, filters: { label: labelFilters(owner) }, abortSignal }),
    MEASURE_MS,
  )) as unknown as Measured[];
  const usage = await engine.call('measure the disk of volumes', docker => docker.df(), MEASURE_MS);
  const volumes = (usage.Volumes ?? usage.VolumeUsage?.Items ?? []) as Measured[];
  return judge(
    containers.filter(one => isOwn(one.Labels, owner)),
    volumes.filter(one => isOwn(one.Labels, owner)),
  );
}

/** The same from what was measured. An image's own volumes, which have no size of theirs, are its container's disk. */
export function judge(containers: readonly Measured[], volumes: readonly Measured[]): ReadonlyMap<string, string> {
  const over = new Map<string, string>();
  const claims = new Map<string, { readonly claim: Claim; bytes: number }>();
  for (const { Labels, SizeRw } of containers) {
    const claim = claimOf(Labels ?? {});
    if (claim !== null) claims.set(claim.id, { claim, bytes: SizeRw ?? 0 });
  }
  for (const { Labels, UsageData } of volumes) {
    const mine = claims.get(Labels?.[LABELS.workload] ?? '');
    const bytes = Math.max(0, UsageData?.Size ?? 0); // -1: the engine does not know.
    if (mine === undefined) continue;
    const limit = Labels?.[LABELS.size];
    if (limit === undefined) mine.bytes += bytes;
    else if (bytes > Number(limit)) over.set(mine.claim.id, `a volume of ${limit} bytes holds ${bytes}`);
  }
  for (const { claim, bytes } of claims.values()) {
    if (bytes > claim.disk) over.set(claim.id, `used ${bytes} bytes of disk, leased ${claim.disk}`);
  }
  return over;
}
