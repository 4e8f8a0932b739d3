/**
 * What a command writes to and reads from: two streams, a width, colours or none. Commands take it as a parameter, so
 * that a test sees exactly what a person would.
 */
import pc from 'picocolors';

export interface Terminal {
  /** Results. */
  out(text: string): void;
  /** Errors, and nothing else that a script would want. */
  err(text: string): void;
  /** Replaces the line of progress on stderr; an empty text removes it. Nothing happens where nobody watches. */
  status(text: string): void;
  /** Columns that text may use, at most 80. */
  readonly width: number;
  readonly colours: ReturnType<typeof pc.createColors>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Widest output: what fits on every screen and in every mail. */
const MAX_WIDTH = 80;
const MIN_WIDTH = 60;

/** Whether colours are wanted: on a terminal, unless NO_COLOR says otherwise; FORCE_COLOR wants them anywhere. */
function wantsColours(env: Terminal['env'], tty: boolean): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '' && env.FORCE_COLOR !== '0') return true;
  return tty && env.TERM !== 'dumb';
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const watched = stderr.isTTY === true && env.TERM !== 'dumb';
  let shown = false;
  const clear = (): void => {
    if (shown) stderr.write('\r\x1b[2K');
    shown = false;
  };
  return {
    out: text => {
      clear();
      stdout.write(text);
    },
    err: text => {
      clear();
      stderr.write(text);
    },
    status: text => {
      if (!watched) return;
      clear();
      if (text === '') return;
      stderr.write(text);
      shown = true;
    },
    width: Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, stdout.columns ?? MAX_WIDTH)),
    colours: pc.createColors(wantsColours(env, stdout.isTTY === true)),
    env,
  };
}
