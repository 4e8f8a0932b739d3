/**
 * Effects as values: how they wait behind a barrier, and how they are recorded.
 */
import type { ConnectionId, PeerName, Time, TimerId, WorkloadSpec } from '../../actors/actor.ts';

export type Effect<Message> =
  | { readonly kind: 'connect'; readonly peer: PeerName }
  | { readonly kind: 'disconnect'; readonly connection: ConnectionId }
  | { readonly kind: 'send'; readonly connection: ConnectionId; readonly message: Message }
  | { readonly kind: 'setTimer'; readonly id: TimerId; readonly at: Time }
  | { readonly kind: 'cancelTimer'; readonly id: TimerId }
  | { readonly kind: 'append'; readonly entry: Uint8Array }
  | { readonly kind: 'truncateLog'; readonly index: number }
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'scan'; readonly prefix: string }
  | { readonly kind: 'sync'; readonly token: number | null }
  | { readonly kind: 'startWorkload'; readonly spec: WorkloadSpec }
  | { readonly kind: 'stopWorkload'; readonly id: string }
  | { readonly kind: 'readWorkloadLog'; readonly id: string; readonly lines: number }
  | { readonly kind: 'openTunnel'; readonly id: string; readonly peer: PeerName }
  | { readonly kind: 'closeTunnel'; readonly id: string }
  | { readonly kind: 'ask'; readonly id: string; readonly program: string; readonly question: unknown }
  | { readonly kind: 'reply'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'observe'; readonly metric: string; readonly value: number; readonly label: string | null }
  | { readonly kind: 'halt'; readonly reason: string };
