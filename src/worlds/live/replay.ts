/**
 * Feeds what was recorded of an actor to a fresh one, and compares what that does. The same code with the same seed and
 * the same inputs does the same; where it does not, the first difference is named.
 *
 * A replay goes input by input, so that those of several participants can be brought into one order.
 */
import { isDeepStrictEqual } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import type { Actor, Input, Time } from '../../actors/actor.ts';
import type { Effect } from './effect.ts';
import { EffectCalls } from './effect-calls.ts';
import { InputCheck } from './input-check.ts';
import type { ParticipantPorts } from './participant-options.ts';
import type { MessageCodec } from './ports.ts';
import { randomStream } from './random.ts';
import { DamagedRecording } from './record-files.ts';
import { FORMAT, type RecordedEntry } from './record-format.ts';
import type { RecordingEnd } from './recorder.ts';

/** What an actor did: an effect, or what it let be seen beside them. */
export type Told<Message> = Effect<Message> | { readonly kind: 'shown'; readonly value: unknown };

/** An input with its number, counted from 0. */
export interface RecordedInput<Message, Request> {
  readonly index: number;
  readonly now: Time;
  readonly input: Input<Message, Request>;
}

/** Where an actor first did something else than was recorded. */
export interface RecordingDifference<Message, Request = unknown> {
  /** Number of the input to which it was an answer. */
  readonly input: number;
  /** That input. */
  readonly given: RecordedInput<Message, Request>;
  /** Number of the effect. */
  readonly effect: number;
  /** What was recorded; null: nothing more. */
  readonly expected: Told<Message> | null;
  /** What the fresh actor did; null: nothing more. */
  readonly found: Told<Message> | null;
  /** What the fresh actor threw in the middle of it. */
  readonly threw: unknown;
  /** What a world would have given instead of that input, in words; the actor was not given it. Null: it is one. */
  readonly fault: string | null;
}

/** What a replay came to. */
export interface ReplayResult<Message, Request = unknown> {
  /** Inputs and effects that were compared. */
  readonly inputs: number;
  readonly effects: number;
  readonly difference: RecordingDifference<Message, Request> | null;
}

type Entry<Message, Request> = RecordedEntry<Message, Request>;
export type Head = Extract<Entry<unknown, unknown>, { kind: 'head' }>;

export class Replay<Message, Request> {
  readonly head: Head;
  private readonly entries: Iterator<Entry<Message, Request>>;
  private readonly codec: MessageCodec<Message>;
  private readonly actor: Actor<Message, Request>;
  private readonly calls: EffectCalls<Message>;
  private readonly check: InputCheck;
  private ahead: Entry<Message, Request> | null;
  private done: Told<Message>[] = [];
  private inputs = 0;
  private effects = 0;
  private found: RecordingDifference<Message, Request> | null = null;

  /**
   * @param entries a recording, from its head on
   * @param start makes the actor, as the participant did
   * @throws Error when the recording is none
   */
  constructor(
    entries: Iterable<Entry<Message, Request>>,
    start: (ports: ParticipantPorts, head: Head) => Actor<Message, Request>,
    codec: MessageCodec<Message>,
  ) {
    this.entries = entries[Symbol.iterator]();
    this.codec = codec;
    const head = this.take();
    if (head?.kind !== 'head' || head.format !== FORMAT) {
      throw new DamagedRecording(`found ${head === null ? 'nothing' : head.kind}, expected the head of a recording`);
    }
    this.head = head;
    this.check = new InputCheck(head.incarnation);
    this.calls = new EffectCalls<Message>(effect => void this.done.push(copied(effect)));
    const { seed, secret } = head;
    const ports: ParticipantPorts = {
      random: purpose => randomStream(seed, purpose),
      secret: purpose => randomStream(secret, purpose),
      show: value => void this.done.push({ kind: 'shown', value }),
    };
    this.actor = start(ports, head);
    this.ahead = this.take();
  }

  /** What the actor is to be given next; null when the recording is over, or the actor did something else. */
  get next(): RecordedInput<Message, Request> | null {
    if (this.found !== null || this.ahead === null || this.ahead.kind === 'end') return null;
    if (this.ahead.kind === 'input') return this.ahead;
    throw new DamagedRecording(`found ${this.ahead.kind} after ${this.inputs} inputs, expected an input`);
  }

