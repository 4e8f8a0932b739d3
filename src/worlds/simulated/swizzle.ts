/**
 * Swizzle: clogs a random half of the nodes one after the other and lets them go again in a different random order.
 * Finds bugs that neither a partition nor a clog finds. The idea is FoundationDB's (swizzle-clogging).
 */
import type { PeerName, RandomStream, Time } from '../../actors/actor.ts';
import type { NetworkFault } from './faults.ts';
import { drawInteger } from './streams.ts';

type Clog = Extract<NetworkFault, { readonly kind: 'clog' }> & { readonly at: Time; readonly from: PeerName };

/**
 * Draws the clogs of one swizzle.
 * @param from when the first clog begins
 * @param until when the last one is over
 * @throws RangeError when there is nobody to clog, or no time for it
 */
export function swizzle(stream: RandomStream, nodes: readonly PeerName[], from: Time, until: Time): Clog[] {
  const half = shuffled(stream, nodes).slice(0, Math.ceil(nodes.length / 2));
  const step = Math.floor((until - from) / (2 * half.length + 1));
  if (!(half.length > 0 && step > 0)) {
    throw new RangeError(`no room to swizzle ${nodes.length} nodes from ${from} us until ${until} us`);
  }
  const released = shuffled(stream, half);
  return half.map((name, index) => {
    const at = from + index * step;
    const end = from + (half.length + released.indexOf(name) + 1) * step;
    return { at, kind: 'clog', from: name, for: end - at };
  });
}

function shuffled<T>(stream: RandomStream, items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = drawInteger(stream, i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
