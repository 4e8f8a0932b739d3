/** What a command hears of a daemon that refuses, is late, or is not there. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { ApiClient, NoAnswer, Refused } from '../../../../src/lab/live/daemon/api-client.ts';
import { UnusableHome } from '../../../../src/lab/live/home/files.ts';

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function clientOf(answer: ((path: string) => [number, unknown]) | null): Promise<ApiClient> {
  server = createServer((request, response) => {
    if (answer === null) return;
    const [status, body] = answer(request.url ?? '');
    response.statusCode = status;
    response.end(JSON.stringify(body));
  });
  await new Promise<void>(resolve => void (server as Server).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const self = { pid: 7, start: null, startedAt_ms: 0, chainId: '', genesisHash: '', listen: null };
  return new ApiClient({ ...self, role: 'tenant', name: 'web', address: '', api: { host: '127.0.0.1', port } });
}

const height = z.object({ height: z.number() });

test('an answer is read by its schema', async () => {
  const client = await clientOf(() => [200, { height: 3 }]);
  expect(await client.call('/status', height)).toEqual({ height: 3 });
});

test('a refusal is told with its code and words', async () => {
  const client = await clientOf(() => [400, { error: { code: 'bad_terms', found: 'a fish', expected: 'a price' } }]);
  const refused = client.call('/status', height);
  await expect(refused).rejects.toThrow(Refused);
  await expect(refused).rejects.toThrow('bad_terms: found a fish, expected a price');
});

test('who is late is another thing than who is not there', async () => {
  const client = await clientOf(null);
  const late = client.call('/status', height, { timeout_ms: 50 });
  await expect(late).rejects.toThrow(NoAnswer);
  await expect(late).rejects.toThrow(
    /\/status: found no answer in 0\.05 s, expected one of the tenant web \(process 7\)/,
  );
  server?.closeAllConnections();
  await new Promise(resolve => server?.close(resolve));
  const gone = client.call('/status', height);
  await expect(gone).rejects.toThrow(UnusableHome);
  await expect(gone).rejects.not.toThrow(NoAnswer);
  await expect(gone).rejects.toThrow(/found no answer \(.*ECONNREFUSED/);
});
