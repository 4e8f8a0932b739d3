/** The grammar of a home's config.yaml, one for each role: for whoever does not know beforehand which one it will be. */
import type { z } from 'zod';
import { nodeSchema } from './config-node.ts';
import { providerSchema } from './config-provider.ts';
import { tenantSchema } from './config-tenant.ts';
import type { ConfigOf } from './config-types.ts';
import type { Role } from './folder.ts';

export const CONFIG_SCHEMAS: { readonly [R in Role]: z.ZodType<ConfigOf<R>> } = {
  node: nodeSchema,
  provider: providerSchema,
  tenant: tenantSchema,
};
