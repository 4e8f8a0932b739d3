/** All commands, in the order in which the help lists them. */
import type { Command } from './command.ts';
import { doctor } from './commands/doctor.ts';
import { explain } from './commands/explain.ts';
import { list } from './commands/list.ts';
import { create } from './commands/new.ts';
import { replay } from './commands/replay.ts';
import { run } from './commands/run.ts';
import { sdl } from './commands/sdl.ts';
import { validate } from './commands/validate.ts';

export const COMMANDS: readonly Command[] = [list, run, explain, create, validate, sdl, replay, doctor];
