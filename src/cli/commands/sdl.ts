/** `orrery sdl`: what SDL files ask for, who may connect to whom, and the hash that stands for them on the chain. */
import type { Argv } from 'yargs';
import { counted } from '../../lab/report/format.ts';
import { formatError } from '../../lab/scenario/problem.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../errors.ts';
import { asErrors, readAllSdl, type SdlVerdict } from '../sdl-files.ts';
import { conversionText, printable, sdlText } from '../sdl-text.ts';
import type { Terminal } from '../terminal.ts';

export const sdl: Command = {
  usage: 'sdl <files..>',
  about: 'Read SDL files: groups, price limits, connections, version',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('files', { type: 'string', array: true, describe: 'SDL files, or folders of them' })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object per file and line' })
      .example('npx orrery sdl deploy.yaml', 'what does it ask for?')
      .example('npx orrery sdl deployments/ --json', 'manifests and hashes of a folder'),
  run: async (options, { terminal }) => {
    const { files, json } = options as unknown as { files: string[]; json: boolean };
    const verdicts = readAllSdl(files);
    if (json) for (const verdict of verdicts) terminal.out(`${JSON.stringify(jsonOf(verdict))}\n`);
    else printPages(terminal, verdicts);
    return verdicts.every(({ reading }) => reading.ok) ? EXIT.ok : EXIT.badInput;
  },
};

/** The verdict for machines; manifest and group specifications are the canonical texts, to be hashed as they are. */
function jsonOf({ file, reading }: SdlVerdict): unknown {
  if (!reading.ok) {
    const { stage, problems } = reading;
    const errors = problems.map(({ path, line, column, message }) => ({ path, line, column, message }));
    return { file, ok: false, version: null, manifest: null, groupSpecs: null, stage, errors };
  }
  const { version, canonicalManifest, canonicalGroupSpecs } = reading;
  return { file, ok: true, version, manifest: canonicalManifest, groupSpecs: canonicalGroupSpecs, errors: [] };
}

function printPages(terminal: Terminal, verdicts: readonly SdlVerdict[]): void {
  let accepted = 0;
  for (const verdict of verdicts) {
    if (!verdict.reading.ok) continue;
    if (accepted > 0) terminal.out('\n');
    accepted += 1;
    terminal.out(sdlText(terminal, verdict.file, verdict.reading));
  }
  if (accepted > 0) terminal.out(`\n${conversionText(terminal)}`);
  for (const verdict of verdicts) {
    for (const error of asErrors(verdict)) terminal.err(`${printable(formatError(error))}\n`);
  }
  if (verdicts.length < 2) return;
  const refused = verdicts.length - accepted;
  terminal.out(`${counted(verdicts.length, 'file')}: ${accepted} accepted, ${refused} refused\n`);
}
