/** Ctrl-C: work is ended, what it left half-done is removed, and only then does the process end. */

/**
 * Runs something that can be aborted. SIGINT and SIGTERM abort it; it cleans up and throws Interrupted. A second signal
 * changes nothing, because npm and a terminal may both pass on the first.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  process.on('SIGINT', abort);
  process.on('SIGTERM', abort);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
  }
}
