/**
 * The command line: finds the command, reads its options, and turns every end into an exit code and, if it was a bad
 * one, into one clear message. Results go to stdout, everything else to stderr.
 */
import yargs, { type Argv } from 'yargs';
import { Interrupted } from '../lab/experiment/pool.ts';
import { VERSION } from '../lab/experiment/version-node.ts';
import { stringify } from '../lab/report/json.ts';
import { expectedName, InvalidScenario } from '../lab/scenario/problem.ts';
import type { Command, Context } from './command.ts';
import { COMMANDS } from './commands.ts';
import { CommandError, EXIT, isBadInput, isFailure } from './errors.ts';
import { processTerminal, type Terminal } from './terminal.ts';

export interface MainOptions {
  /** URL of the module whose `runScenario` is called; null: this package's own. */
  readonly runner?: string | null;
}

/** What yargs found: a command to run, a text to print (help, version), or an error. */
interface Parsed {
  chosen: { command: Command; options: Record<string, unknown> } | null;
  text: string;
  problem: string | null;
}

/**
 * Runs one command.
 * @param args what stands behind `orrery` on the command line
 * @returns the exit code
 */
export async function main(args: readonly string[], terminal: Terminal, options: MainOptions = {}): Promise<number> {
  const context: Context = { terminal, runner: options.runner ?? null };
  const parsed = unknownCommand(args) ?? (await parse(args, terminal.width));
  if (parsed.problem !== null) {
    terminal.err(`${terminal.colours.red('error')}: ${parsed.problem}\n`);
    return EXIT.badInput;
  }
  if (parsed.chosen === null) {
    terminal.out(parsed.text === '' ? '' : `${parsed.text}\n`);
    return EXIT.ok;
  }
  const { command, options: given } = parsed.chosen;
  try {
    return await command.run(given, context);
  } catch (error) {
    return reported(error, terminal, given.json === true);
  }
}

/** A first word that is no command: said with the command that it may have been meant to be. */
function unknownCommand(args: readonly string[]): Parsed | null {
  let commands: readonly Command[] | undefined = COMMANDS;
  let before = '';
  for (const word of args) {
    if (commands === undefined || word.startsWith('-')) return null;
    const found: Command | undefined = commands.find(command => nameOf(command) === word);
    if (found === undefined) {
      const names = commands.map(nameOf);
      const problem = `${before}found ${JSON.stringify(word)}, expected a command: ${expectedName(word, names)}`;
      return { chosen: null, text: '', problem };
    }
    before += `${word}: `;
    commands = found.subcommands;
  }
  return null;
}

function nameOf({ usage }: Command): string {
  return usage.split(' ')[0]!;
}

/** Adds a command, and those within it, to a parser. */
function register(parser: Argv, command: Command, choose: (command: Command, given: object) => void): void {
  const { usage, about, subcommands } = command;
  const build = (builder: Argv): Argv => {
    const built = command.build(builder);
    if (subcommands === undefined) return built;
    for (const one of subcommands) register(built, one, choose);
    return built.demandCommand(1, `found no command, expected one; \`orrery ${nameOf(command)} --help\` lists them`);
  };
  parser.command(usage, about, build, given => choose(command, given));
}

async function parse(args: readonly string[], width: number): Promise<Parsed> {
  const parsed: Parsed = { chosen: null, text: '', problem: null };
  const parser = yargs()
    .scriptName('orrery')
    .usage('orrery: a compute market in the clockwork\n\n$0 <command>')
    .locale('en')
    .wrap(width)
    .version(VERSION)
    .help()
    .strict()
    .demandCommand(1, 'found no command, expected one; `orrery --help` lists them')
    .parserConfiguration({ 'duplicate-arguments-array': true, 'dot-notation': false, 'parse-numbers': false })
    .epilogue('Begin with: npx orrery list')
    .exitProcess(false)
    .fail((message, error) => {
      parsed.problem = message ?? error?.message ?? 'the arguments were not understood';
    });
  for (const command of COMMANDS) {
    register(parser, command, (chosen, given) => {
      parsed.chosen = { command: chosen, options: given as Record<string, unknown> };
    });
  }
  await parser.parseAsync([...args], {}, (_error, _given, output) => {
    parsed.text = output;
  });
  if (parsed.problem !== null && args.length === 0) {
    parsed.problem = null;
    parsed.text = await parser.getHelp();
  }
  return parsed;
}

/** Says what went wrong, and how the process shall end because of it. */
function reported(error: unknown, terminal: Terminal, json: boolean): number {
  const mark = terminal.colours.red('error');
  if (error instanceof Interrupted) {
    terminal.err('interrupted; nothing unfinished was left behind\n');
    return EXIT.interrupted;
  }
  if (error instanceof InvalidScenario) {
    if (json) terminal.out(`${stringify({ errors: error.errors }, 2)}\n`);
    else terminal.err(`${error.message}\n`);
    return EXIT.badInput;
  }
  if (error instanceof CommandError || isBadInput(error) || isFailure(error)) {
    const code = error instanceof CommandError ? error.exitCode : isFailure(error) ? EXIT.failed : EXIT.badInput;
    if (json) terminal.out(`${stringify({ error: error.message }, 2)}\n`);
    else terminal.err(`${mark}: ${error.message}\n`);
    return code;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.err(`${mark}: orrery failed where it should not have; please report this:\n${text}\n`);
  return EXIT.failed;
}

/** Runs the command of this process. A reader that goes away (`orrery list | head`) is no error. */
export async function mainOfProcess(options: MainOptions = {}): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  process.exitCode = await main(process.argv.slice(2), processTerminal(), options);
}

if (import.meta.main) await mainOfProcess();
