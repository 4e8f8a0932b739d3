/** A provider's actor: what of a home's configuration becomes what of it. Daemons and replays make the same one. */
import { createHash } from 'node:crypto';
import { Provider, type ProviderOptions } from '../../../actors/provider/provider.ts';
import type { Registration } from '../../../actors/provider/registrar.ts';
import type { ParticipantPorts } from '../../../worlds/live/participant-options.ts';
import { RandomStreams } from '../../../worlds/simulated/streams.ts';
import { bidderOf, conductOf } from '../../experiment/bidders.ts';
import { drawRates } from '../../experiment/population.ts';
import { sampler } from '../../scenario/distributions.ts';
import { peerText } from '../home/endpoints.ts';
import { UnusableHome } from '../home/files.ts';
import type { OpenHome } from '../home/open-home.ts';
import { chainOptions } from './client.ts';

type Home = OpenHome<'provider'>;

/**
 * How the provider of a home gets into the register; undefined where somebody else sees to that.
 * @param certificate SHA-256 of its root certificate
 * @throws UnusableHome when its place is none that others could reach
 */
export function registrarOf({ paths, config, genesis }: Home, certificate: Uint8Array): ProviderOptions['registrar'] {
  if (!config.register) return undefined;
  const place = config.endpoint ?? config.listen;
  if (place.port === 0) {
    const expected = 'a fixed port, because its place stands in the register (or register: false)';
    throw new UnusableHome(`${paths.config}: listen: found port 0, expected ${expected}`);
  }
  if (place.host === '0.0.0.0' || place.host === '::') {
    const expected = 'the host:port under which tenants reach it';
    throw new UnusableHome(
      `${paths.config}: endpoint: found none beside listen on all addresses, expected ${expected}`,
    );
  }
  const { region, attributes, address } = config;
  const wanted: Registration = { region, attributes, certificate, endpoint: peerText({ ...place, address }) };
  const known = genesis.providers.find(one => one.address === address);
  if (known === undefined) return { wanted, genesis: null };
  const { address: _, ...registered } = known;
  return { wanted, genesis: registered };
}

/** The actor of a provider's home. */
export function providerActor(home: Home, ports: ParticipantPorts, registrar: ProviderOptions['registrar']): Provider {
  const { config } = home;
  const { name, region, attributes, hosts, strategy, reserve, bidProbability, bidDelay } = config;
  const streams = drawsOf(home);
  const rings = new Map(strategy.kind === 'ring' ? [[strategy.name, config.ringMembers]] : []);
  return new Provider({
    ...chainOptions(home),
    region,
    attributes,
    hosts,
    costs: drawRates(config.cost, streams, 'cost', name),
    bidder: bidderOf(config, { name }, rings, streams),
    reservesBids: reserve === 'bids',
    bidProbability,
    think_us: sampler(bidDelay, ports.random('think')),
    random: ports.random('bids'),
    conduct: conductOf(config, purpose => ports.random(purpose)),
    registrar,
    // A seed that stands in a configuration decides about bids, never about what nobody may foresee.
    challenges: ports.secret('challenges'),
  });
}

/** What was drawn once for it stays the same over restarts. */
function drawsOf({ config, identity }: Home): RandomStreams {
  const own = createHash('sha256').update('orrery/draws').update(identity.keys.secretKey).digest('hex');
  return new RandomStreams(config.seed ?? own);
}
