/**
 * The channel between a daemon and the launcher that started it, if there is one: reports out, orders in. A daemon whose
 * launcher is gone ends, because nobody is left to end it.
 */
import type { Order, Report } from '../run/words.ts';
import type { Daemon, Onlooker } from './daemon.ts';

/** The end of the platform's channel that a child process has. */
export interface ChildEnd {
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  onDisconnect(listener: () => void): void;
  disconnect(): void;
}

/** This process's channel, or null where nobody started it with one. */
export function channelOfProcess(): ChildEnd | null {
  if (process.send === undefined) return null;
  return {
    send: message => {
      // A launcher that is gone is told by the end of the channel, not by each report that it misses.
      if (process.connected) process.send?.(message, () => undefined);
    },
    onMessage: listener => void process.on('message', listener),
    onDisconnect: listener => void process.once('disconnect', listener),
    disconnect: () => {
      if (process.connected) process.disconnect?.();
    },
  };
}

export class Channel {
  readonly #end: ChildEnd;
  #daemon: Daemon | null = null;
  #shutOut: ReadonlySet<string> = new Set();
  /** What came before the daemon was there. */
  #early: Order[] = [];
  readonly #stop: (reason: string, stopWorkloads: boolean) => void;

  /** @param stop asks for the end of this process */
  constructor(end: ChildEnd, stop: (reason: string, stopWorkloads: boolean) => void) {
    this.#end = end;
    this.#stop = stop;
    end.onMessage(message => this.#obey(message as Order));
    end.onDisconnect(() => stop('its launcher is gone', true));
  }

  /** What looks on at the daemon, for the launcher. */
  get onlooker(): Onlooker {
    return {
      observed: (metric, value, label, time) =>
        this.#tell({ type: 'observed', metric, value, label: label ?? undefined, time }),
      executed: (height, hash, appHash, time) => this.#tell({ type: 'executed', height, hash, appHash, time }),
      workload: (workload, image, start_us, stop_us) =>
        this.#tell({ type: 'workload', workload, image, pull_us: null, start_us, stop_us }),
    };
  }

  /** The daemon takes part. */
  ready(daemon: Daemon): void {
    this.#daemon = daemon;
    this.#tell({ type: 'ready', api: daemon.api.url });
    const early = this.#early;
    this.#early = [];
    for (const order of early) this.#obey(order);
  }

  halted(reason: string): void {
    this.#tell({ type: 'halted', reason });
  }

  close(): void {
    this.#end.disconnect();
  }

  #tell(report: Report): void {
    this.#end.send(report);
  }

  #obey(order: Order): void {
    if (order.type === 'stop') {
      this.#stop('its launcher wants it to', true);
      return;
    }
    const daemon = this.#daemon;
    if (daemon === null) {
      this.#early.push(order);
      return;
    }
    switch (order.type) {
      case 'request': {
        const { id } = order;
        const answer = (value: unknown): void => this.#tell({ type: 'reply', id, answer: value });
        daemon.request(order.request).then(answer, (error: Error) => {
          answer({ ok: false, code: 'not_running', detail: error.message });
        });
        return;
      }
      case 'shutOut':
        this.#shutOut = new Set(order.peers);
        daemon.shutOut(this.#shutOut);
        return;
      case 'breakConnections':
        // To shut somebody out closes what is open; to let him in again does not open it.
        daemon.shutOut(new Set([...this.#shutOut, ...order.peers]));
        daemon.shutOut(this.#shutOut);
        return;
    }
  }
}
