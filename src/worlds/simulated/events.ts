/**
 * What kinds of events the simulated world's queue holds, and the types that its parts share. The codes are mixed into
 * the trace hash; a code keeps its meaning.
 */
import type { Input } from '../../actors/actor.ts';

export const NOOP = 0;
/** Subject: a label. Payload: a function that runs outside actors. */
export const CALL = 1;
/** Subject: a process. Payload: an input, dropped when the process is gone. */
export const INPUT = 2;
/** Subject: the receiving end. Payload: the message. */
export const MESSAGE = 3;
/** Subject: a process. Payload: its timer record. */
export const TIMER = 4;
/** Subject: a process. Payload: the sync's token or null. */
export const SYNCED = 5;
/** Subject: an end. Payload: an input about it, dropped when the end is closed. */
export const END_INPUT = 6;
/** Subject: the end that learns that its connection is over. Payload: the reason. */
export const FINISHED = 7;
/** Subject: an end whose keep-alive ran out. */
export const EXPIRED = 8;
/** Subject: an end whose first queued message has left through the pipe. */
export const DEPARTED = 9;

/** Subject: a process on a slow processor that has finished its last input. */
export const WOKEN = 10;

export const EVENT_NAMES: readonly string[] = [
  'noop',
  'call',
  'input',
  'message',
  'timer',
  'synced',
  'end-input',
  'finished',
  'expired',
  'departed',
  'woken',
];

/** Input kinds as small numbers, for the trace. */
export const INPUT_CODES: { readonly [K in Input<unknown>['kind']]: number } = {
  logged: 16,
  recovered: 17,
  message: 18,
  connected: 19,
  refused: 20,
  disconnected: 21,
  queueFull: 22,
  drained: 23,
  timer: 24,
  synced: 25,
  got: 26,
  scanned: 27,
  storeFailed: 28,
  workload: 29,
  host: 30,
  tunnel: 31,
  answered: 32,
  request: 33,
  workloadLog: 34,
};
