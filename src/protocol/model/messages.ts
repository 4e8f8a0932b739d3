/**
 * Transactions: the messages that participants may send to the chain (paper, section 3.3, and what the chain itself
 * needs beside them), the facilitator's messages that begin each block, and the signed envelope.
 *
 * A message format that changes gets a new tag; tags are never reused.
 */
import { address } from '../codec/address.ts';
import {
  bool,
  byteString,
  type CodecType,
  fixedBytes,
  list,
  oneOf,
  struct,
  tagged,
  text,
  ubig,
  uint,
} from '../codec/struct.ts';
import { evidence } from '../consensus/evidence.ts';
import {
  attributes,
  deploymentInfrastructure,
  id,
  MAX_GROUPS,
  MAX_INFRASTRUCTURES,
  price,
  resourceGroups,
} from './objects.ts';

const hash = byteString(32);
const name = text(64);
const prices = list(price, MAX_GROUPS);

const variants = {
  Transfer: [1, struct({ to: address, amount: ubig })],
  Stake: [2, struct({ amount: ubig })],
  Delegate: [3, struct({ validator: address, amount: ubig })],
  Undelegate: [4, struct({ validator: address, amount: ubig })],
  Redelegate: [5, struct({ source: address, target: address, amount: ubig })],
  WithdrawRewards: [6, struct({ validator: address })],
  RegisterProvider: [7, struct({ region: text(128), attributes, certificate: hash, endpoint: text(256) })],
  UpdateProvider: [8, struct({ region: text(128), attributes, certificate: hash, endpoint: text(256) })],
  SubmitDeployment: [
    9,
    struct({
      infrastructure: list(deploymentInfrastructure, MAX_INFRASTRUCTURES),
      waitDuration: uint,
      openFor: uint,
      version: hash,
      escrow: ubig,
    }),
  ],
  UpdateDeployment: [
    10,
    struct({
      deployment: id,
      version: hash,
      add: list(deploymentInfrastructure, MAX_INFRASTRUCTURES),
      remove: list(uint, MAX_INFRASTRUCTURES),
      reprice: list(struct({ group: uint, prices }), MAX_INFRASTRUCTURES),
    }),
  ],
  CloseDeployment: [11, struct({ deployment: id })],
  DepositEscrow: [12, struct({ deployment: id, amount: ubig })],
  SubmitFulfillment: [13, struct({ order: id, resources: resourceGroups })],
  CancelFulfillment: [14, struct({ order: id })],
  ChooseFulfillment: [15, struct({ order: id, provider: address })],
  SubmitLeaseConfirmation: [16, struct({ lease: id, reset: bool })],
  SubmitProposal: [17, struct({ changes: list(struct({ name, value: name }), 64), title: text(256) })],
  Vote: [18, struct({ proposal: uint, choice: oneOf('yes', 'no', 'abstain') })],
  Grant: [19, struct({ grantee: address, messages: list(name, 32), deployment: id, limit: ubig, expires: uint })],
  Revoke: [20, struct({ grant: id })],
  /** `possession` is the consensus key's signature over the chain id and the account (stake/candidates.ts). */
  RegisterCandidate: [21, struct({ consensusKey: fixedBytes(32), commission: uint, possession: byteString(64) })],
  Unjail: [22, struct({})],
  SubmitEvidence: [23, struct({ evidence })],
} as const;

/** What an account may ask of the chain. */
export const message = tagged('type', variants);
export type Message = CodecType<typeof message>;
export type MessageType = Message['type'];
export type MessageOf<T extends MessageType> = Extract<Message, { type: T }>;
export const MESSAGE_TYPES = Object.keys(variants) as MessageType[];

/** What begins a block: recomputed by every validator from the parent state, so it needs no signature. */
export const facilitation = tagged('type', {
  SubmitLease: [1, struct({ order: id, fulfillment: id })],
  SubmitStaleLease: [2, struct({ lease: id })],
  CloseOrder: [3, struct({ order: id, reason: oneOf('expired', 'insufficient_funds') })],
  ReleaseFulfillments: [4, struct({ order: id })],
  CloseExhausted: [5, struct({ deployment: id })],
  ExpireReset: [6, struct({ lease: id })],
  DeploymentClosed: [7, struct({ deployment: id })],
} as const);
export type Facilitation = CodecType<typeof facilitation>;

/** How many objects a message creates, whose facilitation its fee prepays. */
export function objectsCreated(msg: Message): number {
  switch (msg.type) {
    case 'SubmitDeployment':
      return 1 + msg.infrastructure.length;
    case 'UpdateDeployment':
      return msg.add.length;
    case 'SubmitFulfillment':
    case 'RegisterProvider':
    case 'RegisterCandidate':
    case 'SubmitProposal':
    case 'Grant':
    case 'Undelegate':
    case 'Redelegate':
      return 1;
    default:
      return 0;
  }
}
