/** All commands, in the order in which the help lists them. */
import type { Command } from './command.ts';
import { run } from './commands/run.ts';

export const COMMANDS: readonly Command[] = [run];
