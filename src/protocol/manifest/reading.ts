/**
 * A manifest out of its canonical bytes: what a provider makes of the bytes that a tenant hands over.
 *
 * Whoever hands them over is not trusted. So only the one canonical text of a manifest is read: what was understood is
 * written again and must give the same bytes, so that nothing in them can have been overlooked. What cannot be run in any
 * container is refused as well: names that are no names in a network, ports that are none, texts with NUL bytes.
 */
import { plainText } from './binary64.ts';
import { canonicalManifest } from './canonical.ts';
import { MAX_MANIFEST } from './extent.ts';
import type {
  Attribute,
  Credentials,
  Endpoint,
  HttpOptions,
  Manifest,
  ManifestService,
  Mount,
  PermissionScope,
  Resources,
  ServiceExpose,
  ServiceParams,
  Volume,
} from './types.ts';
import { quantity } from './units.ts';

/** Largest canonical manifest in bytes. */
export const MAX_MANIFEST_BYTES = MAX_MANIFEST;
/** Most services in one group. */
export const MAX_SERVICES = 256;
/** Most groups of a manifest, and longest name of one in bytes. */
export const MAX_MANIFEST_GROUPS = 256;
export const MAX_GROUP_NAME = 1_024;

const MAX_UINT32 = 0xffff_ffff;
const MAX_PORT = 65_535;
/** A name under which a service is found in a network. */
const SERVICE_NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NUMBER = /^[0-9]{1,30}(\.[0-9]{1,30})?(e[+-][0-9]{1,3})?$/;
const WHOLE = /^[0-9]{1,30}$/;

export type ManifestReading =
  | { readonly ok: true; readonly manifest: Manifest }
  /** `found ..., expected ...`, and where. */
  | { readonly ok: false; readonly reason: string };

/** Reads a manifest. Never throws on account of what is in it. */
export function readManifest(bytes: Uint8Array): ManifestReading {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    return { ok: false, reason: `found ${bytes.length} bytes, expected at most ${MAX_MANIFEST_BYTES}` };
  }
  try {
    const text = decodeText(bytes);
    const manifest = readGroups(new Place(parse(text), ''));
    if (canonicalManifest(manifest) !== text) throw new NoManifest('', 'other bytes', 'the canonical ones');
    return { ok: true, manifest };
  } catch (error) {
    if (!(error instanceof NoManifest)) throw error;
    return { ok: false, reason: error.message };
  }
}

class NoManifest extends Error {
  constructor(path: string, found: string, expected: string) {
    super(`${path === '' ? '' : `${path}: `}found ${found}, expected ${expected}`);
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // The decoder has nothing to say but that.
    throw new NoManifest('', 'bytes that are not UTF-8', 'UTF-8');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What the engine says of it quotes the text, and a manifest holds secrets.
    throw new NoManifest('', 'no JSON', 'JSON');
  }
}

/** A value and where it stands. */
class Place {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.path = path;
  }

  wrong(expected: string): NoManifest {
    const { value } = this;
    const found = value === null ? 'null' : Array.isArray(value) ? `a list of ${value.length}` : `a ${typeof value}`;
    return new NoManifest(this.path, value === undefined ? 'nothing' : found, expected);
  }

  /** A field of an object; what is not there is undefined. */
  at(name: string): Place {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.wrong('an object');
    const has = Object.hasOwn(value, name);
    return new Place(has ? (value as Record<string, unknown>)[name] : undefined, `${this.path}/${name}`);
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.wrong('a text');
    if (this.value.includes('\0')) throw new NoManifest(this.path, 'a NUL', 'a text without');
    return this.value;
  }

  matching(pattern: RegExp, what: string): string {
    const text = this.text();
    if (!pattern.test(text)) throw new NoManifest(this.path, 'another text', what);
    return text;
  }

  whole(least: number, most: number): number {
    const { value } = this;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most)
      throw this.wrong(`a whole number from ${least} to ${most}`);
    return value;
  }

  flag(): boolean {
    if (typeof this.value !== 'boolean') throw this.wrong('true or false');
    return this.value;
  }

  word<T extends string>(...words: readonly T[]): T {
    const found = words.find(one => one === this.value);
    if (found === undefined) throw this.wrong(`one of: ${words.join(', ')}`);
    return found;
  }

  list<T>(item: (place: Place) => T, most = MAX_UINT32): T[] {
    const { value } = this;
    if (!Array.isArray(value)) throw this.wrong('a list');
    if (value.length > most) throw this.wrong(`a list of at most ${most}`);
    return value.map((one, i) => item(new Place(one, `${this.path}/${i}`)));
  }

  /** A list that stands as null where it is empty. */
  listOrNull<T>(item: (place: Place) => T): T[] {
    return this.value === null ? [] : this.list(item);
  }

  /** A list that is left out where it is empty. */
  listIfAny<T>(item: (place: Place) => T): T[] {
    return this.value === undefined ? [] : this.list(item);
  }

  orNull<T>(read: (place: Place) => T): T | null {
    return this.value === null ? null : read(this);
  }

  ifAny<T>(read: (place: Place) => T): T | null {
    return this.value === undefined ? null : read(this);
  }
}

