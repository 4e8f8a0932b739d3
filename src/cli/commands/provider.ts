/** `orrery provider`: a datacenter of a live network, which bids on orders and runs what it wins. */
import type { Argv } from 'yargs';
import type { Command } from '../command.ts';
import { EXIT } from '../errors.ts';
import { type ClientInitOptions, initProvider } from '../live/init.ts';
import { API, BESIDE, GENESIS, HOME, JSON_OUTPUT, LISTEN, NAME, NODES, SET, startOptions } from '../live/options.ts';
import { runDaemon } from '../live/start.ts';
import { printProviderStatus } from '../live/status-provider.ts';

const init: Command = {
  usage: 'init',
  about: 'Make the home of a provider',
  build: (yargs: Argv): Argv =>
    yargs
      .option('home', HOME)
      .option('name', NAME)
      .option('beside', BESIDE)
      .option('genesis', GENESIS)
      .option('node', NODES)
      .option('listen', LISTEN)
      .option('api', API)
      .option('set', SET)
      .option('json', JSON_OUTPUT)
      .example('npx orrery provider init --home iron --beside alpha', "joins a node's chain")
      .example('npx orrery provider init ... --set region=eu --set hosts=2', 'with values'),
  run: async (options, { terminal }) => {
    initProvider(options as unknown as ClientInitOptions, terminal);
    return EXIT.ok;
  },
};

const start: Command = {
  usage: 'start',
  about: 'Run a provider until it is told to stop; its workloads go on',
  build: (yargs: Argv): Argv =>
    startOptions(yargs)
      .option('stop-workloads', { type: 'boolean', default: false, describe: 'stop the workloads at the end as well' })
      .example('npx orrery provider start --home iron', 'in the foreground'),
  run: (options, { terminal }) => runDaemon('provider', options, terminal),
};

const status: Command = {
  usage: 'status',
  about: 'How a running provider is: capacity, leases, workloads',
  build: (yargs: Argv): Argv =>
    yargs
      .option('home', HOME)
      .option('json', JSON_OUTPUT)
      .example('npx orrery provider status --home iron', 'what it serves'),
  run: (options, { terminal }) => printProviderStatus(String(options.home), options.json === true, terminal),
};

export const provider: Command = {
  usage: 'provider <command>',
  about: 'A provider of a live network: init, start, status',
  subcommands: [init, start, status],
  build: (yargs: Argv): Argv =>
    yargs
      .example('npx orrery provider init --home iron --beside alpha', 'makes its home')
      .example('npx orrery provider start --home iron', 'runs it'),
  run: async () => {
    throw new Error('a command with subcommands was run itself');
  },
};
