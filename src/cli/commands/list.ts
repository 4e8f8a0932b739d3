/** `orrery list`: the gallery, with the question that each scenario answers. */
import type { Argv } from 'yargs';
import { loadFromDisk } from '../../lab/experiment/results-source.ts';
import { wrap } from '../../lab/report/format.ts';
import { stringify } from '../../lab/report/json.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../errors.ts';
import { galleryFile, galleryNames } from '../gallery.ts';
import { sizeOf } from '../scenario-size.ts';

export const list: Command = {
  usage: 'list',
  about: 'The scenarios that come along, and the question each answers',
  build: (yargs: Argv): Argv =>
    yargs
      .option('json', { type: 'boolean', default: false, describe: 'print JSON for machines' })
      .example('npx orrery list', 'the gallery'),
  run: async (options, { terminal }) => {
    const entries = galleryNames().map(word => {
      const { scenario } = loadFromDisk(galleryFile(word), []);
      const { name, question, finding } = scenario;
      return { name: word, title: name, question, finding, size: sizeOf(scenario), file: galleryFile(word) };
    });
    if (options.json === true) {
      terminal.out(`${stringify(entries, 2)}\n`);
      return EXIT.ok;
    }
    const { bold, dim } = terminal.colours;
    for (const { name, question, finding, size } of entries) {
      terminal.out(`${bold(name)}  ${dim(`(${size})`)}\n${wrap(`  ${question}`, terminal.width, '  ')}\n`);
      if (finding !== null)
        terminal.out(`${dim(wrap(`  ${finding.trim().replace(/\s+/g, ' ')}`, terminal.width, '  '))}\n`);
      terminal.out('\n');
    }
    terminal.out('Run one by its name, or begin a scenario of your own:\n');
    terminal.out(`  npx orrery run ${entries[0]?.name ?? 'NAME'}\n  npx orrery new my-market.yaml\n`);
    return EXIT.ok;
  },
};
