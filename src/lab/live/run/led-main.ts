/**
 * The program of a launcher's child: the daemon of a home, led from outside. Arguments: the role, the home, and where it
 * records, if it does.
 */
import { startDaemon } from '../daemon/start.ts';
import { ROLES, type Role } from '../home/folder.ts';
import { leadOf } from './led.ts';

async function main([word, home, record]: readonly string[]): Promise<number> {
  const role = ROLES.find((one): one is Role => one === word);
  const lead = leadOf(process);
  if (role === undefined || home === undefined || lead === null) {
    console.error(`found ${word} ${home}, expected a role, a home and a launcher`);
    return 2;
  }
  // Ctrl-C in a terminal is the launcher's to see to.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  try {
    const daemon = await startDaemon(home, role, { onlooker: lead.onlooker, record });
    process.on('SIGTERM', () => void daemon.stop({ stopWorkloads: true }));
    lead.attach(daemon);
    const { how, reason } = await daemon.ended;
    if (how !== 'stopped') console.error(`${how}: ${reason}`);
    return how === 'stopped' ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    lead.detach();
  }
}

process.exitCode = await main(process.argv.slice(2));
