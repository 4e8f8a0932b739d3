/** The program of a launcher's child, with a witness of what its participant takes in. Arguments: the role and the home. */
import { startDaemon } from '../../../src/lab/live/daemon/start.ts';
import { ROLES, type Role } from '../../../src/lab/live/home/folder.ts';
import { leadOf } from '../../../src/lab/live/run/led.ts';
import { Witness } from './witness.ts';

const [word, home] = process.argv.slice(2);
const role = ROLES.find((one): one is Role => one === word);
const lead = leadOf(process);
if (role === undefined || home === undefined || lead === null) throw new Error(`found ${word} ${home} and no launcher`);
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
try {
  const daemon = await startDaemon(home, role, { onlooker: { ...lead.onlooker, recorder: new Witness(home) } });
  lead.attach(daemon);
  const { how, reason } = await daemon.ended;
  if (how !== 'stopped') console.error(`${how}: ${reason}`);
  process.exitCode = how === 'stopped' ? 0 : 1;
} finally {
  lead.detach();
}