const textAt = (place: Place): string => place.text();

function readGroups(place: Place): Manifest {
  return place.list(
    group => ({
      name: groupName(group.at('name')),
      services: group.at('services').list(readService, MAX_SERVICES),
    }),
    MAX_MANIFEST_GROUPS,
  );
}

function groupName(place: Place): string {
  const name = place.text();
  if (name.length > MAX_GROUP_NAME) throw new NoManifest(place.path, `${name.length} characters`, 'a shorter name');
  return name;
}

function readService(place: Place): ManifestService {
  return {
    name: place.at('name').matching(SERVICE_NAME, 'small letters, digits and - within, 63 at most, a letter first'),
    image: place.at('image').matching(/./, 'the name of an image'),
    command: place.at('command').listOrNull(textAt),
    args: place.at('args').listOrNull(textAt),
    env: place.at('env').listOrNull(textAt),
    resources: readResources(place.at('resources')),
    count: place.at('count').whole(1, MAX_UINT32),
    expose: place.at('expose').list(readExpose),
    params: place.at('params').ifAny(readParams),
    credentials: place.at('credentials').orNull(readCredentials),
  };
}

function readResources(place: Place): Resources {
  const cpu = place.at('cpu');
  const gpu = place.at('gpu');
  const processors = readQuantity(cpu.at('units').at('val'));
  const cards = readQuantity(gpu.at('units').at('val'));
  return {
    id: place.at('id').whole(1, MAX_UINT32),
    cpu: {
      milli: processors.whole,
      units: processors.text,
      attributes: cpu.at('attributes').listIfAny(readAttribute),
    },
    memory: { bytes: readBytes(place.at('memory').at('size').at('val')) },
    gpu: { units: cards.whole, text: cards.text, attributes: gpu.at('attributes').listIfAny(readAttribute) },
    storage: place.at('storage').listOrNull(readVolume),
    endpoints: place.at('endpoints').list(readEndpoint),
  };
}

function readQuantity(place: Place): { readonly text: string; readonly whole: bigint } {
  const found = quantity(plainText(place.matching(NUMBER, 'a number')));
  if (found === null) throw new NoManifest(place.path, 'a number beyond all numbers', 'a finite one');
  return found;
}

function readBytes(place: Place): bigint {
  return BigInt(place.matching(WHOLE, 'a number of bytes'));
}

function readAttribute(place: Place): Attribute {
  return { key: place.at('key').text(), value: place.at('value').text() };
}

function readVolume(place: Place): Volume {
  return {
    name: place.at('name').text(),
    bytes: readBytes(place.at('size').at('val')),
    attributes: place.at('attributes').listIfAny(readAttribute),
  };
}

function readEndpoint(place: Place): Endpoint {
  const kind = place.at('kind');
  return {
    kind: kind.value === undefined ? 0 : (kind.whole(1, 2) as 1 | 2),
    sequenceNumber: place.at('sequence_number').whole(0, MAX_UINT32),
  };
}

function readExpose(place: Place): ServiceExpose {
  return {
    port: place.at('port').whole(1, MAX_PORT),
    externalPort: place.at('externalPort').whole(0, MAX_PORT),
    proto: place.at('proto').word('TCP', 'UDP'),
    service: place.at('service').text(),
    global: place.at('global').flag(),
    hosts: place.at('hosts').listOrNull(textAt),
    httpOptions: readHttp(place.at('httpOptions')),
    ip: place.at('ip').text(),
    endpointSequenceNumber: place.at('endpointSequenceNumber').whole(0, MAX_UINT32),
  };
}

function readHttp(place: Place): HttpOptions {
  const number = (name: string): number => place.at(name).whole(0, MAX_UINT32);
  return {
    maxBodySize: number('maxBodySize'),
    readTimeout: number('readTimeout'),
    sendTimeout: number('sendTimeout'),
    nextTries: number('nextTries'),
    nextTimeout: number('nextTimeout'),
    nextCases: place.at('nextCases').list(textAt),
    proxyBufferSize: place.at('proxyBufferSize').value === undefined ? 0 : number('proxyBufferSize'),
  };
}

function readParams(place: Place): ServiceParams {
  return {
    storage: place.at('storage').listOrNull(readMount),
    permissions: place.at('permissions').ifAny(one => ({
      read: one.at('read').ifAny(all => all.list(each => each.word<PermissionScope>('deployment', 'logs', 'events'))),
    })),
    tee: place.at('tee').ifAny(one => {
      if (!one.at('attestation').flag()) throw one.wrong('attestation');
      return { type: one.at('type').word('cpu', 'cpu-gpu'), attestation: true };
    }),
  };
}

function readMount(place: Place): Mount {
  return {
    name: place.at('name').text(),
    mount: place.at('mount').matching(/^(\/.*)?$/s, 'an absolute path, or none'),
    readOnly: place.at('readOnly').flag(),
  };
}

function readCredentials(place: Place): Credentials {
  return {
    host: place.at('host').text(),
    email: place.at('email').text(),
    username: place.at('username').text(),
    password: place.at('password').text(),
  };
}
