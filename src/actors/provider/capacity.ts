/**
 * A provider's capacity book: what its hosts have, what runs on them, and what is promised in open bids. A unit of a
 * workload goes to one host whole; a unit that shares a GPU goes to one device whole, one that wants several gets free
 * devices.
 */
import type { ComputeUnit, ResourceGroup } from '../../protocol/model/objects.ts';

/** What one host has. cpu in milli-vCPU, memory and disk in bytes, gpu in whole devices. */
export interface HostCapacity {
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
  readonly gpus: number;
  /** bit/s; 0 = not limited */
  readonly bandwidth: number;
}

const DEVICE = 1000;

interface Host {
  readonly limits: HostCapacity;
  up: boolean;
  cpu: number;
  memory: number;
  disk: number;
  bandwidth: number;
  /** Free milli-GPU of each device. */
  devices: number[];
}

/** Where one unit went. */
interface Placement {
  readonly host: number;
  readonly unit: ComputeUnit;
  /** Devices and how much of each was taken. */
  readonly devices: readonly number[];
  readonly perDevice: number;
}

/** Units of one order or lease, in the order of its groups. */
export interface Reservation {
  readonly placements: readonly Placement[];
}

function devicesFor(host: Host, gpu: number): number[] | null {
  if (gpu === 0) return [];
  const perDevice = Math.min(gpu, DEVICE);
  const wanted = Math.ceil(gpu / DEVICE);
  const found: number[] = [];
  if (wanted === 1) {
    // The fullest device that still fits, so that whole devices stay whole.
    let best = -1;
    host.devices.forEach((free, i) => {
      if (free >= perDevice && (best < 0 || free < (host.devices[best] as number))) best = i;
    });
    return best < 0 ? null : [best];
  }
  for (let i = 0; i < host.devices.length && found.length < wanted; i++) if (host.devices[i] === DEVICE) found.push(i);
  return found.length === wanted ? found : null;
}

function hasRoom(host: Host, unit: ComputeUnit): boolean {
  if (!host.up || host.cpu < unit.cpu || host.memory < unit.memory) return false;
  if (host.disk < unit.disk || host.bandwidth < unit.bandwidth) return false;
  return unit.gpu === 0 || devicesFor(host, unit.gpu) !== null;
}

export class CapacityBook {
  readonly #hosts: Host[];
  readonly #total: { cpu: number; memory: number; disk: number; gpu: number };
  #usedCpu = 0;
  #usedMemory = 0;
  #usedGpu = 0;

