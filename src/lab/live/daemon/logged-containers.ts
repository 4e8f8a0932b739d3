/** Writes down what becomes of workloads: where one does not start, whoever runs the provider finds here why. */
import type { ContainerEvents } from '../../../worlds/live/ports.ts';
import type { Log } from './log.ts';

/** The same events, with a line of the log for each of a workload or a host. */
export function logged(events: ContainerEvents, log: Log): ContainerEvents {
  return {
    ...events,
    workload: (id, event, reason, addresses) => {
      const fields = { id, event, ...(reason === '' ? {} : { reason }) };
      if (event === 'started' || event === 'stopped') log.info('workload', fields);
      else log.warn('workload', fields);
      events.workload(id, event, reason, addresses);
    },
    host: (host, up) => {
      if (up) log.info('host', { host, up });
      else log.warn('host', { host, up });
      events.host(host, up);
    },
  };
}
