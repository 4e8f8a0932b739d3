/** What a server refuses before anybody looks: other hosts, other origins, too much, too slow, and no HTTP at all. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNodeApi } from '../../../../src/lab/live/api/node-api.ts';
import { withJoinedId } from '../../../../src/lab/live/api/paths.ts';
import { type ApiRefusal, type ApiServer, isOwnHost, SERVER_LIMITS } from '../../../../src/lab/live/api/server.ts';
import { type DrivenNode, smallNode } from './support.ts';

let node: DrivenNode;
let server: ApiServer;
const faults: unknown[] = [];
const refusals: ApiRefusal[] = [];

beforeAll(async () => {
  node = smallNode();
  server = await startNodeApi(node, {
    names: ['Node.Example'],
    onFault: error => faults.push(error),
    onRefused: refusal => refusals.push(refusal),
  });
});
afterAll(() => server.close());

/** Sends bytes and gives back what comes until the server closes, or for two seconds. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1');
    let answer = '';
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on('data', chunk => {
      answer += chunk.toString();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    socket.end(text);
  });
}

function request(head: string, body = ''): Promise<string> {
  return raw(`${head}\r\nConnection: close\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`);
}

describe('a request', () => {
  it.each([
    ['127.0.0.1', 200],
    ['127.0.0.1:80', 200],
    ['localhost', 200],
    ['LOCALHOST:8080', 200],
    ['[::1]:80', 200],
    ['node.example:1', 200],
    ['evil.example', 421],
    ['evil.example:26657', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost.evil.example', 421],
    ['user@127.0.0.1', 421],
  ])('for the host %s: %i', async (host, status) => {
    const answer = await request(`GET /status HTTP/1.1\r\nHost: ${host}`);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    if (status !== 200) expect(answer).toContain('"code":"bad_host"');
  });

  it('without a host', async () => {
    expect(await request('GET /status HTTP/1.0')).toContain('"code":"bad_host"');
  });

  it('is never shared with other origins, and changes nothing for them', async () => {
    const read = await fetch(`${server.url}/status`, { headers: { origin: 'http://evil.example' } });
    expect(read.headers.get('access-control-allow-origin')).toBeNull();
    expect(read.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    const post = (origin: string) =>
      fetch(`${server.url}/transactions`, {
        method: 'POST',
        headers: { origin, 'content-type': 'application/json' },
        body: '{"transaction":"00"}',
      });
    expect((await post('http://evil.example')).status).toBe(403);
    expect((await post('null')).status).toBe(403);
    expect((await post(server.url)).status).toBe(400);
    const preflight = await fetch(`${server.url}/transactions`, {
      method: 'OPTIONS',
      headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.ok).toBe(false);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'that comes as %s, as any page may send it, is refused',
    async type => {
      const body = '{"transaction":"00"}';
      const answer = await request(`POST /transactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}`, body);
      expect(answer).toContain('HTTP/1.1 415 ');
      expect(answer).toContain('"code":"bad_media_type"');
    },
  );

  it('that is too large is refused', async () => {
    const body = `{"transaction":"${'0'.repeat(SERVER_LIMITS.body_bytes)}"}`;
    const answer = await request(
      'POST /transactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json',
      body,
    );
    expect(answer).toContain('HTTP/1.1 413 ');
    expect(answer).toContain('"code":"too_large"');
    const head = `GET /status HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'a'.repeat(2 * SERVER_LIMITS.header_bytes)}`;
    expect(await request(head)).toContain('HTTP/1.1 431 ');
  });

  it('that is none is told so', async () => {
    const answer = await raw('\x16\x03\x01 this is no HTTP\r\n\r\n');
    expect(answer).toContain('HTTP/1.1 400 ');
    expect(answer).toContain('"code":"bad_request"');
  });

  it('that breaks something inside learns nothing of it', async () => {
    node.state = { validator: 1 as unknown as string, peers: null as never };
    const answer = await fetch(`${server.url}/status`);
    node.state = {};
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({
      error: { code: 'fault', found: 'an error inside', expected: 'none; the log of this process has more' },
    });
    expect(String(faults[0])).toContain('TypeError');
  });

  it('that is refused is told of with who and why; one for what is not there is not', async () => {
    refusals.length = 0;
    await request('GET /nothing HTTP/1.1\r\nHost: localhost');
    await request('GET /accounts/akash1none HTTP/1.1\r\nHost: localhost');
    await request('GET /status HTTP/1.1\r\nHost: evil.example');
    await request('POST /transactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json', '{"transaction');
    await raw('no HTTP\r\n\r\n');
    const remote = '127.0.0.1';
    expect(refusals).toEqual([
      { remote, request: 'GET /status', code: 'bad_host', reason: expect.stringContaining('evil.example') },
      { remote, request: 'POST /transactions', code: 'bad_request', reason: expect.stringContaining('no JSON') },
      {
        remote,
        request: 'a request',
        code: 'bad_request',
        reason: 'found bytes that are no request, expected HTTP/1.1',
      },
    ]);
  });

  it('that does not end is ended soon after its time', { timeout: 20_000 }, async () => {
    const socket = connect(server.port, '127.0.0.1');
    let answer = '';
    socket.on('data', chunk => {
      answer += chunk.toString();
    });
    const began = performance.now();
    socket.write('GET /status HTTP/1.1\r\nHost: loc');
    const drip = setInterval(() => socket.write('a'), 200);
    await new Promise(resolve => socket.once('close', resolve));
    clearInterval(drip);
    expect(performance.now() - began).toBeLessThan(SERVER_LIMITS.headers_ms + 5 * SERVER_LIMITS.lookAtTimes_ms);
    expect(answer).toContain('HTTP/1.1 408 ');
  });

  it('is served within limits of time and number', () => {
    expect(SERVER_LIMITS.headers_ms).toBeLessThanOrEqual(SERVER_LIMITS.request_ms);
    expect(server.host).toBe('127.0.0.1');
  });
});

describe('connections', () => {
  it('beyond the limit are turned away, and room comes back', async () => {
    const { connections, connectionsPerRemote } = SERVER_LIMITS;
    const from = (localAddress: string, count: number) =>
      Array.from({ length: count }, () => connect({ host: '127.0.0.1', port: server.port, localAddress }));
    const open = [...from('127.0.0.2', connectionsPerRemote)];
    open.push(...from('127.0.0.3', connections - connectionsPerRemote));
    await Promise.all(open.map(socket => new Promise(resolve => socket.once('connect', resolve))));
    // The kernel accepts before the server does; give it time to count.
    await new Promise(resolve => setTimeout(resolve, 200));
    const answer = await request('GET /status HTTP/1.1\r\nHost: localhost').catch(() => '');
    expect(answer).toBe('');
    const reason = `found ${connections} connections in all already, expected fewer`;
    expect(refusals).toContainEqual({ remote: '127.0.0.1', request: 'a connection', code: 'full', reason });
    for (const socket of open) socket.destroy();
    await new Promise(resolve => setTimeout(resolve, 200));
    expect(await request('GET /status HTTP/1.1\r\nHost: localhost')).toContain('HTTP/1.1 200 ');
  });

  it('of one address leave room for those of others', async () => {
    refusals.length = 0;
    const { connectionsPerRemote } = SERVER_LIMITS;
    let closed = 0;
    const open = Array.from({ length: connectionsPerRemote + 20 }, () => {
      const socket = connect({ host: '127.0.0.1', port: server.port, localAddress: '127.0.0.2' });
      socket.on('error', () => undefined).on('close', () => closed++);
      return socket;
    });
    await new Promise(resolve => setTimeout(resolve, 300));
    expect(closed).toBe(20);
    expect(await request('GET /status HTTP/1.1\r\nHost: localhost')).toContain('HTTP/1.1 200 ');
    const reason = `found ${connectionsPerRemote} connections from this address already, expected fewer`;
    expect(refusals).toHaveLength(20);
    expect(refusals[0]).toEqual({ remote: '127.0.0.2', request: 'a connection', code: 'full', reason });
    for (const socket of open) socket.destroy();
    await new Promise(resolve => setTimeout(resolve, 200));
  });
});

describe('whose host it is', () => {
  it.each([
    ['10.0.0.1', true],
    ['[fe80::1]:5', true],
    ['example.org', false],
    ['localhost:99999999', false],
    ['', false],
    ['[evil.example]', false],
    ['127.0.0.1:80:80', false],
  ])('%s: %s', (host, own) => {
    expect(isOwnHost(host, new Set())).toBe(own);
  });
});

describe('an id in a path', () => {
  it.each([
    ['/orders/akash1x/0/0/1', '/orders/akash1x%2F0%2F0%2F1'],
    ['/orders/akash1x/0/0/1?a=/b', '/orders/akash1x%2F0%2F0%2F1?a=/b'],
    ['/leases/akash1x/0/0/1/logs', '/leases/akash1x%2F0%2F0%2F1/logs'],
    ['/leases/akash1x%2F0%2F0%2F1/logs', '/leases/akash1x%2F0%2F0%2F1/logs'],
    ['/deployments/akash1x/2.1', '/deployments/akash1x%2F2.1'],
    ['/proof/delegation/a/b', '/proof/delegation%2Fa%2Fb'],
    ['/proof/chainwide', '/proof/chainwide'],
    ['/orders', '/orders'],
    ['/orders?limit=3', '/orders?limit=3'],
    ['/constructor/a/b/c/d', '/constructor/a/b/c/d'],
    ['//orders/a/b', '//orders/a/b'],
  ])('%s', (url, joined) => {
    expect(withJoinedId(url)).toBe(joined);
    expect(withJoinedId(joined)).toBe(joined);
  });
});
