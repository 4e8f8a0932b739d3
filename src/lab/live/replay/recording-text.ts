/** Inputs and effects in words, for whoever wants to know what differs. */
import { inspect } from 'node:util';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Input } from '../../../actors/actor.ts';
import type { Wire } from '../../../actors/wire.ts';
import { wireCodec } from '../../../actors/wire-bytes.ts';
import { NO_ROUND, type Vote } from '../../../protocol/consensus/types.ts';
import type { RecordingDifference, Told } from '../../../worlds/live/replay.ts';
import { isExecutedBlock } from '../daemon/node-actor.ts';

/** Votes of a message that are named. */
const MAX_VOTES = 3;
/** Longest description of what has no words of its own. */
const MAX_TEXT = 160;
const SHOWN_DIGITS = 12;
const US_PER_MS = 1_000;

/** A participant's time, microseconds since 1970, as a date. */
export function timeText(time: number): string {
  const date = new Date(Math.floor(time / US_PER_MS)).toISOString();
  return date.replace('Z', `${String(time % US_PER_MS).padStart(3, '0')}Z`);
}

/** An input in a line. */
export function inputText(input: Input<Wire, unknown>): string {
  switch (input.kind) {
    case 'message':
      return `message from ${input.from}: ${messageText(input.message)}`;
    case 'logged':
      return `log entry ${input.index}, ${input.entry.length} bytes`;
    case 'timer':
      return `timer ${input.id}`;
    case 'got':
      return `stored value of ${input.key}, ${input.value === null ? 'none' : `${input.value.length} bytes`}`;
    case 'scanned':
      return `stored values of ${input.prefix}, ${input.entries.length} of them`;
    case 'request':
      return `request ${input.id}: ${shown(input.request)}`;
    default: {
      const { kind, ...rest } = input;
      return `${kind} ${shown(rest)}`;
    }
  }
}

/** An effect in a line. */
export function toldText(told: Told<Wire>): string {
  switch (told.kind) {
    case 'send':
      return `send over connection ${told.connection}: ${messageText(told.message)}`;
    case 'append':
      return `append ${told.entry.length} bytes to the log`;
    case 'put':
      return `put ${told.key}, ${told.value.length} bytes`;
    case 'shown':
      return isExecutedBlock(told.value)
        ? `execute block ${told.value.height} (${hex(told.value.hash)}), state ${hex(told.value.appHash)}`
        : `show ${shown(told.value)}`;
    default: {
      const { kind, ...rest } = told;
      return `${kind} ${shown(rest)}`;
    }
  }
}

/** What a fresh actor did otherwise, in two lines. */
export function differenceTexts({ expected, found, threw }: RecordingDifference<Wire>): {
  expected: string;
  found: string;
} {
  const texts = {
    expected: expected === null ? 'nothing more' : toldText(expected),
    found: found === null ? 'nothing more' : toldText(found),
  };
  if (threw !== null) return { ...texts, found: `an error: ${threw instanceof Error ? threw.message : String(threw)}` };
  const [left, right] = [expected === null ? null : bytesOf(expected), found === null ? null : bytesOf(found)];
  if (left === null || right === null || texts.expected !== texts.found) return texts;
  const at = firstDifference(left, right);
  return {
    expected: `${texts.expected}; byte ${at} of ${left.length}: ${byteText(left[at])}`,
    found: `${texts.found}; byte ${at} of ${right.length}: ${byteText(right[at])}`,
  };
}

function messageText(message: Wire): string {
  switch (message.type) {
    case 'votes': {
      const more = message.votes.length - MAX_VOTES;
      return `${message.votes.slice(0, MAX_VOTES).map(voteText).join('; ')}${more > 0 ? `; and ${more} more votes` : ''}`;
    }
    case 'proposal': {
      const { height, round, value, polRound, proposer } = message.proposal;
      const lock = polRound === NO_ROUND ? '' : `, proof of lock in round ${polRound}`;
      return `proposal of ${shortened(value)}, height ${height}, round ${round}${lock}, by ${proposer}`;
    }
    case 'part':
      return `part ${message.part.index} of ${message.part.total} of block ${shortened(message.value)}, height ${message.height}`;
    case 'inventory':
      return `inventory, height ${message.height}, round ${message.round}`;
    default: {
      const { type, ...rest } = message;
      return `${type} ${shown(rest)}`;
    }
  }
}

function voteText({ kind, height, round, value, validator }: Vote): string {
  return `${kind} for ${value === null ? 'nil' : shortened(value)}, height ${height}, round ${round}, by ${validator}`;
}

function shortened(text: string): string {
  return text.length <= SHOWN_DIGITS ? text : text.slice(0, SHOWN_DIGITS);
}

function hex(bytes: Uint8Array): string {
  return shortened(bytesToHex(bytes));
}

function shown(value: unknown): string {
  const line = inspect(value, {
    depth: 3,
    maxArrayLength: 4,
    maxStringLength: 60,
    breakLength: Infinity,
    compact: true,
  });
  return line.length <= MAX_TEXT ? line : `${line.slice(0, MAX_TEXT)}...`;
}

/** The bytes of an effect that is made of such; null: it has none. */
function bytesOf(told: Told<Wire>): Uint8Array | null {
  if (told.kind === 'send') return wireCodec.encode(told.message);
  if (told.kind === 'append') return told.entry;
  return told.kind === 'put' ? told.value : null;
}

function firstDifference(left: Uint8Array, right: Uint8Array): number {
  let at = 0;
  while (at < left.length && at < right.length && left[at] === right[at]) at++;
  return at;
}

function byteText(byte: number | undefined): string {
  return byte === undefined ? 'none' : `0x${byte.toString(16).padStart(2, '0')}`;
}
