/**
 * The link of a client that trusts no single node. It follows headers from a set that it knows, and believes of a block
 * only what the header after it proves: that these are all events of its topics, and that its account stands so.
 *
 * Nothing is acted upon before it is proven. The root of a block's events stands in the next header, so this costs one
 * block interval each time the client has to hear of something before it goes on: with four validators and blocks every
 * 6 s, 18.4 s from order to lease instead of 12.3 s, with as many bids and matches. Acting at once and looking for proof
 * later would save it, and would need actors that can take back a bid, a deployment that they believed closed, or a
 * workload that they stopped. No actor can: what has gone out is signed, paid for, or gone.
 *
 * One node leads: it is followed, asked, and given transactions. A second one stands by as a witness: every few blocks
 * its header is held against the leader's. Who gives what does not verify is dropped and not asked again for a while;
 * whoever leads next tells everything from where proof ended, so that nothing is lost with a liar.
 */
import type { Header } from '../../protocol/chain/block.ts';
import { accountLeafName, accountOfLeaf } from '../../protocol/chain/light-chain.ts';
import type { LightBlock } from '../../protocol/consensus/light-block.ts';
import type { Progress } from '../../protocol/consensus/light-client.ts';
import type { Effects, Input, PeerName, Time } from '../actor.ts';
import type { Answer, HeaderMessage, Wire } from '../wire.ts';
import { type ChainLink, type LinkHost, RECONNECT_US } from './chain-link.ts';
import { HeaderRequests } from './header-requests.ts';
import { Headers, savedTrust, TRUSTED_KEY } from './headers.ts';
import type { LightLinkOptions } from './light-options.ts';
import { DIAL_TIMER, NodePool, type Peer } from './node-pool.ts';
import { faultOfMessage } from './proofs.ts';
import { type Asked, StateReader, type StateReaderHost } from './state-reader.ts';
import { Vigil } from './vigil.ts';

const WATCH_TIMER = 'chain/watch';

/** A leader and a witness. */
const IN_USE = 2;
/** Blocks between comparisons with the witness, and between what is kept for a restart. */
const COMPARE_EVERY = 10;
const SAVE_EVERY = 100;
/** How long nobody asks a node that lied, and one that fell silent. */
const LIAR_US = 600_000_000;
const SILENT_US = 60_000_000;
/** A leader may let so many blocks and so long pass without a word. */
const PATIENCE_BLOCKS = 4;
const PATIENCE_US = 5_000_000;
/** Headers that wait while the way to them is looked for. */
const MAX_HELD = 64;

export class LightLink implements ChainLink, StateReaderHost {
  readonly #options: LightLinkOptions;
  readonly #host: LinkHost;
  readonly #pool: NodePool;
  readonly #topics: string[];
  readonly #vigil: Vigil;
  readonly #reader: StateReader;
  /** Null until the store has said where the client left off. */
  #headers: Headers | null = null;
  #leader: Peer | null = null;
  /** Everything was told of the blocks up to this one. */
  #told = -1;
  /** Whether there is a block from which on nothing may be missing. */
  #started = false;
  #serial = 0;
  /** Whether the next header is the first after a `follow`. */
  #isFirst = false;
  /** Nodes that cannot tell the next block any more. */
  readonly #withoutNext = new Set<PeerName>();
  /** What the leader pushed from beyond a gap, while the headers up to there are fetched. */
  #held: HeaderMessage[] = [];
  readonly #requests = new HeaderRequests();

  constructor(options: LightLinkOptions, host: LinkHost) {
    this.#options = options;
    this.#host = host;
    this.#pool = new NodePool(options.nodes, IN_USE);
    this.#topics = [...options.topics];
    this.#reader = new StateReader(options, this);
    this.#vigil = new Vigil(PATIENCE_BLOCKS * options.params.targetBlockInterval + PATIENCE_US);
  }

  get node(): PeerName {
    return this.#leader?.name ?? '';
  }

