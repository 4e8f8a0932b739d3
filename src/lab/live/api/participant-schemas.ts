/** What a provider's and a tenant's endpoints take and answer with. */
import { z } from 'zod';
import { address, compute, count, countUpTo, hash, height, id, leaseState, paktPerS, ppm, uakt } from './words.ts';

const node = z.string().nullable().describe('node that it asks now; null: none');
const addresses = z.array(
  z.strictObject({
    port: count.describe('inside of the container'),
    protocol: z.enum(['TCP', 'UDP']),
    host: z.string(),
    host_port: count,
  }),
);

export const providerStatus = z.strictObject({
  name: z.string(),
  address,
  version: z.string().describe('of orrery'),
  region: z.string(),
  height: height.describe('newest that it knows of; 0: none yet'),
  node,
  registered: z.boolean().describe('the register says of it what it wants said'),
  capacity: compute,
  used: compute,
  utilisation_ppm: ppm.describe('of its scarcest resource'),
  open_bids: count,
  leases: count,
  workloads: count,
});
export const providerLeases = z.strictObject({
  leases: z.array(
    z.strictObject({
      lease: id,
      state: leaseState,
      price_pakt_per_s: paktPerS,
      served: z.boolean().describe('all of its services run'),
    }),
  ),
});
export const providerWorkloads = z.strictObject({
  workloads: z.array(
    z.strictObject({
      workload: z.string(),
      lease: id,
      image: z.string(),
      host: count.describe('index of the host that it was placed on'),
      state: z.enum(['starting', 'running', 'stopping', 'failed']),
      addresses,
    }),
  ),
});

export const tenantStatus = z.strictObject({
  name: z.string(),
  address,
  version: z.string().describe('of orrery'),
  balance_uakt: uakt.nullable().describe('null: not known yet'),
  height,
  node,
});
export const tenantDeployment = z.strictObject({
  deployment: id,
  version: hash.describe('SHA-256 of its manifest'),
  state: z.enum(['open', 'closing']),
  escrow_uakt: uakt.describe('as far as the agent knows'),
  open_orders: count,
  leases: z.array(
    z.strictObject({
      lease: id,
      provider: address,
      state: z.enum(['pending', 'active']),
      price_pakt_per_s: paktPerS,
      delivery: z
        .strictObject({ state: z.string(), detail: z.string() })
        .nullable()
        .describe('how far the manifest is on its way; null: there is none'),
      services: z
        .array(z.strictObject({ service: z.string(), wanted: count, running: count, addresses }))
        .nullable()
        .describe('as the provider told last; null: not yet'),
    }),
  ),
});
export const tenantDeployments = z.strictObject({ deployments: z.array(tenantDeployment) });

/** Largest SDL text, UTF-16 units; its reader has its own limit in bytes. */
const MAX_SDL = 256 * 1024;
const sdl = z
  .string()
  .min(1, 'an SDL file')
  .max(MAX_SDL, `at most ${MAX_SDL} characters`)
  .describe('text of an SDL file');
const whole = 'a whole number, not negative';
export const deploy = z.strictObject({
  sdl,
  terms: z
    .strictObject({
      escrow_uakt: z
        .string()
        .regex(/^[1-9]\d{0,18}$/, 'a decimal text')
        .optional()
        .describe('micro-AKASH put into escrow'),
      wait_blocks: z.int(whole).min(0, whole).optional().describe('before an order is matched'),
      open_for_us: z.int(whole).min(1, whole).optional().describe('for which an order takes bids, microseconds'),
      lifetime_us: z.int(whole).min(1, whole).optional().describe('closed so long after the first lease, microseconds'),
      market: z
        .record(z.string(), z.unknown())
        .optional()
        .describe('region, persist, reputationAtLeast, collateral, datacenters, placements, escrow, as in orrery.yaml'),
    })
    .prefault({})
    .describe("what is not given is as the tenant's configuration has it"),
});
export const update = z.strictObject({ sdl });
export const deployed = z.strictObject({ deployment: id, version: hash });
export const updated = z.strictObject({ deployment: id, version: hash });
export const closed = z.strictObject({ deployment: id, closing: z.literal(true) });

export const logQuery = z.object({
  service: z.string().min(1).max(256).optional().describe('of one service only'),
  lines: countUpTo(1_000).default(100).describe('newest lines of each replica'),
});
export const logs = z.strictObject({
  lease: id,
  replicas: z.array(
    z.strictObject({
      service: z.string(),
      replica: count,
      lines: z.array(z.string()).nullable().describe('oldest first; null: nothing to be had'),
    }),
  ),
});
