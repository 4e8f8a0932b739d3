/** The state machine against traces of a model checker, made from another description of the algorithm. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type RoundInput, type RoundState, type Step, transition } from '../../../src/protocol/consensus/round.ts';

const folder = join(
  resolve(import.meta.dirname, '../../..', process.env.ORRERY_DATA ?? '../shared/data'),
  'consensus/round-traces',
);

interface Tagged {
  readonly t: string;
  // biome-ignore lint/suspicious/noExplicitAny: the payload's shape depends on the tag.
  readonly v?: any;
}
interface TraceState {
  readonly h: number;
  readonly r: number;
  readonly step: string;
  readonly lr: number;
  readonly lv: string | null;
  readonly vr: number;
  readonly vv: string | null;
}
interface Row {
  readonly i: number;
  readonly v: string;
  readonly in?: readonly Tagged[];
  readonly pre: TraceState;
  readonly post: TraceState;
  readonly o: Tagged;
}

const STEPS: Readonly<Record<string, Step>> = {
  NoStep: 'unstarted',
  ProposeStep: 'propose',
  PrevoteStep: 'prevote',
  PrecommitStep: 'precommit',
  CommitStep: 'commit',
};
const TIMERS = { ProposeTimeout: 'propose', PrevoteTimeout: 'prevote', PrecommitTimeout: 'precommit' } as const;

/** The traces keep "for the first time" apart from the state: every fact that they give is a first one. */
function stateOf({ h, r, step, lr, lv, vr, vv }: TraceState): RoundState {
  return {
    height: h,
    round: r,
    step: STEPS[step]!,
    lockedRound: lr,
    lockedValue: lv,
    validRound: vr,
    validValue: vv,
    prevoteTimer: false,
    precommitTimer: false,
  };
}

function inputOf({ t, v }: Tagged, round: number): RoundInput {
  switch (t) {
    case 'NewRoundCInput':
    case 'NewRoundProposerCInput':
      return { type: 'newRound', round: v, proposer: t === 'NewRoundProposerCInput' };
    case 'ProposeValueCInput':
      return { type: 'ownValue', round, value: v };
    case 'ProposalCInput':
      return { type: 'proposal', round: v[0], value: v[1].v };
    case 'ProposalAndPolkaPreviousAndValidCInput':
      return { type: 'proposalWithPolka', round, value: v[0].v, polRound: v[1] };
    case 'ProposalAndPolkaAndValidCInput':
      return { type: 'polkaValue', round, value: v.v };
    case 'PolkaAnyCInput':
      return { type: 'polkaAny', round };
    case 'PrecommitAnyCInput':
      return { type: 'precommitAny', round };
    case 'ProposalAndCommitAndValidCInput':
      return { type: 'commitValue', round: v[0], value: v[1] };
    case 'RoundSkipCInput':
      return { type: 'skipRound', round: v };
    case 'TimeoutProposeCInput':
      return { type: 'timeout', kind: 'propose', height: v[0], round: v[1] };
    case 'TimeoutPrevoteCInput':
      return { type: 'timeout', kind: 'prevote', height: v[0], round: v[1] };
    case 'TimeoutPrecommitCInput':
      return { type: 'timeout', kind: 'precommit', height: v[0], round: v[1] };
  }
  throw new TypeError(`the input ${t} is not known`);
}

function outputsOf({ t, v }: Tagged, height: number): object[] {
  switch (t) {
    case 'NoConsensusOutput':
      return [];
    case 'TimeoutOutput':
      return [{ type: 'timeout', kind: TIMERS[v[1].t as keyof typeof TIMERS], height, round: v[0] }];
    case 'GetValueAndScheduleTimeoutOutput':
      expect(v[0]).toBe(height);
      return [
        { type: 'getValue', round: v[1] },
        { type: 'timeout', kind: TIMERS[v[2].t as keyof typeof TIMERS], height, round: v[1] },
      ];
    case 'ProposalOutput':
      expect(v.height).toBe(height);
      return [{ type: 'propose', round: v.round, value: v.proposal, polRound: v.validRound }];
    case 'VoteOutput':
      expect(v.height).toBe(height);
      return [
        {
          type: 'vote',
          kind: v.voteType.t === 'Prevote' ? 'prevote' : 'precommit',
          round: v.round,
          value: v.valueId.t === 'Nil' ? null : v.valueId.v,
        },
      ];
    case 'DecidedOutput':
      return [{ type: 'decide', round: v[0], value: v[1] }];
  }
  throw new TypeError(`the output ${t} is not known`);
}

describe('traces of a model checker', () => {
  const files = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.jsonl')) : [];
  if (files.length === 0) {
    test.skip(`skipped: no traces in ${folder} (set ORRERY_DATA)`, () => {});
    return;
  }
  const traces = files
    .sort((a, b) => (a < b ? -1 : 1))
    .map(file => ({
      file,
      rows: readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line) as Row)
        .filter(row => row.pre !== undefined),
    }));

  test(`${files.length} files`, () => {
    expect(files.length).toBeGreaterThanOrEqual(12);
  });

  for (const { file, rows } of traces) {
    const checked = rows.filter(row => row.o.t !== 'ErrorOutput');
    const moving = checked.filter(row => row.in !== undefined).length;
    test(`${file}: ${checked.length} rows of ${rows.length}, ${moving} with inputs`, () => {
      expect(moving).toBeGreaterThan(0);
      for (const row of checked) {
        const inputs = row.in ?? [];
        let state = stateOf(row.pre);
        let outputs: readonly object[] = [];
        inputs.forEach((input, at) => {
          const done = transition(state, inputOf(input, row.pre.r));
          state = done.state;
          // Whatever comes before the last input only says which round is to begin.
          if (at < inputs.length - 1)
            expect(done.outputs, `row ${row.i}`).toEqual([{ type: 'newRound', round: inputs.at(-1)!.v }]);
          outputs = done.outputs;
        });
        const { prevoteTimer, precommitTimer, ...known } = state;
        const { prevoteTimer: _, precommitTimer: __, ...expected } = stateOf(row.post);
        expect(known, `${row.v} after row ${row.i}`).toEqual(expected);
        expect(outputs, `${row.v} at row ${row.i}`).toEqual(outputsOf(row.o, row.pre.h));
      }
    });
  }
});
