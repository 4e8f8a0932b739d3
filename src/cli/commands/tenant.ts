/** `orrery tenant`: somebody who deploys on a live network, and the agent that looks after what is deployed. */
import type { Argv } from 'yargs';
import type { Command } from '../command.ts';
import { EXIT } from '../errors.ts';
import {
  closeDeployment,
  type DeployOptions,
  deploy as deployFile,
  printLogs,
  updateDeployment,
} from '../live/deploy.ts';
import { type ClientInitOptions, initTenant } from '../live/init.ts';
import { API, BESIDE, GENESIS, HOME, JSON_OUTPUT, NAME, NODES, SET, startOptions } from '../live/options.ts';
import { runDaemon } from '../live/start.ts';
import { printTenantStatus } from '../live/status-tenant.ts';

const init: Command = {
  usage: 'init',
  about: 'Make the home of a tenant',
  build: (yargs: Argv): Argv =>
    yargs
      .option('home', HOME)
      .option('name', NAME)
      .option('beside', BESIDE)
      .option('genesis', GENESIS)
      .option('node', NODES)
      .option('api', API)
      .option('set', SET)
      .option('json', JSON_OUTPUT)
      .example('npx orrery tenant init --home web --beside alpha', "joins a node's chain"),
  run: async (options, { terminal }) => {
    initTenant(options as unknown as ClientInitOptions, terminal);
    return EXIT.ok;
  },
};

const start: Command = {
  usage: 'start',
  about: "Run a tenant's agent until it is told to stop; deployments go on",
  build: (yargs: Argv): Argv => startOptions(yargs).example('npx orrery tenant start --home web', 'in the foreground'),
  run: (options, { terminal }) => runDaemon('tenant', options, terminal),
};

const text = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

const deploy: Command = {
  usage: 'deploy <file>',
  about: 'Deploy an SDL file',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('file', { type: 'string', describe: 'an SDL file' })
      .option('home', HOME)
      .option('wait', { type: 'boolean', default: false, describe: 'return when everything is leased and runs' })
      .option('timeout', text('how long --wait waits (default 10m)'))
      .option('escrow', text("what is paid in: an amount, or as in scenarios ('{periods: 2}')"))
      .option('wait-duration', text('blocks in which bids are gathered'))
      .option('open-for', text('after that long without a lease, an order is given up'))
      .option('lifetime', text('closed so long after its first lease'))
      .option('region', text('a region, a list of them, or any'))
      .option('collateral', text('what a provider must post for each unit'))
      .option('reputation-at-least', text('from 0 to 1'))
      .option('datacenters', text('how many run the same'))
      .option('persist', { type: 'boolean', describe: 'order again when a lease breaks' })
      .option('json', JSON_OUTPUT)
      .example('npx orrery tenant deploy web.yaml --home web --wait', 'until it runs'),
  run: (options, { terminal }) => deployFile(options as unknown as DeployOptions, terminal),
};

const status: Command = {
  usage: 'status [deployment]',
  about: 'What is deployed, and how it is',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('deployment', { type: 'string', describe: 'one deployment only, by its id or the end of it' })
      .option('home', HOME)
      .option('json', JSON_OUTPUT)
      .example('npx orrery tenant status --home web', 'all that stands'),
  run: (options, { terminal }) => {
    const { home, deployment, json } = options as { home: string; deployment?: string; json?: boolean };
    return printTenantStatus(home, deployment ?? null, json === true, terminal);
  },
};

const logs: Command = {
  usage: 'logs <what>',
  about: 'What the services of a lease, or of a deployment, wrote',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('what', { type: 'string', describe: 'a lease or a deployment, by its id or the end of it' })
      .option('home', HOME)
      .option('service', text('one service only'))
      .option('lines', text('newest lines of each replica (default 100)'))
      .option('json', JSON_OUTPUT)
      .example('npx orrery tenant logs 0 --home web --service api', 'of deployment 0'),
  run: (options, { terminal }) => {
    const { home, what, service, lines, json } = options as {
      home: string;
      what: string;
      service?: string;
      lines?: string;
      json?: boolean;
    };
    return printLogs(home, what, { service: service ?? null, lines: lines ?? '100' }, json === true, terminal);
  },
};

const update: Command = {
  usage: 'update <deployment> <file>',
  about: 'Put another SDL file in the place of a deployment',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('deployment', { type: 'string', describe: 'by its id or the end of it' })
      .positional('file', { type: 'string', describe: 'an SDL file' })
      .option('home', HOME)
      .option('json', JSON_OUTPUT)
      .example('npx orrery tenant update 0 web.yaml --home web', 'the same groups, another image'),
  run: (options, { terminal }) =>
    updateDeployment(
      String(options.home),
      String(options.deployment),
      String(options.file),
      options.json === true,
      terminal,
    ),
};

const close: Command = {
  usage: 'close <deployment>',
  about: 'Close a deployment: its leases end, its escrow returns',
  build: (yargs: Argv): Argv =>
    yargs
      .positional('deployment', { type: 'string', describe: 'by its id or the end of it' })
      .option('home', HOME)
      .option('json', JSON_OUTPUT)
      .example('npx orrery tenant close 0 --home web', 'deployment 0'),
  run: (options, { terminal }) =>
    closeDeployment(String(options.home), String(options.deployment), options.json === true, terminal),
};

export const tenant: Command = {
  usage: 'tenant <command>',
  about: 'A tenant of a live network: init, start, deploy, status, logs, update, close',
  subcommands: [init, start, deploy, status, logs, update, close],
  build: (yargs: Argv): Argv =>
    yargs
      .example('npx orrery tenant init --home web --beside alpha', 'makes its home')
      .example('npx orrery tenant deploy web.yaml --home web --wait', 'deploys'),
  run: async () => {
    throw new Error('a command with subcommands was run itself');
  },
};
