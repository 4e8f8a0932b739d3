/**
 * Expressions in scenarios: a provider's price, a tenant's limit, an expectation about a result.
 *
 * The text is parsed by mathjs, whose tree can do far more than arithmetic (assign, define functions, reach into
 * objects, import), and which is not a sandbox. So nothing is compiled before the whole tree has been walked and each
 * node found on a short list: numbers, the variables that the place offers, listed functions, arithmetic, comparison,
 * logic, and `a ? b : c`. What comes out must be a finite number. Comparisons are mathjs's: numbers that differ by less
 * than a relative 1e-12 are equal. Results depend on the engine only (pow, exp and log are the engine's).
 */

import type { ConstantNode, FunctionNode, MathNode, OperatorNode, SymbolNode } from 'mathjs';
import * as numberBuild from 'mathjs/number';
import { expectedName } from './problem.ts';
import { QuantityError, show } from './units.ts';

/** Longest expression in characters; with it, the parser's recursion is bounded. */
export const MAX_EXPRESSION_LENGTH = 1_000;
const MAX_NODES = 200;
const MAX_DEPTH = 32;

/** Functions that an expression may call, with the least and the largest number of arguments. */
const FUNCTIONS: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['min', [1, 20]],
  ['max', [1, 20]],
  ['abs', [1, 1]],
  ['exp', [1, 1]],
  ['log', [1, 2]],
  ['sqrt', [1, 1]],
  ['pow', [2, 2]],
  ['floor', [1, 1]],
  ['ceil', [1, 1]],
  ['round', [1, 1]],
]);

/** Operators by mathjs's names for what they do. */
const OPERATORS: ReadonlySet<string> = new Set(
  (
    'add subtract multiply divide pow unaryMinus unaryPlus ' +
    'smaller smallerEq larger largerEq equal unequal and or not'
  ).split(' '),
);

/** What a provider's price expression may speak of; prices and costs in uakt/h. */
export const STRATEGY_VARIABLES = [
  /** what one unit of the order costs the provider */
  'cost',
  /** the most that the tenant pays for one unit */
  'maximum',
  /** share of the provider's capacity that is in use, 0 to 1 */
  'utilization',
  'utilisation',
  /** lowest visible bid for the order; the maximum when there is none */
  'lowest',
  /** visible bids for the order */
  'bids',
  /** newest clearing price seen in the region, as a share of its maximum, times this maximum */
  'last',
  /** hour of the simulated day, 0 to 24 */
  'hour',
] as const;

/** What a tenant's price limit may speak of: the unit asked for, in vCPU, GiB, GiB and GPUs. */
export const PRICE_VARIABLES = ['cpu', 'memory', 'disk', 'gpu'] as const;

/** An expression that was refused, or that gave no finite number. */
export class ExpressionError extends QuantityError {
  constructor(found: string, expected: string) {
    super(found, expected);
    this.name = 'ExpressionError';
  }
}

/** Values of the variables; those that the expression does not name need not be there. */
export type Values = Readonly<Record<string, number>>;

interface NumberMath {
  parse(text: string): MathNode;
}

let mathInstance: NumberMath | null = null;

/** mathjs over plain numbers, with the parser and the allowed functions and nothing else. */
function math(): NumberMath {
  if (mathInstance !== null) return mathInstance;
  const available = numberBuild as unknown as Record<string, unknown> & { create(parts: object): unknown };
  const parts: Record<string, unknown> = {};
  for (const name of ['parse', ...OPERATORS, ...FUNCTIONS.keys()]) {
    const part = available[`${name}Dependencies`];
    if (part === undefined) throw new Error(`the expression library has no ${name}`);
    parts[name] = part;
  }
  mathInstance = available.create(parts) as NumberMath;
  return mathInstance;
}

/** An expression that passed inspection. */
export interface CheckedExpression {
  readonly text: string;
  /** The variables that it names, each once, in order of appearance. */
  readonly variables: readonly string[];
}

/**
 * Parses and inspects an expression without making it runnable.
 * @param variables the names that it may use, or null for any name (to be checked later, e.g. against metrics)
 * @throws ExpressionError that names the offending part
 */
export function checkExpression(text: string, variables: readonly string[] | null): CheckedExpression {
  return { text, variables: inspect(text, variables).variables };
}

/**
 * Makes an expression runnable.
 * @param variables the names that it may use
 * @returns a function from the variables' values to the result; true counts as 1, false as 0
 * @throws ExpressionError, from here for a forbidden expression; from the function for a result that is not finite and
 *   for a variable without a finite value
 */
