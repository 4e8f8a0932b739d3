/**
 * Builds a node from a participant's options and the world's defaults.
 */
import type { Agenda } from './agenda.ts';
import { NodeClock } from './clock.ts';
import { ContainerBackend } from './containers.ts';
import { digestString } from './digest.ts';
import { SimulatedDisk } from './disk.ts';
import { wholeMicroseconds } from './latency.ts';
import { pipe } from './links.ts';
import { REGION_PREFIX } from './moments.ts';
import { DEAD, type SimulatedNode } from './node.ts';
import type { ActorOptions, WorldOptions } from './options.ts';
import type { RandomStreams } from './streams.ts';

/** @param index the node's number, in the order of adding */
export function makeNode<Message, Request>(
  options: ActorOptions<Message, Request>,
  defaults: WorldOptions<Message, Request>,
  index: number,
  streams: RandomStreams,
  agenda: Agenda,
): SimulatedNode<Message, Request> {
  const { name } = options;
  if (name.startsWith(REGION_PREFIX)) throw new RangeError(`no participant's name begins with ${REGION_PREFIX}`);
  // Never 0, which is the channel of what goes first.
  const channel = digestString(name) | 1;
  const hosts = options.hosts ?? [];
  const containers =
    hosts.length === 0
      ? null
      : new ContainerBackend(
          hosts,
          options.containers ?? defaults.containers ?? {},
          streams.stream('containers', name),
          {
            now: () => agenda.now,
            at: (time, label, action) => agenda.call(time, channel, label, action),
            cancel: handle => agenda.cancel(handle),
            tell(input) {
              const { process } = node;
              if (process !== null && process.state !== DEAD) process.tell(agenda.now, input);
            },
          },
        );
  const node: SimulatedNode<Message, Request> = {
    index,
    name,
    region: options.region ?? '',
    start: options.start,
    clock: new NodeClock(options.clock ?? defaults.clock),
    disk: new SimulatedDisk(options.disk ?? defaults.disk ?? {}, streams.stream('disk', name)),
    containers,
    uplink: options.uplink_bytes_per_s === undefined ? null : pipe(options.uplink_bytes_per_s),
    channel,
    process: null,
    starts: 0,
    dark: false,
    input_us: wholeMicroseconds(options.input_us ?? defaults.input_us ?? 100, 'input_us'),
    slowness: 1,
    slowdowns: [],
    refusals: 0,
    effectProbes: [],
  };
  return node;
}
