/** Does to the processes of a live run what its faults ask for. */

import { homePaths } from '../home/folder.ts';
import { type Child, StruckDown } from './children.ts';
import type { Field } from './faults.ts';
import type { PlannedMember } from './plan.ts';

export interface BattlefieldOptions {
  readonly members: readonly PlannedMember[];
  readonly children: ReadonlyMap<string, Child>;
  /** Kills one container of a provider. */
  readonly killWorkload: (provider: string) => Promise<void>;
  /** A process was started or has ended. */
  readonly onProcesses: () => void;
  readonly onError: (error: unknown) => void;
}

export class Battlefield implements Field {
  readonly everybody: readonly string[];
  readonly #options: BattlefieldOptions;
  readonly #addresses = new Map<string, string>();
  /** How many faults keep two apart: by name, then by the other's name. */
  readonly #apart = new Map<string, Map<string, number>>();

  constructor(options: BattlefieldOptions) {
    this.#options = options;
    this.everybody = options.members.map(one => one.name);
    for (const { name, address } of options.members) this.#addresses.set(name, address);
  }

  kill(name: string): void {
    this.#child(name).kill();
  }

  /** Faults may overlap: who runs already is left alone, and a start that the next fault cuts short is no failure. */
  revive(name: string): void {
    const child = this.#child(name);
    this.#bringBack(child).catch(this.#options.onError);
  }

  async #bringBack(child: Child): Promise<void> {
    // Another fault that ends at the same time may start it first.
    while (child.pid !== null) {
      if (child.isRunning) return;
      await child.gone();
    }
    const ready = child.start();
    this.#options.onProcesses();
    try {
      await ready;
    } catch (error) {
      if (!(error instanceof StruckDown)) throw error;
    }
  }

  pause(name: string): void {
    this.#child(name).signal('SIGSTOP');
  }

  resume(name: string): void {
    this.#child(name).signal('SIGCONT');
  }

  dataOf(name: string): string {
    return homePaths(this.#child(name).home).data;
  }

  separate(left: readonly string[], right: readonly string[], on: boolean): void {
    const changed = new Set<string>();
    for (const one of left)
      for (const other of right) {
        if (one === other) continue;
        this.#count(one, other, on);
        this.#count(other, one, on);
        changed.add(one).add(other);
      }
    for (const name of changed) {
      const others = [...(this.#apart.get(name) ?? [])].flatMap(([other, count]) => (count > 0 ? [other] : []));
      this.#child(name).order({ type: 'shutOut', peers: this.#known(others) });
    }
  }

  breakConnections(left: readonly string[], right: readonly string[]): void {
    for (const one of left) {
      const others = right.filter(other => other !== one);
      this.#child(one).order({ type: 'breakConnections', peers: this.#known(others) });
    }
  }

  killWorkload(provider: string): void {
    this.#options.killWorkload(provider).catch(this.#options.onError);
  }

  /** Whoever calls is known to the called by its name or, where that is not in the directory, by its account. */
  #known(names: readonly string[]): string[] {
    return names.flatMap(name => [name, this.#addresses.get(name) as string]);
  }

  #count(one: string, other: string, on: boolean): void {
    const counts = this.#apart.get(one) ?? new Map<string, number>();
    this.#apart.set(one, counts);
    counts.set(other, Math.max(0, (counts.get(other) ?? 0) + (on ? 1 : -1)));
  }

  #child(name: string): Child {
    const child = this.#options.children.get(name);
    if (child === undefined) throw new Error(`found the participant ${name}, expected one of the scenario`);
    return child;
  }
}
