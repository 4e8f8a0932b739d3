/** Asks an API as a program would, and holds every answer against the API's own OpenAPI document. */
import { type Schema, valid } from '../../../protocol/manifest/json-schema.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects.
  readonly body: any;
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: unknown;
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export class ApiClient {
  readonly url: string;
  readonly document: OpenApi;
  /** Operations that were asked, with the statuses that came: what a test has not tried shows. */
  readonly asked = new Map<string, Set<number>>();

  private constructor(url: string, document: OpenApi) {
    this.url = url;
    this.document = document;
  }

  static async of(url: string): Promise<ApiClient> {
    return new ApiClient(url, (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi);
  }

  /** Throws when the answer is not what the document says of it. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    const value = type.startsWith('application/json') ? JSON.parse(text) : text;
    this.#check(method, path, response.status, type.split(';')[0] ?? '', value);
    return { status: response.status, headers: response.headers, body: value };
  }

  get(path: string): Promise<Answer> {
    return this.ask('GET', path);
  }

  #check(method: string, path: string, status: number, type: string, value: unknown): void {
    const operation = this.#operation(path, method);
    if (operation === undefined) return;
    const seen = this.asked.get(operation.operationId) ?? new Set();
    this.asked.set(operation.operationId, seen.add(status));
    const response = operation.responses[status] ?? operation.responses.default;
    const schema = response?.content?.[type]?.schema;
    if (schema === undefined && operation.operationId !== 'genesis')
      throw new Error(`${method} ${path}: the document knows no ${status} of ${type}`);
    if (schema !== undefined && !valid(schema, value))
      throw new Error(`${method} ${path}: not what the document says: ${JSON.stringify(value).slice(0, 500)}`);
  }

  /** The operation whose path has the same fixed parts, the more the better. */
  #operation(path: string, method: string): Operation | undefined {
    const text = path.split('?')[0]!;
    const routes = Object.keys(this.document.paths).filter(one => {
      const pattern = one.replace(/\{\w+\}/g, '.+');
      return new RegExp(`^${pattern}$`).test(text);
    });
    const best = routes.sort((a, b) => b.replace(/\{\w+\}/g, '').length - a.replace(/\{\w+\}/g, '').length)[0];
    return best === undefined ? undefined : this.document.paths[best]?.[method.toLowerCase()];
  }
}
