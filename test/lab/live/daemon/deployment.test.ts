import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DeployTerms } from '../../../../src/lab/live/api/views.ts';
import { planDeployment, planUpdate } from '../../../../src/lab/live/daemon/deployment.ts';
import { CONFIG_SCHEMAS } from '../../../../src/lab/live/home/config-schema.ts';
import type { TenantConfig } from '../../../../src/lab/live/home/config-types.ts';
import { readSdl } from '../../../../src/protocol/manifest/sdl.ts';
import { defaultParams } from '../../../../src/protocol/model/params.ts';
import { addressOfSeed } from '../support.ts';

const file = (name: string): string =>
  readFileSync(new URL(`../../../../scenarios/sdl/${name}`, import.meta.url), 'utf8');
const SDL = file('web-service.yaml');
const address = addressOfSeed(1);
const config = CONFIG_SCHEMAS.tenant.parse({
  role: 'tenant',
  name: 'web',
  address,
  api: '127.0.0.1:1',
  nodes: { alpha: `${address}@h:1` },
});
const NO_TERMS: DeployTerms = { escrow: null, waitDuration: null, openFor: null, lifetime: null };
const params = defaultParams();
const random = { uniform: () => 0.75 };

const plan = (terms: Partial<DeployTerms> = {}, changes: Partial<TenantConfig> = {}, sdl = SDL, serial = 0) =>
  planDeployment(sdl, { ...NO_TERMS, ...terms }, { ...config, ...changes }, params, serial, random);
function request(...given: Parameters<typeof plan>) {
  const planned = plan(...given);
  if (!planned.ok) throw new Error(planned.detail);
  return planned.request;
}

describe('a deployment', () => {
  it('has what the file asks for, and the manifest that it describes', () => {
    const { infrastructure, version, manifest, groups, waitDuration, openFor, lifetime_us } = request();
    const read = readSdl(SDL);
    if (!read.ok) throw new Error('the file is wrong');
    expect(version.toHex()).toBe(read.version);
    expect(new TextDecoder().decode(manifest!)).toBe(read.canonicalManifest);
    expect(groups).toEqual(read.groupSpecs.map(one => one.name));
    expect(infrastructure).toHaveLength(read.groupSpecs.length);
    expect([waitDuration, openFor, lifetime_us]).toEqual([2, 60_000_000, null]);
    expect(infrastructure[0]).toMatchObject({ region: '', persist: false, reputationAtLeast: 0 });
  });

  it('is deployed on the terms of the configuration, over which those of the user go', () => {
    const terms = {
      ...config.terms,
      persist: true,
      collateral: 7n,
      region: { kind: 'cycle', regions: ['eu'] } as const,
    };
    const own = request({}, { terms, waitDuration: 9 });
    expect(own.infrastructure[0]).toMatchObject({ region: 'eu', persist: true });
    expect(own.infrastructure[0]!.resources[0]!.collateral).toBe(7n);
    expect(own.waitDuration).toBe(9);
    const market = { region: ['us', 'asia'], persist: false, collateral: '2 uakt', reputationAtLeast: '25%' };
    const asked = request({ market, waitDuration: 0, openFor: 5, lifetime: 77 }, { terms, waitDuration: 9 }, SDL, 1);
    expect(asked.infrastructure[0]).toMatchObject({ region: 'asia', persist: false, reputationAtLeast: 250_000 });
    expect(asked.infrastructure[0]!.resources[0]!.collateral).toBe(2n);
    expect([asked.waitDuration, asked.openFor, asked.lifetime_us]).toEqual([0, 5, 77]);
  });

  it('runs in several datacenters, each with the next region, or one that is drawn', () => {
    const cycle = request({ market: { datacenters: 3, region: ['a', 'b'] } });
    expect(cycle.infrastructure.map(one => one.region)).toEqual(['a', 'b', 'a']);
    expect(cycle.groups).toHaveLength(3);
    const drawn = request({ market: { region: { weights: { a: 1, b: 1 } } } });
    expect(drawn.infrastructure[0]!.region).toBe('b');
  });

  it('pays in what is asked for, in money or in time', () => {
    const periods = request({}, { escrow: { kind: 'periods', periods: 2 } }).escrow;
    expect(request({}, { escrow: { kind: 'periods', periods: 4 } }).escrow).toBeGreaterThanOrEqual(2n * periods - 2n);
    expect(request({ market: { escrow: { periods: 4 } } }).escrow).toBeGreaterThan(periods);
    expect(request({ market: { escrow: '3 akash' } }).escrow).toBe(3_000_000n);
    expect(request({ escrow: 5n, market: { escrow: '3 akash' } }).escrow).toBe(5n);
  });

  it('has terms by placement', () => {
    const sdl = file('edge-and-core.yaml');
    const names = request({}, {}, sdl).groups!;
    expect(names.length).toBeGreaterThan(1);
    const some = request({ market: { placements: { [names[1]!]: { persist: true } } } }, {}, sdl);
    expect(some.infrastructure.map(one => one.persist)).toEqual(names.map((_, i) => i === 1));
  });

  it.each([
    ['services: [', {}, 'bad_sdl', ''],
    [SDL, { regoin: 'eu' }, 'bad_terms', 'found the key "regoin", expected "region" perhaps'],
    [SDL, { collateral: 'lots' }, 'bad_terms', 'collateral: '],
    [SDL, { placements: { nowhere: {} } }, 'bad_terms', 'placements: found nowhere, expected some of '],
    [SDL, { datacenters: 0 }, 'bad_terms', 'datacenters'],
  ])('is refused with the reason (%#)', (sdl, market, code, detail) => {
    const planned = plan({ market }, {}, sdl);
    expect(planned).toMatchObject({ ok: false, code });
    expect(planned.ok ? '' : planned.detail).toContain(detail);
  });
});

describe('an update', () => {
  it('is another manifest for the same deployment', () => {
    const planned = planUpdate('t/0', SDL.replace('nginx', 'caddy'));
    if (!planned.ok) throw new Error(planned.detail);
    expect(planned.request.deployment).toBe('t/0');
    expect(planned.request.version).not.toEqual(request().version);
    expect(planUpdate('t/0', 'nothing')).toMatchObject({ ok: false, code: 'bad_sdl' });
  });
});
