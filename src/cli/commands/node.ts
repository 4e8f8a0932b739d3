/** `orrery node`: a node of a live network, which keeps the chain and may validate it. */
import type { Argv } from 'yargs';
import type { Command } from '../command.ts';
import { EXIT } from '../errors.ts';
import { initNode, type NodeInitOptions } from '../live/init.ts';
import { API, FUND, GENESIS, HOME, JSON_OUTPUT, LISTEN, NAME, PEERS, SET, startOptions } from '../live/options.ts';
import { sendMoney } from '../live/send.ts';
import { runDaemon } from '../live/start.ts';
import { printNodeStatus } from '../live/status-node.ts';

const init: Command = {
  usage: 'init',
  about: 'Make the home of a node: of a new chain, or of one that it joins',
  build: (yargs: Argv): Argv =>
    yargs
      .option('home', HOME)
      .option('name', NAME)
      .option('chain-id', { type: 'string', requiresArg: true, describe: 'of a new chain (default orrery-1)' })
      .option('block-interval', { type: 'string', requiresArg: true, describe: 'of a new chain (default 6s)' })
      .option('fund', FUND)
      .option('genesis', GENESIS)
      .option('stake', {
        type: 'string',
        requiresArg: true,
        describe: 'become a validator with so much, once the account has it',
      })
      .option('peer', PEERS)
      .option('listen', LISTEN)
      .option('api', API)
      .option('set', {
        ...SET,
        describe: 'a value of config.yaml: path=value; params.NAME=value: a parameter of a new chain',
      })
      .option('json', JSON_OUTPUT)
      .example('npx orrery node init --home alpha', 'a chain of its own')
      .example('npx orrery node init --home alpha --block-interval 1s', 'a faster one')
      .example('npx orrery node init --home beta --genesis G --peer P', 'joins a chain'),
  run: async (options, { terminal }) => {
    initNode(options as unknown as NodeInitOptions, terminal);
    return EXIT.ok;
  },
};

const start: Command = {
  usage: 'start',
  about: 'Run a node until it is told to stop',
  build: (yargs: Argv): Argv => startOptions(yargs).example('npx orrery node start --home alpha', 'in the foreground'),
  run: (options, { terminal }) => runDaemon('node', options, terminal),
};

const status: Command = {
  usage: 'status',
  about: 'How a running node is',
  build: (yargs: Argv): Argv =>
    yargs
      .option('home', HOME)
      .option('json', JSON_OUTPUT)
      .example('npx orrery node status --home alpha', 'heights, peers, validators'),
  run: (options, { terminal }) => printNodeStatus(String(options.home), options.json === true, terminal),
};

const send: Command = {
  usage: 'send <address> <amount>',
  about: "Send money from a node's account",
  build: (yargs: Argv): Argv =>
    yargs
      .positional('address', { type: 'string', describe: 'the account that gets it' })
      .positional('amount', { type: 'string', describe: "such as '500 akash'" })
      .option('home', HOME)
      .option('json', JSON_OUTPUT)
      .example("npx orrery node send akash1... '500 akash' --home alpha", 'returns when it has happened'),
  run: (options, { terminal }) =>
    sendMoney(String(options.home), String(options.address), String(options.amount), options.json === true, terminal),
};

export const node: Command = {
  usage: 'node <command>',
  about: 'A node of a live network: init, start, status, send',
  subcommands: [init, start, status, send],
  build: (yargs: Argv): Argv =>
    yargs
      .example('npx orrery node init --home alpha', 'a new chain')
      .example('npx orrery node start --home alpha', 'runs it'),
  run: async () => {
    throw new Error('a command with subcommands was run itself');
  },
};
