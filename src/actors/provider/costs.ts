/** What compute costs a provider, and prices derived from it. */
import type { ComputeUnit, ResourceGroup } from '../../protocol/model/objects.ts';

/** pico-AKASH per second for one vCPU, one GiB of memory, one GiB of disk, one GPU. */
export interface UnitCosts {
  readonly cpu: bigint;
  readonly memory: bigint;
  readonly disk: bigint;
  readonly gpu: bigint;
}

const GIB = 1n << 30n;

/** What one unit costs, in pico-AKASH per second, rounded down. */
export function costOfUnit(unit: ComputeUnit, costs: UnitCosts): bigint {
  return (
    (BigInt(unit.cpu) * costs.cpu) / 1000n +
    (BigInt(unit.memory) * costs.memory) / GIB +
    (BigInt(unit.disk) * costs.disk) / GIB +
    (BigInt(unit.gpu) * costs.gpu) / 1000n
  );
}

/** A price times a factor, rounded to a whole pico-AKASH per second, at least 1. */
export function scalePrice(price: bigint, factor: number): bigint {
  // Nine decimal digits of a factor are all that any strategy means.
  const scaled = (price * BigInt(Math.round(factor * 1e9)) + 500_000_000n) / 1_000_000_000n;
  return scaled < 1n ? 1n : scaled;
}

/** What everything costs. */
export function costOfGroups(groups: readonly ResourceGroup[], costs: UnitCosts): bigint {
  let total = 0n;
  for (const group of groups) total += costOfUnit(group.compute, costs) * BigInt(group.count);
  return total;
}