  get height(): number {
    return this.#headers?.latest.height ?? 0;
  }

  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): boolean {
    switch (input.kind) {
      case 'recovered':
        out.get(TRUSTED_KEY);
        return false;
      case 'got':
        if (input.key !== TRUSTED_KEY) return false;
        this.#begin(input.value, now, out);
        return true;
      case 'storeFailed':
        // What was kept cannot be read: begin where everybody does.
        if (this.#headers === null) this.#begin(null, now, out);
        return false;
      case 'connected':
        this.#connected(input.peer, input.connection, now, out);
        return true;
      case 'refused':
        this.#part(this.#pool.byName(input.peer), now + RECONNECT_US, now, out);
        return true;
      case 'disconnected':
        this.#part(this.#pool.byConnection(input.connection), now + RECONNECT_US, now, out);
        return true;
      case 'timer':
        if (input.id === DIAL_TIMER) this.#pool.dial(now, out);
        else if (input.id === WATCH_TIMER) this.#watch(now, out);
        else return false;
        return true;
      case 'queueFull':
        if (input.connection === this.#leader?.connection) this.#forgetQuestions();
        return true;
      case 'drained':
        if (input.connection === this.#leader?.connection) this.#lead(this.#leader as Peer, now, out);
        return true;
      case 'message': {
        const peer = this.#pool.byConnection(input.connection);
        if (peer !== undefined) this.#receiveMessage(peer, input.message, now, out);
        return true;
      }
      default:
        return false;
    }
  }

  send(message: Wire, out: Effects<Wire>): void {
    const connection = this.#leader?.connection ?? null;
    if (connection !== null) out.send(connection, message);
  }

  subscribe(topic: string, out: Effects<Wire>): void {
    if (this.#topics.includes(topic)) return;
    this.#topics.push(topic);
    if (this.#leader !== null) this.#follow(out);
  }

  query(query: Asked, now: Time, out: Effects<Wire>): void {
    if (this.#headers !== null) this.#reader.query(query, now, out);
  }

  change(reason: string, now: Time, out: Effects<Wire>): boolean {
    const other = this.witness;
    if (other === undefined || this.#leader === null) return false;
    out.observe('client/node-changed', 1, `${this.#leader.name}: ${reason}`);
    this.#forgetQuestions();
    this.#lead(other, now, out);
    return true;
  }

  // What the reader of the state goes by.

  get newest(): number {
    return (this.#headers as Headers).latest.height;
  }
  get leader(): Peer | null {
    return this.#leader;
  }
  get witness(): Peer | undefined {
    return this.#pool.other(this.#leader);
  }
  header(height: number): Header | undefined {
    return (this.#headers as Headers).header(height);
  }
  onAnswer(answer: Answer, now: Time, out: Effects<Wire>): void {
    this.#host.onAnswer(answer, now, out);
  }
  onLie(reason: string, now: Time, out: Effects<Wire>): void {
    if (this.#leader !== null) this.#drop(this.#leader, reason, LIAR_US, now, out);
  }

  // Whom to ask.

  #begin(saved: Uint8Array | null, now: Time, out: Effects<Wire>): void {
    const { chainId, params, scheme, root } = this.#options;
    this.#headers = new Headers(chainId, params, scheme, savedTrust(saved) ?? root);
    this.#pool.dial(now, out);
  }

  #connected(name: PeerName, connection: number, now: Time, out: Effects<Wire>): void {
    const peer = this.#pool.connected(name, connection);
    if (peer === null) {
      out.disconnect(connection);
      return;
    }
    if (this.#leader === null) this.#lead(peer, now, out);
    this.#pool.dial(now, out);
  }

  /** Has no more to do with a node before that time. */
  #part(peer: Peer | undefined, until: Time, now: Time, out: Effects<Wire>): void {
    if (peer === undefined) return;
    this.#pool.remove(peer, until);
    this.#headers?.drop(peer.name);
    this.#reader.forget(peer, now, out);
    if (peer === this.#leader) {
      this.#leader = null;
      this.#forgetQuestions();
      const next = this.#pool.other(peer);
      if (next !== undefined) this.#lead(next, now, out);
    }
    this.#pool.dial(now, out);
  }

  #drop(peer: Peer, reason: string, forTime: Time, now: Time, out: Effects<Wire>): void {
    out.observe('client/node-dropped', 1, `${peer.name}: ${reason}`);
    if (peer.connection !== null) out.disconnect(peer.connection);
    this.#part(peer, now + forTime, now, out);
  }

  #forgetQuestions(): void {
    this.#reader.clear();
    this.#host.onDown();
  }

  #lead(peer: Peer, now: Time, out: Effects<Wire>): void {
    this.#leader = peer;
    this.#follow(out);
    this.#startWatch(now, out);
    this.#host.onUp(out);
  }

  /** Asks the leader for everything from where proof ends. */
  #follow(out: Effects<Wire>): void {
    this.#serial += 1;
    this.#isFirst = true;
    this.#held = [];
    const from = this.#started ? this.#told + 2 : 0;
    this.send({ type: 'follow', serial: this.#serial, from, topics: [...this.#topics] }, out);
  }

  #startWatch(now: Time, out: Effects<Wire>): void {
    this.#requests.clear();
    this.#vigil.begin(this.#told, (this.#headers as Headers).latest.time);
    out.setTimer(WATCH_TIMER, now + this.#vigil.patience);
  }

  /** Nobody's silence holds the client up: a leader that tells nothing new gives way to another node. */
  #watch(now: Time, out: Effects<Wire>): void {
    const leader = this.#leader;
    if (leader === null) return;
    if (this.#vigil.isInVain(this.#told, (this.#headers as Headers).latest.time, now)) {
      this.#drop(leader, 'it tells nothing new', SILENT_US, now, out);
      return;
    }
    const late = this.#reader.lateSince(now - this.#vigil.patience);
    this.#startWatch(now, out);
    if (late !== null) this.#drop(late, 'it does not answer', SILENT_US, now, out);
  }

  // What nodes say.

  #receiveMessage(peer: Peer, message: Wire, now: Time, out: Effects<Wire>): void {
    const isLeader = peer === this.#leader;
    switch (message.type) {
      case 'header':
        if (isLeader && message.serial === this.#serial) this.#onHeader(message, peer, now, out);
        return;
      case 'light':
        this.#requests.answered(peer, message.height);
        if (message.block !== null) this.#onLight(message.block, peer, now, out);
        else if (isLeader && this.#held.length > 0) this.change('it lacks a header', now, out);
        return;
      case 'refused':
        if (isLeader) this.#host.onRefused(message.nonce, message.code, now, out);
        return;
      case 'answer':
        this.#reader.onAnswer(message.answer, peer, now, out);
        return;
      case 'piece': {
        const whole = peer.pieces.take(message);
        if (typeof whole === 'string') this.#drop(peer, whole, LIAR_US, now, out);
        else if (whole !== null) this.#receiveMessage(peer, whole, now, out);
        return;
      }
      default:
        this.#drop(peer, `it sent ${message.type} to a client`, LIAR_US, now, out);
    }
  }

  #onLight(block: LightBlock<Header>, peer: Peer, now: Time, out: Effects<Wire>): void {
    this.#onProgress((this.#headers as Headers).give(peer.name, block, now), peer, now, out);
  }

  #onHeader(message: HeaderMessage, leader: Peer, now: Time, out: Effects<Wire>): void {
    const { height } = message.header;
    if (!Number.isSafeInteger(height) || height < 1) {
      this.#drop(leader, `a header of height ${height}`, LIAR_US, now, out);
      return;
    }
    if (this.#held.length > 0) {
      if (this.#held.length < MAX_HELD) this.#held.push(message);
      return;
    }
    if (height <= this.#told + 1) return;
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (height > this.#told + 2 && !this.#mayLeap(height, isFirst, leader, now, out)) return;
    const headers = this.#headers as Headers;
    if (headers.latest.height >= height - 1) this.#take(message, leader, now, out);
    else if (headers.aimAt(height - 1)) {
      this.#held.push(message);
      this.#askForHeaders(out);
    }
  }

  /** Whether what lies before this header may be passed over, because nobody who is asked can tell it any more. */
  #mayLeap(height: number, isFirst: boolean, leader: Peer, now: Time, out: Effects<Wire>): boolean {
    if (!this.#started) return true;
    if (!isFirst) {
      // Something got lost on the way: once more from there.
      this.#follow(out);
      return false;
    }
    this.#withoutNext.add(leader.name);
    const { length } = this.#options.nodes;
    // One more than may be liars; never one alone where there are two.
    const enough = Math.min(length, Math.max(2, Math.floor((length - 1) / 3) + 1));
    if (this.#withoutNext.size < enough) {
      const reason = 'it does not know the next block any more';
      const other = this.witness;
      if (other === undefined || this.#withoutNext.has(other.name)) this.#drop(leader, reason, SILENT_US, now, out);
      else this.change(reason, now, out);
      return false;
    }
    out.observe('client/gap', height - this.#told - 2);
    return true;
  }

  #take(message: HeaderMessage, leader: Peer, now: Time, out: Effects<Wire>): void {
    const headers = this.#headers as Headers;
    const { header } = message;
    const before = headers.latest;
    const progress = headers.take(leader.name, message, now);
    // Older than anything that is known: this node is behind.
    if (progress === null) return;
    const { outcome } = progress;
    if (outcome !== 'reached' && outcome !== 'agreed') {
      this.#onProgress(progress, leader, now, out);
      const isUnderInquiry = outcome === 'going' || outcome === 'disputed' || outcome === 'ignored';
      if (isUnderInquiry) this.change('its header is not the one that is known', now, out);
      return;
    }
    const fault = faultOfMessage(message, this.#topics, accountLeafName(this.#options.address));
    if (fault !== null) {
      this.#drop(leader, fault, LIAR_US, now, out);
      return;
    }
    this.#told = header.height - 1;
    this.#started = true;
    this.#withoutNext.clear();
    const time = before.height === this.#told ? before.time : (headers.header(this.#told)?.time ?? before.time);
    for (const { bytes } of message.leaves) this.#host.onNonce(accountOfLeaf(bytes).nonce);
    // First where the client stands, then what happened: who hears of an event may answer with a transaction.
    this.#reader.believe(now, out);
    const height = this.#told;
    for (const { events } of message.batches)
      if (events.length > 0) this.#host.onEvents(events, height, time, now, out);
    this.#reader.askAgain(out);
    this.#compare(header.height, out);
    if (header.height % SAVE_EVERY === 0) headers.save(out);
    this.#host.onBlock(now, out);
  }

  /** Holds the newest header against the witness's, now and then. */
  #compare(height: number, out: Effects<Wire>): void {
    const witness = this.witness;
    if (height % COMPARE_EVERY === 0 && witness !== undefined) this.#requests.ask(witness, height, out);
  }

  #askForHeaders(out: Effects<Wire>): void {
    for (const { height, node } of (this.#headers as Headers).needs) {
      const peer = node === null ? this.#leader : this.#pool.byName(node);
      if (peer !== null && peer !== undefined) this.#requests.ask(peer, height, out);
    }
  }

  /** What follows from a header that was not simply the next one. */
  #onProgress({ outcome, fault }: Progress<Header>, peer: Peer, now: Time, out: Effects<Wire>): void {
    if (outcome === 'expired') {
      out.halt('what this client trusts is too old to verify headers by; it needs a newer block to start from');
      return;
    }
    if (outcome === 'diverged') {
      out.observe('client/diverged', 1, peer.name);
      out.halt(`two chains are signed by the validators: ${peer.name} shows another than the one that was followed`);
      return;
    }
    const liar = fault === null ? undefined : this.#pool.byName(fault.node);
    if (fault !== null && liar !== undefined) {
      // A clock that is off, theirs or ours, is no lie.
      const forTime = fault.fault === 'future' ? SILENT_US : LIAR_US;
      this.#drop(liar, `header ${fault.height}: ${fault.reason}`, forTime, now, out);
      return;
    }
    this.#askForHeaders(out);
    this.#releaseHeld(now, out);
  }

  #releaseHeld(now: Time, out: Effects<Wire>): void {
    const first = this.#held[0];
    if (first === undefined || (this.#headers as Headers).latest.height < first.header.height - 1) return;
    const [, ...rest] = this.#held;
    const { serial } = first;
    this.#held = [];
    if (this.#leader !== null) this.#take(first, this.#leader, now, out);
    for (const one of rest)
      if (this.#leader !== null && serial === this.#serial) this.#onHeader(one, this.#leader, now, out);
  }
}
