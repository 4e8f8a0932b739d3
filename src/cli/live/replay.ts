/**
 * `orrery replay` of a live run: every actor is made again and given what it was given, and has to do what it did. What is
 * wrong is named below the table.
 */
import type { JointReplay } from '../../lab/live/replay/joint-replay.ts';
import type { ReplayedRecording } from '../../lab/live/replay/replayed-participant.ts';
import { counted, grouped, wrap } from '../../lab/report/format.ts';
import { stringify } from '../../lab/report/json.ts';
import { CommandError, EXIT } from '../errors.ts';
import { interruptible } from '../interrupt.ts';
import { tableText } from '../table.ts';
import type { Terminal } from '../terminal.ts';

/** Longest name in the table. */
const MAX_NAME = 24;
/** Recordings in the table; --json has all. */
const MAX_ROWS = 60;
/** What is wrong, in so many recordings. */
const MAX_PROBLEMS = 10;

/**
 * Replays recordings and says what came of it.
 * @param paths where they are
 * @returns the exit code
 */
export async function replayRecordings(paths: readonly string[], json: boolean, terminal: Terminal): Promise<number> {
  // What makes actors again is loaded where it is wanted: all other commands start faster without it.
  const [{ findRecordings }, { replayJointly }, { DamagedRecording }] = await Promise.all([
    import('../../lab/live/replay/find-recordings.ts'),
    import('../../lab/live/replay/joint-replay.ts'),
    import('../../worlds/live/record-files.ts'),
  ]);
  try {
    const participants = findRecordings(paths);
    const result = await interruptible(signal =>
      replayJointly(participants, {
        signal,
        onProgress: inputs => terminal.status(`${grouped(inputs)} inputs`),
      }),
    );
    terminal.status('');
    const same = result.violations.length === 0 && result.recordings.every(one => one.outcome === 'same');
    terminal.out(json ? `${stringify({ same, ...result }, 2)}\n` : text(result, same, terminal));
    return same ? EXIT.ok : EXIT.failed;
  } catch (error) {
    terminal.status('');
    throw error instanceof DamagedRecording ? new CommandError(error.message, EXIT.failed) : error;
  }
}

function text(result: JointReplay, same: boolean, terminal: Terminal): string {
  const { recordings } = result;
  const columns = [
    { head: 'participant' },
    { head: 'start', align: 'right' as const },
    { head: 'inputs', align: 'right' as const },
    { head: 'effects', align: 'right' as const },
    { head: 'blocks', align: 'right' as const },
    { head: 'outcome' },
  ];
  const table = tableText(terminal, columns, shownFirst(recordings).map(rowOf));
  const more = recordings.length - MAX_ROWS;
  const rest = more > 0 ? `  and ${counted(more, 'more recording')}, all the same; --json has them\n` : '';
  return `${table}${rest}\n${same ? goodText(result, terminal) : badText(result, terminal)}`;
}

/** As many as are shown: what is wrong is never left out for what is right. */
function shownFirst(recordings: readonly ReplayedRecording[]): readonly ReplayedRecording[] {
  if (recordings.length <= MAX_ROWS) return recordings;
  const bad = recordings.filter(one => one.outcome !== 'same');
  return [...bad, ...recordings.filter(one => one.outcome === 'same')].slice(0, MAX_ROWS);
}

function rowOf({
  participant,
  incarnation,
  inputs,
  effects,
  heights,
  outcome,
  end,
  torn,
}: ReplayedRecording): string[] {
  const name = participant.length <= MAX_NAME ? participant : `${participant.slice(0, MAX_NAME - 3)}...`;
  const blocks = heights === null ? '-' : `${heights[0]}-${heights[1]}`;
  return [name, String(incarnation), grouped(inputs), grouped(effects), blocks, outcomeText(outcome, end, torn)];
}

function outcomeText(
  outcome: ReplayedRecording['outcome'],
  end: ReplayedRecording['end'],
  torn: ReplayedRecording['torn'],
): string {
  if (outcome !== 'same') return outcome.toUpperCase();
  if (torn !== null) return 'same, torn end';
  return end === 'closed' || end === null ? 'same' : `same, ${end}`;
}

function goodText(result: JointReplay, { colours, width }: Terminal): string {
  const { recordings, nodes, height, matched, judged } = result;
  const lines = [
    `${colours.green('the same')}: ${counted(recordings.length, 'recording')}, every effect byte for byte`,
  ];
  if (nodes > 0) {
    lines.push(`One state at each of ${counted(height, 'height')} on ${counted(nodes, 'node')}.`);
    lines.push(
      judged.length === 0
        ? 'The rules of consensus were not checked: that takes the recordings of two nodes, from their first start on.'
        : `No rule of consensus was broken by ${judged.join(', ')}.`,
    );
  }
  if (matched > 0) lines.push(`${counted(matched, 'message')} came as their senders had sent them.`);
  const cut = recordings.filter(one => one.end === 'cut');
  for (const one of cut) lines.push(`${one.participant}, incarnation ${one.incarnation}: not recorded to its end.`);
  return lines.map(line => `${wrap(line, width)}\n`).join('');
}

function badText({ recordings, violations }: JointReplay, { colours, width }: Terminal): string {
  // What went wrong first is what others may follow from.
  const bad = recordings
    .filter(one => one.outcome !== 'same')
    .sort((a, b) => (a.wrongAt ?? Number.MAX_VALUE) - (b.wrongAt ?? Number.MAX_VALUE));
  const parts = bad.slice(0, MAX_PROBLEMS).map(one => {
    const head = `${colours.red(HEADS[one.outcome])}:`;
    return [head, ...one.problems].map(line => wrap(line, width, '    ')).join('\n');
  });
  if (bad.length > MAX_PROBLEMS) parts.push(`and ${bad.length - MAX_PROBLEMS} more; --json has all`);
  for (const line of violations) parts.push(wrap(`${colours.red('a rule was broken')}: ${line}`, width, '  '));
  return `${parts.join('\n\n')}\n`;
}

const HEADS: Readonly<Record<ReplayedRecording['outcome'], string>> = {
  same: 'the same',
  differs: 'something else was done',
  unsent: 'something was received that nobody sent',
  disorder: 'an input is missing, doubled or out of place',
  damaged: 'damaged',
  unreadable: 'of another version',
};