  constructor(hosts: readonly HostCapacity[]) {
    this.#hosts = hosts.map(limits => ({
      limits,
      up: true,
      cpu: limits.cpu,
      memory: limits.memory,
      disk: limits.disk,
      bandwidth: limits.bandwidth === 0 ? Number.POSITIVE_INFINITY : limits.bandwidth,
      devices: Array.from({ length: limits.gpus }, () => DEVICE),
    }));
    this.#total = { cpu: 0, memory: 0, disk: 0, gpu: 0 };
    for (const host of hosts) {
      this.#total.cpu += host.cpu;
      this.#total.memory += host.memory;
      this.#total.disk += host.disk;
      this.#total.gpu += host.gpus * DEVICE;
    }
  }

  get hosts(): number {
    return this.#hosts.length;
  }

  /** The share of the scarcest resource in use, 0 to 1: cpu, memory, or gpu where there are any. */
  utilisation(): number {
    const { cpu, memory, gpu } = this.#total;
    return Math.max(
      cpu === 0 ? 0 : this.#usedCpu / cpu,
      memory === 0 ? 0 : this.#usedMemory / memory,
      gpu === 0 ? 0 : this.#usedGpu / gpu,
    );
  }

  get used(): { readonly cpu: number; readonly memory: number; readonly gpu: number } {
    return { cpu: this.#usedCpu, memory: this.#usedMemory, gpu: this.#usedGpu };
  }
  get total(): { readonly cpu: number; readonly memory: number; readonly gpu: number } {
    return this.#total;
  }

  /** What all hosts have, and what of it is taken. Bandwidth counts where it is limited. */
  compute(): { readonly capacity: ComputeUnit; readonly used: ComputeUnit } {
    const capacity = { cpu: 0, memory: 0, disk: 0, bandwidth: 0, gpu: 0 };
    const used = { ...capacity };
    for (const { limits, cpu, memory, disk, bandwidth, devices } of this.#hosts) {
      capacity.cpu += limits.cpu;
      capacity.memory += limits.memory;
      capacity.disk += limits.disk;
      capacity.bandwidth += limits.bandwidth;
      capacity.gpu += limits.gpus * DEVICE;
      used.cpu += limits.cpu - cpu;
      used.memory += limits.memory - memory;
      used.disk += limits.disk - disk;
      used.bandwidth += limits.bandwidth === 0 ? 0 : limits.bandwidth - bandwidth;
      used.gpu += devices.reduce((sum, free) => sum + DEVICE - free, 0);
    }
    return { capacity, used };
  }

  setUp(host: number, up: boolean): void {
    (this.#hosts[host] as Host).up = up;
  }

  isUp(host: number): boolean {
    return (this.#hosts[host] as Host).up;
  }

  /** Places every unit of these groups, all or none. */
  reserve(groups: readonly ResourceGroup[]): Reservation | null {
    const placements: Placement[] = [];
    for (const group of groups) {
      for (let i = 0; i < group.count; i++) {
        const placement = this.#place(group.compute);
        if (placement === null) {
          this.release({ placements });
          return null;
        }
        placements.push(placement);
      }
    }
    return { placements };
  }

  /** Reserves these groups on given hosts, one per unit in order: what a restarted provider finds running. */
  adopt(groups: readonly ResourceGroup[], hosts: readonly number[]): Reservation | null {
    const placements: Placement[] = [];
    let unit = 0;
    for (const group of groups) {
      for (let i = 0; i < group.count; i++, unit++) {
        const host = hosts[unit];
        const placement = host === undefined ? null : this.#placeOn(host, group.compute);
        if (placement === null) {
          this.release({ placements });
          return null;
        }
        placements.push(placement);
      }
    }
    return { placements };
  }

  /** Whether these groups would fit now. */
  fits(groups: readonly ResourceGroup[]): boolean {
    const first = groups[0];
    if (groups.length === 1 && first?.count === 1) return this.#hosts.some(host => hasRoom(host, first.compute));
    const reservation = this.reserve(groups);
    if (reservation === null) return false;
    this.release(reservation);
    return true;
  }

  release(reservation: Reservation): void {
    for (const one of reservation.placements) this.#take(one, -1);
  }

  #place(unit: ComputeUnit): Placement | null {
    for (let i = 0; i < this.#hosts.length; i++) {
      const placement = this.#placeOn(i, unit);
      if (placement !== null) return placement;
    }
    return null;
  }

  #placeOn(index: number, unit: ComputeUnit): Placement | null {
    const host = this.#hosts[index];
    if (host === undefined || !hasRoom(host, unit)) return null;
    const devices = devicesFor(host, unit.gpu) as number[];
    const perDevice = unit.gpu === 0 ? 0 : unit.gpu / devices.length;
    const placement = { host: index, unit, devices, perDevice };
    this.#take(placement, 1);
    return placement;
  }

  #take({ host: index, unit, devices, perDevice }: Placement, sign: 1 | -1): void {
    const host = this.#hosts[index] as Host;
    host.cpu -= sign * unit.cpu;
    host.memory -= sign * unit.memory;
    host.disk -= sign * unit.disk;
    host.bandwidth -= sign * unit.bandwidth;
    for (const device of devices) host.devices[device] = (host.devices[device] as number) - sign * perDevice;
    this.#usedCpu += sign * unit.cpu;
    this.#usedMemory += sign * unit.memory;
    this.#usedGpu += sign * unit.gpu;
  }
}
