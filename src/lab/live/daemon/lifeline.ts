/**
 * What ends a daemon from outside: signals, and the end of whoever started it.
 *
 * The first SIGTERM or SIGINT asks it to stop in good order; another one ends it where it stands. A terminal, npm and the
 * launcher of this program may each pass on one Ctrl-C, so that signals which follow at once count as the same one.
 */
import { isSameAlive, startOf } from '../home/alive.ts';

/** Signals within this of the first are the same Ctrl-C. */
const SAME_SIGNAL_MS = 500;
const PARENT_POLL_MS = 500;

export interface LifelineOptions {
  /** Asks for a stop in good order, with the reason. Called at most once. */
  readonly stop: (reason: string) => void;
  /** Ends at once, with the reason. */
  readonly abandon: (reason: string) => void;
  /** Stops when this process is gone; null: nobody in particular. */
  readonly parent: number | null;
  /** Stops when this stream ends: whoever holds its other end is gone, or has closed it. Null: it is not looked at. */
  readonly stdin: NodeJS.ReadableStream | null;
  /** Where signals come from; a test has its own. */
  readonly signals?: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
  readonly now_ms?: () => number;
}

/** Watches until the returned function is called. */
export function watchLifeline(options: LifelineOptions): () => void {
  const { stop, abandon, parent, stdin, signals = process, now_ms = () => performance.now() } = options;
  let askedAt: number | null = null;
  const ask = (reason: string): void => {
    if (askedAt !== null) return;
    askedAt = now_ms();
    stop(reason);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (askedAt === null) ask(signal);
    else if (now_ms() - askedAt > SAME_SIGNAL_MS) abandon(`${signal}, for the second time`);
  };
  const names: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  for (const name of names) signals.on(name, onSignal);
  const onEnd = (): void => ask('its standard input was closed');
  // Data is read and dropped, because the end comes behind it.
  stdin?.on('end', onEnd).on('close', onEnd).on('error', onEnd).resume();
  const since = parent === null ? null : startOf(parent);
  const timer =
    parent === null
      ? null
      : setInterval(() => {
          if (!isSameAlive(parent, since)) ask(`its parent, process ${parent}, is gone`);
        }, PARENT_POLL_MS);
  return () => {
    for (const name of names) signals.off(name, onSignal);
    stdin?.removeListener('end', onEnd).removeListener('close', onEnd).removeListener('error', onEnd).pause();
    if (timer !== null) clearInterval(timer);
  };
}
