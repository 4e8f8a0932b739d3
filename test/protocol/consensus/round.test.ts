/** The state machine of one height, rule by rule. The numbers are the lines of the algorithm. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  initialState,
  type RoundInput,
  type RoundState,
  type Step,
  transition,
} from '../../../src/protocol/consensus/round.ts';
import { NO_ROUND } from '../../../src/protocol/consensus/types.ts';

const at = (round: number, step: Step, more: Partial<RoundState> = {}): RoundState => ({
  ...initialState(3),
  round,
  step,
  ...more,
});
const locked = (value: string, round: number) => ({
  lockedValue: value,
  lockedRound: round,
  validValue: value,
  validRound: round,
});
/** What a fact makes of a state: what changed, and the outputs. */
function effect(state: RoundState, input: RoundInput) {
  const frozen = Object.freeze({ ...state });
  const { state: next, outputs } = transition(frozen, input);
  const changed = Object.fromEntries(
    Object.entries(next).filter(([key, value]) => value !== state[key as keyof RoundState]),
  );
  return { changed, outputs };
}
const NOTHING = { changed: {}, outputs: [] };
const votes = (kind: 'prevote' | 'precommit', round: number, value: string | null) => [
  { type: 'vote', kind, round, value },
];
const STEPS: readonly Step[] = ['unstarted', 'propose', 'prevote', 'precommit', 'commit'];

describe('11 a round begins', () => {
  test('the proposer asks for a value, the others wait for one', () => {
    const timer = { type: 'timeout', kind: 'propose', height: 3, round: 0 };
    expect(effect(initialState(3), { type: 'newRound', round: 0, proposer: true })).toEqual({
      changed: { round: 0, step: 'propose' },
      outputs: [{ type: 'getValue', round: 0 }, timer],
    });
    expect(effect(initialState(3), { type: 'newRound', round: 0, proposer: false })).toEqual({
      changed: { round: 0, step: 'propose' },
      outputs: [timer],
    });
  });

  test('a proposer with a valid value proposes that with its round, not its locked value', () => {
    const state = at(4, 'precommit', { ...locked('a', 1), validValue: 'b', validRound: 3 });
    expect(effect(state, { type: 'newRound', round: 5, proposer: true }).outputs).toEqual([
      { type: 'propose', round: 5, value: 'b', polRound: 3 },
    ]);
  });

  test('the value asked for is proposed as new, only in step propose of its round', () => {
    expect(effect(at(2, 'propose'), { type: 'ownValue', round: 2, value: 'a' }).outputs).toEqual([
      { type: 'propose', round: 2, value: 'a', polRound: NO_ROUND },
    ]);
    expect(effect(at(2, 'prevote'), { type: 'ownValue', round: 2, value: 'a' })).toEqual(NOTHING);
    expect(effect(at(2, 'propose'), { type: 'ownValue', round: 1, value: 'a' })).toEqual(NOTHING);
  });

  test('[point 9] a new round forgets that timers were started; locks stay', () => {
    const state = at(1, 'prevote', { ...locked('a', 0), prevoteTimer: true, precommitTimer: true });
    for (const round of [2, 9]) {
      expect(effect(state, { type: 'newRound', round, proposer: false }).changed).toEqual({
        round,
        step: 'propose',
        prevoteTimer: false,
        precommitTimer: false,
      });
    }
  });

  test('rounds only go up, and none begins after a decision', () => {
    for (const round of [0, 3])
      expect(effect(at(3, 'prevote'), { type: 'newRound', round, proposer: true })).toEqual(NOTHING);
    expect(effect(at(3, 'commit'), { type: 'newRound', round: 4, proposer: true })).toEqual(NOTHING);
  });
});

describe('22 a new proposal', () => {
  test('is prevoted by who is not locked, or is locked on it', () => {
    const input: RoundInput = { type: 'proposal', round: 2, value: 'a' };
    expect(effect(at(2, 'propose'), input)).toEqual({
      changed: { step: 'prevote' },
      outputs: votes('prevote', 2, 'a'),
    });
    expect(effect(at(2, 'propose', locked('a', 1)), input).outputs).toEqual(votes('prevote', 2, 'a'));
    expect(effect(at(2, 'propose', locked('b', 1)), input).outputs).toEqual(votes('prevote', 2, null));
  });

  test('that is invalid is answered with nil', () => {
    expect(effect(at(2, 'propose'), { type: 'invalidProposal', round: 2 }).outputs).toEqual(votes('prevote', 2, null));
  });

  test('is for step propose alone', () => {
    for (const step of STEPS.filter(one => one !== 'propose')) {
      expect(effect(at(2, step), { type: 'proposal', round: 2, value: 'a' }), step).toEqual(NOTHING);
      expect(effect(at(2, step), { type: 'invalidProposal', round: 2 }), step).toEqual(NOTHING);
      expect(effect(at(2, step), { type: 'proposalWithPolka', round: 2, value: 'a', polRound: 1 }), step).toEqual(
        NOTHING,
      );
    }
  });
});

