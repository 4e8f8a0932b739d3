/** The OpenAPI documents, and the reference page that is held against them. */
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { nodeApi } from '../../../../src/lab/live/api/node-api.ts';
import { providerApi } from '../../../../src/lab/live/api/provider-api.ts';
import { tenantApi } from '../../../../src/lab/live/api/tenant-api.ts';
import type { ProviderView, TenantView } from '../../../../src/lab/live/api/views.ts';
import { ROOT } from '../../../architecture/source-tree.ts';
import type { OpenApi } from './client.ts';
import { smallNode } from './support.ts';

/** Makes an API for its document alone. */
async function documentOf(make: () => Promise<FastifyInstance>): Promise<OpenApi> {
  const app = await make();
  const document = app.swagger() as unknown as OpenApi;
  await app.close();
  return document;
}

const NOBODY: unknown = {};
const APIS = {
  node: () => nodeApi(smallNode()),
  provider: () => providerApi(NOBODY as ProviderView),
  tenant: () => tenantApi(NOBODY as TenantView),
};

/** The table of an API as the reference page has it. */
function tableOf({ paths }: OpenApi): string {
  const rows = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { summary, parameters = [] }]) => {
      const query = parameters.filter(one => one.in === 'query').map(one => `\`${one.name}\``);
      return `| \`${method.toUpperCase()} ${path}\` | ${summary}${query.length === 0 ? '' : `; ${query.join(', ')}`} |`;
    }),
  );
  return ['| endpoint | |', '|---|---|', ...rows.sort((a, b) => (a < b ? -1 : 1))].join('\n');
}

describe.each(Object.entries(APIS))('the API of a %s', (name, make) => {
  it('has a document of OpenAPI 3.1 with a name and a summary for everything', async () => {
    const document = await documentOf(make);
    expect(document.openapi).toBe('3.1.0');
    expect(document.info.title).toBe(`Orrery ${name}`);
    const operations = Object.values(document.paths).flatMap(one => Object.values(one));
    expect(operations.length).toBeGreaterThan(3);
    expect(new Set(operations.map(one => one.operationId)).size).toBe(operations.length);
    for (const one of operations) {
      expect(one.summary).toMatch(/^[A-Z]/);
      expect(Object.keys(one.responses).length, one.operationId).toBeGreaterThan(0);
    }
    expect(JSON.stringify(document)).not.toContain('$schema');
  });

  it('stands in docs/reference/api.md as it is', async () => {
    const page = readFileSync(`${ROOT}docs/reference/api.md`, 'utf8');
    expect(page).toContain(tableOf(await documentOf(make)));
  });
});
