/**
 * What a class of tenants deploys from a folder of SDL files: each file with the terms that hold for it, as
 * infrastructures of the market, and each file that cannot be one, with the reasons.
 */

import { infrastructureOf, type PriceConversion } from '../../protocol/manifest/market.ts';
import type { GroupSpec } from '../../protocol/manifest/types.ts';
import type { DeploymentInfrastructure } from '../../protocol/model/objects.ts';
import { MAX_INFRASTRUCTURES } from './limits.ts';
import type { SdlHabits } from './schema-sdl.ts';
import type { AcceptedSdl, SdlCatalogue } from './sdl-folder.ts';
import type { RegionChoice, SdlTerms, TenantClass } from './types.ts';

/** One infrastructure, but for its region. */
export interface PlannedInfrastructure {
  /** Without a region; that is chosen for each deployment. */
  readonly infrastructure: DeploymentInfrastructure;
  readonly region: RegionChoice | null;
  /** Which of several datacenters with the same, from 0. */
  readonly copy: number;
  /** Name of the manifest's group for it. */
  readonly group: string;
}

/** Who deploys SDL files: a class of tenants, or one of them. */
export type SdlDeployer = Pick<TenantClass, 'sdl' | 'waitDuration' | 'openFor'>;

/** A file that a class deploys. */
export interface SdlPlan extends SdlHabits {
  readonly file: string;
  /** 64 hexadecimal digits. */
  readonly version: string;
  /** Canonical. */
  readonly manifest: string;
  readonly infrastructure: readonly PlannedInfrastructure[];
}

/** A file that is good SDL and cannot be said in the words of the market. */
export interface Unmappable {
  readonly file: string;
  readonly reasons: readonly string[];
}

export interface ClassPlan {
  /** By name of file; those of weight 0 are among them. */
  readonly plans: readonly SdlPlan[];
  readonly unmappable: readonly Unmappable[];
}

function planned(
  group: GroupSpec,
  terms: SdlTerms,
  conversion: PriceConversion,
): PlannedInfrastructure[] | readonly string[] {
  const { persist, reputationAtLeast, collateral, region, datacenters } = terms;
  const ppm = Math.round(reputationAtLeast * 1e6);
  const mapped = infrastructureOf(group, { region: '', persist, reputationAtLeast: ppm, collateral }, conversion);
  if (!mapped.ok) return mapped.reasons;
  const { infrastructure } = mapped;
  return Array.from({ length: datacenters }, (_, copy) => ({ infrastructure, region, copy, group: group.name }));
}

function planFile(
  file: AcceptedSdl,
  catalogue: SdlCatalogue,
  tenant: SdlDeployer,
  conversion: PriceConversion,
): SdlPlan | Unmappable {
  if (tenant.sdl === null) throw new Error('found a class without SDL files, expected one with them');
  const { terms: general, weights } = tenant.sdl;
  const { defaults, files } = catalogue.notes;
  const notes = Object.hasOwn(files, file.file) ? files[file.file] : undefined;
  const { waitDuration, openFor } = tenant;
  const own = { waitDuration, openFor, weight: 1, ...general, ...defaults, ...notes?.own };
  const infrastructure: PlannedInfrastructure[] = [];
  const reasons: string[] = [];
  for (const group of file.groups) {
    const { name } = group;
    const particular = notes !== undefined && Object.hasOwn(notes.placements, name) ? notes.placements[name] : {};
    for (const one of planned(group, { ...own, ...particular }, conversion)) {
      if (typeof one !== 'string') infrastructure.push(one);
      else reasons.push(file.groups.length > 1 ? `placement ${name}: ${one}` : one);
    }
  }
  if (infrastructure.length > MAX_INFRASTRUCTURES) {
    reasons.push(`${infrastructure.length} infrastructures are more than ${MAX_INFRASTRUCTURES}`);
  }
  if (reasons.length > 0) return { file: file.file, reasons };
  return {
    file: file.file,
    version: file.version,
    manifest: file.manifest,
    weight: Object.hasOwn(weights, file.file) ? (weights[file.file] as number) : own.weight,
    waitDuration: own.waitDuration,
    openFor: own.openFor,
    infrastructure,
  };
}

/** What a class that deploys SDL files does with those of a catalogue. */
export function planClass(catalogue: SdlCatalogue, tenant: SdlDeployer, conversion: PriceConversion): ClassPlan {
  const plans: SdlPlan[] = [];
  const unmappable: Unmappable[] = [];
  for (const file of catalogue.files) {
    if (!file.ok) continue;
    const plan = planFile(file, catalogue, tenant, conversion);
    if ('reasons' in plan) unmappable.push(plan);
    else plans.push(plan);
  }
  return { plans, unmappable };
}
