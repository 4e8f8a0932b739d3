/** A tenant's actor: what of a home's configuration becomes what of it. Daemons and replays make the same one. */
import { Tenant } from '../../../actors/tenant/tenant.ts';
import type { ParticipantPorts } from '../../../worlds/live/participant-options.ts';
import type { OpenHome } from '../home/open-home.ts';
import { chainOptions } from './client.ts';

/** The actor of a tenant's home. */
export function tenantActor(home: OpenHome<'tenant'>, ports: ParticipantPorts): Tenant {
  return new Tenant({ ...chainOptions(home), random: ports.secret('challenges'), keeps: 'all' });
}
