/**
 * Tells of a live run while it goes on: a line for what a user may want to act on, with the time of the run before it,
 * and a status line for how far it has come.
 */
import type { LiveEvent } from '../../lab/live/run/launcher.ts';
import type { PlannedMember } from '../../lab/live/run/plan.ts';
import { counted, shortSpan, wrap } from '../../lab/report/format.ts';
import type { Terminal } from '../terminal.ts';

export interface TellerOptions {
  readonly scenario: string;
  /** Microseconds. */
  readonly horizon: number;
  /** Nothing but what must be told. */
  readonly quiet: boolean;
}

/** Columns of the time before a line. */
const TIME = 7;

function seconds(time: number): string {
  return `${Math.max(0, time / 1e6).toFixed(0)} s`;
}

export class Teller {
  readonly #terminal: Terminal;
  readonly #options: TellerOptions;
  #members = 0;
  #ready = 0;

  constructor(terminal: Terminal, options: TellerOptions) {
    this.#terminal = terminal;
    this.#options = options;
  }

  onEvent(event: LiveEvent): void {
    switch (event.type) {
      case 'planned':
        this.#planned(event.members, event.folder);
        return;
      case 'ready':
        this.#ready += 1;
        this.#status(`${this.#ready} of ${this.#members} have started`);
        return;
      case 'begun':
        this.#at(event.time, 'the chain makes blocks; demand arrives from now on');
        return;
      case 'block':
        if (event.time < this.#options.horizon)
          this.#status(`${seconds(event.time)} of ${seconds(this.#options.horizon)}, block ${event.height}`);
        else this.#status('over; all that was started is being ended');
        return;
      case 'struck':
        this.#at(event.time, event.what);
        return;
      case 'sight':
        this.#at(event.time, sightText(event));
        return;
      case 'died':
        this.#at(event.time, event.why);
        return;
      case 'saved':
        this.#terminal.status('');
        this.#terminal.err(`recordings of the run: ${event.recordings}; \`orrery replay\` reads them\n`);
        return;
      case 'refused':
        this.#at(event.time, `${event.tenant} was refused: ${refusal(event.answer)}`);
        return;
    }
  }

  #planned(members: readonly PlannedMember[], folder: string): void {
    const count = (role: string): number => members.filter(one => one.role === role).length;
    this.#members = members.length;
    const parts = [
      counted(count('node'), 'node'),
      counted(count('provider'), 'provider'),
      counted(count('tenant'), 'tenant'),
    ];
    this.#line(`${this.#terminal.colours.bold(this.#options.scenario)}, live: ${parts.join(', ')}`);
    const node = members.find(one => one.role === 'node');
    if (node !== undefined) this.#line(`status page: http://127.0.0.1:${node.api}/`);
    this.#line(`logs until it ends: ${folder}`);
    this.#status(`${counted(members.length, 'process', 'processes')} are being started`);
  }

  /** Removes the status line. */
  end(): void {
    this.#terminal.status('');
  }

  #status(text: string): void {
    if (!this.#options.quiet) this.#terminal.status(text.slice(0, this.#terminal.width - 1));
  }

  /** A line with the time of the run at its head. */
  #at(time: number, text: string): void {
    const indent = ' '.repeat(TIME + 2);
    const head = this.#terminal.colours.dim(seconds(time).padStart(TIME));
    this.#line(`${head}  ${wrap(text, this.#terminal.width - indent.length).replaceAll('\n', `\n${indent}`)}`);
  }

  #line(text: string): void {
    if (this.#options.quiet) return;
    this.#terminal.status('');
    this.#terminal.out(`${text}\n`);
  }
}

function sightText(event: Extract<LiveEvent, { readonly type: 'sight' }>): string {
  const { service, tenant } = event;
  switch (event.sight) {
    case 'answers': {
      const again = event.away === null ? '' : ` again, after ${shortSpan(event.away / 1e6)}`;
      return `${service} answers at ${event.url}${again} (${tenant})`;
    }
    case 'silent':
      return `${service} does not answer any more (${tenant})`;
    case 'published':
      return `${service} is published at ${event.place} and has no page (${tenant})`;
  }
}

/** Why a tenant's request was refused, in its own words. */
function refusal(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return String(answer);
  const { code, detail } = answer as { readonly code?: unknown; readonly detail?: unknown };
  const words = [code, detail].filter(one => typeof one === 'string' && one !== '');
  return words.length > 0 ? words.join(': ') : JSON.stringify(answer);
}
