/**
 * What the faults of a scenario are once they have been read: whom each strikes, and what it does.
 */

export type FaultTarget =
  /** A single participant: member `index` of the class. */
  | { readonly kind: 'participant'; readonly class: string; readonly index: number }
  | { readonly kind: 'class'; readonly class: string }
  | { readonly kind: 'region'; readonly region: string }
  | { readonly kind: 'host'; readonly class: string; readonly index: number; readonly host: number }
  | { readonly kind: 'several'; readonly of: readonly FaultTarget[] };

/** What a fault does, in the words of the simulated world, with what it needs to know beside its target. */
export type FaultAction =
  /** The process dies and starts again when the fault is over; `silent`: its machine is off and tells nobody. */
  | { readonly kind: 'crash'; readonly silent: boolean }
  /** The process dies and starts again at once. */
  | { readonly kind: 'restart' }
  /** The process stands still. */
  | { readonly kind: 'pause' }
  /** The process dies, and its disk is empty when it starts again. */
  | { readonly kind: 'diskLoss' }
  /** A host of a provider goes away with all that runs on it; without a host in the target, all of its hosts. */
  | { readonly kind: 'hostOutage' }
  /** Cut off, as a group, from everybody else; or, with `groups` (then the target is all of them), from each other. */
  | { readonly kind: 'partition'; readonly groups?: readonly FaultTarget[] | undefined }
  /** No packet passes between the two (`oneWay`: none from the target to `to`). */
  | { readonly kind: 'cut'; readonly to: FaultTarget; readonly oneWay: boolean }
  /** Packets from and to the target (or between it and `to`) wait, or take `by` longer; `by` null: wait to the end. */
  | {
      readonly kind: 'clog';
      readonly to: FaultTarget | null;
      readonly by: number | null;
      /** Only packets from the target to `to`. */
      readonly oneWay?: boolean | undefined;
    }
  /** A random half is clogged one after the other, and released in another random order. */
  | { readonly kind: 'swizzle' }
  /** Connections of the target (or between it and `to`) break; see InFlight in the simulated world. */
  | {
      readonly kind: 'break';
      readonly to: FaultTarget | null;
      readonly inFlight: 'lost' | 'late' | 'repeated';
      /** How much later the other side is told, and gets what was in flight. */
      readonly late: number;
    }
  /** New connections to the target are refused. */
  | { readonly kind: 'refuse' }
  /** Inputs are handled one after the other, each taking `factor` times what it costs. */
  | { readonly kind: 'slowCpu'; readonly factor: number }
  /** The process dies, and finds its disk as it was at time `to` when it starts again. */
  | { readonly kind: 'diskRollback'; readonly to: number }
  /** Some log entries or stored values can no longer be read. */
  | { readonly kind: 'bitRot'; readonly of: 'log' | 'store'; readonly count: number }
  /** The disk takes `factor` times as long. */
  | { readonly kind: 'slowDisk'; readonly factor: number }
  | { readonly kind: 'fullDisk' }
  | { readonly kind: 'ioError' }
  /** The clock is moved by so many microseconds, back if negative. */
  | { readonly kind: 'clockStep'; readonly by: number }
  /** The clock runs so many parts per million fast, slow if negative. */
  | { readonly kind: 'clockDrift'; readonly ppm: number }
  /** Each of the provider's workloads ends so long after every start. */
  | { readonly kind: 'crashLoop'; readonly after: number; readonly outOfMemory: boolean }
  /** One of the provider's workloads ends. */
  | { readonly kind: 'workloadCrash'; readonly outOfMemory: boolean };

export type FaultKind = FaultAction['kind'];

export type Fault = FaultAction & {
  /** microseconds */
  readonly at: number;
  readonly target: FaultTarget;
  /** microseconds; null: until the end of the run */
  readonly for: number | null;
};
