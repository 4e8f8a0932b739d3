/**
 * A way from here to one port of one container, and how two connections are joined into one.
 *
 * Whoever publishes a port knows ways only: whether a way leads straight to the container, or through a relay beside it
 * (relay.ts), is decided elsewhere (access.ts). This file stands alone, because a relay runs it too: what it is asked for
 * it reaches straight.
 */
import { createSocket } from 'node:dgram';
import { connect as dial, isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';

/** How often a quiet connection is probed for a peer that is gone. */
export const KEEP_ALIVE_MS = 30_000;

/** Where a connection ends. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** A connection of which each half ends by itself: `end` says that no more comes, and anything but two ends is a break. */
export interface Line extends Duplex {
  /** Breaks it, so that the other side learns that it was broken. */
  resetAndDestroy(): unknown;
}

/** Datagrams to and from one target. */
export interface Conversation {
  /** Sends one; as everywhere, it may be lost. */
  send(data: Buffer): void;
  close(): void;
}

export interface Way {
  /** A connection that stands. Rejects when nobody accepts it, and with the signal's reason when that comes first. */
  connect(signal: AbortSignal): Promise<Line>;
  /**
   * Begins a conversation.
   * @param hear is given every answer
   * @param gone is told when it broke; not when it was closed from here
   */
  converse(hear: (data: Buffer) => void, gone: () => void): Conversation;
}

/** The way to what this process, or the relay that it runs in, reaches by itself. */
export function directWay(target: Target): Way {
  return {
    connect: signal => connectDirectly(target, signal),
    converse: (hear, gone) => converseDirectly(target, hear, gone),
  };
}

function connectDirectly(target: Target, signal: AbortSignal): Promise<Line> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const socket = dial({ ...target, allowHalfOpen: true, noDelay: true });
    const give = (): void => {
      reject(signal.reason);
      socket.destroy();
    };
    signal.addEventListener('abort', give, { once: true });
    // Stays, so that a break before anybody listens is none of the process's business; `close` tells of it.
    socket.on('error', reject);
    socket.once('close', () => signal.removeEventListener('abort', give));
    socket.once('connect', () => {
      signal.removeEventListener('abort', give);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      resolve(socket);
    });
  });
}

function converseDirectly(target: Target, hear: (data: Buffer) => void, gone: () => void): Conversation {
  const socket = createSocket(isIPv6(target.host) ? 'udp6' : 'udp4');
  let isClosed = false;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    socket.close();
  };
  socket.on('message', (answer, from) => {
    // Only the container answers: the socket is not connected, so that an early refusal does not end it.
    if (from.port === target.port && from.address === target.host && !isClosed) hear(answer);
  });
  socket.on('error', () => {
    if (isClosed) return;
    close();
    gone();
  });
  return {
    // Datagrams may be lost: one that could not be sent is.
    send: data => {
      if (!isClosed) socket.send(data, target.port, target.host, () => {});
    },
    close,
  };
}

/**
 * Lets all that comes on one connection go out on the other. What breaks on one side is reset on the other, so that
 * nobody takes a part of an answer for the whole. Bytes wait in the connections' own buffers only: who does not read
 * stops who writes.
 */
export function join(one: Line, other: Line): void {
  for (const [line, opposite] of [
    [one, other],
    [other, one],
  ] as const) {
    // `close` follows, and ends the other side.
    line.on('error', () => {});
    line.once('close', () => {
      if (line.errored !== null || !line.readableEnded || !line.writableFinished) opposite.resetAndDestroy();
    });
  }
  if (one.destroyed || other.destroyed) {
    one.resetAndDestroy();
    other.resetAndDestroy();
    return;
  }
  one.pipe(other);
  other.pipe(one);
}
