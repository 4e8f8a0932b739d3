/**
 * The HTTP server under every API: where it listens, what it refuses before anybody looks, and how it says so.
 *
 * It listens on loopback unless told otherwise. A web page anywhere may try to reach it through a browser on this
 * machine, so a request must name a host that can only mean this server (an address, `localhost`, or a name that the
 * operator allows), whatever is changed must come as JSON, and what a browser says came from another origin is refused.
 * No CORS header is ever sent.
 */
import type { AddressInfo, Server, Socket } from 'node:net';
import swagger from '@fastify/swagger';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { VERSION } from '../../experiment/version-node.ts';
import { serializerCompiler, validatorCompiler } from './endpoint.ts';
import { ApiError, errorBody, refusalOf, shown } from './errors.ts';
import { withJoinedId } from './paths.ts';

export interface ApiOptions {
  /** 127.0.0.1 when not given. */
  readonly host?: string;
  /** 0, when not given: any that is free. */
  readonly port?: number;
  /** Names besides addresses and `localhost` by which it may be called. */
  readonly names?: readonly string[];
  /** Hold every reply against its schema; a reply that does not fit is then an error. */
  readonly checkReplies?: boolean;
  /** Told of what went wrong inside; the caller learns no more than that something did. */
  readonly onFault?: (error: unknown) => void;
  /** Told of each request that was refused, but for those that only ask for what is not there. */
  readonly onRefused?: (refusal: ApiRefusal) => void;
}

/** Who was refused what, and why. */
export interface ApiRefusal {
  /** Address of the caller. */
  readonly remote: string;
  /** What it asked for, such as `POST /transactions`. */
  readonly request: string;
  /** As the caller was told. */
  readonly code: string;
  readonly reason: string;
}

/** Statuses of answers to callers who did nothing wrong: it is not there, not now, or to be had in another way. */
const HARMLESS = new Set([404, 409, 426, 504]);

export interface ApiServer {
  readonly host: string;
  readonly port: number;
  /** `http://host:port` */
  readonly url: string;
  /** Ends connections and everything that waits. */
  close(): Promise<void>;
}

/** What a server bears at the most. */
export const SERVER_LIMITS = {
  /** Bytes of a body: a transaction in hexadecimal, or an SDL file of 256 KiB with its escapes. */
  body_bytes: 600_000,
  header_bytes: 8_192,
  /** Time for the headers, for the whole request, and between requests, milliseconds. */
  headers_ms: 5_000,
  /** How often it is looked whether that time is over. */
  lookAtTimes_ms: 1_000,
  request_ms: 10_000,
  keepAlive_ms: 5_000,
  connections: 256,
  /** The same from one address: whoever takes all that it may leaves room for others. */
  connectionsPerRemote: 128,
  requestsPerConnection: 10_000,
  /** Characters of a part of a path. */
  param: 1_024,
  /** Bytes of a message from a WebSocket client. */
  socketMessage_bytes: 8_192,
} as const;

const TITLE = 'Orrery';

/** A server without endpoints. */
export async function makeServer(about: string, options: ApiOptions): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: SERVER_LIMITS.body_bytes,
    requestTimeout: SERVER_LIMITS.request_ms,
    keepAliveTimeout: SERVER_LIMITS.keepAlive_ms,
    connectionTimeout: 0,
    maxRequestsPerSocket: SERVER_LIMITS.requestsPerConnection,
    routerOptions: { maxParamLength: SERVER_LIMITS.param },
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    http: {
      maxHeaderSize: SERVER_LIMITS.header_bytes,
      headersTimeout: SERVER_LIMITS.headers_ms,
      connectionsCheckingInterval: SERVER_LIMITS.lookAtTimes_ms,
    },
    rewriteUrl: request => withJoinedId(request.url ?? '/'),
    frameworkErrors: (error, _, reply) => void refuse(error, reply, options),
    clientErrorHandler: (error, socket) => refuseBytes((error as NodeJS.ErrnoException).code ?? '', socket, options),
  });
  boundConnections(app.server, options);
  // Only JSON: a form or a plain text is what a page of another origin may send without being asked.
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler(options.checkReplies ?? false));
  // First, so that it knows of an upgrade before anything refuses it, and ends the connection then.
  await app.register(websocket, {
    options: { maxPayload: SERVER_LIMITS.socketMessage_bytes, perMessageDeflate: false },
    // Who has WebSocket clients says goodbye to them in its own words.
    preClose: done => done(),
  });
  const names = new Set((options.names ?? []).map(one => one.toLowerCase()));
  app.addHook('onRequest', async request => {
    refuseForeign(request.headers, request.method, names, request.headers.upgrade !== undefined);
  });
  app.addHook('onSend', async (_, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
  });
  app.setErrorHandler(async (error, _, reply) => refuse(error, reply, options));
  app.setNotFoundHandler(async request => {
    throw new ApiError(404, 'not_found', `${request.method} ${shown(request.url)}`, 'an endpoint of /openapi.json');
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `${TITLE} ${about}`, version: VERSION, description: DESCRIPTION },
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async (_, reply) => {
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(app.swagger()));
  });
  return app;
}

