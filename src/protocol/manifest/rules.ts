/**
 * What the parts of an SDL file must say about each other: everything that a schema cannot know.
 *
 * The rules and their paths are those of the official tool, which also decides their small print (a mount is checked
 * against the volumes of every profile the service is deployed with; `units: "0"` is not the same as `units: 0`). Where
 * the official tool gives up with an internal error (a size without unit, a deployment of a service that is not there)
 * or goes on with what is no number, there is a problem here.
 */

import type { Report } from './checks.ts';
import type { SdlDocument } from './document.ts';
import { find, locate } from './document.ts';
import type { Step } from './problem.ts';
import { quoted } from './problem.ts';
import type { Sdl, SdlCompute, SdlProblem, SdlService } from './types.ts';
import { cardsOf, quantity, sizeInBytes } from './units.ts';

/** Everything in which the parts of a file do not agree; empty: nothing. */
export function checkRules(sdl: Sdl, document: SdlDocument, report: Report): readonly SdlProblem[] {
  new Rules(sdl, document, report).check();
  return report.problems;
}

/** Texts that are false to a storage class; every other is true. */
const FALSE_TEXTS: ReadonlySet<string> = new Set(['false', 'no', '0', '']);

/** Whether a service's volume outlives it. */
export function isPersistent(text: string): boolean {
  return !FALSE_TEXTS.has(text.toLowerCase());
}

class Rules {
  readonly sdl: Sdl;
  readonly document: SdlDocument;
  readonly report: Report;
  /** What was said already: two deployments of a service would say it twice. */
  readonly said = new Set<string>();
  readonly usedEndpoints = new Set<string>();
  /** Endpoint, port and protocol, to the service that has it. */
  readonly usedPorts = new Map<string, string>();
  readonly teeByPlacement = new Map<string, string>();
  readonly usedPlacements = new Set<string>();
  readonly checkedProfiles = new Set<string>();

  constructor(sdl: Sdl, document: SdlDocument, report: Report) {
    this.sdl = sdl;
    this.document = document;
    this.report = report;
  }

  /** A problem at `path`; `where` leads to what is to be mended, if that is elsewhere. */
  add(path: readonly Step[], found: string, expected: string, where: readonly Step[] = path): void {
    const at = locate(this.document.root, where);
    const key = `${JSON.stringify(path)} ${at} ${found}`;
    if (this.said.has(key)) return;
    this.said.add(key);
    this.report.add(path, at, found, expected);
  }

  check(): void {
    for (const [name, service] of this.sdl.services) {
      const deployment = this.sdl.deployment.get(name);
      if (deployment === undefined) {
        this.add(['deployment'], `no service ${quoted(name)}`, 'a deployment of every service', ['services', name]);
      }
      for (const [placement, { profile }] of deployment ?? []) {
        this.usedPlacements.add(placement);
        this.checkReferences(name, placement, profile);
        const compute = this.sdl.compute.get(profile) ?? null;
        this.checkMounts(name, service, profile, compute);
        this.checkTee(name, service, placement, compute);
        if (compute === null) continue;
        this.checkPersistence(name, service, compute);
        if (this.checkedProfiles.has(profile)) continue;
        this.checkedProfiles.add(profile);
        this.checkGpu(profile, compute);
        this.checkQuantities(profile, compute);
      }
      this.checkAddresses(name, service);
    }
    for (const name of this.sdl.endpoints) {
      if (!this.usedEndpoints.has(name)) {
        this.add(
          ['endpoints', name],
          `the endpoint ${quoted(name)}, which nobody uses`,
          'a service that is exposed on it',
        );
      }
    }
    for (const [name, placements] of this.sdl.deployment) {
      if (this.sdl.services.has(name) || ![...placements.keys()].some(one => this.usedPlacements.has(one))) continue;
      this.add(['deployment', name], `a deployment of ${quoted(name)}`, 'a service of that name in services');
    }
  }

  checkReferences(service: string, placement: string, profile: string): void {
    const where = ['deployment', service, placement];
    const infrastructure = this.sdl.placement.get(placement);
    if (infrastructure === undefined) {
      this.add(['profiles', 'placement'], `no placement ${quoted(placement)}`, 'one, as it is deployed to', where);
    } else if (!infrastructure.pricing.has(profile)) {
      const path = ['profiles', 'placement', placement, 'pricing'];
      this.add(path, `no price of profile ${quoted(profile)}`, 'one, as it is deployed there', [...where, 'profile']);
    }
    if (!this.sdl.compute.has(profile)) {
      const found = `no profile ${quoted(profile)}`;
      this.add(['profiles', 'compute'], found, 'one, as it is deployed', [...where, 'profile']);
    }
  }

