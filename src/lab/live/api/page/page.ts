/**
 * The status page of a node: one document that asks nothing of the network but this server, with its style and script
 * inside. Their hashes stand in the content security policy, so that nothing else can run on it, whatever a provider
 * writes into its attributes.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { withoutTypes } from '../../../../worlds/live/without-types.ts';
import { MARKUP } from './markup.ts';
import { STYLE } from './style.ts';

export interface StatusPage {
  readonly html: string;
  readonly policy: string;
}

/** The parts of the script, each using only what stands before it. */
const PARTS = ['phrases', 'elements', 'chain-sections', 'market-sections', 'client'] as const;

/**
 * A part as JavaScript: the file beside this one, compiled in the package and stripped in a checkout. Its imports and
 * exports go, because all parts stand in one script; that no name is used twice shows when a browser reads it.
 */
function part(name: string): string {
  const compiled = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const code = existsSync(compiled)
    ? readFileSync(compiled, 'utf8')
    : withoutTypes(readFileSync(new URL(`./${name}.ts`, import.meta.url), 'utf8'));
  return code
    .replace(/^import [^;]*;$/gm, '')
    .replace(/^export \{\};?$/gm, '')
    .replace(/^export (?=(?:async )?function |const |let )/gm, '')
    .trim();
}

function script(): string {
  const code = PARTS.map(part).join('\n');
  if (/^(?:import|export)\b/m.test(code)) throw new Error('a part of the status page has an import or export left');
  return `\n${code}\n`;
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** The document and the policy that goes with it. Throws if the script could end its own element. */
export function statusPage(): StatusPage {
  const code = script();
  if (/<\/script|<!--/i.test(code)) throw new Error('the script of the status page holds what ends its element');
  const policy = [
    "default-src 'none'",
    `script-src ${hashSource(code)}`,
    `style-src ${hashSource(STYLE)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  const html = MARKUP.replace('/*STYLE*/', () => STYLE).replace('/*SCRIPT*/', () => code);
  return { html, policy };
}

/** Serves the page at `/`. It is put together when somebody asks for it first: no node has to wait for that to start. */
export function addPage(app: FastifyInstance): void {
  let made: StatusPage | null = null;
  app.get('/', { schema: { hide: true } }, async (_, reply) => {
    made ??= statusPage();
    const { html, policy } = made;
    return reply
      .headers({ 'content-security-policy': policy, 'cross-origin-opener-policy': 'same-origin' })
      .type('text/html; charset=utf-8')
      .send(html);
  });
  // Browsers ask for it by themselves.
  app.get('/favicon.ico', { schema: { hide: true } }, async (_, reply) => reply.code(204).send());
}
