/** Starts the daemon that a home is made for. */
import type { Role } from '../home/folder.ts';
import { openHome } from '../home/open-home.ts';
import type { Daemon, StartOptions } from './daemon.ts';
import { startNodeDaemon } from './node-daemon.ts';
import { startProviderDaemon } from './provider-daemon.ts';
import { startTenantDaemon } from './tenant-daemon.ts';

/**
 * Starts a daemon in this process.
 * @throws UnusableHome, InvalidScenario: the home, or what it names, cannot be used
 */
export function startDaemon(root: string, role: Role, options: StartOptions = {}): Promise<Daemon> {
  switch (role) {
    case 'node':
      return startNodeDaemon(openHome(root, 'node'), options);
    case 'provider':
      return startProviderDaemon(openHome(root, 'provider'), options);
    case 'tenant':
      return startTenantDaemon(openHome(root, 'tenant'), options);
  }
}
