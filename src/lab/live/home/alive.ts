/**
 * Whether a process is still there, and still the same one: numbers of processes are given out again, also to programs
 * that have nothing to do with this one, so that a number alone proves little.
 */
import { readFileSync } from 'node:fs';
import { hasCode } from './files.ts';

/** Whether there is a process of this number. One of another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (hasCode(error, 'EPERM')) return true;
    if (hasCode(error, 'ESRCH')) return false;
    throw error;
  }
}

/** Place of the start time among the fields of /proc/PID/stat that follow the name (proc_pid_stat(5)). */
const START_FIELD = 19;
/** Place of the state. */
const STATE_FIELD = 0;

/**
 * When a process began, in ticks since the machine did, with the machine's boot; together with the number it names a
 * process for good. Null where there is no such process, or where the system does not tell (it is no Linux).
 */
export function startOf(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may hold anything, also spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; nobody has asked for its exit code yet.
    if (fields[STATE_FIELD] === 'Z') return null;
    return `${boot}/${fields[START_FIELD]}`;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'ENOTDIR')) return null;
    throw error;
  }
}

/** Whether the process that had this number and this start is still there. Without a start its number decides. */
export function isSameAlive(pid: number, start: string | null): boolean {
  if (!isAlive(pid)) return false;
  return start === null || startOf(pid) === start;
}
