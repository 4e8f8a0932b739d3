/** `orrery validate`: everything that is wrong with scenarios and SDL files, not only the first thing. */
import { dirname, join } from 'node:path';
import type { Argv } from 'yargs';
import { loadFromDisk } from '../../lab/experiment/results-source.ts';
import { counted } from '../../lab/report/format.ts';
import { stringify } from '../../lab/report/json.ts';
import { listFolderOfNode, readFileOfNode } from '../../lab/scenario/load-node.ts';
import { formatError, InvalidScenario, type ScenarioError } from '../../lab/scenario/problem.ts';
import { inOrder, readCatalogue } from '../../lab/scenario/sdl-folder.ts';
import { MAX_FILE_BYTES } from '../../lab/scenario/tree.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../errors.ts';
import { scenarioPath } from '../gallery.ts';
import { sizeOf } from '../scenario-size.ts';
import { asErrors, isFolder, kindOfFile, readSdlFromDisk } from '../sdl-files.ts';

/** A file with nothing wrong. */
interface Fine {
  readonly file: string;
  readonly name: string;
  readonly size: string;
}

export const validate: Command = {
  usage: 'validate <files..>',
  about: 'Check scenarios and SDL files; every error, with its place',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('files', {
        type: 'string',
        array: true,
        describe: 'files or folders of them, or names of the gallery',
      })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        describe: 'check scenarios with a value changed',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON for machines' })
      .example('npx orrery validate my.yaml', 'is it a scenario?'),
  run: async (options, { terminal }) => {
    const { files, set, json } = options as unknown as { files: string[]; set: string[]; json: boolean };
    const errors: ScenarioError[] = [];
    const fine: Fine[] = [];
    for (const path of files.flatMap(filesOf)) {
      try {
        fine.push(check(path, set));
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

/** The file that a word means, or all YAML files of the folder that it names. */
function filesOf(word: string): string[] {
  const path = scenarioPath(word);
  if (!isFolder(path)) return [path];
  return inOrder(listFolderOfNode(path).filter(name => /\.ya?ml$/i.test(name))).map(name => join(path, name));
}

/**
 * Checks one file for what it is.
 * @throws InvalidScenario
 */
function check(path: string, set: readonly string[]): Fine {
  switch (kindOfFile(path)) {
    case 'sdl': {
      const verdict = readSdlFromDisk(path);
      if (!verdict.reading.ok) throw new InvalidScenario(asErrors(verdict));
      const { sdl, groupSpecs, topology, version } = verdict.reading;
      const size = `${counted(groupSpecs.length, 'group')}, ${counted(topology.services.length, 'service')}`;
      return { file: path, name: `SDL ${sdl.version}`, size: `${size}, version ${version}` };
    }
    case 'notes': {
      // They speak of the files beside them, so that these are read as well.
      const folder = dirname(path);
      const { notes } = readCatalogue(folder, listFolderOfNode(folder), file => readFileOfNode(file, MAX_FILE_BYTES));
      return { file: path, name: 'terms', size: `of ${counted(Object.keys(notes.files).length, 'SDL file')}` };
    }
    case 'scenario': {
      const { scenario } = loadFromDisk(path, set);
      return { file: path, name: scenario.name, size: sizeOf(scenario) };
    }
  }
}
