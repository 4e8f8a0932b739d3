/** `orrery live`: the same scenario with real processes, TLS, disks and containers on this machine. */
import type { Argv } from 'yargs';
import type { Command } from '../command.ts';
import type { LiveCommandOptions } from '../live/live-command.ts';

export const live: Command = {
  usage: 'live [scenario]',
  about: 'Run a scenario with real processes, TLS and containers',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('scenario', { type: 'string', describe: 'a scenario file, or a name of the gallery' })
      .option('seed', { type: 'string', requiresArg: true, default: '1', describe: 'seed of what is drawn' })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        defaultDescription: 'none',
        describe: 'change a value of the scenario: path=value (may be repeated)',
      })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: 'results directory (default: results/<name>-live)',
      })
      .option('containers', {
        choices: ['docker', 'none'] as const,
        default: 'docker',
        describe: 'what runs workloads; none: leases are kept and nothing runs',
      })
      .option('keep', { type: 'boolean', default: false, describe: 'leave the homes of participants for a look' })
      .option('record', {
        type: 'boolean',
        default: false,
        describe: 'record all that participants are given and do, for `orrery replay`',
      })
      .option('clean', { type: 'boolean', default: false, describe: 'remove what a run that was killed left behind' })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON for machines' })
      .example('npx orrery live live-web', 'a web page from a container, on four validators')
      .example('npx orrery live live-web --set horizon=10m', 'for longer; Ctrl-C ends it in good order')
      .example('npx orrery live live-web --record', 'then: npx orrery replay results/live-web-live')
      .example('npx orrery live --clean', 'after a run that was killed'),
  run: async (options, context) => {
    // All that a live run needs is loaded where one is wanted: other commands start faster without it.
    const { liveCommand } = await import('../live/live-command.ts');
    return liveCommand(options as unknown as LiveCommandOptions, context);
  },
};
