/**
 * Effects as small numbers, in which processes queue them, and their names, by which faults wait for them.
 */

/** Effects by their names in `Effects`. */
export const EFFECT_NAMES = [
  'connect',
  'disconnect',
  'send',
  'setTimer',
  'cancelTimer',
  'append',
  'truncateLog',
  'put',
  'delete',
  'get',
  'scan',
  'sync',
  'startWorkload',
  'stopWorkload',
  'openTunnel',
  'closeTunnel',
  'ask',
  'reply',
  'observe',
  'halt',
  'readWorkloadLog',
] as const;

export type EffectName = (typeof EFFECT_NAMES)[number];

// Their places in that list.
export const CONNECT = 0;
export const DISCONNECT = 1;
export const SEND = 2;
export const SET_TIMER = 3;
export const CANCEL_TIMER = 4;
export const APPEND = 5;
export const TRUNCATE = 6;
export const PUT = 7;
export const DELETE = 8;
export const GET = 9;
export const SCAN = 10;
export const SYNC = 11;
export const START_WORKLOAD = 12;
export const STOP_WORKLOAD = 13;
export const OPEN_TUNNEL = 14;
export const CLOSE_TUNNEL = 15;
export const ASK = 16;
export const REPLY = 17;
export const OBSERVE = 18;
export const HALT = 19;
export const READ_WORKLOAD_LOG = 20;