  /** How the incarnation ended; null: not reached, or nobody wrote it down, as in a process that is killed. */
  get end(): RecordingEnd | null {
    return this.ahead?.kind === 'end' ? this.ahead : null;
  }

  get result(): ReplayResult<Message, Request> {
    return { inputs: this.inputs, effects: this.effects, difference: this.found };
  }

  /**
   * Gives the actor what is next, and compares. What the last input led to counts only as far as it was recorded.
   * @returns all that the actor did
   */
  step(): readonly Told<Message>[] {
    const given = this.next;
    if (given === null) throw new Error('found no further input, expected one to give to the actor');
    const fault = this.check.fault(given);
    if (fault !== null) {
      const { effects } = this;
      this.found = { input: given.index, given, effect: effects, expected: null, found: null, threw: null, fault };
      return [];
    }
    this.inputs++;
    this.done = [];
    let threw: unknown = null;
    try {
      this.actor.receive(given.input, given.now, this.calls);
    } catch (error) {
      threw = error ?? new Error('no reason given');
    }
    this.check.note(this.done);
    this.ahead = this.take();
    this.compare(given, threw);
    return this.done;
  }

  private compare(given: RecordedInput<Message, Request>, threw: unknown): void {
    let compared = 0;
    const differs = (expected: Told<Message> | null, found: Told<Message> | null): void => {
      this.found = { input: given.index, given, effect: this.effects, expected, found, threw, fault: null };
    };
    for (let expected = toldOf(this.ahead); expected !== null; expected = toldOf(this.ahead)) {
      const found = this.done[compared] ?? null;
      if (found === null || !isSame(expected, found, this.codec)) {
        differs(expected, found);
        return;
      }
      compared++;
      if (expected.kind !== 'shown') this.effects++;
      this.ahead = this.take();
    }
    // An actor that threw was recorded to have failed, and was given nothing more.
    if (threw !== null && this.end?.how !== 'failed') differs(null, this.done[compared] ?? null);
    else if (this.ahead?.kind === 'input' && compared < this.done.length) differs(null, this.done[compared]!);
  }

  private take(): Entry<Message, Request> | null {
    const next = this.entries.next();
    return next.done === true ? null : next.value;
  }
}

/**
 * Replays a recording to its end, or to the first difference.
 * @param start makes the actor, as the participant did
 * @throws Error when the recording is none
 */
export function replayRecording<Message, Request>(
  entries: Iterable<Entry<Message, Request>>,
  start: (ports: ParticipantPorts) => Actor<Message, Request>,
  codec: MessageCodec<Message>,
): ReplayResult<Message, Request> {
  const replay = new Replay(entries, ports => start(ports), codec);
  while (replay.next !== null) replay.step();
  return replay.result;
}

function toldOf<Message>(entry: Entry<Message, unknown> | null): Told<Message> | null {
  if (entry?.kind === 'effect') return entry.effect;
  return entry?.kind === 'shown' ? entry : null;
}

/** Whether two effects are the same. Messages are when their bytes are. */
function isSame<Message>(expected: Told<Message>, found: Told<Message>, codec: MessageCodec<Message>): boolean {
  if (expected.kind === 'send' && found.kind === 'send') {
    if (expected.connection !== found.connection) return false;
    return Buffer.compare(codec.encode(expected.message), codec.encode(found.message)) === 0;
  }
  if (expected.kind !== found.kind) return false;
  return isDeepStrictEqual(plain(expected), plain(found));
}

/** What an effect is once it has been written down: bytes are bytes whatever kind of array holds them. */
function plain<Message>(told: Told<Message>): unknown {
  switch (told.kind) {
    case 'append':
      return { ...told, entry: Uint8Array.from(told.entry) };
    case 'put':
      return { ...told, value: Uint8Array.from(told.value) };
    case 'reply':
    case 'ask':
    case 'shown':
      return deserialize(serialize(told));
    default:
      return told;
  }
}

/** The actor may go on to change what it has written. */
function copied<Message>(effect: Effect<Message>): Effect<Message> {
  if (effect.kind === 'append') return { ...effect, entry: Uint8Array.from(effect.entry) };
  if (effect.kind === 'put') return { ...effect, value: Uint8Array.from(effect.value) };
  return effect;
}
