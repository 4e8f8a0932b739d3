/**
 * `orrery ROLE start`: runs a daemon in the foreground until it is told to stop. One line says that it takes part; what
 * it does is in the log of its home.
 */
import { Channel, channelOfProcess } from '../../lab/live/daemon/channel.ts';
import type { Daemon, DaemonEnd } from '../../lab/live/daemon/daemon.ts';
import { watchLifeline } from '../../lab/live/daemon/lifeline.ts';
import { errorFields } from '../../lab/live/daemon/log.ts';
import { endpointText } from '../../lab/live/home/endpoints.ts';
import type { Role } from '../../lab/live/home/folder.ts';
import { stringify } from '../../lab/report/json.ts';
import { EXIT } from '../errors.ts';
import type { Terminal } from '../terminal.ts';
import { readWhole } from './options.ts';

const MAX_PID = 4_194_304;

/** Runs the daemon of a home; returns the exit code. */
export async function runDaemon(
  role: Role,
  options: Readonly<Record<string, unknown>>,
  terminal: Terminal,
): Promise<number> {
  const parent = options.parent === undefined ? null : readWhole('parent', String(options.parent), 1, MAX_PID);
  const json = options.json === true;
  let daemon: Daemon | null = null;
  let asked: { readonly reason: string; readonly stopWorkloads: boolean } | null = null;
  const stop = (reason: string, stopWorkloads: boolean): void => {
    asked ??= { reason, stopWorkloads };
    if (daemon === null) return;
    daemon.log.info('stopping', { reason });
    // What goes wrong with a stop is the end of the daemon, and told below.
    daemon.stop({ stopWorkloads: asked.stopWorkloads }).catch(() => undefined);
  };
  const end = channelOfProcess();
  const channel = end === null ? null : new Channel(end, stop);
  const unwatch = watchLifeline({
    parent,
    stdin: options.untilEof === true ? process.stdin : null,
    stop: reason => stop(reason, options.stopWorkloads === true),
    abandon: reason => {
      daemon?.log.error('abandoned', { reason });
      process.exit(EXIT.interrupted);
    },
  });
  const onCrash = (error: unknown): void => daemon?.log.error('crashed', errorFields(error));
  process.on('uncaughtExceptionMonitor', onCrash);
  try {
    // Sockets, containers and a server are loaded where they are wanted: all other commands start faster without them.
    const { startDaemon } = await import('../../lab/live/daemon/start.ts');
    daemon = await startDaemon(String(options.home), role, {
      ...(channel === null ? {} : { onlooker: channel.onlooker }),
      ...(options.record === undefined ? {} : { record: String(options.record) }),
    });
    terminal.out(readyLine(daemon, json));
    channel?.ready(daemon);
    if (asked !== null) stop('', false);
    return reportEnd(await daemon.ended, daemon, channel, terminal);
  } finally {
    unwatch();
    process.off('uncaughtExceptionMonitor', onCrash);
    channel?.close();
  }
}

function readyLine({ role, name, address, api, listen }: Daemon, json: boolean): string {
  if (json) {
    const place = listen === null ? null : endpointText(listen);
    return `${stringify({ ready: true, role, name, address, pid: process.pid, api: api.url, listen: place })}\n`;
  }
  const peers = listen === null ? '' : `, peers at ${endpointText(listen)}`;
  return `${role} ${name} is ready${peers}, API at ${api.url}\n`;
}

function reportEnd({ how, reason }: DaemonEnd, daemon: Daemon, channel: Channel | null, terminal: Terminal): number {
  if (how === 'stopped') return EXIT.ok;
  if (how === 'halted') channel?.halted(reason);
  terminal.err(`${terminal.colours.red('error')}: the ${daemon.role} ${daemon.name} ${how}: ${reason}\n`);
  return EXIT.failed;
}
