import { describe, expect, it } from 'vitest';
import {
  checkExpression,
  compileExpression,
  ExpressionError,
  STRATEGY_VARIABLES,
} from '../../../src/lab/scenario/expression.ts';

const value = (text: string, values: Record<string, number> = {}): number =>
  compileExpression(text, Object.keys(values))(values);

describe('allowed expressions', () => {
  it.each([
    ['cost * (1 + 0.5 * utilization^2)', 10.8],
    ['min(cost, 3, 7) + max(1, 2)', 5],
    ['abs(-2) + sqrt(16) + pow(2, 3) + floor(1.9) + ceil(1.1) + round(2.5)', 20],
    ['exp(0) + log(1) + log(8, 2)', 4],
    ['utilization > 0.3 ? 1 : 2', 1],
    ['utilization > 0.3 and cost < 5 or not (cost == 10)', 0],
    ['0 < utilization <= 0.4', 1],
    ['true', 1],
    ['-cost + +2', -8],
    ['2 cost', 20],
    ['2^-1', 0.5],
    ['50%', 0.5],
    ['1.5e2', 150],
  ])('%s', (text, expected) => {
    expect(value(text, { cost: 10, utilization: 0.4 })).toBeCloseTo(expected, 12);
  });

  it('evaluates afresh each time and lists the variables it names', () => {
    const price = compileExpression('cost * bids', STRATEGY_VARIABLES);
    expect([price({ cost: 2, bids: 3 }), price({ cost: 5, bids: 7 }), price({ cost: 2, bids: 3 })]).toEqual([6, 35, 6]);
    expect(checkExpression('b > a and b < 3', null).variables).toEqual(['b', 'a']);
  });

  it('takes only the branch that holds', () => {
    expect(value('a > 0 ? 1 / a : 5', { a: 0 })).toBe(5);
  });
});

describe('forbidden expressions', () => {
  it.each([
    ['x = 3', 'an assignment in "x = 3"'],
    ['f(x) = x', 'a function definition'],
    ['a.b', 'a property access in "a.b"'],
    ['a["constructor"]', 'a property access'],
    ['a?.b', 'a property access'],
    ['[1, 2]', 'a matrix in "[1, 2]"'],
    ['1:3', 'a range in "1:3"'],
    ['{a: 1}', 'an object'],
    ['1; 2', 'several expressions'],
    ['a\nb', 'several expressions'],
    ['"text"', 'the text "text"'],
    ['5 cm', 'the name "cm"'],
    ['5 cm to inch', 'the operator "to"'],
    ['import({}, {})', 'a call in "import({}, {})"'],
    ['createUnit("x")', 'a call in'],
    ['parse("1")', 'a call in'],
    ['evaluate("1")', 'a call in'],
    ['random()', 'a call in "random()"'],
    ['sin(1)', 'a call in "sin(1)"'],
    ['a(1 + 2)', 'a call in "a(1 + 2)"'],
    ['min', 'the name "min"'],
    ['i', 'the name "i"'],
    ['constructor', 'the name "constructor"'],
    ['toString()', 'a call in'],
    ['a!', 'the operator "!"'],
    ['a & 1', 'the operator "&"'],
    ['a mod 2', 'the operator "mod"'],
    ["a'", 'the operator "\'"'],
    ['a .* 2', 'the operator ".*"'],
    ['a ?? 1', 'the operator "??"'],
    ['max()', 'max with 0 arguments'],
    ['pow(1, 2, 3)', 'pow with 3 arguments'],
    ['1e999', 'Infinity'],
    ['NaN', 'NaN'],
    ['null', 'null'],
    ['undefined', 'undefined'],
    ['2 *', '"2 *" (Unexpected end of expression'],
    ['', 'an empty expression'],
    ['  ', 'an empty expression'],
    ['# comment', 'undefined'],
    ['a'.repeat(1_001), 'an expression of 1001 characters'],
    [`${'('.repeat(40)}a${')'.repeat(40)}`, 'a deeply nested expression'],
    [
      `min(${Array(20)
        .fill(`min(${Array(20).fill('1').join()})`)
        .join()})`,
      'an expression with many parts',
    ],
  ])('%j', (text, found) => {
    expect(() => compileExpression(text, ['a', 'b'])).toThrow(ExpressionError);
    expect(() => compileExpression(text, ['a', 'b'])).toThrow(`found ${found}`);
  });

  it('suggests the nearest name', () => {
    expect(() => compileExpression('costs * 2', STRATEGY_VARIABLES)).toThrow('expected "cost" perhaps');
    expect(() => compileExpression('sqr(2)', [])).toThrow('expected "sqrt" perhaps');
  });

  it('with free names still refuses functions as values', () => {
    expect(() => checkExpression('min > 3', null)).toThrow('the name "min"');
    expect(() => checkExpression('a.b > 3', null)).toThrow('a property access');
  });
});

describe('results', () => {
  it.each(['1 / (a - a)', 'log(a - 1)', 'sqrt(-a)', '(-8 * a)^(1/3)', 'exp(10000 * a)', '0 / (a - 1)'])(
    '%s is not finite',
    text => {
      expect(() => value(text, { a: 1 })).toThrow(/found .* from ".*" at a = 1, expected a finite number/);
    },
  );

  it('needs a finite value for each variable named', () => {
    const twice = compileExpression('2 * a', ['a', 'b']);
    expect(() => twice({ b: 1 })).toThrow('found a = undefined for "2 * a", expected a finite number');
    expect(() => twice({ a: Number.NaN })).toThrow('found a = NaN');
    expect(twice({ a: 1 })).toBe(2);
  });
});
