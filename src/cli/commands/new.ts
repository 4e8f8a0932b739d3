/** `orrery new`: a commented scenario to start from. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Argv } from 'yargs';
import { diskProblem } from '../../lab/experiment/results-folder.ts';
import { quoted } from '../arguments.ts';
import type { Command } from '../command.ts';
import { CommandError, EXIT } from '../errors.ts';
import { GALLERY } from '../gallery.ts';

/** A scenario that is valid as it stands. */
export const TEMPLATE = fileURLToPath(new URL('../../../docs/template.yaml', import.meta.url));

/** The name of the scenario in the template, which the file's own name takes the place of. */
const TEMPLATE_NAME = 'my-market';

/** Where the template itself has the schema. */
const TEMPLATE_SCHEMA = '../scenarios/scenario.schema.json';

export const create: Command = {
  usage: 'new <file>',
  about: 'Write a commented scenario to start from',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('file', { type: 'string', describe: 'the file to write; it must not exist' })
      .example('npx orrery new my-market.yaml', 'writes my-market.yaml'),
  run: async (options, { terminal }) => {
    const file = String(options.file);
    if (!['.yaml', '.yml'].includes(extname(file))) {
      throw new CommandError(`${file}: found a file name without .yaml, expected one such as my-market.yaml`);
    }
    const text = readFileSync(TEMPLATE, 'utf8')
      .replace(`name: ${TEMPLATE_NAME}`, `name: ${nameFrom(file)}`)
      .replace(TEMPLATE_SCHEMA, schemaFrom(file));
    try {
      writeFileSync(file, text, { flag: 'wx' });
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
      const found = exists ? 'a file that is there already' : diskProblem(error);
      throw new CommandError(`${file}: found ${found}, expected a new file in a folder that can be written to`);
    }
    terminal.out(`${file} is written: a small market, with a comment at each line. Run it, then change it:\n`);
    terminal.out(`  npx orrery run ${quoted(file)}\n`);
    return EXIT.ok;
  },
};

/** The schema by which editors complete and check the file, from where the file will be. */
function schemaFrom(file: string): string {
  return relative(dirname(resolve(file)), join(GALLERY, 'scenario.schema.json'));
}

/** A name for a scenario from that of its file. */
function nameFrom(file: string): string {
  const name = basename(file, extname(file))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
  return name === '' ? TEMPLATE_NAME : name;
}
