/** `orrery validate`: everything that is wrong with scenario files, not only the first thing. */
import type { Argv } from 'yargs';
import { loadFromDisk } from '../../lab/experiment/results-source.ts';
import { stringify } from '../../lab/report/json.ts';
import { formatError, InvalidScenario, type ScenarioError } from '../../lab/scenario/problem.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../errors.ts';
import { scenarioPath } from '../gallery.ts';
import { sizeOf } from '../scenario-size.ts';

export const validate: Command = {
  usage: 'validate <files..>',
  about: 'Check scenario files; every error, with its place',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('files', { type: 'string', array: true, describe: 'scenario files, or names of the gallery' })
      .option('set', { type: 'string', array: true, nargs: 1, default: [], describe: 'check with a value changed' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON for machines' })
      .example('npx orrery validate my.yaml', 'is it a scenario?'),
  run: async (options, { terminal }) => {
    const { files, set, json } = options as unknown as { files: string[]; set: string[]; json: boolean };
    const errors: ScenarioError[] = [];
    const fine: { file: string; name: string; size: string }[] = [];
    for (const word of files) {
      const path = scenarioPath(word);
      try {
        const { scenario } = loadFromDisk(path, set);
        fine.push({ file: path, name: scenario.name, size: sizeOf(scenario) });
      } catch (error) {
        if (!(error instanceof InvalidScenario)) throw error;
        errors.push(...error.errors);
      }
    }
    if (json) terminal.out(`${stringify({ valid: fine, errors }, 2)}\n`);
    else {
      for (const { file, name, size } of fine) {
        terminal.out(`${terminal.colours.green('valid')}: ${file}: ${name}: ${size}\n`);
      }
      terminal.err(errors.map(error => `${formatError(error)}\n`).join(''));
    }
    return errors.length === 0 ? EXIT.ok : EXIT.badInput;
  },
};
