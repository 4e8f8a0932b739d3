/** Starts the daemon that a home is made for. Each loads what it needs and no more: on a small machine that is most of a start. */
import type { Role } from '../home/folder.ts';
import { openHomeBy } from '../home/opening.ts';
import type { Daemon, StartOptions } from './daemon.ts';

/**
 * Starts a daemon in this process.
 * @throws UnusableHome, InvalidScenario: the home, or what it names, cannot be used
 */
export async function startDaemon(root: string, role: Role, options: StartOptions = {}): Promise<Daemon> {
  switch (role) {
    case 'node': {
      const { nodeSchema } = await import('../home/config-node.ts');
      const { startNodeDaemon } = await import('./node-daemon.ts');
      return startNodeDaemon(openHomeBy(root, 'node', nodeSchema), options);
    }
    case 'provider': {
      const { providerSchema } = await import('../home/config-provider.ts');
      const { startProviderDaemon } = await import('./provider-daemon.ts');
      return startProviderDaemon(openHomeBy(root, 'provider', providerSchema), options);
    }
    case 'tenant': {
      const { tenantSchema } = await import('../home/config-tenant.ts');
      const { startTenantDaemon } = await import('./tenant-daemon.ts');
      return startTenantDaemon(openHomeBy(root, 'tenant', tenantSchema), options);
    }
  }
}
