/**
 * Replays the recordings of a network in one order, and looks on as one looks on at a run: every actor does again what was
 * recorded, all nodes have one state at every height, what was received was sent, and the monitors of consensus hear what
 * every node heard.
 *
 * The order is that of the clocks, but nothing is received before it is sent. Where the next input of everybody waits for
 * somebody, one of them has received what was never sent.
 */
import type { PeerName } from '../../../actors/actor.ts';
import type { Wire } from '../../../actors/wire.ts';
import type { Told } from '../../../worlds/live/replay.ts';
import { ConsensusWatch } from '../../experiment/consensus-watch.ts';
import { MonitorViolation } from '../../monitors/monitor.ts';
import { liveScheme } from '../daemon/live-scheme.ts';
import { recordingOf } from '../daemon/recordings.ts';
import { parseGenesis } from '../home/genesis-file.ts';
import { Agreement } from '../run/agreement.ts';
import type { RecordedParticipant } from './find-recordings.ts';
import { type LineEnd, Lines, sumOf } from './lines.ts';
import { type NextInput, ReplayedParticipant, type ReplayedRecording, type Watch } from './replayed-participant.ts';
import { SentMessages } from './sent-messages.ts';

/** How long replaying goes on before others get their turn, milliseconds. */
const SLICE_MS = 50;

export interface JointOptions {
  readonly signal: AbortSignal;
  /** `all`: misbehaviour is held against the rules of consensus also where a home orders it. Default: `honest`. */
  readonly judges?: 'honest' | 'all';
  /** Told now and then how many inputs were given so far. */
  readonly onProgress?: (inputs: number) => void;
}

export interface JointReplay {
  readonly recordings: readonly ReplayedRecording[];
  /** Rules that were broken, in words. */
  readonly violations: readonly string[];
  /** Newest block that any node executed. */
  readonly height: number;
  readonly nodes: number;
  /** Nodes whose own words were held against the rules of consensus. */
  readonly judged: readonly string[];
  /** Messages that were held against what their senders did. */
  readonly matched: number;
}

/** Somebody's next input, and whether it may be given now. */
interface Waiting {
  readonly of: ReplayedParticipant;
  readonly next: NextInput;
  readonly sender: ReplayedParticipant | null;
  readonly sum: number;
}

/**
 * Replays recordings, all to their ends or to what is wrong with them.
 * @throws Error when `signal` fires
 */
export async function replayJointly(
  participants: readonly RecordedParticipant[],
  options: JointOptions,
): Promise<JointReplay> {
  return await new Joint(participants, options.judges === 'all').run(options);
}

class Joint {
  readonly #all: readonly ReplayedParticipant[];
  readonly #byAddress = new Map<string, ReplayedParticipant>();
  readonly #agreement = new Agreement();
  readonly #sent = new SentMessages();
  readonly #lines = new Lines();
  readonly #violations: string[] = [];
  /** Nodes whose words are not judged: what they knew is not known, or they are told to misbehave. */
  readonly #unjudged = new Set<PeerName>();
  #watch: ConsensusWatch | null;
  #agrees = true;
  readonly #judgesAll: boolean;
  #inputs = 0;
  #matched = 0;
  #height = 0;

  constructor(participants: readonly RecordedParticipant[], judgesAll: boolean) {
    this.#judgesAll = judgesAll;
    const executed: Watch = (name, _block, result, chain) => {
      const { height, hash, appHash } = result;
      this.#height = Math.max(this.#height, height);
      this.#agrees &&= this.#holds(() => this.#agreement.onExecuted(name, height, hash, appHash));
      this.#listen(watch => watch.onBlock(name, result, chain, this.#nowOf(name)));
    };
    this.#all = participants.map(one => new ReplayedParticipant(one, executed));
    for (const one of this.#all) {
      const twin = this.#byAddress.get(one.address);
      // Whose message it was, of two with one account, nobody can say.
      if (twin !== undefined) twin.extent = one.extent = 'nothing';
      this.#byAddress.set(one.address, one);
    }
    this.#watch = this.#consensusWatch(participants);
  }

