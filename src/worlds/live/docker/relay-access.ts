/** Access through relays: one for each private network that something is published of. */
import { type Access, addressIn } from './access.ts';
import { enginePort } from './container-config.ts';
import type { Engine, EngineFacts } from './engine.ts';
import type { Images } from './images.ts';
import { LABELS, networkName, relayName } from './labels.ts';
import { ensureLocalImage, ownImage, runsThere } from './local-image.ts';
import type { DockerSettings } from './options.ts';
import { Relay } from './relay.ts';
import { removeContainer } from './removal.ts';
import { Slots } from './turns.ts';

/** Why there can be no relay; null when there can. */
export function relayObjection({ relayImage }: DockerSettings, facts: EngineFacts): string | null {
  if (relayImage !== null || runsThere(facts)) return null;
  return (
    `this machine does not reach containers, and its own Node.js (${process.platform}, ${process.arch}) does not run at ` +
    `the engine (${facts.platform}): name an image with Node.js as relayImage`
  );
}

export function relayAccess(engine: Engine, settings: DockerSettings, facts: EngineFacts, images: Images): Access {
  const { owner, relayImage, concurrency, problem } = settings;
  const objection = relayObjection(settings, facts);
  if (objection !== null) problem(`no port can be published: ${objection}`);
  const relays = new Map<string, Relay>();
  const slots = new Slots(concurrency);
  const image = async (): Promise<string> => {
    if (relayImage !== null) return (await images.ensure(relayImage, null)).Id;
    await ensureLocalImage(engine, ownImage());
    return ownImage();
  };
  const relayOf = (network: string): Relay => {
    let relay = relays.get(network);
    if (relay === undefined) {
      const place = {
        owner,
        network,
        networkName: networkName(owner, network),
        cgroupVersion: facts.cgroupVersion,
      };
      relay = new Relay({ engine, place, image, slots, problem });
      relays.set(network, relay);
    }
    return relay;
  };
  return {
    enginePublishes: false,
    objection: port => (objection === null ? null : `port ${enginePort(port)} cannot be published: ${objection}`),
    ways: async (network, container) => {
      const host = addressIn(owner, network, container);
      if (host === null) return () => null;
      const relay = relayOf(network);
      await relay.running();
      return ({ port }) => relay.way({ host, port });
    },
    uses: ({ Labels }) => relays.has(Labels[LABELS.relay] ?? ''),
    leave: async network => {
      const relay = relays.get(network);
      relays.delete(network);
      await relay?.close();
      // Also one of an earlier start's: a network that somebody is in cannot be removed.
      await removeContainer(engine, relayName(owner, network));
    },
    close: async () => {
      await Promise.all([...relays.values()].map(relay => relay.close()));
    },
  };
}
