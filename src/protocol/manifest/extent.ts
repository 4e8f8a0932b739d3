/**
 * How much a small file would become.
 *
 * A manifest repeats a service for every placement and its host names for every party that may reach it, so that a file
 * of a few hundred kilobytes could ask for gigabytes. What it would ask for is added up before any of it is made.
 */

import type { Report } from './checks.ts';
import type { SdlDocument } from './document.ts';
import { locate } from './document.ts';
import { grouped } from './problem.ts';
import type { Sdl, SdlProblem, SdlService } from './types.ts';

/** Largest manifest in characters, roughly. The chain takes far smaller ones. */
export const MAX_MANIFEST = 1 << 22;
/** What a service and what an exposed port weigh by themselves. */
const SERVICE = 600;
const EXPOSE = 320;
const VALUE = 60;

/** The problem that a file would become too large, if it would. */
export function checkExtent(sdl: Sdl, document: SdlDocument, report: Report): readonly SdlProblem[] {
  let total = 0;
  for (const [name, service] of sdl.services) {
    const deployment = sdl.deployment.get(name);
    if (deployment === undefined || deployment.size === 0) continue;
    const own = serviceExtent(service);
    for (const { profile } of deployment.values()) {
      const compute = sdl.compute.get(profile);
      const volumes = compute?.storage.length ?? 0;
      const cards = compute?.gpu?.attributes?.vendor?.nvidia?.length ?? 0;
      total += own + VALUE * (volumes + cards + (compute?.cpuAttributes.length ?? 0));
    }
    if (total <= MAX_MANIFEST) continue;
    const path = ['services', name];
    const expected = `one of at most ${grouped(MAX_MANIFEST)} characters for all services`;
    report.add(path, locate(document.root, path), `a manifest of ${grouped(total)} characters or more`, expected);
    break;
  }
  return report.problems;
}

function serviceExtent(service: SdlService): number {
  let extent = SERVICE + service.image.length;
  for (const text of [...service.command, ...service.args, ...service.env]) extent += VALUE + text.length;
  for (const { name, mount } of service.params?.storage ?? []) extent += VALUE + name.length + mount.length;
  for (const { accept, http, to } of service.expose) {
    const each = [...accept, ...http.nextCases].reduce((sum, one) => sum + VALUE + one.length, EXPOSE);
    extent += each * to.length;
  }
  return extent;
}