export function compileExpression(text: string, variables: readonly string[]): (values: Values) => number {
  const { node, variables: used } = inspect(text, variables);
  const code = node.compile();
  // One map for all evaluations: nothing in an allowed expression can keep or change it.
  const scope = new Map<string, number>();
  return values => {
    for (const name of used) {
      const value = values[name];
      if (value === undefined || !Number.isFinite(value)) {
        throw new ExpressionError(`${name} = ${value} for ${show(text)}`, 'a finite number');
      }
      scope.set(name, value);
    }
    const result: unknown = code.evaluate(scope as never);
    const number = typeof result === 'boolean' ? Number(result) : result;
    if (typeof number !== 'number' || !Number.isFinite(number)) {
      const at = used.map(name => `${name} = ${values[name]}`).join(', ');
      throw new ExpressionError(
        `${String(result)} from ${show(text)}${at === '' ? '' : ` at ${at}`}`,
        'a finite number',
      );
    }
    return number;
  };
}

function inspect(text: string, allowed: readonly string[] | null): { node: MathNode; variables: readonly string[] } {
  if (text.trim() === '') throw new ExpressionError('an empty expression', 'an expression such as "2 * cost"');
  if (text.length > MAX_EXPRESSION_LENGTH) {
    throw new ExpressionError(`an expression of ${text.length} characters`, `at most ${MAX_EXPRESSION_LENGTH}`);
  }
  let node: MathNode;
  try {
    node = math().parse(text);
  } catch (error) {
    throw new ExpressionError(`${show(text)} (${(error as Error).message})`, 'an expression such as "2 * cost"');
  }
  const inspector = new Inspector(allowed);
  inspector.visit(node, 1);
  return { node, variables: [...inspector.variables] };
}

/** Walks a tree and refuses the first node that is not on the lists. */
class Inspector {
  readonly variables = new Set<string>();
  readonly allowed: readonly string[] | null;
  nodes = 0;

  constructor(allowed: readonly string[] | null) {
    this.allowed = allowed;
  }

  visit(node: MathNode, depth: number): void {
    this.nodes += 1;
    if (this.nodes > MAX_NODES) throw new ExpressionError('an expression with many parts', `at most ${MAX_NODES}`);
    if (depth > MAX_DEPTH) throw new ExpressionError('a deeply nested expression', `at most ${MAX_DEPTH} levels`);
    switch (node.type) {
      case 'ConstantNode':
        this.constant(node as ConstantNode);
        return;
      case 'SymbolNode':
        this.symbol((node as SymbolNode).name);
        return;
      case 'OperatorNode':
        this.operator(node as OperatorNode<never, never>);
        break;
      case 'FunctionNode':
        this.call(node as FunctionNode, depth);
        return;
      case 'ParenthesisNode':
      case 'ConditionalNode':
      case 'RelationalNode':
        break;
      default:
        throw new ExpressionError(`${FORBIDDEN[node.type] ?? node.type} in ${show(node.toString())}`, ALLOWED);
    }
    node.forEach(child => {
      this.visit(child, depth + 1);
    });
  }

  constant(node: ConstantNode): void {
    const value: unknown = node.value;
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return;
    const what = typeof value === 'string' ? `the text ${show(value)}` : String(value);
    throw new ExpressionError(what, 'finite numbers');
  }

  symbol(name: string): void {
    if (this.allowed !== null && !this.allowed.includes(name)) {
      throw new ExpressionError(`the name ${show(name)}`, expectedName(name, this.allowed));
    }
    if (this.allowed === null && (FUNCTIONS.has(name) || !/^[A-Za-z_]\w{0,63}$/.test(name))) {
      throw new ExpressionError(`the name ${show(name)}`, 'a name of letters, digits and underscores');
    }
    this.variables.add(name);
  }

  operator(node: OperatorNode<never, never>): void {
    if (OPERATORS.has(node.fn)) return;
    throw new ExpressionError(`the operator ${show(node.op)}`, '+ - * / ^ < <= > >= == != and or not');
  }

  call(node: FunctionNode, depth: number): void {
    const callee: unknown = node.fn;
    const name = (callee as { type?: string }).type === 'SymbolNode' ? (callee as SymbolNode).name : null;
    const arity = name === null ? undefined : FUNCTIONS.get(name);
    if (name === null || arity === undefined) {
      const known = [...FUNCTIONS.keys()];
      throw new ExpressionError(`a call in ${show(node.toString())}`, expectedName(name ?? '', known));
    }
    const [least, most] = arity;
    if (node.args.length < least || node.args.length > most) {
      const wanted = least === most ? `${least}` : `${least} to ${most}`;
      throw new ExpressionError(`${name} with ${node.args.length} arguments`, wanted);
    }
    for (const argument of node.args) this.visit(argument, depth + 1);
  }
}

const ALLOWED = `numbers, variables, + - * / ^, comparisons, and/or/not, a ? b : c, and ${[...FUNCTIONS.keys()].join(', ')}`;

const FORBIDDEN: Readonly<Record<string, string>> = {
  AssignmentNode: 'an assignment',
  FunctionAssignmentNode: 'a function definition',
  AccessorNode: 'a property access',
  IndexNode: 'an index',
  ArrayNode: 'a matrix',
  RangeNode: 'a range',
  ObjectNode: 'an object',
  BlockNode: 'several expressions',
};
