/**
 * The wires between participants: for each ordered pair a small TCP proxy, so that a direction can be cut. What runs
 * into a cut is kept, an end of the connection included, until it heals: nobody is told of anything.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { PeerName } from '../../../src/actors/actor.ts';

/** One direction of a connection. */
class Pipe {
  private readonly source: Socket;
  private readonly sink: Socket;
  private isCut: boolean;
  private kept: Buffer[] = [];
  private isOver = false;
  private end: (() => void) | null = null;

  constructor(source: Socket, sink: Socket, isCut: boolean) {
    this.source = source;
    this.sink = sink;
    this.isCut = isCut;
    source.on('data', (chunk: Buffer) => this.pass(chunk));
    sink.on('drain', () => {
      if (!this.isCut) source.resume();
    });
    source.on('end', () => this.finish(() => this.sink.end()));
    source.on('close', () => this.finish(() => this.sink.destroy()));
  }

  setCut(isCut: boolean): void {
    this.isCut = isCut;
    if (isCut) return;
    for (const chunk of this.kept.splice(0)) this.sink.write(chunk);
    this.source.resume();
    this.end?.();
    this.end = null;
  }

  private pass(chunk: Buffer): void {
    if (this.isCut) this.kept.push(chunk);
    else if (this.sink.write(chunk)) return;
    this.source.pause();
  }

  private finish(end: () => void): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.isCut) this.end = end;
    else end();
  }
}

interface Connection {
  readonly from: PeerName;
  readonly to: PeerName;
  readonly sockets: readonly [Socket, Socket];
  readonly forth: Pipe;
  readonly back: Pipe;
}

const HOST = '127.0.0.1';

export class Wires {
  private readonly servers = new Map<string, Server>();
  private readonly ports = new Map<string, number>();
  private readonly connections = new Set<Connection>();
  private readonly cuts = new Set<string>();
  private readonly portOf: (name: PeerName) => number | null;

  /** @param portOf where a participant listens now; null when it is down */
  constructor(portOf: (name: PeerName) => number | null) {
    this.portOf = portOf;
  }

  /** Lays the wire from one participant to another. */
  async lay(from: PeerName, to: PeerName): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, near => this.accept(from, to, near));
    this.servers.set(wire(from, to), server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, HOST, resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    this.ports.set(wire(from, to), address.port);
  }

  /** Where `from` reaches `to`; null when there is no such wire. */
  port(from: PeerName, to: PeerName): number | null {
    return this.ports.get(wire(from, to)) ?? null;
  }

  setCut(from: PeerName, to: PeerName, isCut: boolean): void {
    if (isCut) this.cuts.add(wire(from, to));
    else this.cuts.delete(wire(from, to));
    for (const connection of this.connections) {
      if (connection.from === from && connection.to === to) connection.forth.setCut(isCut);
      if (connection.from === to && connection.to === from) connection.back.setCut(isCut);
    }
  }

  /** Breaks the connections between two participants; both sides are told by a reset. */
  break(a: PeerName, b: PeerName): void {
    for (const { from, to, sockets } of this.connections) {
      if ((from === a && to === b) || (from === b && to === a)) for (const socket of sockets) socket.resetAndDestroy();
    }
  }

  async close(): Promise<void> {
    for (const { sockets } of this.connections) for (const socket of sockets) socket.destroy();
    await Promise.all([...this.servers.values()].map(server => new Promise(resolve => server.close(resolve))));
  }

  private accept(from: PeerName, to: PeerName, near: Socket): void {
    near.on('error', () => near.destroy());
    const port = this.portOf(to);
    if (port === null) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port, host: HOST, allowHalfOpen: true });
    far.on('error', () => far.destroy());
    near.setNoDelay(true);
    far.setNoDelay(true);
    const connection: Connection = {
      from,
      to,
      sockets: [near, far],
      forth: new Pipe(near, far, this.cuts.has(wire(from, to))),
      back: new Pipe(far, near, this.cuts.has(wire(to, from))),
    };
    this.connections.add(connection);
    for (const socket of [near, far]) {
      socket.on('close', () => {
        if (near.destroyed && far.destroyed) this.connections.delete(connection);
      });
    }
  }
}

function wire(from: PeerName, to: PeerName): string {
  return `${from}>${to}`;
}
