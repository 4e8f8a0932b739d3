/** Our own code as others run it who have no files of ours: browsers, and programs in containers. */
import { stripTypeScriptTypes } from 'node:module';

/**
 * TypeScript as JavaScript, with blanks where its types stood.
 *
 * The engine warns that this function of it may change; the engine is pinned, so it does not.
 * @throws SyntaxError for what cannot be had by leaving types out
 */
export function withoutTypes(code: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(code);
  } finally {
    process.emitWarning = emitWarning;
  }
}
