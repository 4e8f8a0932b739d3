/**
 * The model of an SDL file out of a tree that the schema has let through.
 *
 * What writing leaves open is settled here: defaults are filled in, quantities take their one form, attributes become
 * pairs of texts in the official order. A kind that the schema excludes is a defect of this code and throws.
 */

import { plainText } from './binary64.ts';
import { byCodeUnits, byWords } from './collation.ts';
import type { Tree } from './document.ts';
import { scalarText } from './document.ts';
import type {
  Attribute,
  Credentials,
  Denom,
  HttpOptions,
  PermissionScope,
  Sdl,
  SdlCompute,
  SdlDeployment,
  SdlExpose,
  SdlGpu,
  SdlParams,
  SdlPlacement,
  SdlPrice,
  SdlService,
  SdlVolume,
  TeeType,
} from './types.ts';
import { cpuFromNumber, cpuFromText, periodSeconds, plainDecimal, sizeInBytes, sizeText } from './units.ts';

/** What an exposed port does where the file does not say. */
export const DEFAULT_HTTP: HttpOptions = {
  maxBodySize: 1_048_576,
  readTimeout: 60_000,
  sendTimeout: 60_000,
  nextTries: 3,
  nextTimeout: 0,
  nextCases: ['error', 'timeout'],
  proxyBufferSize: 0,
};

/** The model of a checked tree. */
export function sdlModel(root: Tree): Sdl {
  const profiles = required(root, 'profiles');
  const window = field(field(root, 'reclamation'), 'min_window');
  return {
    version: textOf(required(root, 'version')) as Sdl['version'],
    include: textsOf(field(root, 'include')),
    services: mapOf(field(root, 'services'), service),
    compute: mapOf(field(profiles, 'compute'), compute),
    placement: mapOf(field(profiles, 'placement'), placement),
    deployment: mapOf(field(root, 'deployment'), one => mapOf(one, deployment)),
    endpoints: [...mapOf(field(root, 'endpoints'), () => null).keys()],
    reclamation:
      window === null ? null : { minWindow: textOf(window), minWindowSeconds: periodSeconds(textOf(window)) },
  };
}

function service(tree: Tree): SdlService {
  const access = field(tree, 'credentials');
  return {
    image: textOf(required(tree, 'image')),
    command: textsOf(field(tree, 'command')),
    args: textsOf(field(tree, 'args')),
    env: textsOf(field(tree, 'env')),
    credentials: access === null ? null : credentials(access),
    dependencies: listOf(field(tree, 'dependencies'), one => textOr(field(one, 'service'), null)),
    expose: listOf(field(tree, 'expose'), expose),
    params: params(field(tree, 'params')),
  };
}

function credentials(tree: Tree): Credentials {
  return {
    host: textOf(required(tree, 'host')),
    email: textOr(field(tree, 'email'), ''),
    username: textOf(required(tree, 'username')),
    password: textOf(required(tree, 'password')),
  };
}

function expose(tree: Tree): SdlExpose {
  return {
    port: numberOr(required(tree, 'port'), 0),
    as: numberOr(field(tree, 'as'), null),
    proto: textOr(field(tree, 'proto'), 'TCP').toUpperCase() === 'UDP' ? 'UDP' : 'TCP',
    accept: textsOf(field(tree, 'accept')),
    http: http(field(tree, 'http_options')),
    to: listOf(field(tree, 'to'), one => ({
      service: textOr(field(one, 'service'), ''),
      global: isTrue(field(one, 'global')),
      ip: textOr(field(one, 'ip'), ''),
    })),
  };
}

function http(tree: Tree | null): HttpOptions {
  const cases = field(tree, 'next_cases');
  return {
    maxBodySize: numberOr(field(tree, 'max_body_size'), DEFAULT_HTTP.maxBodySize),
    readTimeout: numberOr(field(tree, 'read_timeout'), DEFAULT_HTTP.readTimeout),
    sendTimeout: numberOr(field(tree, 'send_timeout'), DEFAULT_HTTP.sendTimeout),
    nextTries: numberOr(field(tree, 'next_tries'), DEFAULT_HTTP.nextTries),
    nextTimeout: numberOr(field(tree, 'next_timeout'), DEFAULT_HTTP.nextTimeout),
    nextCases: cases === null ? DEFAULT_HTTP.nextCases : textsOf(cases),
    proxyBufferSize: numberOr(field(tree, 'proxy_buffer_size'), DEFAULT_HTTP.proxyBufferSize),
  };
}

function params(tree: Tree | null): SdlParams | null {
  if (tree === null) return null;
  const permissions = field(tree, 'permissions');
  const read = field(permissions, 'read');
  return {
    storage: [...mapOf(field(tree, 'storage'), one => one)].map(([name, one]) => ({
      name,
      mount: textOr(field(one, 'mount'), ''),
      readOnly: isTrue(field(one, 'readOnly')),
    })),
    permissions: permissions === null ? null : { read: read === null ? null : (textsOf(read) as PermissionScope[]) },
    tee: textOr(field(tree, 'tee'), null) as TeeType | null,
  };
}

