/**
 * What a launcher and the daemons that it started say to each other, over the channel that the platform opens between a
 * process and its child. Both ends are this program, so that values travel as they are (structured clone). A daemon whose
 * channel closes has lost its launcher and ends.
 */
import type { TenantRequest } from '../../../actors/tenant/tenant.ts';

/** What a launcher wants. */
export type Order =
  /** Hand a request to the actor, as a user would. */
  | { readonly type: 'request'; readonly id: number; readonly request: TenantRequest }
  /** Close connections with these participants, by name and account, and refuse new ones; replaces what was said before. */
  | { readonly type: 'shutOut'; readonly peers: readonly string[] }
  /** Close all connections with these participants once. */
  | { readonly type: 'breakConnections'; readonly peers: readonly string[] }
  /** End; a provider's workloads end with it. */
  | { readonly type: 'stop' };

/** What a daemon tells. Times are microseconds since 1970, by the machine's clock. */
export type Report =
  /** It takes part. */
  | { readonly type: 'ready'; readonly api: string | null }
  /** The answer to a request. */
  | { readonly type: 'reply'; readonly id: number; readonly answer: unknown }
  /** A node has executed a block. */
  | {
      readonly type: 'executed';
      readonly height: number;
      readonly hash: Uint8Array;
      readonly appHash: Uint8Array;
      readonly time: number;
    }
  | {
      readonly type: 'observed';
      readonly metric: string;
      readonly value: number;
      readonly label: string | undefined;
      readonly time: number;
    }
  /** What a container took, microseconds; `pull` null: its image was there. */
  | {
      readonly type: 'workload';
      readonly workload: string;
      readonly image: string;
      readonly pull_us: number | null;
      readonly start_us: number | null;
      readonly stop_us: number | null;
    }
  /** The actor stopped for good. */
  | { readonly type: 'halted'; readonly reason: string };
