/**
 * The two ways in which turning values into bytes and back can fail.
 *
 * A DecodeError is about bytes that somebody else sent: it is an expected outcome, callers catch it and refuse the
 * input. An EncodeError is about a value of our own that has no canonical bytes: it is a defect of the caller. Both
 * say where (a path of field names and list positions), what was found and what was expected.
 */

function describe(path: string, at: string, found: string, expected: string): string {
  return `${path === '' ? '' : `${path}: `}${at}found ${found}, expected ${expected}`;
}

/** One step further out on the way from the failing part to the whole: `price` in `groups[3]` is `groups[3].price`. */
function prefixed(step: string, path: string): string {
  return path === '' || path.startsWith('[') ? `${step}${path}` : `${step}.${path}`;
}

/** Bytes that are not the canonical encoding of any value of the expected type. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  /** Offset of the offending byte, counted from the start of the input. */
  readonly offset: number;
  /** What the bytes say, in words. */
  readonly found: string;
  /** What would have been acceptable, in words. */
  readonly expected: string;
  /** Field names and list positions that lead to the offending part, outermost first. */
  path = '';

  constructor(offset: number, found: string, expected: string) {
    super(describe('', `at byte ${offset} `, found, expected));
    this.offset = offset;
    this.found = found;
    this.expected = expected;
  }

  /** Records that the failing part is `step` of something larger, and returns the same error. */
  within(step: string): this {
    this.path = prefixed(step, this.path);
    this.message = describe(this.path, `at byte ${this.offset} `, this.found, this.expected);
    return this;
  }
}

/** A value that has no canonical encoding: wrong type, out of range, too long. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError';
  /** What the value is, in words. */
  readonly found: string;
  /** What would have been acceptable, in words. */
  readonly expected: string;
  /** Field names and list positions that lead to the offending part, outermost first. */
  path = '';

  constructor(found: string, expected: string) {
    super(describe('', '', found, expected));
    this.found = found;
    this.expected = expected;
  }

  /** Records that the failing part is `step` of something larger, and returns the same error. */
  within(step: string): this {
    this.path = prefixed(step, this.path);
    this.message = describe(this.path, '', this.found, this.expected);
    return this;
  }
}

/** A short description of any value for an error message; never longer than some sixty characters. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 40 ? `a text of ${value.length} characters` : JSON.stringify(value);
    case 'bigint':
    case 'number':
    case 'boolean':
    case 'undefined': {
      const text = String(value);
      return text.length > 60 ? `a number of ${text.length} digits` : text;
    }
    case 'object':
      if (value === null) return 'null';
      if (value instanceof Uint8Array) return `${value.length} bytes`;
      return Array.isArray(value) ? `a list of ${value.length}` : 'an object';
    default:
      return `a ${typeof value}`;
  }
}
