/**
 * run.json: what a results directory says about itself. Written once a run has ended, read by everything that comes
 * back to it (explain, replay), and the mark by which a folder is known as results that may be replaced.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseExact } from '../report/json.ts';
import { WORLDS } from './types.ts';

const count = z.number().int().nonnegative();
const amount = z.union([z.number().int(), z.bigint()]).transform(value => BigInt(value));
/** null: the metric has no value in this run. */
const metric = z.union([z.number(), z.bigint(), z.null()]);

const engine = z.object({ node: z.string(), v8: z.string() });

const source = z.object({
  path: z.string(),
  overrides: z.array(z.string()),
  files: z.array(z.object({ path: z.string(), text: z.string() })),
  data: z.array(z.object({ path: z.string(), sha256: z.string() })),
});

const classSummary = z.object({
  name: z.string(),
  providers: count,
  bids: count,
  leases: count,
  broken: count,
  income: amount,
  cost: amount,
  lost: amount,
  outside: amount,
  utilisation: z.number(),
  reputation: z.number(),
});

const runRecord = z.object({
  kind: z.literal('orrery run'),
  name: z.string(),
  question: z.string(),
  seed: count,
  world: z.enum(WORLDS),
  scenario: source,
  scenarioHash: z.string(),
  /** Parameters of the chain at its beginning, in the units of the protocol. */
  params: z.record(z.string(), z.union([z.number(), z.bigint(), z.string(), z.boolean()])),
  version: z.string(),
  engine,
  traceHash: z.string(),
  events: count,
  seconds: z.number(),
  wallSeconds: z.number(),
  peakMemoryBytes: z.number(),
  summary: z.record(z.string(), metric),
  classes: z.array(classSummary),
  expectations: z.array(z.object({ text: z.string(), holds: z.boolean(), detail: z.string() })),
  notes: z.array(z.string()),
  files: z.array(z.object({ name: z.string(), rows: count.nullable() })),
  checkpoints: z.array(z.object({ events: count, hash: z.string() })),
});

/** One run. */
export type RunRecord = z.infer<typeof runRecord>;

const batchRecord = z.object({
  kind: z.literal('orrery runs'),
  version: z.string(),
  engine,
  runs: z.array(z.object({ folder: z.string(), name: z.string(), seed: count, traceHash: z.string() })),
  failed: z.array(z.object({ name: z.string(), seed: count, error: z.string(), command: z.string() })),
});

/** Several runs that were made together; each has its own folder within. */
export type BatchRecord = z.infer<typeof batchRecord>;

const record = z.discriminatedUnion('kind', [runRecord, batchRecord]);

export const RECORD_FILE = 'run.json';
/** Largest run.json that is read, bytes. */
const MAX_RECORD_BYTES = 256 << 20;

/** A folder that is not what it should be. The message says what was found and what was expected. */
export class NotResults extends Error {
  constructor(folder: string, found: string) {
    super(`${folder}: found ${found}, expected a results directory with a ${RECORD_FILE} of orrery`);
    this.name = 'NotResults';
  }
}

/**
 * What a results directory says about itself.
 * @throws NotResults
 */
export function readRecord(folder: string): RunRecord | BatchRecord {
  const path = join(folder, RECORD_FILE);
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_RECORD_BYTES) throw new NotResults(folder, `a ${RECORD_FILE} of ${size} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof NotResults) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    throw new NotResults(folder, code === 'ENOENT' || code === 'ENOTDIR' ? `no ${RECORD_FILE}` : String(error));
  }
  let value: unknown;
  try {
    value = parseExact(text);
  } catch {
    throw new NotResults(folder, `a ${RECORD_FILE} that is no JSON`);
  }
  const parsed = record.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new NotResults(folder, `a ${RECORD_FILE} whose ${issue.path.join('.') || 'content'} is: ${issue.message}`);
}

/**
 * What the directory of a single run says about itself.
 * @throws NotResults; for several runs it names their folders
 */
export function readRun(folder: string): RunRecord {
  const found = readRecord(folder);
  if (found.kind === 'orrery run') return found;
  const names = found.runs.slice(0, 3).map(run => join(folder, run.folder));
  throw new NotResults(folder, `several runs (each has a folder within, such as ${names.join(', ')})`);
}