describe('28 a proposal with the round of its polka', () => {
  const input = (polRound: number): RoundInput => ({ type: 'proposalWithPolka', round: 5, value: 'a', polRound });

  test('[point 6] frees a lock of the same round or an earlier one, no later one', () => {
    const state = at(5, 'propose', locked('b', 3));
    expect(effect(state, input(4)).outputs).toEqual(votes('prevote', 5, 'a'));
    expect(effect(state, input(3)).outputs).toEqual(votes('prevote', 5, 'a'));
    expect(effect(state, input(2)).outputs).toEqual(votes('prevote', 5, null));
    expect(effect(at(5, 'propose'), input(0)).outputs).toEqual(votes('prevote', 5, 'a'));
  });

  test('is prevoted by who is locked on it in whatever round; the lock itself stays where it is', () => {
    expect(effect(at(5, 'propose', locked('a', 4)), input(2))).toEqual({
      changed: { step: 'prevote' },
      outputs: votes('prevote', 5, 'a'),
    });
    expect(effect(at(5, 'propose', locked('b', 1)), input(2)).changed).toEqual({ step: 'prevote' });
  });

  test('must refer to an earlier round', () => {
    for (const polRound of [-1, 5, 6]) expect(effect(at(5, 'propose'), input(polRound))).toEqual(NOTHING);
  });
});

describe('34 and 47 timers', () => {
  test('prevotes for whatever start the prevote timer once, in step prevote', () => {
    const input: RoundInput = { type: 'polkaAny', round: 1 };
    expect(effect(at(1, 'prevote'), input)).toEqual({
      changed: { prevoteTimer: true },
      outputs: [{ type: 'timeout', kind: 'prevote', height: 3, round: 1 }],
    });
    expect(effect(at(1, 'prevote', { prevoteTimer: true }), input)).toEqual(NOTHING);
    for (const step of ['propose', 'precommit'] as const) expect(effect(at(1, step), input)).toEqual(NOTHING);
  });

  test('precommits for whatever start the precommit timer once, in any step', () => {
    const input: RoundInput = { type: 'precommitAny', round: 1 };
    for (const step of ['propose', 'prevote', 'precommit'] as const) {
      expect(effect(at(1, step), input)).toEqual({
        changed: { precommitTimer: true },
        outputs: [{ type: 'timeout', kind: 'precommit', height: 3, round: 1 }],
      });
      expect(effect(at(1, step, { precommitTimer: true }), input)).toEqual(NOTHING);
    }
  });
});

describe('36 a polka for a value', () => {
  const input: RoundInput = { type: 'polkaValue', round: 3, value: 'a' };

  test('in step prevote: lock, and precommit it', () => {
    expect(effect(at(3, 'prevote', locked('b', 1)), input)).toEqual({
      changed: { ...locked('a', 3), step: 'precommit' },
      outputs: votes('precommit', 3, 'a'),
    });
  });

  test('[point 4] validValue is updated in step precommit too, and the lock is not', () => {
    expect(effect(at(3, 'precommit', locked('b', 1)), input)).toEqual({
      changed: { validValue: 'a', validRound: 3 },
      outputs: [],
    });
  });

  test('says nothing in step propose; comes once', () => {
    expect(effect(at(3, 'propose'), input)).toEqual(NOTHING);
    const once = at(3, 'precommit', locked('a', 3));
    expect(effect(once, input)).toEqual(NOTHING);
    expect(effect(once, { ...input, value: 'c' })).toEqual(NOTHING);
  });

  test('of another round is not for this rule', () => {
    expect(effect(at(4, 'prevote'), input)).toEqual(NOTHING);
  });
});

test('[point 3] 44: a polka for nil precommits nil in step prevote; it leaves every lock', () => {
  const input: RoundInput = { type: 'polkaNil', round: 2 };
  expect(effect(at(2, 'prevote', locked('a', 1)), input)).toEqual({
    changed: { step: 'precommit' },
    outputs: votes('precommit', 2, null),
  });
  for (const step of ['propose', 'precommit'] as const) expect(effect(at(2, step), input)).toEqual(NOTHING);
});

test('[point 8] 49: a decision comes from any round and in any step, even before the first round, and once', () => {
  for (const step of STEPS.filter(one => one !== 'commit')) {
    for (const round of [0, 2, 9]) {
      expect(effect(at(step === 'unstarted' ? -1 : 2, step), { type: 'commitValue', round, value: 'a' })).toEqual({
        changed: { step: 'commit' },
        outputs: [{ type: 'decide', round, value: 'a' }],
      });
    }
  }
  expect(effect(at(2, 'commit'), { type: 'commitValue', round: 2, value: 'b' })).toEqual(NOTHING);
});

test('55: a third in a higher round takes us there', () => {
  expect(effect(at(2, 'precommit'), { type: 'skipRound', round: 5 }).outputs).toEqual([{ type: 'newRound', round: 5 }]);
  for (const round of [1, 2]) expect(effect(at(2, 'propose'), { type: 'skipRound', round })).toEqual(NOTHING);
  for (const step of ['unstarted', 'commit'] as const)
    expect(effect(at(2, step), { type: 'skipRound', round: 5 })).toEqual(NOTHING);
});

