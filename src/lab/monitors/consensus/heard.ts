/**
 * The book of hearsay that all monitors of consensus share: each vote and proposal once, with the moment at which each
 * node took it.
 *
 * Nobody sees a node speak; a word is known from whoever hears it. Between signing and hearing its speaker may have
 * learnt more, so that what it "knew by then" is at least what it knew when it signed: rules that ask whether it knew
 * enough never accuse wrongly. Words are signed in order of height, round and step, whatever order they arrive in;
 * therefore a word is judged by what its speaker knew when the first of its *later* words was heard, if that was earlier
 * (`deadline`). This is the one sound trace of signing order that arrivals leave.
 *
 * Whatever a node lost in a crash counts as known to it still. Heights far behind the newest block are forgotten, and
 * no rule judges a forgotten height.
 */
import type { Gossip } from '../../../actors/gossip.ts';
import { equalBytes } from '../../../protocol/codec/bytes.ts';
import type { SignatureScheme } from '../../../protocol/codec/signature.ts';
import { proposalHolds, voteHolds } from '../../../protocol/consensus/holds.ts';
import { NO_ROUND, type Proposal, type Vote } from '../../../protocol/consensus/types.ts';
import type { ValidatorSet } from '../../../protocol/consensus/validator-set.ts';
import type { ConsensusFacts } from './consensus-monitor.ts';
import {
  type Electorate,
  type HeightBook,
  PRECOMMIT,
  PREVOTE,
  PROPOSAL,
  type RoundBook,
  type Slots,
  type Speaker,
  type Step,
  vouched,
  type Word,
} from './words.ts';

/** Heights behind the newest executed one of which every word is remembered. */
export const HEIGHTS_KEPT = 64;
/** Heights ahead of it at which words are already noted: more than any node holds for later. */
const HEIGHTS_AHEAD = 64;

const NO_NEWS: readonly Word[] = [];
const NOBODY: Slots = [];

export class Heard {
  /** The moment: messages taken so far. */
  now = 0;
  readonly #facts: ConsensusFacts;
  readonly #scheme: SignatureScheme | undefined;
  readonly #places = new Map<string, number>();
  readonly #speakers = new Map<string, Speaker>();
  readonly #books = new Map<number, HeightBook>();
  /** The newest height that an honest node has executed. */
  #top = 0;
  /** Heights up to here are forgotten, or were never fully heard. */
  #floor = 0;
  #lastNode = '';
  #lastMessage: Gossip | undefined;
  #news: readonly Word[] = NO_NEWS;
  #lastSet: ValidatorSet | undefined;
  #lastElectorate: Electorate | undefined;

  /**
   * @param scheme checks signatures, each once; without it every word is taken for its speaker's, which is right only
   *   where nobody forges or garbles words of others
   */
  constructor(facts: ConsensusFacts, scheme?: SignatureScheme) {
    this.#facts = facts;
    this.#scheme = scheme;
  }

  /** Whether words are believed without a look at their signatures. */
  get isTrusting(): boolean {
    return this.#scheme === undefined;
  }

