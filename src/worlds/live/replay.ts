/**
 * Feeds what was recorded of an actor to a fresh one, and compares what that does. The same code with the same seed and
 * the same inputs does the same; where it does not, the first difference is named.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Actor } from '../../actors/actor.ts';
import type { Effect } from './effect.ts';
import { EffectCalls } from './effect-calls.ts';
import type { ParticipantPorts } from './participant-options.ts';
import type { MessageCodec } from './ports.ts';
import { randomStream } from './random.ts';
import { FORMAT, type RecordedEntry } from './record-format.ts';

/** Where an actor first did something else than was recorded. */
export interface RecordingDifference<Message> {
  /** Number of the input to which it was an answer. */
  readonly input: number;
  /** Number of the effect. */
  readonly effect: number;
  /** What was recorded; null: nothing more. */
  readonly expected: Effect<Message> | null;
  /** What the fresh actor did; null: nothing more. */
  readonly found: Effect<Message> | null;
}

/** What a replay came to. */
export interface ReplayResult<Message> {
  /** Inputs and effects that were compared. */
  readonly inputs: number;
  readonly effects: number;
  readonly difference: RecordingDifference<Message> | null;
}

/**
 * Replays a recording. What the last input led to counts only as far as it was recorded.
 * @param start makes the actor, as the participant did
 * @throws Error when the recording is none, or the fresh actor throws
 */
export function replayRecording<Message, Request>(
  entries: Iterable<RecordedEntry<Message, Request>>,
  start: (ports: ParticipantPorts) => Actor<Message, Request>,
  codec: MessageCodec<Message>,
): ReplayResult<Message> {
  const iterator = entries[Symbol.iterator]();
  const head = iterator.next().value as RecordedEntry<Message, Request> | undefined;
  if (head?.kind !== 'head' || head.format !== FORMAT) {
    throw new Error(`found ${head === undefined ? 'nothing' : head.kind}, expected the head of a recording`);
  }
  const actor = start({ random: purpose => randomStream(head.seed, purpose) });
  let done: Effect<Message>[] = [];
  const calls = new EffectCalls<Message>(effect => void done.push(copied(effect)));
  let inputs = 0;
  let effects = 0;
  /** How many effects of the current input were compared. */
  let compared = 0;
  const differs = (expected: Effect<Message> | null, found: Effect<Message> | null): ReplayResult<Message> => ({
    inputs,
    effects,
    difference: { input: inputs - 1, effect: effects, expected, found },
  });
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
    const entry = next.value;
    if (entry.kind === 'input') {
      if (compared < done.length) return differs(null, done[compared]!);
      inputs++;
      done = [];
      compared = 0;
      actor.receive(entry.input, entry.now, calls);
    } else if (entry.kind === 'effect') {
      const found = done[compared] ?? null;
      if (found === null || !isSame(entry.effect, found, codec)) return differs(entry.effect, found);
      compared++;
      effects++;
    } else if (entry.kind === 'end') {
      break;
    } else {
      throw new Error(`found ${entry.kind} after ${inputs} inputs, expected an input or an effect`);
    }
  }
  return { inputs, effects, difference: null };
}

/** Whether two effects are the same. Messages are when their bytes are. */
function isSame<Message>(expected: Effect<Message>, found: Effect<Message>, codec: MessageCodec<Message>): boolean {
  if (expected.kind !== 'send' || found.kind !== 'send') return isDeepStrictEqual(plain(expected), plain(found));
  if (expected.connection !== found.connection) return false;
  return Buffer.compare(codec.encode(expected.message), codec.encode(found.message)) === 0;
}

/** Bytes compare as bytes, whatever kind of array holds them. */
function plain<Message>(effect: Effect<Message>): unknown {
  if (effect.kind === 'append') return { ...effect, entry: Uint8Array.from(effect.entry) };
  if (effect.kind === 'put') return { ...effect, value: Uint8Array.from(effect.value) };
  return effect;
}

/** The actor may go on to change what it has written. */
function copied<Message>(effect: Effect<Message>): Effect<Message> {
  if (effect.kind === 'append') return { ...effect, entry: Uint8Array.from(effect.entry) };
  if (effect.kind === 'put') return { ...effect, value: Uint8Array.from(effect.value) };
  return effect;
}
