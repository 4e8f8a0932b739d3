/** Transactions in: read with the chain's own codec, handed to the node as any client's are, answered by its verdict. */
import type { FastifyInstance } from 'fastify';
import { decodeTransaction, MAX_TRANSACTION_BYTES, type Transaction } from '../../../protocol/chain/transaction.ts';
import { DecodeError } from '../../../protocol/codec/errors.ts';
import { addEndpoint } from './endpoint.ts';
import { ApiError, shown } from './errors.ts';
import type { NodeApi } from './node-api.ts';
import * as schemas from './node-schemas.ts';

/** Transactions that wait for the node's verdict at a time. */
const MAX_PENDING = 256;
/** Time that a verdict may take, milliseconds. */
const VERDICT_MS = 5_000;

export function addTransactions(app: FastifyInstance, { view }: NodeApi): void {
  let pending = 0;
  addEndpoint(app, {
    method: 'POST',
    path: '/transactions',
    name: 'submit',
    summary: 'Takes a signed transaction in; what became of it shows in the block that holds it',
    body: schemas.transaction,
    reply: schemas.admission,
    status: 202,
    handle: async ({ body }) => {
      const tx = transactionOf(body.transaction, body.encoding);
      if (pending >= MAX_PENDING) throw new ApiError(503, 'busy', `${pending} transactions that wait`, 'fewer');
      pending += 1;
      try {
        const verdict = await inTime(view.submit(tx));
        if (!verdict.ok)
          throw new ApiError(422, verdict.code, verdict.detail, 'a transaction that the next block may hold');
      } finally {
        pending -= 1;
      }
      const { account, nonce, message, fee } = tx.body;
      return {
        admitted: true as const,
        account,
        nonce,
        message: message.type,
        fee_uakt: fee.toString(),
        size_bytes: tx.size,
      };
    },
  });
}

function transactionOf(text: string, encoding: 'hex' | 'base64'): Transaction {
  let bytes: Uint8Array;
  try {
    bytes = encoding === 'hex' ? Uint8Array.fromHex(text) : Uint8Array.fromBase64(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ApiError(400, 'bad_request', shown(text.slice(0, 40)), `bytes in ${encoding}`);
  }
  try {
    return decodeTransaction(bytes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const expected = `a transaction in canonical bytes, at most ${MAX_TRANSACTION_BYTES}`;
    throw new ApiError(400, 'bad_transaction', error.message, expected);
  }
}

async function inTime<T>(verdict: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ApiError(504, 'no_verdict', `no verdict of the node in ${VERDICT_MS} ms`, 'one'));
    }, VERDICT_MS);
  });
  try {
    return await Promise.race([verdict, late]);
  } finally {
    clearTimeout(timer);
  }
}
