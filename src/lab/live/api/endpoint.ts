/**
 * One endpoint of the API: what it takes and gives is said once, as zod schemas. Requests are held against them, the
 * OpenAPI document is made from them, and where replies are checked, they are as well.
 */
import type { FastifyInstance, FastifySchema, FastifySchemaCompiler } from 'fastify';
import type { FastifySerializerCompiler } from 'fastify/types/schema.js';
import { z } from 'zod';
import { ApiError, shown } from './errors.ts';

type Empty = Record<never, never>;

export interface Endpoint<P, Q, B, R> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With parameters in braces, as OpenAPI has them: `/orders/{id}`. */
  readonly path: string;
  /** The operation's name, for generated clients. */
  readonly name: string;
  readonly summary: string;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  /** What it answers with; a text/plain body where it is null. */
  readonly reply: z.ZodType<R> | null;
  /** Status of a good answer; 200 when not given. */
  readonly status?: number;
  /** Throws ApiError to refuse. */
  handle(input: { readonly params: P; readonly query: Q; readonly body: B }): R | Promise<R>;
}

const errorReply = z
  .strictObject({
    error: z.strictObject({
      code: z.string().describe('a stable word'),
      found: z.string(),
      expected: z.string(),
    }),
  })
  .describe('why not');
const plainText = z.string();

/** The zod schema behind each JSON Schema that was handed to the framework. */
const sources = new WeakMap<object, z.ZodType>();

/** A schema as OpenAPI 3.1 has it, which is plain JSON Schema. */
export function sourcedSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' });
  sources.set(json, schema);
  return json;
}

function sourceOf(schema: unknown): z.ZodType {
  const source = sources.get(schema as object);
  if (source === undefined) throw new Error('a route has a schema that no endpoint made');
  return source;
}

/** Requests are held against zod, so that what is refused is said in our words. */
export const validatorCompiler: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
  const source = sourceOf(schema);
  return (value: unknown) => {
    const parsed = source.safeParse(value);
    if (parsed.success) return { value: parsed.data };
    const issue = parsed.error.issues[0]!;
    const path = [PARTS[httpPart ?? ''] ?? 'request', ...issue.path.map(String)].join('.');
    return { error: new ApiError(400, 'bad_request', `${path}: ${shownAt(value, issue.path)}`, issue.message) };
  };
};

const PARTS: Readonly<Record<string, string>> = { querystring: 'query', params: 'path', body: 'body' };

function shownAt(value: unknown, path: readonly PropertyKey[]): string {
  let at = value;
  for (const step of path) at = (at as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return at === undefined ? 'nothing' : shown(typeof at === 'string' ? at : (JSON.stringify(at) ?? typeof at));
}

/**
 * Replies as JSON.
 * @param checks whether each is held against its schema first: a reply that does not fit is then a fault of ours
 */
export function serializerCompiler(checks: boolean): FastifySerializerCompiler<unknown> {
  return ({ schema }) => {
    const source = sourceOf(schema);
    return (value: unknown) => JSON.stringify(checks ? source.parse(value) : value);
  };
}

/** Adds an endpoint to a server. */
export function addEndpoint<P = Empty, Q = Empty, B = Empty, R = unknown>(
  app: FastifyInstance,
  endpoint: Endpoint<P, Q, B, R>,
): void {
  const { method, path, reply, params, query, body, status = 200 } = endpoint;
  app.route({
    method,
    url: path.replace(/\{(\w+)\}/g, ':$1'),
    schema: {
      operationId: endpoint.name,
      summary: endpoint.summary,
      ...(params === undefined ? {} : { params: sourcedSchema(params, 'input') }),
      ...(query === undefined ? {} : { querystring: sourcedSchema(query, 'input') }),
      ...(body === undefined ? {} : { body: sourcedSchema(body, 'input') }),
      ...(reply === null ? { produces: ['text/plain'] } : {}),
      response: {
        [status]: sourcedSchema(reply ?? plainText, 'output'),
        default: sourcedSchema(errorReply, 'output'),
      },
    } as FastifySchema,
    handler: async (request, response) => {
      const given = { params: request.params as P, query: request.query as Q, body: request.body as B };
      const answer = await endpoint.handle(given);
      response.code(status);
      if (reply !== null) return answer;
      return response
        .type('text/plain; version=0.0.4; charset=utf-8')
        .serializer((text: unknown) => String(text))
        .send(answer);
    },
  });
}
