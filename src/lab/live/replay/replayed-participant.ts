/**
 * One participant over all of its recorded incarnations, replayed input by input: what it is given next, what came of it,
 * and how far its recordings can be relied on by others.
 */
import type { PeerName, Time } from '../../../actors/actor.ts';
import type { NodeOptions } from '../../../actors/validator/node.ts';
import type { Wire } from '../../../actors/wire.ts';
import { wireCodec } from '../../../actors/wire-bytes.ts';
import { DamagedRecording } from '../../../worlds/live/record-files.ts';
import { readFiles } from '../../../worlds/live/record-reader.ts';
import { type RecordedInput, Replay, type Told } from '../../../worlds/live/replay.ts';
import { parsePeerAddress } from '../../../worlds/live/transport/peer-address.ts';
import { engineOf, VERSION } from '../../experiment/version-node.ts';
import { InvalidScenario } from '../../scenario/problem.ts';
import { recordingOf } from '../daemon/recordings.ts';
import type { Directory } from '../home/config-types.ts';
import { UnusableHome } from '../home/files.ts';
import type { FoundRecording, RecordedParticipant } from './find-recordings.ts';
import { type RecordedActor, recordedActor } from './recorded-actor.ts';
import { differenceTexts, inputText, timeText } from './recording-text.ts';

/**
 * What became of a recording. `unsent`: it has an input that nobody sent; `disorder`: it has one that did not come in its
 * turn, or otherwise than any world would have it.
 */
export type Outcome = 'same' | 'differs' | 'unsent' | 'disorder' | 'damaged' | 'unreadable';

export interface ReplayedRecording {
  readonly participant: string;
  readonly incarnation: number;
  readonly inputs: number;
  readonly effects: number;
  /** First and newest block that it executed; null: none. */
  readonly heights: readonly [first: number, last: number] | null;
  readonly outcome: Outcome;
  /** How the incarnation ended. `killed`: nobody wrote it down. Null where the replay did not come to its end. */
  readonly end: 'closed' | 'halted' | 'failed' | 'cut' | 'killed' | null;
  /** Where the recording was torn; null: nowhere. */
  readonly torn: string | null;
  /** What is wrong, a line each. */
  readonly problems: readonly string[];
  /** The time of the first input that is wrong, by the participant's clock; null: none, or nobody knows. */
  readonly wrongAt: Time | null;
}

/** An input, who sent it if it is a message of somebody known, and what identifies that. */
export interface NextInput extends RecordedInput<Wire, unknown> {
  readonly from: string | null;
}

export type Watch = (participant: string, ...executed: Parameters<NonNullable<NodeOptions['watch']>>) => void;

interface Current {
  readonly found: FoundRecording;
  readonly actor: RecordedActor;
  readonly replay: Replay<Wire, unknown>;
  /** Peers of open connections, by address. */
  readonly peers: Map<number, string>;
  torn: string | null;
}

export class ReplayedParticipant {
  readonly name: string;
  readonly address: string;
  readonly isNode: boolean;
  /**
   * What is known of what it did: all so far; only what came first, because its replay had to stop; or nothing for sure,
   * because a start is missing, or a recording ended before its incarnation.
   */
  extent: 'all' | 'beginning' | 'nothing';
  isByzantine = false;
  /** The time of its own clock when it was given something last. */
  now: Time = 0;
  readonly done: ReplayedRecording[] = [];
  readonly #watch: Watch;
  readonly #given: readonly FoundRecording[];
  readonly #left: FoundRecording[];
  #current: Current | null = null;
  #heights: [number, number] | null = null;

  constructor({ name, address, role, recordings }: RecordedParticipant, watch: Watch) {
    this.name = name;
    this.address = address;
    this.isNode = role === 'node';
    this.extent = recordings.every(({ files }, i) => files.incarnation === i) ? 'all' : 'nothing';
    this.#watch = watch;
    this.#given = recordings;
    this.#left = [...recordings];
  }

  /** Whether all that it did so far is known. */
  get isReliable(): boolean {
    return this.extent === 'all';
  }

  /** Which of its starts this is. */
  get incarnation(): number {
    return this.#current?.found.files.incarnation ?? -1;
  }

  /** The address of a peer, by the name that it has for this participant; null: nobody knows. */
  addressOf(peer: PeerName): string | null {
    const directory: Directory = this.#current?.actor.directory ?? {};
    return directory[peer]?.address ?? parsePeerAddress(peer)?.address ?? (peer.startsWith('akash1') ? peer : null);
  }

  /** Who is at the other end of a connection, by address; null: nobody knows. */
  peerOf(connection: number): string | null {
    return this.#current?.peers.get(connection) ?? null;
  }

