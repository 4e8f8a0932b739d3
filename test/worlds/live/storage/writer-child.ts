/**
 * A process that writes and commits until it is killed. It goes on where the folder's storage ended, and prints the
 * number of each round once that is durable.
 */
import { writeSync } from 'node:fs';
import { LiveStorage } from '../../../../src/worlds/live/storage/storage.ts';

const folder = process.argv[2]!;
const storage = await LiveStorage.open(folder, { segmentBytes: 4_000 });
const start = await storage.begin();
const { first, entries } = storage.replay();
writeSync(1, `started ${start}\n`);
const next = first + entries.length;
// The store may be behind the log by a round, and nothing more: the last one is written to it again.
for (let round = Math.max(0, next - 1); ; round++) {
  const value = Buffer.from(String(round).padEnd(100 + (round % 900), '.'));
  if (round >= next) storage.append(value);
  storage.put(`key/${round % 10}`, value);
  storage.put('latest', Buffer.from(String(round)));
  if (round % 5 === 0 && round >= 20) storage.truncateLog(round - 20);
  if (round % 3 === 0) storage.delete(`key/${(round + 5) % 10}`);
  await storage.commit();
  writeSync(1, `${round}\n`);
}
