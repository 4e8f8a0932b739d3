/**
 * SDL 2.0 and 2.1: the language in which tenants of today's Akash say what they want to run.
 *
 * A file is read, held against the schema, checked in itself, and turned into what goes on the chain (group
 * specifications), what goes to the providers (the manifest), the hash that binds the two together, and who may talk to
 * whom. The verdict and the bytes are those of the official tools; where they part, the file in question says so.
 */

import { build } from './build.ts';
import { canonicalGroupSpecs, canonicalManifest, manifestVersion } from './canonical.ts';
import { Report } from './checks.ts';
import type { SdlDocument } from './document.ts';
import { readDocument } from './document.ts';
import { checkExtent } from './extent.ts';
import { sdlModel } from './model.ts';
import { Unreadable } from './problem.ts';
import { checkRules } from './rules.ts';
import { checkSchema } from './schema.ts';
import { topology } from './topology.ts';
import type { SdlProblem, SdlReading, SdlStage } from './types.ts';

export type { SdlProblem, SdlReading, SdlStage } from './types.ts';

/**
 * Reads an SDL file. Never throws on account of what is in it; all problems of a stage are reported at once, and the
 * next stage is tried only when there are none.
 * @param source UTF-8, at most `MAX_SDL_BYTES`
 */
export function readSdl(source: Uint8Array | string): SdlReading {
  let document: SdlDocument;
  try {
    document = readDocument(source);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return refused('read', [error.problem]);
  }
  const schema = checkSchema(document, new Report(document.position));
  if (schema.length > 0) return refused('schema', schema);
  const sdl = sdlModel(document.root);
  const rules = checkRules(sdl, document, new Report(document.position));
  if (rules.length > 0) return refused('validate', rules);
  const extent = checkExtent(sdl, document, new Report(document.position));
  if (extent.length > 0) return refused('validate', extent);
  const { groupSpecs, manifest } = build(sdl);
  const canonical = canonicalManifest(manifest);
  return {
    ok: true,
    sdl,
    groupSpecs,
    manifest,
    canonicalGroupSpecs: canonicalGroupSpecs(groupSpecs),
    canonicalManifest: canonical,
    version: manifestVersion(canonical),
    topology: topology(manifest),
  };
}

function refused(stage: SdlStage, problems: readonly SdlProblem[]): SdlReading {
  return { ok: false, stage, problems };
}
