/** Ports that nobody listens on, all different. Somebody else may take one before it is used: then its user says so. */
import { createServer, type Server } from 'node:net';

/** So many free ports of an address. */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const server = createServer();
      servers.push(server);
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
    }
    return servers.map(server => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error(`found ${address}, expected a port`);
      return address.port;
    });
  } finally {
    await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  }
}
