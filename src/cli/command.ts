/** What every command is made of. */
import type { Argv } from 'yargs';
import type { Terminal } from './terminal.ts';

export interface Context {
  readonly terminal: Terminal;
  /** URL of the module whose `runScenario` is called; null: this package's own. */
  readonly runner: string | null;
}

export interface Command {
  /** Its name and its arguments, as yargs has them. */
  readonly usage: string;
  readonly about: string;
  build(yargs: Argv): Argv;
  /** Commands within it, one of which must be named; the command itself then does nothing. */
  readonly subcommands?: readonly Command[];
  /** Returns the exit code. */
  run(options: Readonly<Record<string, unknown>>, context: Context): Promise<number>;
}