  /**
   * Notes a message that a node takes. Every monitor passes on what it is told; the first to do so has it noted, and
   * all get the same answer.
   * @returns the words in it that nobody had heard before
   */
  take(node: string, message: Gossip): readonly Word[] {
    if (message === this.#lastMessage && node === this.#lastNode) return this.#news;
    this.#lastMessage = message;
    this.#lastNode = node;
    this.#news = NO_NEWS;
    switch (message.type) {
      case 'votes': {
        this.now++;
        const place = this.placeOf(node);
        for (const vote of message.votes)
          this.#note(place, vote.kind === 'prevote' ? PREVOTE : PRECOMMIT, vote, vote.validator);
        break;
      }
      case 'proposal':
        this.now++;
        this.#note(this.placeOf(node), PROPOSAL, message.proposal, message.proposal.proposer);
        break;
      case 'block':
        if (this.isKept(message.height)) this.#bookAt(message.height).served[this.placeOf(node)] = true;
        break;
      default:
    }
    return this.#news;
  }

  /** Notes that a node has executed a height: what is far behind the newest is forgotten. */
  decided(node: string, height: number): void {
    if (height <= this.#top || this.#facts.isByzantine(node)) return;
    // After a leap, as from a restored chain, the words about this height were too far ahead to be noted.
    this.#floor = height > this.#top + HEIGHTS_AHEAD ? height : Math.max(this.#floor, height - HEIGHTS_KEPT);
    this.#top = height;
    for (const old of this.#books.keys()) if (old <= this.#floor) this.#books.delete(old);
  }

  /** The place of a node among those that hear, given at its first mention. */
  placeOf(node: string): number {
    let place = this.#places.get(node);
    if (place === undefined) this.#places.set(node, (place = this.#places.size));
    return place;
  }

  /** The validator of an address; undefined when it never spoke and never stood in a set that was asked for. */
  speaker(address: string): Speaker | undefined {
    return this.#speakers.get(address);
  }

  /** Whether what a validator says is held against the protocol. */
  isJudged(speaker: Speaker): boolean {
    if (speaker.node === undefined) this.#findNode(speaker);
    return speaker.node !== undefined && !this.#facts.isByzantine(speaker.node);
  }

  /** What was said at a height; undefined for forgotten ones and where nobody spoke. */
  book(height: number): HeightBook | undefined {
    return this.#books.get(height);
  }

  /** Words for one step of one round, by speaker id. */
  slots(height: number, round: number, step: Step): Slots {
    return this.#books.get(height)?.rounds.get(round)?.[step] ?? NOBODY;
  }

  /** Who votes at a height; undefined while nobody knows, and for forgotten heights. */
  electorate(height: number): Electorate | undefined {
    if (!this.isKept(height)) return undefined;
    const book = this.#bookAt(height);
    if (book.electorate !== undefined) return book.electorate;
    const set = this.#facts.setAt(height);
    if (set === undefined) return undefined;
    if (set !== this.#lastSet) {
      this.#lastSet = set;
      this.#lastElectorate = this.#electorateOf(set);
    }
    book.electorate = this.#lastElectorate;
    return book.electorate;
  }

  /** The moment by which a speaker had signed a word: when this or any later word of it was first heard by anybody. */
  deadline(word: Word): number {
    const { speaker, height, round, step } = word;
    if (speaker.height === height && speaker.round === round && speaker.step === step) return word.firstHeard;
    let by = word.firstHeard;
    for (let h = height; h <= speaker.height; h++) {
      const book = this.#books.get(h);
      if (book === undefined) continue;
      for (const [r, steps] of book.rounds) {
        if (h === height && r < round) continue;
        for (let s: number = h === height && r === round ? step : PROPOSAL; s <= PRECOMMIT; s++)
          for (let one = steps[s as Step][speaker.id]; one !== undefined; one = one.other)
            if (vouched(one) && one.firstHeard < by) by = one.firstHeard;
      }
    }
    return by;
  }

  /** The speaker of an address, made when it has a node or stands in the set of a height. */
  speakerAt(address: string, height: number): Speaker | undefined {
    const known = this.#speakers.get(address);
    if (known !== undefined) return known;
    if (this.#facts.nodeOf(address) === undefined && this.#facts.setAt(height)?.has(address) !== true) return undefined;
    return this.#newSpeaker(address);
  }

  /** Whether words about a height are kept: neither forgotten nor too far ahead. */
  isKept(height: number): boolean {
    return height > this.#floor && height <= this.#top + HEIGHTS_AHEAD && Number.isSafeInteger(height);
  }

  #note(place: number, step: Step, said: Vote | Proposal, address: string): void {
    const { height, round, signature } = said;
    if (!this.isKept(height) || !isWellFormed(step, said)) return;
    const speaker = this.#speakers.get(address) ?? this.speakerAt(address, height);
    if (speaker === undefined) return;
    const slots = this.#roundBook(height, round)[step];
    const first = slots[speaker.id];
    let word = first;
    let last = first;
    while (word !== undefined && !this.#isSame(word, said)) {
      last = word;
      word = word.other;
    }
    const strange = word === undefined || !vouched(word) || !equalSignatures(word.said.signature, signature);
    if (strange) {
      const good = this.#verdict(step, said, speaker);
      if (good === false) return;
      if (word === undefined) {
        word = this.#newWord(step, said, speaker);
        if (last === undefined) slots[speaker.id] = word;
        else last.other = word;
      }
      if (good === true && !vouched(word)) this.#announce(word);
    }
    this.#hear(word as Word, place);
  }

  /** Whether a signature is its author's: undefined while the set of its height is not known. */
  #verdict(step: Step, said: Vote | Proposal, speaker: Speaker): boolean | undefined {
    if (this.#scheme === undefined) return true;
    if (this.electorate(said.height) === undefined) return undefined;
    // Whoever never stood in a set has no key to sign with.
    if (speaker.key === undefined || !isWritable(step, said)) return false;
    const { chainId } = this.#facts;
    return step === PROPOSAL
      ? proposalHolds(said as Proposal, chainId, speaker.key, this.#scheme)
      : voteHolds(said as Vote, chainId, speaker.key, this.#scheme);
  }

  /** From now on a word is known to be its speaker's. */
  #announce(word: Word): void {
    word.firstHeard = this.now;
    const { speaker, height, round, step } = word;
    if (
      height > speaker.height ||
      (height === speaker.height && (round > speaker.round || (round === speaker.round && step > speaker.step)))
    ) {
      speaker.height = height;
      speaker.round = round;
      speaker.step = step;
    }
    if (this.#news === NO_NEWS) this.#news = [word];
    else (this.#news as Word[]).push(word);
  }

  #hear(word: Word, place: number): void {
    // Nodes whose first mention is later than the word's.
    while (word.heardBy.length <= place) word.heardBy.push(0);
    if (word.heardBy[place] === 0) word.heardBy[place] = this.now;
  }

  #newWord(step: Step, said: Vote | Proposal, speaker: Speaker): Word {
    return {
      speaker,
      height: said.height,
      round: said.round,
      step,
      value: said.value,
      polRound: step === PROPOSAL ? (said as Proposal).polRound : NO_ROUND,
      said,
      firstHeard: 0,
      heardBy: new Array<number>(this.#places.size).fill(0),
      other: undefined,
    };
  }

  /** Whether something said is that word. What a byzantine speaker says twice for one value counts as one word. */
  #isSame(word: Word, said: Vote | Proposal): boolean {
    if (word.said === said) return true;
    if (word.value !== said.value) return false;
    if (word.step === PROPOSAL) {
      const [left, right] = [word.said as Proposal, said as Proposal];
      if (left.polRound !== right.polRound) return false;
      if (left.parts === right.parts && equalBytes(left.partsRoot, right.partsRoot)) return true;
    } else if ((word.said as Vote).time === (said as Vote).time) return true;
    return !this.isJudged(word.speaker);
  }

  #bookAt(height: number): HeightBook {
    let book = this.#books.get(height);
    if (book === undefined)
      this.#books.set(height, (book = { height, rounds: new Map(), served: [], electorate: undefined }));
    return book;
  }

  #roundBook(height: number, round: number): RoundBook {
    const { rounds } = this.#bookAt(height);
    let book = rounds.get(round);
    if (book === undefined) rounds.set(round, (book = [[], [], []]));
    return book;
  }

  #electorateOf(set: ValidatorSet): Electorate {
    let total = 0;
    const speakers = set.members.map(({ address, consensusKey, power }) => {
      const speaker = this.#speakers.get(address) ?? this.#newSpeaker(address);
      speaker.key = consensusKey;
      total += power;
      return speaker;
    });
    return { speakers, powers: set.members.map(({ power }) => power), total };
  }

  #newSpeaker(address: string): Speaker {
    const speaker: Speaker = {
      id: this.#speakers.size,
      address,
      node: undefined,
      place: -1,
      key: undefined,
      height: -1,
      round: -1,
      step: PROPOSAL,
    };
    this.#findNode(speaker);
    this.#speakers.set(address, speaker);
    return speaker;
  }

  #findNode(speaker: Speaker): void {
    speaker.node = this.#facts.nodeOf(speaker.address);
    if (speaker.node !== undefined) speaker.place = this.placeOf(speaker.node);
  }
}

/** Almost always the same object: compared byte by byte only when it is not. */
function equalSignatures(left: Uint8Array, right: Uint8Array): boolean {
  return left === right || equalBytes(left, right);
}

/** Whether the numbers of a word are such as can be signed and sent at all. */
export function isWellFormed(step: Step, said: Vote | Proposal): boolean {
  const { height, round } = said;
  if (!(isCount(height) && isCount(round))) return false;
  return step === PROPOSAL ? isCount((said as Proposal).polRound + 1) : isCount((said as Vote).time);
}

function isCount(value: number): boolean {
  return value >= 0 && Number.isSafeInteger(value);
}

/** Whether the rest of a word has bytes that can be signed: what has none was never signed. */
function isWritable(step: Step, said: Vote | Proposal): boolean {
  if (said.value !== null && !/^[0-9a-f]{64}$/.test(said.value)) return false;
  if (step !== PROPOSAL) return true;
  const { parts, partsRoot, value } = said as Proposal;
  return value !== null && isCount(parts) && partsRoot.length === 32;
}
