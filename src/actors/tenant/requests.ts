/**
 * What a user asks of its tenant agent, and what it is answered: the agent's side of an API or a command line. Each
 * request is answered once; the answer is plain data.
 */
import type { DeploymentInfrastructure } from '../../protocol/model/objects.ts';
import type { LogVerdict, ManifestVerdict, ReplicaLog, ServiceStatus } from '../lease-wire.ts';

export interface DeployRequest {
  readonly type: 'deploy';
  readonly infrastructure: readonly DeploymentInfrastructure[];
  /** blocks */
  readonly waitDuration: number;
  /** microseconds */
  readonly openFor: number;
  /** SHA-256 of the manifest; all zero: there is none, and none will come. */
  readonly version: Uint8Array;
  /** micro-AKASH */
  readonly escrow: bigint;
  /** Close so long after the first lease; null = never. */
  readonly lifetime_us: number | null;
  /** Deposit again when escrow covers fewer than `below` periods of what is leased, up to `to`; null = never. */
  readonly refill: { readonly below: number; readonly to: number } | null;
  /** Close before the first confirmation, so long after the match; null = do not. */
  readonly closePending_us: number | null;
  /** The canonical manifest, which the providers of its leases are handed; null: they are handed nothing. */
  readonly manifest: Uint8Array | null;
  /** For each infrastructure the manifest's group; without it, the groups in the manifest's order. */
  readonly groups?: readonly string[];
}

/** Another manifest for a deployment that stands. The resources stay as they are leased. */
export interface UpdateRequest {
  readonly type: 'update';
  readonly deployment: string;
  readonly version: Uint8Array;
  readonly manifest: Uint8Array;
  /** As in DeployRequest, by number of infrastructure. */
  readonly groups?: readonly string[];
}

export interface CloseRequest {
  readonly type: 'close';
  readonly deployment: string;
}

export interface StatusRequest {
  readonly type: 'status';
  /** null: all of them */
  readonly deployment: string | null;
}

export interface LogsRequest {
  readonly type: 'logs';
  readonly lease: string;
  /** null: all services of the lease */
  readonly service: string | null;
  /** Newest lines of each replica, at most MAX_LOG_LINES. */
  readonly lines: number;
}

/** How the tenant's account stands, asked of the chain anew. */
export interface AccountRequest {
  readonly type: 'account';
}

export type TenantRequest = DeployRequest | UpdateRequest | CloseRequest | StatusRequest | LogsRequest | AccountRequest;

/** A fingerprint for a trace: requests of one participant and moment are told apart by little. */
export function digestOfRequest(request: TenantRequest): number {
  switch (request.type) {
    case 'deploy':
      return request.infrastructure.length;
    case 'update':
      return 0x1000 + request.manifest.length;
    case 'close':
      return 0x2000 + request.deployment.length;
    case 'status':
      return 0x3000;
    case 'logs':
      return 0x4000 + request.lines;
    case 'account':
      return 0x5000;
  }
}

/** `code` is a stable word, `detail` says what was found and what is expected. */
export interface Failure {
  readonly ok: false;
  readonly code: string;
  readonly detail: string;
}

export function failure(code: string, detail: string): Failure {
  return { ok: false, code, detail };
}

/** How far a manifest is on its way to a provider: under way, or what the provider said. */
export type DeliveryState = 'connecting' | 'delivering' | ManifestVerdict;

export interface TenantLeaseStatus {
  readonly lease: string;
  readonly provider: string;
  readonly state: 'pending' | 'active';
  /** pico-AKASH per second */
  readonly price: bigint;
  /** Null where there is no manifest to deliver. */
  readonly delivery: { readonly state: DeliveryState; readonly detail: string } | null;
  /** As the provider told last; null: it has not told yet. */
  readonly services: readonly ServiceStatus[] | null;
}

export interface TenantDeploymentStatus {
  readonly deployment: string;
  readonly version: Uint8Array;
  readonly state: 'open' | 'closing';
  /** micro-AKASH, as far as the agent knows */
  readonly escrow: bigint;
  readonly openOrders: number;
  readonly leases: readonly TenantLeaseStatus[];
}

/** `balance`: micro-AKASH free to spend. */
export type AccountReply = { readonly ok: true; readonly balance: bigint };
export type DeployReply = { readonly ok: true; readonly deployment: string } | Failure;
export type UpdateReply = { readonly ok: true } | Failure;
export type CloseReply = { readonly ok: true } | Failure;
export type StatusReply = { readonly ok: true; readonly deployments: readonly TenantDeploymentStatus[] } | Failure;
/** Codes of failures: LogVerdict, `not_connected`, `timeout`. */
export type LogsReply = { readonly ok: true; readonly replicas: readonly ReplicaLog[] } | Failure;

/** Why a provider gave no log, in words. */
export function logFailure(code: Exclude<LogVerdict, 'ok'>): Failure {
  switch (code) {
    case 'unknown_lease':
      return failure(code, 'the provider does not know the lease');
    case 'unknown_service':
      return failure(code, 'no such service runs for the lease');
    case 'busy':
      return failure(code, 'the provider has too many logs to read already');
  }
}