  /** Mounts are of volumes that there are, each at a place of its own. */
  checkMounts(name: string, service: SdlService, profile: string, compute: SdlCompute | null): void {
    const taken = new Map<string, string>();
    for (const { name: volume, mount } of service.params?.storage ?? []) {
      const path = ['services', name, 'params', 'storage', volume];
      if (!compute?.storage.some(one => one.name === volume)) {
        const storage = ['profiles', 'compute', profile, 'resources', 'storage'];
        this.add(storage, `no volume ${quoted(volume)}`, `one, as service ${quoted(name)} mounts it`, path);
        continue;
      }
      // A volume without a name cannot be told from none.
      const other = taken.get(mount) ?? '';
      if (other !== '' && mount === '') {
        this.add(path, `a second volume without mount besides ${quoted(other)}`, 'one at most');
      } else if (other !== '') {
        this.add([...path, 'mount'], `the mount ${quoted(mount)} of volume ${quoted(other)}`, 'each mount once');
      }
      taken.set(mount, volume);
    }
  }

  checkPersistence(name: string, service: SdlService, compute: SdlCompute): void {
    for (const volume of compute.storage) {
      if (!isPersistent(volume.attributes?.persistent ?? '')) continue;
      const mount = service.params?.storage.find(one => one.name === (volume.name ?? ''))?.mount ?? '';
      if (mount !== '') continue;
      const shown = volume.name === null || volume.name === '' ? 'default' : volume.name;
      const path = ['services', name, 'params', 'storage', shown];
      this.add(path, `no mount of the persistent volume ${quoted(shown)}`, 'one');
    }
  }

  checkGpu(profile: string, { gpu }: SdlCompute): void {
    if (gpu === null) return;
    const path = ['profiles', 'compute', profile, 'resources', 'gpu'];
    // Attributes without units the schema has refused.
    if (!hasCards(gpu)) return;
    if (gpu.attributes === null) this.add(path, `${gpu.units} graphics cards without attributes`, 'attributes');
    if ((gpu.attributes?.vendor ?? null) === null) {
      this.add([...path, 'attributes'], 'graphics cards without vendor', 'a vendor', path);
    }
  }

  checkTee(name: string, service: SdlService, placement: string, compute: SdlCompute | null): void {
    const tee = service.params?.tee ?? null;
    if (tee === null) return;
    const path = ['services', name, 'params', 'tee'];
    const gpu = compute?.gpu ?? null;
    if (tee === 'cpu-gpu' && (gpu === null || !hasCards(gpu))) {
      this.add(path, 'cpu-gpu', `graphics cards in the profile of service ${quoted(name)}`);
    }
    const other = this.teeByPlacement.get(placement);
    if (other === undefined) this.teeByPlacement.set(placement, tee);
    else if (other !== tee)
      this.add(path, `${tee} besides ${other} in placement ${quoted(placement)}`, 'one type of tee');
  }

  /** A leased IP is declared, and nobody else has the port. */
  checkAddresses(name: string, service: SdlService): void {
    service.expose.forEach((expose, i) => {
      expose.to.forEach(({ ip }, j) => {
        if (ip === '') return;
        const path = ['services', name, 'expose', i, 'to', j, 'ip'];
        if (!this.sdl.endpoints.includes(ip)) {
          this.add(['endpoints', ip], `no endpoint ${quoted(ip)}`, `one, as service ${quoted(name)} uses it`, path);
        }
        this.usedEndpoints.add(ip);
        const port = expose.as ?? expose.port;
        const key = `${ip}-${port}-${expose.proto}`;
        const other = this.usedPorts.get(key);
        if (other !== undefined) {
          const found = `port ${port} (${expose.proto}) of endpoint ${quoted(ip)}, which service ${quoted(other)} has`;
          this.add(path, found, 'a port that is free');
        }
        this.usedPorts.set(key, name);
      });
    });
  }

  /** Quantities of a profile that is used are numbers. */
  checkQuantities(profile: string, compute: SdlCompute): void {
    const path = ['profiles', 'compute', profile, 'resources'];
    if (quantity(compute.cpuMilli) === null) {
      this.add([...path, 'cpu', 'units'], 'more processors than there are numbers', 'a finite number of processors');
    }
    if (sizeInBytes(compute.memory) === null) this.addSize([...path, 'memory', 'size'], compute.memory);
    compute.storage.forEach(({ size }, i) => {
      if (sizeInBytes(size) !== null) return;
      const isList = find(this.document.root, [...path, 'storage'])?.kind === 'list';
      this.addSize([...path, 'storage', ...(isList ? [i] : []), 'size'], size);
    });
    if (compute.gpu !== null && cardsOf(compute.gpu) === null) {
      this.add([...path, 'gpu', 'units'], quoted(compute.gpu.units ?? ''), 'a number of graphics cards');
    }
  }

  addSize(path: readonly Step[], size: string): void {
    this.add(path, quoted(size), 'a size with a unit, such as 512Mi or 1G');
  }
}

/** Whether graphics cards are asked for; only the number zero asks for none. */
function hasCards({ units, quoted: isQuoted }: NonNullable<SdlCompute['gpu']>): boolean {
  return units !== null && (isQuoted || units !== '0');
}
