/**
 * Guard rail against hidden inputs. While an actor of a simulated world runs, everything through which the outside
 * could leak into it (clocks, timers, randomness, the process) throws an error that names the actor. The traps are set
 * once per run, not per event: between events, and in the lab's own callbacks, the globals work as ever.
 */

/** Globals that actors must not touch, where they exist. */
const TRAPPED_GLOBALS = [
  'Date',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'requestAnimationFrame',
  'performance',
  'fetch',
  'process',
  'crypto',
] as const;

/** Error of an actor that touched a global which would make runs differ. */
export class ForbiddenGlobalError extends Error {
  readonly actor: string;
  readonly global: string;

  constructor(actor: string, global: string) {
    super(
      `actor ${actor} touched ${global}; time comes with each input, randomness from its streams, all else from effects`,
    );
    this.name = 'ForbiddenGlobalError';
    this.actor = actor;
    this.global = global;
  }
}

/** Name of the actor that runs right now, in whichever world of this thread; null between events. */
let current: string | null = null;

/** Says which actor runs from now on; null when none does. Returns who ran before. */
export function setCurrentActor(name: string | null): string | null {
  const before = current;
  current = name;
  return before;
}

/** Sets the traps. The function that comes back takes them away again; call it in a `finally`. */
export function installTraps(): () => void {
  const undo: (() => void)[] = [];
  const target: object = globalThis;
  for (const name of TRAPPED_GLOBALS) {
    const before = Object.getOwnPropertyDescriptor(target, name);
    if (before === undefined || before.configurable !== true) continue;
    trap(target, name, name, before);
    undo.push(() => Object.defineProperty(target, name, before));
  }
  undo.push(replaceRandom());
  // An actor's module may have taken hold of Date earlier; the clock behind it is trapped as well.
  const clock: unknown = Reflect.get(target, 'Date');
  const now = typeof clock === 'function' ? Object.getOwnPropertyDescriptor(clock, 'now') : undefined;
  if (typeof clock === 'function' && now?.configurable === true) {
    trap(clock, 'now', 'Date.now', now);
    undo.push(() => Object.defineProperty(clock, 'now', now));
  }
  return () => {
    for (let i = undo.length - 1; i >= 0; i--) undo[i]!();
  };
}

/**
 * Math.random keeps its place as a plain property: turned into an accessor it would change the shape of Math, and with it
 * cost every Math.imul of every hash its place in compiled code.
 */
function replaceRandom(): () => void {
  const before = Math.random;
  Math.random = () => {
    if (current !== null) throw new ForbiddenGlobalError(current, 'Math.random');
    return before();
  };
  return () => {
    Math.random = before;
  };
}

function trap(holder: object, property: string, name: string, before: PropertyDescriptor): void {
  const read = before.get;
  let value: unknown = before.value;
  Object.defineProperty(holder, property, {
    configurable: true,
    enumerable: before.enumerable ?? false,
    get() {
      if (current !== null) throw new ForbiddenGlobalError(current, name);
      return read === undefined ? value : read.call(holder);
    },
    set(next: unknown) {
      if (current !== null) throw new ForbiddenGlobalError(current, name);
      if (before.set !== undefined) before.set.call(holder, next);
      else value = next;
    },
  });
}
