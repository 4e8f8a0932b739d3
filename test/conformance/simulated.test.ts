/** The simulated world keeps the contract of src/actors/actor.ts. */
import { connectionContract } from './connections.ts';
import { effectContract } from './effects.ts';
import { simulated } from './simulated.ts';
import { storageContract } from './storage.ts';
import { workloadContract } from './workloads.ts';

effectContract(simulated);
storageContract(simulated);
connectionContract(simulated);
workloadContract(simulated);
