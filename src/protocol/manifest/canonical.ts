/**
 * The one JSON text of a manifest and of group specifications, and the hash of it that stands on the chain.
 *
 * It is what the official tools agree on, grown over their versions: keys in order, no spaces, some empty lists as null
 * and others as they are, some left out, and three characters escaped for the sake of HTML. Providers hash the manifest
 * that they receive and compare, so that every byte counts.
 */

import { sha256 } from '../codec/sha256.ts';
import { byCodeUnits } from './collation.ts';
import type {
  Attribute,
  Endpoint,
  GroupSpec,
  HttpOptions,
  Manifest,
  ManifestService,
  Resources,
  ServiceExpose,
  ServiceParams,
} from './types.ts';
import { bytesText } from './units.ts';

/** A value of JSON; what is undefined is left out of its map. */
type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** The canonical text of a manifest. */
export function canonicalManifest(manifest: Manifest): string {
  return text(manifest.map(({ name, services }) => ({ name, services: services.map(service) })));
}

/** The canonical text of group specifications. */
export function canonicalGroupSpecs(groups: readonly GroupSpec[]): string {
  return text(
    groups.map(({ name, requirements, resources: all }) => ({
      name,
      requirements: {
        attributes: attributes(requirements.attributes),
        signedBy: { allOf: requirements.signedBy.allOf, anyOf: requirements.signedBy.anyOf },
      },
      resources: all.map(one => ({
        count: one.count,
        price: { amount: one.price.amount, denom: one.price.denom },
        resource: resources(one),
      })),
    })),
  );
}

/** The version of a deployment: SHA-256 of the canonical manifest, as 64 hexadecimal digits. */
export function manifestVersion(canonical: string): string {
  const hash = sha256(new TextEncoder().encode(canonical));
  return Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('');
}

function service(one: ManifestService): Json {
  return {
    args: orNull(one.args),
    command: orNull(one.command),
    count: one.count,
    credentials: one.credentials === null ? null : { ...one.credentials },
    env: orNull(one.env),
    expose: one.expose.map(expose),
    image: one.image,
    name: one.name,
    params: one.params === null ? undefined : params(one.params),
    resources: resources(one.resources),
  };
}

function expose(one: ServiceExpose): Json {
  return {
    endpointSequenceNumber: one.endpointSequenceNumber,
    externalPort: one.externalPort,
    global: one.global,
    hosts: orNull(one.hosts),
    httpOptions: httpOptions(one.httpOptions),
    ip: one.ip,
    port: one.port,
    proto: one.proto,
    service: one.service,
  };
}

function httpOptions(options: HttpOptions): Json {
  return { ...options, proxyBufferSize: options.proxyBufferSize === 0 ? undefined : options.proxyBufferSize };
}

function params({ storage, permissions, tee }: ServiceParams): Json {
  return {
    permissions: permissions === null ? undefined : { read: permissions.read ?? undefined },
    storage: orNull(storage.map(one => ({ ...one }))),
    tee: tee === null ? undefined : { ...tee },
  };
}

function resources({ id, cpu, memory, gpu, storage, endpoints }: Resources): Json {
  return {
    cpu: { attributes: attributes(cpu.attributes), units: { val: cpu.units } },
    endpoints: endpoints.map(endpoint),
    gpu: { attributes: attributes(gpu.attributes), units: { val: gpu.text } },
    id,
    memory: { size: { val: bytesText(memory.bytes) } },
    storage: orNull(
      storage.map(one => ({
        attributes: attributes(one.attributes),
        name: one.name,
        size: { val: bytesText(one.bytes) },
      })),
    ),
  };
}

function endpoint({ kind, sequenceNumber }: Endpoint): Json {
  return { kind: kind === 0 ? undefined : kind, sequence_number: sequenceNumber };
}

function attributes(list: readonly Attribute[]): Json | undefined {
  return list.length === 0 ? undefined : list.map(({ key, value }) => ({ key, value }));
}

function orNull(list: readonly Json[]): Json {
  return list.length === 0 ? null : list;
}

const ESCAPES: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };

function text(value: Json): string {
  return json(value).replace(/[<>&]/g, one => ESCAPES[one]!);
}

function json(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(json).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value as Readonly<Record<string, Json | undefined>>);
  const parts: string[] = [];
  for (const [key, one] of entries.sort(([a], [b]) => byCodeUnits(a, b))) {
    if (one !== undefined) parts.push(`${JSON.stringify(key)}:${json(one)}`);
  }
  return `{${parts.join(',')}}`;
}
