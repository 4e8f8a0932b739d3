/**
 * An SDL file out of its model: one canonical text for everything that means the same.
 *
 * Keys stand in one order, names and values are quoted where some YAML reader or other could take them for something
 * else, quantities have their shortest exact form, and what equals the default is not written. Reading the text gives the
 * model that it was printed from.
 */

import { byCodeUnits } from './collation.ts';
import { DEFAULT_HTTP } from './model.ts';
import type {
  Attribute,
  HttpOptions,
  Sdl,
  SdlCompute,
  SdlDeployment,
  SdlExpose,
  SdlGpu,
  SdlParams,
  SdlPlacement,
  SdlPrice,
  SdlService,
} from './types.ts';

/** Text that is written as it is, such as a number. */
interface Literal {
  readonly literal: string;
}

/** What a printed file is made of; null is left out of its map. */
type Out = string | boolean | Literal | readonly Out[] | OutMap;
type OutMap = ReadonlyMap<string, Out | null>;

/** The file as YAML, which ends in a line feed. */
export function printSdl(sdl: Sdl): string {
  const endpoints = new Map(sdl.endpoints.map((name): [string, Out] => [name, map({ kind: 'ip' })]));
  const file = map({
    version: quoted(sdl.version),
    include: unlessEmpty(sdl.include),
    services: mapped(sdl.services, service),
    profiles: map({ compute: mapped(sdl.compute, compute), placement: mapped(sdl.placement, placement) }),
    deployment: mapped(sdl.deployment, placements => mapped(placements, deployment)),
    endpoints: endpoints.size === 0 ? null : endpoints,
    reclamation: sdl.reclamation === null ? null : map({ min_window: sdl.reclamation.minWindow }),
  });
  return `${printed(file, '').join('\n').trimStart()}\n`;
}

function service(one: SdlService): OutMap {
  return map({
    image: one.image,
    command: unlessEmpty(one.command),
    args: unlessEmpty(one.args),
    env: unlessEmpty(one.env),
    credentials:
      one.credentials === null
        ? null
        : map({ ...one.credentials, email: one.credentials.email === '' ? null : one.credentials.email }),
    dependencies: unlessEmpty(one.dependencies.map(name => map({ service: name }))),
    expose: unlessEmpty(one.expose.map(expose)),
    params: one.params === null ? null : params(one.params),
  });
}

function expose(one: SdlExpose): OutMap {
  const http = httpOptions(one.http);
  return map({
    port: number(one.port),
    as: one.as === null ? null : number(one.as),
    proto: one.proto === 'TCP' ? null : one.proto,
    accept: unlessEmpty(one.accept),
    http_options: http.size === 0 ? null : http,
    to: unlessEmpty(
      one.to.map(({ service: name, global, ip }) =>
        map({ service: name === '' ? null : name, global: global || null, ip: ip === '' ? null : ip }),
      ),
    ),
  });
}

function httpOptions(one: HttpOptions): OutMap {
  const differs = (key: keyof HttpOptions): Out | null =>
    one[key] === DEFAULT_HTTP[key] ? null : number(one[key] as number);
  const same = JSON.stringify(one.nextCases) === JSON.stringify(DEFAULT_HTTP.nextCases);
  const options = map({
    max_body_size: differs('maxBodySize'),
    read_timeout: differs('readTimeout'),
    send_timeout: differs('sendTimeout'),
    next_tries: differs('nextTries'),
    next_timeout: differs('nextTimeout'),
    next_cases: same ? null : one.nextCases,
    proxy_buffer_size: differs('proxyBufferSize'),
  });
  return new Map([...options].filter(([, value]) => value !== null));
}

function params({ storage, permissions, tee }: SdlParams): OutMap {
  const mounts = storage.map(({ name, mount, readOnly }): [string, Out] => [
    name,
    map({ mount: mount === '' ? null : mount, readOnly: readOnly || null }),
  ]);
  return map({
    storage: mounts.length === 0 ? null : new Map(mounts),
    permissions: permissions === null ? null : map({ read: permissions.read }),
    tee,
  });
}

function compute(one: SdlCompute): OutMap {
  return map({
    resources: map({
      cpu: map({ units: `${one.cpuMilli}m`, attributes: attributes(one.cpuAttributes) }),
      memory: map({ size: one.memory }),
      gpu: one.gpu === null ? null : gpu(one.gpu),
      storage: one.storage.map(({ name, size, attributes: told }) =>
        map({
          name,
          size,
          attributes: told === null ? null : map({ class: told.class, persistent: truth(told.persistent) }),
        }),
      ),
    }),
  });
}