function compute(tree: Tree): SdlCompute {
  const resources = required(tree, 'resources');
  const cpu = required(resources, 'cpu');
  const storage = required(resources, 'storage');
  const cards = field(resources, 'gpu');
  return {
    cpuMilli: cpuMilli(required(cpu, 'units')),
    cpuAttributes: attributes(field(cpu, 'attributes')),
    memory: size(required(required(resources, 'memory'), 'size')),
    storage: storage.kind === 'list' ? storage.items.map(volume) : [volume(storage)],
    gpu: cards === null ? null : gpu(cards),
  };
}

/** Processors that are infinitely many stay as they were written, for the next stage to refuse. */
function cpuMilli(units: Tree): string {
  if (units.kind !== 'number' || units.value === null) {
    const value = cpuFromText(textOf(units));
    return value === null ? textOf(units) : plainDecimal(value);
  }
  const value = cpuFromNumber(units.value);
  return value === null ? 'Infinity' : plainDecimal(value);
}

/** What is no size stays as it was written: in a profile that nobody uses it does not matter. */
function size(tree: Tree): string {
  const bytes = sizeInBytes(textOf(tree));
  return bytes === null ? textOf(tree) : sizeText(bytes);
}

function volume(tree: Tree): SdlVolume {
  const told = field(tree, 'attributes');
  return {
    name: textOr(field(tree, 'name'), null),
    size: size(required(tree, 'size')),
    attributes:
      told === null
        ? null
        : { class: textOf(required(told, 'class')), persistent: attributeText(required(told, 'persistent')) },
  };
}

function gpu(tree: Tree): SdlGpu {
  const units = field(tree, 'units');
  const told = field(tree, 'attributes');
  const vendor = field(told, 'vendor');
  const nvidia = field(vendor, 'nvidia');
  const text = units === null ? null : units.kind === 'number' ? plainText(units.text) : textOf(units);
  return {
    units: text,
    // A text that is a plain positive number means the same without its quotes.
    quoted: units?.kind === 'text' && !/^[1-9][0-9]{0,14}$/.test(units.value),
    attributes:
      told === null
        ? null
        : {
            vendor:
              vendor === null
                ? null
                : {
                    nvidia:
                      nvidia === null || nvidia.kind === 'null'
                        ? null
                        : listOf(nvidia, one => ({
                            model: textOr(field(one, 'model'), null),
                            ram: textOr(field(one, 'ram'), ''),
                            interface: textOr(field(one, 'interface'), null) as 'pcie' | 'sxm' | null,
                          })),
                  },
          },
  };
}

function placement(tree: Tree): SdlPlacement {
  const signers = field(tree, 'signedBy');
  return {
    attributes: attributes(field(tree, 'attributes')),
    signedBy: { allOf: textsOf(field(signers, 'allOf')), anyOf: textsOf(field(signers, 'anyOf')) },
    pricing: mapOf(field(tree, 'pricing'), price),
  };
}

function price(tree: Tree): SdlPrice {
  const amount = required(tree, 'amount');
  return {
    denom: textOf(required(tree, 'denom')) as Denom,
    amount: amount.kind === 'number' ? amount.text : textOf(amount),
  };
}

function deployment(tree: Tree): SdlDeployment {
  return { profile: textOf(required(tree, 'profile')), count: numberOr(required(tree, 'count'), 0) };
}

/** Any map as pairs of texts, as JavaScript makes texts of values. */
function attributes(tree: Tree | null): Attribute[] {
  const pairs = [...mapOf(tree, one => one)].map(([key, value]) => ({ key, value: attributeText(value) }));
  return pairs.sort((a, b) => byWords(a.key, b.key));
}

function attributeText(tree: Tree): string {
  if (tree.kind === 'map') return '[object Object]';
  if (tree.kind !== 'list') return scalarText(tree);
  return tree.items.map(one => (one.kind === 'null' ? '' : attributeText(one))).join(',');
}

// ---------------------------------------------------------------------------------------------------------------------

function field(tree: Tree | null, name: string): Tree | null {
  return tree?.kind === 'map' ? (tree.entries.get(name)?.value ?? null) : null;
}

function required(tree: Tree, name: string): Tree {
  const value = field(tree, name);
  if (value === null) throw new Error(`found no ${name}, expected one in a checked file`);
  return value;
}

function textOf(tree: Tree): string {
  if (tree.kind !== 'text') throw new Error(`found a ${tree.kind}, expected a text in a checked file`);
  return tree.value;
}

function textOr<T>(tree: Tree | null, otherwise: T): string | T {
  return tree === null ? otherwise : textOf(tree);
}

function numberOr<T>(tree: Tree | null, otherwise: T): number | T {
  if (tree === null) return otherwise;
  if (tree.kind !== 'number') throw new Error(`found a ${tree.kind}, expected a number in a checked file`);
  return Number(tree.text);
}

function isTrue(tree: Tree | null): boolean {
  return tree?.kind === 'boolean' && tree.value;
}

function listOf<T>(tree: Tree | null, item: (tree: Tree) => T): T[] {
  return tree?.kind === 'list' ? tree.items.map(item) : [];
}

function textsOf(tree: Tree | null): string[] {
  return listOf(tree, textOf);
}

function mapOf<T>(tree: Tree | null, value: (tree: Tree) => T): Map<string, T> {
  const entries = tree?.kind === 'map' ? [...tree.entries] : [];
  const pairs = entries.map(([key, one]): [string, T] => [key, value(one.value)]);
  return new Map(pairs.sort(([a], [b]) => byCodeUnits(a, b)));
}
