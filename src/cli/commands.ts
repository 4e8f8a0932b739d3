/** All commands, in the order in which the help lists them. */
import type { Command } from './command.ts';
import { compare } from './commands/compare.ts';
import { doctor } from './commands/doctor.ts';
import { explain } from './commands/explain.ts';
import { list } from './commands/list.ts';
import { live } from './commands/live.ts';
import { create } from './commands/new.ts';
import { node } from './commands/node.ts';
import { provider } from './commands/provider.ts';
import { replay } from './commands/replay.ts';
import { run } from './commands/run.ts';
import { sdl } from './commands/sdl.ts';
import { tenant } from './commands/tenant.ts';
import { validate } from './commands/validate.ts';

export const COMMANDS: readonly Command[] = [
  list,
  run,
  explain,
  create,
  validate,
  sdl,
  replay,
  live,
  compare,
  node,
  provider,
  tenant,
  doctor,
];