  async run({ signal, onProgress }: JointOptions): Promise<JointReplay> {
    const waiting = new Map<ReplayedParticipant, Waiting>();
    for (const one of this.#all) await this.#look(one, waiting);
    let until = performance.now() + SLICE_MS;
    while (waiting.size > 0) {
      if (performance.now() > until) {
        onProgress?.(this.#inputs);
        await new Promise(resolve => setImmediate(resolve));
        signal.throwIfAborted();
        until = performance.now() + SLICE_MS;
      }
      const one = this.#choose(waiting.values());
      this.#give(one);
      await this.#look(one.of, waiting);
    }
    this.#nameOutOfTurn();
    const nodes = this.#all.filter(one => one.isNode);
    // Nobody hears what the only node says.
    const judged = nodes.length < 2 ? [] : nodes.filter(({ name }) => !this.#unjudged.has(name));
    return {
      recordings: this.#all.flatMap(one => one.done),
      violations: this.#violations,
      height: this.#height,
      nodes: nodes.length,
      judged: judged.map(({ name }) => name),
      matched: this.#matched,
    };
  }

  #consensusWatch(participants: readonly RecordedParticipant[]): ConsensusWatch | null {
    const nodes = participants.filter(one => one.role === 'node');
    const first = nodes[0];
    if (first === undefined || nodes.length < 2) return null;
    const { files } = first.recordings[0]!;
    const place = files.files[0]!;
    return new ConsensusWatch({
      genesis: parseGenesis(place, recordingOf(files).origin.genesis),
      scheme: liveScheme,
      nodes: new Map(nodes.map(one => [one.address, one.name])),
      byzantine: this.#unjudged,
    });
  }

  /** Finds out what somebody is to be given next. */
  async #look(of: ReplayedParticipant, waiting: Map<ReplayedParticipant, Waiting>): Promise<void> {
    const next = await of.next();
    if (of.isNode && (!of.isReliable || (of.isByzantine && !this.#judgesAll))) this.#unjudged.add(of.name);
    if (next === null) {
      waiting.delete(of);
      return;
    }
    const { input, from } = next;
    const sender = from === null ? undefined : this.#byAddress.get(from);
    if (input.kind === 'message' && sender !== undefined && sender !== of) {
      waiting.set(of, { of, next, sender, sum: sumOf(input.message) });
    } else waiting.set(of, { of, next, sender: null, sum: 0 });
  }

  /** Whose turn it is: the earliest of those who wait for nobody, or of all. */
  #choose(waiting: Iterable<Waiting>): Waiting {
    let free: Waiting | null = null;
    let any: Waiting | null = null;
    for (const one of waiting) {
      if (any === null || one.next.now < any.next.now) any = one;
      if ((free === null || one.next.now < free.next.now) && !this.#isAwaited(one)) free = one;
    }
    const chosen = free ?? any;
    if (chosen === null) throw new Error('found nobody whose turn it could be, expected somebody');
    return chosen;
  }

  /** Whether an input is a message that its sender, as far as it has come, has not sent. */
  #isAwaited({ of, sender, sum }: Waiting): boolean {
    return sender?.isReliable === true && !this.#sent.has(sender.address, of.address, sum);
  }

  #give(waiting: Waiting): void {
    const { of, next, sender } = waiting;
    if (this.#isAwaited(waiting)) {
      of.refuse(next, sender!.name);
      return;
    }
    if (sender?.isReliable === true) this.#matched++;
    this.#inputs++;
    this.#noteLine(waiting);
    if (of.isNode) this.#listen(watch => watch.onInput(of.name, next.input, next.now));
    const told = of.step(next);
    for (const one of told) this.#note(of, one);
  }

  /** Takes note of what an input says of a connection. */
  #noteLine({ of, next: { input, index }, sender, sum }: Waiting): void {
    if (input.kind === 'connected') {
      const peer = of.addressOf(input.peer);
      if (peer !== null && this.#byAddress.has(peer))
        this.#lines.open(endOf(of, input.connection, peer), input.inbound);
    } else if (input.kind === 'message' && sender !== null) {
      this.#lines.receive(endOf(of, input.connection, sender.address), sum, index);
    } else if (input.kind === 'queueFull') this.#lines.overflow(endOf(of, input.connection, ''));
  }

  /** Names what was received otherwise than in the order in which it was sent. */
  #nameOutOfTurn(): void {
    const known = (address: string) => this.#byAddress.get(address)?.extent ?? 'nothing';
    for (const { of, incarnation, input, sender, number } of this.#lines.outOfTurn(known)) {
      this.#byAddress
        .get(of)
        ?.accuse(incarnation, input, [
          `  expected: message ${number} that ${this.#byAddress.get(sender)!.name} sent over this connection`,
          '  found: another one, so that one was removed, doubled or moved',
        ]);
    }
  }

  #note(of: ReplayedParticipant, told: Told<Wire>): void {
    if (told.kind === 'send') {
      const to = of.peerOf(told.connection);
      if (to === null || !this.#byAddress.has(to)) return;
      const sum = sumOf(told.message);
      this.#sent.add(of.address, to, sum);
      this.#lines.send(endOf(of, told.connection, to), sum);
    } else if (told.kind === 'observe' && of.isNode) {
      this.#listen(watch => watch.onObserve(of.name, told.metric, of.now));
    }
  }

  /** Tells the monitors of consensus something. What follows from a broken rule is not held against anybody. */
  #listen(tell: (watch: ConsensusWatch) => void): void {
    const watch = this.#watch;
    if (watch !== null && !this.#holds(() => tell(watch))) this.#watch = null;
  }

  /** Whether a rule holds; takes note when it does not. */
  #holds(check: () => void): boolean {
    try {
      check();
      return true;
    } catch (error) {
      if (!(error instanceof MonitorViolation)) throw error;
      this.#violations.push(error.message);
      return false;
    }
  }

  #nowOf(name: string): number {
    return this.#all.find(one => one.name === name)?.now ?? 0;
  }
}

function endOf(of: ReplayedParticipant, connection: number, peer: string): LineEnd {
  return { of: of.address, incarnation: of.incarnation, connection, peer };
}