/** A text that can be written as a truth is. */
function truth(text: string): Out {
  return text === 'true' || text === 'false' ? text === 'true' : text;
}

function gpu({ units, quoted: isQuoted, attributes: told }: SdlGpu): OutMap {
  const models = told?.vendor?.nvidia?.map(({ model, ram, interface: link }) =>
    map({ model, ram: ram === '' ? null : ram, interface: link }),
  );
  const vendor = told?.vendor ? map({ nvidia: models ?? { literal: 'null' } }) : null;
  return map({
    units: units === null ? null : isQuoted ? quoted(units) : { literal: units },
    attributes: told === null ? null : map({ vendor }),
  });
}

function placement(one: SdlPlacement): OutMap {
  const { allOf, anyOf } = one.signedBy;
  const signers = map({ allOf: unlessEmpty(allOf), anyOf: unlessEmpty(anyOf) });
  return map({
    attributes: attributes(one.attributes),
    signedBy: allOf.length + anyOf.length === 0 ? null : signers,
    pricing: mapped(one.pricing, price),
  });
}

function price({ denom, amount }: SdlPrice): OutMap {
  // A text may have no power of ten, and only a number loses its superfluous zeros.
  const plain = /^(?:0|[1-9][0-9]{0,14})$/.test(amount) || !/^[0-9]+(\.[0-9]+)?$/.test(amount);
  return map({ denom, amount: plain ? { literal: amount } : quoted(amount) });
}

function deployment({ profile, count }: SdlDeployment): OutMap {
  return map({ profile, count: number(count) });
}

/** In the order of keys, which are texts whatever they look like. */
function attributes(list: readonly Attribute[]): OutMap | null {
  const sorted = [...list].sort((a, b) => byCodeUnits(a.key, b.key));
  return list.length === 0 ? null : new Map(sorted.map(({ key, value }): [string, Out] => [key, value]));
}

function map(entries: Readonly<Record<string, Out | null>>): OutMap {
  return new Map(Object.entries(entries));
}

function mapped<T>(values: ReadonlyMap<string, T>, print: (value: T) => Out): OutMap {
  return new Map([...values].map(([key, value]): [string, Out] => [key, print(value)]));
}

function unlessEmpty(list: readonly Out[]): readonly Out[] | null {
  return list.length === 0 ? null : list;
}

function number(value: number): Literal {
  return { literal: String(value) };
}

// ---------------------------------------------------------------------------------------------------------------------

/** The lines of a value; the first continues the line of its key. */
function printed(value: Out, indent: string): string[] {
  if (value instanceof Map) return printedMap(value as OutMap, indent);
  if (Array.isArray(value)) {
    if (value.length === 0) return [' []'];
    return [
      '',
      ...value.flatMap((one: Out) => {
        // The first line of a map in a list stands behind the dash.
        const [first, ...rest] = printed(one, `${indent}  `);
        if (first !== '') return [`${indent}-${first}`, ...rest];
        return [`${indent}- ${rest[0]!.trimStart()}`, ...rest.slice(1)];
      }),
    ];
  }
  if (typeof value === 'string') return [` ${word(value)}`];
  if (typeof value === 'boolean') return [` ${value}`];
  return [` ${(value as Literal).literal}`];
}

function printedMap(value: OutMap, indent: string): string[] {
  const lines = [''];
  for (const [key, one] of value) {
    if (one === null) continue;
    const [first, ...rest] = printed(one, `${indent}  `);
    lines.push(`${indent}${word(key)}:${first}`, ...rest);
  }
  return lines.length === 1 ? [' {}'] : lines;
}

/** Words that some reader takes for a truth, for nothing, or for a number. */
const SPECIAL = /^(?:true|false|yes|no|on|off|y|n|null|nan|inf)$/i;
const HARMLESS = /^[A-Za-z/](?:[A-Za-z0-9_./@+=-]|:(?=[A-Za-z0-9_./@+=-]))*$/;
/** Sizes, periods and versions start with a digit and are no numbers for anybody. */
const SIZE = /^[0-9]+(?:\.[0-9]+)?(?:[KMGTPE]i|[smh])$/;

function word(text: string): string {
  if (SIZE.test(text) || (HARMLESS.test(text) && !SPECIAL.test(text))) return text;
  return quoted(text).literal;
}

/** In double quotes, with everything escaped that is not sure to be printed. */
function quoted(text: string): Literal {
  const literal = JSON.stringify(text).replace(
    /[\u007f-\u00a0\u2028\u2029\ufeff\ufffe\uffff]/g,
    one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return { literal };
}