/** Connections in all, and from one address. Beyond, they are reset, for there is nobody yet to answer them. */
function boundConnections(server: Server, { onRefused }: ApiOptions): void {
  const { connections, connectionsPerRemote } = SERVER_LIMITS;
  const tell = (remote: string | undefined, found: number, of: string): void => {
    const reason = `found ${found} connections ${of} already, expected fewer`;
    onRefused?.({ remote: remote ?? '', request: 'a connection', code: 'full', reason });
  };
  server.maxConnections = connections;
  server.on('drop', connection => tell(connection?.remoteAddress, connections, 'in all'));
  const present = new Map<string, number>();
  server.prependListener('connection', socket => {
    const remote = socket.remoteAddress ?? '';
    const count = (present.get(remote) ?? 0) + 1;
    present.set(remote, count);
    socket.once('close', () => {
      const left = (present.get(remote) ?? 1) - 1;
      if (left > 0) present.set(remote, left);
      else present.delete(remote);
    });
    if (count <= connectionsPerRemote) return;
    tell(remote, connectionsPerRemote, 'from this address');
    socket.resetAndDestroy();
  });
}

const DESCRIPTION =
  'Amounts are decimal texts of micro-AKASH (_uakt) and pico-AKASH per second (_pakt_per_s), times microseconds (_us). ' +
  'Ids with slashes may be written with them or with %2F. What is refused has the body {error: {code, found, expected}}.';

/** Makes a finished server listen. */
export async function listen(app: FastifyInstance, options: ApiOptions): Promise<ApiServer> {
  const host = options.host ?? '127.0.0.1';
  await app.listen({ host, port: options.port ?? 0 });
  const { port } = app.server.address() as AddressInfo;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return { host, port, url: `http://${shownHost}:${port}`, close: () => app.close() };
}

/** Answers with what an error comes to outside. */
function refuse(error: unknown, reply: FastifyReply, options: ApiOptions): FastifyReply {
  const refusal = refusalOf(error) ?? faultOf(error, options);
  const { method, ip, routeOptions } = reply.request;
  if (refusal.status < 500 || refusal.status === 503) {
    const { status, code, found, expected } = refusal;
    const request = `${method} ${routeOptions?.url ?? 'no endpoint'}`;
    if (!HARMLESS.has(status))
      options.onRefused?.({ remote: ip, request, code, reason: `found ${found}, expected ${expected}` });
  }
  return reply
    .code(refusal.status)
    .type('application/json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(errorBody(refusal));
}

function faultOf(error: unknown, { onFault }: ApiOptions): ApiError {
  onFault?.(error);
  return new ApiError(500, 'fault', 'an error inside', 'none; the log of this process has more');
}

interface Headers {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
}

/** Throws ApiError for a request that a page of somebody else's may have sent. */
function refuseForeign(headers: Headers, method: string, names: ReadonlySet<string>, upgrades: boolean): void {
  const { host, origin } = headers;
  const expected = 'an address, localhost, or a name that the operator allows';
  if (host === undefined) throw new ApiError(400, 'bad_host', 'no Host header', expected);
  if (!isOwnHost(host, names)) throw new ApiError(421, 'bad_host', `the host ${shown(host)}`, expected);
  if (origin === undefined || (method === 'GET' && !upgrades)) return;
  if (origin !== `http://${host}` && origin !== `https://${host}`)
    throw new ApiError(403, 'bad_origin', `the origin ${shown(origin)}`, 'this server, or none');
}

/** A name that anybody may register could be made to mean this machine; an address cannot. */
export function isOwnHost(host: string, names: ReadonlySet<string>): boolean {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::\d{1,5})?$/.exec(host);
  if (match === null) return false;
  const name = match[2]?.toLowerCase();
  if (name === undefined) return true;
  return name === 'localhost' || /^(\d{1,3}\.){3}\d{1,3}$/.test(name) || names.has(name);
}

/** What is no HTTP, or too much or too slow of it, is told so in the same form. */
function refuseBytes(code: string, socket: Socket, { onRefused }: ApiOptions): void {
  const [status, error] =
    code === 'HPE_HEADER_OVERFLOW'
      ? [
          '431 Request Header Fields Too Large',
          { code: 'too_large', found: 'headers beyond the limit', expected: 'less' },
        ]
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', { code: 'too_slow', found: 'a request that does not end', expected: 'all of it' }]
        : ['400 Bad Request', { code: 'bad_request', found: 'bytes that are no request', expected: 'HTTP/1.1' }];
  if (code === 'ECONNRESET' || !socket.writable) return;
  const reason = `found ${error.found}, expected ${error.expected}`;
  onRefused?.({ remote: socket.remoteAddress ?? '', request: 'a request', code: error.code, reason });
  const body = JSON.stringify({ error });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
