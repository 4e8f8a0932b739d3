/** Makes the actor of a recording again, as the daemon made it: out of the home that the recording keeps. */
import type { Actor } from '../../../actors/actor.ts';
import type { NodeOptions } from '../../../actors/validator/node.ts';
import type { Wire } from '../../../actors/wire.ts';
import { tlsIdentity } from '../../../worlds/live/identity/identity.ts';
import type { ParticipantPorts } from '../../../worlds/live/participant-options.ts';
import { nodeActor } from '../daemon/node-actor.ts';
import { providerActor, registrarOf } from '../daemon/provider-actor.ts';
import { tenantActor } from '../daemon/tenant-actor.ts';
import type { Directory } from '../home/config-types.ts';
import { homeOf, type Origin } from '../home/origin.ts';

export interface RecordedActor {
  readonly start: (ports: ParticipantPorts) => Actor<Wire, unknown>;
  /** Whom it knew by name. */
  readonly directory: Directory;
  /** A validator that is told to misbehave. */
  readonly isByzantine: boolean;
}

/**
 * What makes the actor of a recording.
 * @param place how the recording is called in errors
 * @param watch is told of each block that a node has executed
 * @throws UnusableHome, InvalidScenario when this version cannot read what it was made of
 */
export async function recordedActor(
  place: string,
  origin: Origin,
  watch: NonNullable<NodeOptions['watch']>,
): Promise<RecordedActor> {
  switch (origin.role) {
    case 'node': {
      const home = homeOf(place, origin, 'node');
      return {
        start: ports => nodeActor(home, ports, watch).actor as Actor<Wire, unknown>,
        directory: home.config.peers,
        isByzantine: home.config.behaviour.kind !== 'honest',
      };
    }
    case 'provider': {
      const home = homeOf(place, origin, 'provider');
      const { rootHash } = await tlsIdentity(home.identity.keys.secretKey);
      const registrar = registrarOf(home, rootHash);
      return {
        start: ports => providerActor(home, ports, registrar) as Actor<Wire, unknown>,
        directory: home.config.nodes,
        isByzantine: false,
      };
    }
    case 'tenant': {
      const home = homeOf(place, origin, 'tenant');
      return {
        start: ports => tenantActor(home, ports) as Actor<Wire, unknown>,
        directory: home.config.nodes,
        isByzantine: false,
      };
    }
  }
}
