/** The scenarios of the gallery in which several validators decide, asked the same as all others. */
import { describe } from 'vitest';
import { GALLERY, isOfValidators, testScenarios } from './gallery.ts';

describe('the gallery of several validators', { timeout: 600_000 }, () => {
  testScenarios(GALLERY.filter(isOfValidators));
});
