/**
 * The signed envelope around a message. A transaction is one frozen object however many hands it passes through: its
 * bytes are made once and kept on it.
 */
import { address, addressOf } from '../codec/address.ts';
import { ByteReader, ByteWriter, equalBytes } from '../codec/bytes.ts';
import { DecodeError } from '../codec/errors.ts';
import { keyedHash128 } from '../codec/keyed-hash.ts';
import { BoundedMemo } from '../codec/memo.ts';
import type { KeyPair, SignatureScheme } from '../codec/signature.ts';
import { byteString, type CodecType, struct, text, ubig, uint } from '../codec/struct.ts';
import { type Message, message, objectsCreated } from '../model/messages.ts';
import { id } from '../model/objects.ts';
import type { Params } from '../model/params.ts';

export const MAX_TRANSACTION_BYTES = 65_536;

/**
 * What is signed. `account` signs, pays the fee and uses up its nonce; with `grant` it acts for the account that
 * granted it authority.
 */
const unpaidFields = { chainId: text(64), account: address, nonce: uint, grant: id, message };
const unpaidBody = struct(unpaidFields);
/** The fee stands last, so that it can be reckoned from the size of what precedes it. */
export const transactionBody = struct({ ...unpaidFields, fee: ubig });
export type UnpaidBody = CodecType<typeof unpaidBody>;
export type TransactionBody = CodecType<typeof transactionBody>;

const keyCodec = byteString(32);
const signatureCodec = byteString(64);
/** Bytes of key and signature, each with its length, at the most. */
const SEAL_BYTES = 1 + 32 + 1 + 64;

const scratch = new ByteWriter();
const lanes = new Int32Array(4);
const FINGERPRINT_KEY = new Uint8Array(16);

export class Transaction {
  readonly body: TransactionBody;
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
  /** The canonical encoding of the body: what the signature is over. */
  readonly signedBytes: Uint8Array;
  /** 32 bits that tell transactions apart in traces; never identity. */
  readonly fingerprint: number;
  /** The scheme under which the signature was found to hold; remembered, because everything here is frozen. */
  #holdsUnder: SignatureScheme | null = null;

  constructor(body: TransactionBody, key: Uint8Array, signature: Uint8Array, signedBytes: Uint8Array) {
    this.body = body;
    this.key = key;
    this.signature = signature;
    this.signedBytes = signedBytes;
    keyedHash128(FINGERPRINT_KEY, signedBytes, 0, signedBytes.length, lanes);
    this.fingerprint = lanes[0] as number;
    Object.freeze(this);
  }

  /** Bytes that count for the fee and for the size of a block. */
  get size(): number {
    return this.signedBytes.length + SEAL_BYTES;
  }

  write(writer: ByteWriter): void {
    writer.byteString(this.signedBytes, MAX_TRANSACTION_BYTES);
    keyCodec.write(writer, this.key);
    signatureCodec.write(writer, this.signature);
  }

  encode(): Uint8Array {
    scratch.reset();
    this.write(scratch);
    return scratch.take();
  }

  /** Whether the signature is the account's own. Facts about authority and money are checked at execution. */
  signatureHolds(scheme: SignatureScheme): boolean {
    if (this.#holdsUnder === scheme) return true;
    const holds = owns(this.body.account, this.key) && scheme.verify(this.key, this.signedBytes, this.signature);
    if (holds) this.#holdsUnder = scheme;
    return holds;
  }
}

/** Keys that were found to be an account's own, so that the address of each is derived once. */
const owners = new BoundedMemo<string, Uint8Array>(100_000);

function owns(account: string, key: Uint8Array): boolean {
  const known = owners.get(account);
  if (known !== undefined && equalBytes(known, key)) return true;
  if (addressOf(key) !== account) return false;
  owners.set(account, key.slice());
  return true;
}

/** The canonical bytes of a body. Throws EncodeError on a value that has none. */
export function encodeBody(body: TransactionBody): Uint8Array {
  scratch.reset();
  transactionBody.write(scratch, body);
  return scratch.take();
}

/** Signs a body with a participant's key pair. */
export function signTransaction(body: TransactionBody, pair: KeyPair, scheme: SignatureScheme): Transaction {
  const bytes = encodeBody(body);
  return new Transaction(body, pair.publicKey, scheme.sign(pair, bytes), bytes);
}

/** Reads a transaction from its bytes. Throws DecodeError unless they are canonical. */
export function decodeTransaction(bytes: Uint8Array): Transaction {
  if (bytes.length > MAX_TRANSACTION_BYTES) {
    throw new DecodeError(0, `${bytes.length} bytes`, `a transaction of at most ${MAX_TRANSACTION_BYTES} bytes`);
  }
  const reader = new ByteReader(bytes);
  const tx = readTransaction(reader);
  reader.end();
  return tx;
}

/** Reads the transaction that comes next. Throws DecodeError unless its bytes are canonical. */
export function readTransaction(reader: ByteReader): Transaction {
  const signedBytes = reader.byteString(MAX_TRANSACTION_BYTES);
  const key = keyCodec.read(reader);
  const signature = signatureCodec.read(reader);
  const bodyReader = new ByteReader(signedBytes);
  const body = transactionBody.read(bodyReader);
  bodyReader.end();
  return new Transaction(body, key, signature, signedBytes);
}

/** The least fee of a transaction: base + bytes + per object created. */
export function minimumFee(params: Params, size: number, msg: Message): bigint {
  return params.feeBase + params.feePerByte * BigInt(size) + params.feePerObject * BigInt(objectsCreated(msg));
}

/** Bytes of the longest fee that `payAndSign` reckons with. */
const FEE_BYTES = 9;

/** Adds the least fee to a body and signs it: what an honest client sends. */
export function payAndSign(params: Params, body: UnpaidBody, pair: KeyPair, scheme: SignatureScheme): Transaction {
  scratch.reset();
  unpaidBody.write(scratch, body);
  const fee = minimumFee(params, scratch.length + FEE_BYTES + SEAL_BYTES, body.message);
  scratch.ubig(fee);
  const bytes = scratch.take();
  const { chainId, account, nonce, grant } = body;
  const paid = { chainId, account, nonce, grant, message: body.message, fee };
  return new Transaction(paid, pair.publicKey, scheme.sign(pair, bytes), bytes);
}
