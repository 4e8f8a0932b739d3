/** Where ports of workloads are reached, as the API shows it. */
import type { WorkloadAddress } from '../../../actors/actor.ts';

export function addressesJson(addresses: readonly WorkloadAddress[]): {
  port: number;
  protocol: 'TCP' | 'UDP';
  host: string;
  host_port: number;
}[] {
  return addresses.map(({ port, protocol, host, hostPort }) => ({ port, protocol, host, host_port: hostPort }));
}