describe('57, 61, 65 timers end', () => {
  const ends = (kind: 'propose' | 'prevote' | 'precommit', round = 2, height = 3): RoundInput => ({
    type: 'timeout',
    kind,
    height,
    round,
  });

  test('propose and prevote act in their step alone', () => {
    expect(effect(at(2, 'propose', locked('a', 1)), ends('propose'))).toEqual({
      changed: { step: 'prevote' },
      outputs: votes('prevote', 2, null),
    });
    expect(effect(at(2, 'prevote', locked('a', 1)), ends('prevote'))).toEqual({
      changed: { step: 'precommit' },
      outputs: votes('precommit', 2, null),
    });
    for (const step of STEPS.filter(one => one !== 'propose'))
      expect(effect(at(2, step), ends('propose'))).toEqual(NOTHING);
    for (const step of STEPS.filter(one => one !== 'prevote'))
      expect(effect(at(2, step), ends('prevote'))).toEqual(NOTHING);
  });

  test('precommit acts in every step of its round', () => {
    for (const step of ['propose', 'prevote', 'precommit'] as const)
      expect(effect(at(2, step), ends('precommit')).outputs).toEqual([{ type: 'newRound', round: 3 }]);
    for (const step of ['unstarted', 'commit'] as const)
      expect(effect(at(2, step), ends('precommit'))).toEqual(NOTHING);
  });

  test('[point 11] a timer of another round or another height does nothing', () => {
    for (const kind of ['propose', 'prevote', 'precommit'] as const) {
      const step = kind;
      expect(effect(at(2, step), ends(kind)).outputs).toHaveLength(1);
      expect(effect(at(2, step), ends(kind, 1))).toEqual(NOTHING);
      expect(effect(at(2, step), ends(kind, 3))).toEqual(NOTHING);
      expect(effect(at(2, step), ends(kind, 2, 4))).toEqual(NOTHING);
    }
  });
});

describe('whatever the facts', () => {
  const round = fc.integer({ min: 0, max: 4 });
  const value = fc.constantFrom('a', 'b', 'c');
  const input: fc.Arbitrary<RoundInput> = fc.oneof(
    fc.record({ type: fc.constant('newRound' as const), round, proposer: fc.boolean() }),
    fc.record({ type: fc.constantFrom('ownValue', 'proposal', 'polkaValue'), round, value }),
    fc.record({
      type: fc.constant('proposalWithPolka' as const),
      round,
      value,
      polRound: fc.integer({ min: -1, max: 4 }),
    }),
    fc.record({ type: fc.constantFrom('invalidProposal', 'polkaAny', 'polkaNil', 'precommitAny', 'skipRound'), round }),
    fc.record({
      type: fc.constant('timeout' as const),
      kind: fc.constantFrom('propose', 'prevote', 'precommit'),
      height: fc.constantFrom(3, 3, 3, 4),
      round,
    }),
  ) as fc.Arbitrary<RoundInput>;
  /** Most facts are moved to the round in which they say something. */
  const fact = fc.tuple(input, fc.integer({ min: 0, max: 9 }));
  const placed = (state: RoundState, [one, chance]: readonly [RoundInput, number]): RoundInput => {
    if (chance === 0) return one;
    const opens = one.type === 'newRound' || one.type === 'skipRound';
    return { ...one, round: Math.max(state.round, 0) + (opens && state.step !== 'unstarted' ? 1 : 0) };
  };

  test('[point 3] a lock only gives way to a lock of a later round, made by a polka in step prevote', () => {
    let replaced = 0;
    fc.assert(
      fc.property(fc.array(fact, { minLength: 40, maxLength: 120, size: 'max' }), facts => {
        let state = initialState(3);
        for (const one of facts) {
          const given = placed(state, one);
          const { state: next } = transition(Object.freeze(state), given);
          if (next.lockedValue !== state.lockedValue || next.lockedRound !== state.lockedRound) {
            expect([given.type, state.step]).toEqual(['polkaValue', 'prevote']);
            expect(next.lockedRound).toBeGreaterThan(state.lockedRound);
            expect(next.lockedRound).toBe(state.round);
            if (state.lockedRound >= 0) replaced++;
          }
          expect(next.validRound).toBeGreaterThanOrEqual(next.lockedRound);
          expect(next.round).toBeGreaterThanOrEqual(state.round);
          state = next;
        }
      }),
      { numRuns: 2_000, seed: 1 },
    );
    expect(replaced).toBeGreaterThan(10);
  });

  test('one vote of each kind per round', () => {
    fc.assert(
      fc.property(fc.array(fact, { minLength: 40, maxLength: 120, size: 'max' }), facts => {
        let state = initialState(3);
        const cast = new Set<string>();
        for (const one of facts) {
          const { state: next, outputs } = transition(state, placed(state, one));
          for (const output of outputs) {
            if (output.type !== 'vote') continue;
            expect(cast.has(`${output.kind} ${output.round}`)).toBe(false);
            cast.add(`${output.kind} ${output.round}`);
          }
          state = next;
        }
      }),
      { numRuns: 2_000, seed: 2 },
    );
  });
});
