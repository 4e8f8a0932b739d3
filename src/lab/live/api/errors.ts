/**
 * How the API says no: always a status and `{error: {code, found, expected}}`. `code` is a stable word for programs,
 * `found` and `expected` are for people.
 */

/** A refusal that is the caller's to know. Anything else that is thrown is a fault of ours and says nothing outside. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly found: string;
  readonly expected: string;

  constructor(status: number, code: string, found: string, expected: string) {
    super(`${code}: found ${found}, expected ${expected}`);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.found = found;
    this.expected = expected;
  }
}

export interface ErrorBody {
  readonly error: { readonly code: string; readonly found: string; readonly expected: string };
}

export function errorBody({ code, found, expected }: Pick<ApiError, 'code' | 'found' | 'expected'>): ErrorBody {
  return { error: { code, found, expected } };
}

/** Characters of what a caller sent that an error repeats. */
const MAX_SHOWN = 120;

/** A text of the caller's as an error shows it. */
export function shown(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN).toWellFormed()}...` : text);
}

export function notFound(what: string, id: string, expected: string): ApiError {
  return new ApiError(404, 'not_found', `no ${what} ${shown(id)}`, expected);
}

/** What the framework itself refuses, by its own codes. */
const REFUSALS: Readonly<Record<string, readonly [code: string, found: string, expected: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'a body beyond the limit', 'a smaller one'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['bad_media_type', 'another content type', 'application/json'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['bad_request', 'an empty body', 'a JSON object'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['bad_request', 'a body that is no JSON', 'a JSON object'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'bad_request',
    'a body of another length than it says',
    'one as long as it says',
  ],
  FST_ERR_BAD_URL: ['bad_request', 'a path that cannot be decoded', 'percent-encoded UTF-8'],
  FST_ERR_MAX_PARAM_LENGTH: ['bad_request', 'a path with a part beyond the limit', 'an id'],
};

/** What an error thrown under a request comes to outside; null: a fault of ours. */
export function refusalOf(error: unknown): ApiError | null {
  if (error instanceof ApiError) return error;
  const { code, statusCode } = error as { readonly code?: unknown; readonly statusCode?: unknown };
  const known = typeof code === 'string' ? REFUSALS[code] : undefined;
  if (known === undefined) return null;
  return new ApiError(typeof statusCode === 'number' ? statusCode : 400, ...known);
}
