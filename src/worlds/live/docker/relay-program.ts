/**
 * The program of a relay: it listens on nothing, and reaches what it is asked to reach over its standard input and output,
 * until its input ends. It runs in any Node.js from 18 on, so nothing in it, or in what it imports, may be younger.
 */
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { Channel, type Member, Mux } from './relay-mux.ts';
import { FRAME, targetOf, WIRE_VERSION } from './relay-wire.ts';
import { directWay, join, type Target } from './way.ts';

/** Runs a relay. Resolves with the reason why it ended. */
export function serveRelay(input: Readable, output: Writable): Promise<string> {
  return new Promise(resolve => {
    const mux = new Mux(output, (kind, id, payload) => {
      if (kind === FRAME.ping) mux.send(FRAME.pong, id);
      else if (kind === FRAME.connect) connect(mux, id, targetOf(payload));
      else if (kind === FRAME.converse) converse(mux, id, targetOf(payload));
      // All else is late: its channel is over.
    });
    const end = (reason: string): void => {
      mux.close(reason);
      resolve(reason);
    };
    input.on('data', chunk => {
      try {
        mux.push(chunk as Buffer);
      } catch (error) {
        end((error as Error).message);
      }
    });
    input.once('end', () => end('its input ended'));
    input.once('error', error => end(`its input broke: ${error.message}`));
    output.once('error', error => end(`its output broke: ${error.message}`));
    mux.send(FRAME.hello, 0, Uint8Array.of(WIRE_VERSION));
  });
}

/** Gives a channel to a member; false when there are too many, which the other side is told. */
function enter(mux: Mux, id: number, member: Member): boolean {
  try {
    mux.set(id, member);
    return true;
  } catch {
    mux.send(FRAME.reset, id);
    return false;
  }
}

function connect(mux: Mux, id: number, target: Target): void {
  const giveUp = new AbortController();
  const isEntered = enter(mux, id, {
    receive: kind => {
      if (kind !== FRAME.reset) return; // Nothing else is said before the connection stands.
      mux.delete(id);
      giveUp.abort(new Error('given up'));
    },
    over: reason => giveUp.abort(new Error(reason)),
  });
  if (!isEntered) return;
  directWay(target)
    .connect(giveUp.signal)
    .then(
      line => {
        if (giveUp.signal.aborted) {
          line.resetAndDestroy();
          return;
        }
        const channel = new Channel(mux, id);
        mux.send(FRAME.opened, id);
        join(channel, line);
      },
      () => {
        // Nobody accepts: the other side is told, unless it was the one that gave up.
        if (giveUp.signal.aborted) return;
        mux.delete(id);
        mux.send(FRAME.reset, id);
      },
    );
}

function converse(mux: Mux, id: number, target: Target): void {
  const conversation = directWay(target).converse(
    // Datagrams may be lost, and are when the stream is full.
    data => {
      if (!mux.isFull) mux.send(FRAME.datagram, id, data);
    },
    () => {
      mux.delete(id);
      mux.send(FRAME.reset, id);
    },
  );
  const isEntered = enter(mux, id, {
    receive: (kind, payload) => {
      // A copy: it is sent later than this call returns.
      if (kind === FRAME.datagram) conversation.send(Buffer.from(payload));
      if (kind !== FRAME.reset) return;
      mux.delete(id);
      conversation.close();
    },
    over: () => conversation.close(),
  });
  if (!isEntered) conversation.close();
}

/** Runs a relay over this process's standard input and output, and then ends the process. */
export async function runRelay(): Promise<void> {
  // Not `process.stdout`: that one would halt the whole program while nobody reads.
  const output = new Socket({ fd: 1, readable: false, writable: true });
  const reason = await serveRelay(process.stdin, output);
  process.stderr.write(`the relay ends: ${reason}\n`);
  process.exit(0);
}
