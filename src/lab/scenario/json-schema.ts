/**
 * The scenario format as a JSON Schema, for editors that complete and check YAML while it is written.
 *
 * It describes the input form; the loader is stricter (units are parsed, parts are held against each other).
 * `scenarios/scenario.schema.json` is this function's output, and a test keeps it so.
 */

import type { JsonSchema } from './fields.ts';
import { jsonDefinitions, jsonSchemaOf } from './fields.ts';
import { scenarioFields } from './schema.ts';

/** The JSON Schema (draft 7) of a scenario file. */
export function scenarioJsonSchema(): JsonSchema {
  const root = jsonSchemaOf(scenarioFields);
  // What a file extends may say the rest, so that nothing is required of a file by itself.
  const { required: _, ...rest } = root;
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Orrery scenario',
    ...rest,
    definitions: jsonDefinitions(),
  };
}

/** The text of scenarios/scenario.schema.json. */
export function scenarioJsonSchemaText(): string {
  return `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`;
}
