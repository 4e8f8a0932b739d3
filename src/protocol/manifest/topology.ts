/**
 * Who may talk to whom, out of a manifest.
 *
 * A port that is not exposed is nobody's, and an exposed one is for those alone to whom it is exposed: another service of
 * the deployment, or everybody outside. That holds between services of different groups too, which run at different
 * providers. Who may talk where is decided here once and for all; whatever carries the connections reads this list.
 */

import { isIngress } from './build.ts';
import { byCodeUnits } from './collation.ts';
import type { Manifest, ServiceExpose, Topology, TopologyLink, TopologyService } from './types.ts';

/**
 * Services and permissions, each in one order whatever that of the manifest. A permission for a service that is not
 * deployed permits nothing and is left out; one that occurs in several groups stands there once.
 */
export function topology(manifest: Manifest): Topology {
  const groupsOf = new Map<string, { group: string; count: number }[]>();
  const exposes = new Map<string, ServiceExpose[]>();
  for (const group of manifest) {
    for (const { name, count, expose } of group.services) {
      const groups = groupsOf.get(name) ?? [];
      groups.push({ group: group.name, count });
      groupsOf.set(name, groups);
      exposes.set(name, [...(exposes.get(name) ?? []), ...expose]);
    }
  }
  const services: TopologyService[] = [...groupsOf]
    .sort(([a], [b]) => byCodeUnits(a, b))
    .map(([name, groups]) => ({ name, groups: groups.sort((a, b) => byCodeUnits(a.group, b.group)) }));
  const links = new Map<string, TopologyLink>();
  for (const { name } of services) {
    for (const link of (exposes.get(name) ?? []).flatMap(one => linksOf(name, one, groupsOf))) {
      links.set(JSON.stringify(sortKey(link)), link);
    }
  }
  return { services, links: [...links.values()].sort(compareLinks) };
}

function linksOf(to: string, one: ServiceExpose, deployed: ReadonlyMap<string, unknown>): TopologyLink[] {
  const as = one.externalPort === 0 ? one.port : one.externalPort;
  const common = { to, port: one.port, as, proto: one.proto };
  const links: TopologyLink[] = [];
  if (one.service !== '' && deployed.has(one.service)) {
    links.push({ from: { service: one.service }, ...common, hosts: [], ip: '', entrance: null });
  }
  if (!one.global) return links;
  const entrance = isIngress(one) ? 'shared-http' : 'random-port';
  // Host names are told apart by the shared entrance only; on a port of its own every name leads there.
  const hosts = [...one.hosts].sort(byCodeUnits);
  links.push({ from: 'global', ...common, hosts, ip: '', entrance });
  // A leased address comes on top of the provider's own.
  if (one.ip !== '') links.push({ from: 'global', ...common, hosts: [], ip: one.ip, entrance: 'leased-ip' });
  return links;
}

/** Everything about a link, the target first. */
function sortKey({ from, to, port, as, proto, hosts, ip, entrance }: TopologyLink): readonly (string | number)[] {
  return [to, port, as, proto, from === 'global' ? '' : from.service, ip, entrance ?? '', ...hosts];
}

function compareLinks(a: TopologyLink, b: TopologyLink): number {
  const left = sortKey(a);
  const right = sortKey(b);
  for (let i = 0; i < left.length && i < right.length; i += 1) {
    const x = left[i]!;
    const y = right[i]!;
    if (typeof x === 'number' && typeof y === 'number' && x !== y) return x - y;
    const order = byCodeUnits(String(x), String(y));
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