  /** Goes on to the next incarnation where one is over. Resolves to what is to be given next; null: all is over. */
  async next(): Promise<NextInput | null> {
    for (;;) {
      if (this.#current === null) {
        const found = this.#left.shift();
        if (found === undefined) return null;
        await this.#begin(found);
        continue;
      }
      const given = this.#guard(current => current.replay.next);
      if (given !== null) {
        const { input } = given;
        return { ...given, from: input.kind === 'message' ? this.addressOf(input.from) : null };
      }
      if (this.#current !== null) this.#end(this.#current, 'same', []);
    }
  }

  /** Gives it what is next; what it did. */
  step({ input, now }: NextInput): readonly Told<Wire>[] {
    this.now = now;
    const peers = this.#current?.peers;
    if (input.kind === 'connected') {
      const address = this.addressOf(input.peer);
      if (address !== null) peers?.set(input.connection, address);
    }
    const told = this.#guard(current => current.replay.step()) ?? [];
    if (input.kind === 'disconnected') peers?.delete(input.connection);
    const current = this.#current;
    const difference = current?.replay.result.difference ?? null;
    if (current !== null && difference !== null) {
      const place = this.#placeOf(current.found, difference.given);
      if (difference.fault !== null) this.#end(current, 'disorder', [place, `  expected: ${difference.fault}`]);
      else {
        const { expected, found } = differenceTexts(difference);
        const effect = `  expected effect ${difference.effect}: ${expected}`;
        this.#end(current, 'differs', [place, effect, `  found: ${found}`]);
      }
    }
    return told;
  }

  /** What it is to be given next was never sent by whom it is said to come from, whose name is given. */
  refuse(next: NextInput, sender: string): void {
    const current = this.#current;
    if (current === null) return;
    this.now = next.now;
    this.#end(current, 'unsent', [
      this.#placeOf(current.found, next),
      `  expected: what ${sender} has sent`,
      '  found: a message that it never sent',
    ]);
  }

  /** An input of a recording that was replayed was not to come there, which `why` tells in lines. */
  accuse(incarnation: number, input: number, why: readonly string[]): void {
    const at = this.done.findIndex(one => one.incarnation === incarnation);
    const one = this.done[at];
    if (one === undefined) return;
    const found = this.#given.find(({ files }) => files.incarnation === incarnation)!;
    for (const entry of readFiles<Wire, unknown>(found.files, wireCodec)) {
      if (entry.kind !== 'input' || entry.index !== input) continue;
      const problems = [...one.problems, placeOf(this.name, incarnation, entry, null), ...why];
      const wrongAt = Math.min(entry.now, one.wrongAt ?? entry.now);
      this.done[at] = { ...one, outcome: one.outcome === 'same' ? 'disorder' : one.outcome, problems, wrongAt };
      return;
    }
  }

  async #begin(found: FoundRecording): Promise<void> {
    const { files } = found;
    this.#heights = null;
    try {
      const { origin } = recordingOf(files);
      const actor = await recordedActor(files.files[0]!, origin, (...executed) => {
        const { height } = executed[1];
        this.#heights = [this.#heights?.[0] ?? height, Math.max(height, this.#heights?.[1] ?? 0)];
        this.#watch(this.name, ...executed);
      });
      this.isByzantine ||= actor.isByzantine;
      let torn: string | null = null;
      const entries = readFiles<Wire, unknown>(files, wireCodec, line => {
        torn = line;
        if (this.#current?.found === found) this.#current.torn = line;
      });
      const replay = new Replay(entries, ports => actor.start(ports), wireCodec);
      this.#current = { found, actor, replay, peers: new Map(), torn };
    } catch (error) {
      const outcome = error instanceof DamagedRecording ? 'damaged' : isForeseen(error) ? 'unreadable' : null;
      if (outcome === null) throw error;
      this.#note(found, outcome, [(error as Error).message]);
    }
  }

  /** Does something that may find the recording damaged, which ends it. */
  #guard<T>(action: (current: Current) => T): T | null {
    const current = this.#current;
    if (current === null) return null;
    try {
      return action(current);
    } catch (error) {
      if (!(error instanceof DamagedRecording)) throw error;
      this.#end(current, 'damaged', [error.message]);
      return null;
    }
  }

  #end({ found, replay, torn }: Current, outcome: Outcome, problems: readonly string[]): void {
    const { inputs, effects } = replay.result;
    const end = outcome === 'same' ? (replay.end?.how ?? 'killed') : null;
    this.#current = null;
    this.#note(found, outcome, problems, { inputs, effects, end, torn });
  }

  #note(
    { files, code }: FoundRecording,
    outcome: Outcome,
    problems: readonly string[],
    reached: Pick<ReplayedRecording, 'inputs' | 'effects' | 'end' | 'torn'> = {
      inputs: 0,
      effects: 0,
      end: null,
      torn: null,
    },
  ): void {
    if (reached.end === 'cut') this.extent = 'nothing';
    else if (outcome !== 'same' && this.extent === 'all') this.extent = 'beginning';
    const other =
      outcome === 'differs' && !isThisCode(code)
        ? [`  it was recorded by ${codeText(code)}, this is ${codeText(THIS)}`]
        : [];
    this.done.push({
      participant: this.name,
      incarnation: files.incarnation,
      ...reached,
      heights: this.#heights,
      outcome,
      problems: [...problems, ...other],
      wrongAt: outcome === 'same' || this.now === 0 ? null : this.now,
    });
  }

  #placeOf({ files }: FoundRecording, given: RecordedInput<Wire, unknown>): string {
    return placeOf(this.name, files.incarnation, given, this.#heights?.[1] ?? null);
  }
}

/** An input in words: whose, which one, when, what. */
function placeOf(
  name: string,
  incarnation: number,
  { index, now, input }: RecordedInput<Wire, unknown>,
  height: number | null,
): string {
  const after = height === null ? '' : `, after block ${height}`;
  return `${name}, incarnation ${incarnation}, input ${index} at ${timeText(now)}${after}: ${inputText(input)}`;
}

type Code = FoundRecording['code'];
const THIS: Code = { version: VERSION, node: engineOf().node };

function isThisCode({ version, node }: Code): boolean {
  return version === THIS.version && node === THIS.node;
}

function codeText({ version, node }: Code): string {
  return `orrery ${version} on Node.js ${node}`;
}

/** Errors of a recording that some other version made. */
function isForeseen(error: unknown): error is Error {
  return error instanceof UnusableHome || error instanceof InvalidScenario;
}
