/** `orrery compare`: two results directories side by side; with --fit, container times for the simulated world. */
import { existsSync, writeFileSync } from 'node:fs';
import type { Argv } from 'yargs';
import { diskProblem } from '../../lab/experiment/results-folder.ts';
import { compareRuns } from '../../lab/report/compare.ts';
import { fitText } from '../../lab/report/compare-fit.ts';
import { readCompared, readWorkloads, UnreadableTable } from '../../lab/report/compare-node.ts';
import { stringify } from '../../lab/report/json.ts';
import type { Command } from '../command.ts';
import { compareText } from '../compare-text.ts';
import { CommandError, EXIT } from '../errors.ts';
import type { Terminal } from '../terminal.ts';

export const compare: Command = {
  usage: 'compare <a> <b>',
  about: 'Two results directories side by side, such as simulated and live',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('a', { type: 'string', describe: 'a results directory of one run' })
      .positional('b', { type: 'string', describe: 'another one' })
      .option('fit', {
        type: 'string',
        requiresArg: true,
        describe: 'write container times measured live to a new YAML file; - prints them instead',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON for machines' })
      .example('npx orrery compare results/live-web-1 results/live-web-live', 'what did the real world change?')
      .example('npx orrery compare results/a results/b --fit containers.yaml', 'and how long did containers take?'),
  run: async (options, { terminal }) => {
    const { a, b, fit } = options as { readonly a: string; readonly b: string; readonly fit?: string };
    try {
      if (fit !== undefined) writeFit(terminal, [a, b], fit);
      if (fit === '-') return EXIT.ok;
      const comparison = compareRuns(readCompared(a), readCompared(b));
      if (options.json === true) terminal.out(`${stringify(comparison, 2)}\n`);
      else terminal.out(compareText(terminal, comparison));
    } catch (error) {
      if (error instanceof UnreadableTable) throw new CommandError(error.message);
      throw error;
    }
    return EXIT.ok;
  },
};

/** Of the two directories the one that has measured; where both have, the second. */
function writeFit(terminal: Terminal, folders: readonly string[], file: string): void {
  const measured = folders.flatMap(folder => {
    const workloads = readWorkloads(folder);
    return workloads === null ? [] : [{ folder, workloads }];
  });
  const last = measured.at(-1);
  if (last === undefined)
    throw new CommandError(
      `--fit: found no workloads.csv in ${folders.join(' or ')}, expected one: a live run writes it`,
    );
  const text = fitText(last.folder, last.workloads);
  if (file === '-') {
    terminal.out(text);
    return;
  }
  if (existsSync(file)) throw new CommandError(`--fit: found ${file}, expected a file that is not there yet`);
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    throw new CommandError(`--fit: ${file}: found ${diskProblem(error)}, expected a place to write to`);
  }
}
