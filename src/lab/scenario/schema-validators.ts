/** How validators behave: how long they wait for each other, and the settings of their misconduct. */

import type { z } from 'zod';
import {
  BLOCK_FAULTS,
  LIES,
  MATCH_FAULTS,
  MUTATED_FIELDS,
  STATEMENTS,
  VERSIONS,
} from '../../actors/validator/conduct.ts';
import { type ChoiceOptions, choice, flag, list, oneOf, shape, share } from './fields.ts';
import { className, duration, given } from './schema-common.ts';
import type { ValidatorBehaviour } from './types.ts';

/** Some of these words, each once. */
function some<const W extends readonly string[]>(words: W, what: string): z.ZodType<W[number][]> {
  return list(oneOf(words), 1, words.length, what).refine(found => new Set(found).size === found.length, {
    error: 'each once',
  });
}

type Favour = Extract<ValidatorBehaviour, { readonly kind: 'favour' }>;

/** Behaviours that name nobody else. */
export const behaviours = {
  words: {
    honest: { kind: 'honest' },
    voteNil: { kind: 'voteNil' },
    wrongProofOfLock: { kind: 'wrongProofOfLock' },
    twins: { kind: 'twins' },
  },
  tagged: {
    equivocate: shape({
      of: given(some(VERSIONS, 'of what'), ['votes', 'proposals']).describe('says one thing to half of its peers'),
    }).transform(b => ({ kind: 'equivocate' as const, ...b })),
    withhold: shape({
      share: given(share(), 1).describe('probability for each message and recipient'),
      of: given(some(STATEMENTS, 'of what'), [...STATEMENTS]),
    }).transform(b => ({ kind: 'withhold' as const, ...b })),
    invalidBlocks: shape({
      faults: given(some(BLOCK_FAULTS, 'faults'), [...BLOCK_FAULTS]).describe('in turn, by height'),
    }).transform(b => ({ kind: 'invalidBlocks' as const, ...b })),
    wrongMatch: shape({
      faults: given(some(MATCH_FAULTS, 'faults'), [...MATCH_FAULTS]).describe('in turn, over its blocks with a match'),
    }).transform(b => ({ kind: 'wrongMatch' as const, ...b })),
    mutate: shape({
      share: given(share(), 0.1).describe('probability for each message and recipient'),
      fields: given(some(MUTATED_FIELDS, 'fields'), [...MUTATED_FIELDS]),
      signed: flag().prefault(false).describe('signs what it changed'),
    }).transform(b => ({ kind: 'mutate' as const, ...b })),
    lie: shape({ about: given(some(LIES, 'about what'), [...LIES]) }).transform(b => ({ kind: 'lie' as const, ...b })),
  },
} satisfies ChoiceOptions<Exclude<ValidatorBehaviour, Favour>>;

export const validatorBehaviour = choice<ValidatorBehaviour>('validator-behaviour', 'a behaviour', {
  words: behaviours.words,
  tagged: {
    ...behaviours.tagged,
    favour: shape({ providers: className.describe('the class whose transactions go first') }).transform(b => ({
      kind: 'favour' as const,
      ...b,
    })),
  },
});

const timeout = (base: string) =>
  given(
    shape({
      base: given(duration({ positive: true }), base),
      delta: given(duration({ positive: true }), '500ms').describe('longer by this with each round'),
    }),
    {},
  );
/** How long a round waits for a proposal and for votes. */
export const timeouts = shape({ propose: timeout('3s'), prevote: timeout('1s'), precommit: timeout('1s') });
