/**
 * A daemon's end of the channel to the launcher that started it: orders come in, reports go out. A launcher that is gone
 * takes its daemons with it, workloads included.
 */
import type { Daemon, Onlooker } from '../daemon/daemon.ts';
import type { Order, Report } from './words.ts';

/** Reports that wait for a launcher which does not read; beyond, it is as good as gone. */
const MAX_WAITING = 100_000;

const US_PER_MS = 1_000;

/** Metrics that a launcher has a use for: of consensus, services and manifests, but not every refusal of every actor. */
const TOLD: ReadonlySet<string> = new Set(['default', 'service', 'manifest_accepted', 'manifest_refused']);

function isTold(metric: string): boolean {
  return TOLD.has(metric) || metric.startsWith('consensus/') || metric.startsWith('node/');
}

export interface Lead {
  readonly onlooker: Onlooker;
  /** Obeys from now on. */
  attach(daemon: Daemon): void;
  /** The daemon could not be started, or is over. */
  detach(): void;
}

/** The channel of this process to its launcher; null when nobody leads it. */
export function leadOf(channel: NodeJS.Process): Lead | null {
  if (channel.send === undefined) return null;
  let waiting = 0;
  let gone: () => void = () => undefined;
  const tell = (report: Report): void => {
    if (!channel.connected) return;
    waiting += 1;
    if (waiting > MAX_WAITING) {
      channel.disconnect?.();
      return;
    }
    channel.send?.(report, undefined, undefined, () => {
      waiting -= 1;
    });
  };
  const onlooker: Onlooker = {
    observed: (metric, value, label, time) => {
      if (isTold(metric)) tell({ type: 'observed', metric, value, label: label ?? undefined, time });
    },
    executed: (height, hash, appHash) =>
      tell({ type: 'executed', height, hash, appHash, time: Date.now() * US_PER_MS }),
    workload: (workload, image, start_us, stop_us) =>
      tell({ type: 'workload', workload, image, pull_us: null, start_us, stop_us }),
  };
  return {
    onlooker,
    attach(daemon) {
      const obedience = new Obedience(daemon, tell);
      channel.on('message', order => obedience.obey(order as Order));
      gone = () => void daemon.stop({ stopWorkloads: true });
      channel.once('disconnect', gone);
      void daemon.ended.then(({ how, reason }) => {
        if (how !== 'stopped') tell({ type: 'halted', reason });
      });
      tell({ type: 'ready', api: daemon.api.url });
      if (!channel.connected) gone();
    },
    detach() {
      channel.off('disconnect', gone);
      channel.removeAllListeners('message');
      if (channel.connected) channel.disconnect?.();
    },
  };
}

class Obedience {
  readonly #daemon: Daemon;
  readonly #tell: (report: Report) => void;
  #shutOut: readonly string[] = [];

  constructor(daemon: Daemon, tell: (report: Report) => void) {
    this.#daemon = daemon;
    this.#tell = tell;
  }

  obey(order: Order): void {
    switch (order.type) {
      case 'request':
        this.#daemon.request(order.request).then(
          answer => this.#tell({ type: 'reply', id: order.id, answer }),
          (error: unknown) => {
            const detail = error instanceof Error ? error.message : String(error);
            this.#tell({ type: 'reply', id: order.id, answer: { ok: false, code: 'ended', detail } });
          },
        );
        return;
      case 'shutOut':
        this.#shutOut = order.peers;
        this.#daemon.shutOut(new Set(order.peers));
        return;
      case 'breakConnections':
        // Shut out for no time: what stands is closed, what comes next is welcome.
        this.#daemon.shutOut(new Set([...this.#shutOut, ...order.peers]));
        this.#daemon.shutOut(new Set(this.#shutOut));
        return;
      case 'stop':
        void this.#daemon.stop({ stopWorkloads: true });
        return;
    }
  }
}
