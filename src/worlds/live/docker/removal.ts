/** Removing a container, whatever state it is in and whoever else is at it. */
import { type Engine, EngineError, isMissing } from './engine.ts';
import { pause } from './turns.ts';

/** How long the engine may take to remove a container with all that it wrote. */
const REMOVE_MS = 120_000;

/** How often and at what distance a container is looked at whose removal is under way. */
const LOOKS = 50;
const LOOK_MS = 200;

/** Removes a container, by its id or name, with its own volumes; one that is not there is none. Throws EngineError. */
export async function removeContainer(engine: Engine, container: string): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    try {
      await engine.call(
        'remove a container',
        (docker, abortSignal) => docker.getContainer(container).remove({ force: true, v: true, abortSignal }),
        REMOVE_MS,
      );
      return;
    } catch (error) {
      if (isMissing(error)) return;
      // The engine is at it already: done when there is nothing to remove any more.
      if (!(error instanceof EngineError) || error.status !== 409) throw error;
      await pause(LOOK_MS);
    }
  }
  throw new Error(`the removal of container ${container} does not end`);
}
