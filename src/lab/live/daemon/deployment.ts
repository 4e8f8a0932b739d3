/**
 * From an SDL file and a user's terms to what the tenant's agent is asked to deploy: as a class of tenants of a scenario
 * deploys one, with the tenant's configuration where the user says nothing.
 */
import { hexToBytes } from '@noble/hashes/utils.js';
import type { RandomStream } from '../../../actors/actor.ts';
import type { DeployRequest, Failure, UpdateRequest } from '../../../actors/tenant/requests.ts';
import { failure } from '../../../actors/tenant/requests.ts';
import { problemText } from '../../../protocol/manifest/problem.ts';
import type { Params } from '../../../protocol/model/params.ts';
import { escrowFor } from '../../experiment/escrow.ts';
import { regionChooser } from '../../scenario/distributions.ts';
import { flatten, mapOf, shape, text } from '../../scenario/fields.ts';
import { dotted, type Step } from '../../scenario/problem.ts';
import { escrow } from '../../scenario/schema-escrow.ts';
import { type SdlNotes, type Some, sdlTerms, termFields, written } from '../../scenario/schema-sdl.ts';
import { type AcceptedSdl, readSdlFile } from '../../scenario/sdl-folder.ts';
import { planClass } from '../../scenario/sdl-plan.ts';
import type { Escrow, SdlTerms } from '../../scenario/types.ts';
import { show } from '../../scenario/units.ts';
import type { DeployTerms } from '../api/views.ts';
import type { TenantConfig } from '../home/config-types.ts';

type Planned<T> = { readonly ok: true; readonly request: T } | Failure;

/** What the file is called in what is said about it. */
const FILE = 'sdl';

const market = shape({
  ...termFields,
  placements: mapOf(sdlTerms, text(255, 'the name of a placement'), 1_000, 'placements').prefault({}),
  escrow: escrow.optional(),
});

interface Market {
  readonly own: Some<SdlTerms>;
  readonly placements: Readonly<Record<string, Some<SdlTerms>>>;
  readonly escrow: Escrow | null;
}

function readMarket(given: Readonly<Record<string, unknown>>): Market | Failure {
  const read = market.safeParse(given);
  if (read.success) {
    const { placements, escrow: paid, ...own } = read.data;
    return { own: written(own), placements, escrow: paid ?? null };
  }
  const problems = flatten(read.error.issues).map(({ path, expected, found }) => {
    return `${dotted(path)}: found ${found ?? show(valueAt(given, path))}, expected ${expected}`;
  });
  return failure('bad_terms', problems.join('; '));
}

function valueAt(data: unknown, path: readonly Step[]): unknown {
  let at = data;
  for (const step of path) at = (at as Readonly<Record<Step, unknown>> | null | undefined)?.[step];
  return at;
}

function readFile(sdl: string): AcceptedSdl | Failure {
  const read = readSdlFile(FILE, new TextEncoder().encode(sdl));
  if (read.ok) return read;
  return failure('bad_sdl', read.problems.map(problem => problemText(problem)).join('; '));
}

/**
 * A request to deploy.
 * @param params of the chain, by which an escrow in periods is reckoned
 * @param serial how many deployments there were before, by which regions of a list take turns
 */
export function planDeployment(
  sdl: string,
  terms: DeployTerms,
  config: TenantConfig,
  params: Params,
  serial: number,
  random: RandomStream,
): Planned<DeployRequest> {
  const file = readFile(sdl);
  if (!('version' in file)) return file;
  const wanted = readMarket(terms.market ?? {});
  if (!('own' in wanted)) return wanted;
  const unknown = Object.keys(wanted.placements).filter(name => !file.groups.some(one => one.name === name));
  if (unknown.length > 0) {
    const known = file.groups.map(one => one.name).join(', ');
    return failure('bad_terms', `placements: found ${unknown.join(', ')}, expected some of ${known}`);
  }
  const notes: SdlNotes = { defaults: {}, files: { [FILE]: { own: wanted.own, placements: wanted.placements } } };
  const { plans, unmappable } = planClass(
    { files: [file], notes },
    {
      sdl: { terms: config.terms, weights: {} },
      waitDuration: terms.waitDuration ?? config.waitDuration,
      openFor: terms.openFor ?? config.openFor,
    },
    config.conversion,
  );
  const [plan] = plans;
  if (plan === undefined) return failure('not_mappable', unmappable.flatMap(one => one.reasons).join('; '));
  const infrastructure = plan.infrastructure.map(({ infrastructure: one, region, copy }) => {
    return { ...one, region: region === null ? '' : regionChooser(region, random)(serial + copy) };
  });
  return {
    ok: true,
    request: {
      type: 'deploy',
      infrastructure,
      waitDuration: plan.waitDuration,
      openFor: plan.openFor,
      version: hexToBytes(plan.version),
      escrow: terms.escrow ?? escrowFor(wanted.escrow ?? config.escrow, infrastructure, params),
      lifetime_us: terms.lifetime,
      refill: config.refill,
      closePending_us: null,
      manifest: new TextEncoder().encode(plan.manifest),
      groups: plan.infrastructure.map(one => one.group),
    },
  };
}

/** A request to put another manifest in the place of a deployment's. */
export function planUpdate(deployment: string, sdl: string): Planned<UpdateRequest> {
  const file = readFile(sdl);
  if (!('version' in file)) return file;
  const version = hexToBytes(file.version);
  const manifest = new TextEncoder().encode(file.manifest);
  return { ok: true, request: { type: 'update', deployment, version, manifest } };
}
