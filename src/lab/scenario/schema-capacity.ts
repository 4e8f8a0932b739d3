/** What a host offers. */
import { quantity, shape } from './fields.ts';
import { given } from './schema-common.ts';

const bandwidth = quantity('bandwidth');
const besides = {
  disk: given(quantity('bytes'), 0),
  gpu: quantity('gpu').optional(),
  bandwidth: given(bandwidth, 0).describe('0 = not limited'),
};
const hostCpu = quantity('cpu', { positive: true });
const hostMemory = quantity('bytes', { positive: true });
/** Where a trace may say what the hosts are. */
export const partialCapacity = shape({ cpu: hostCpu.optional(), memory: hostMemory.optional(), ...besides });
/** Of one host. */
export const hostCapacity = shape({ cpu: hostCpu, memory: hostMemory, ...besides });
