/** The live world keeps the contract of src/actors/actor.ts. */
import { connectionContract } from './connections.ts';
import { effectContract } from './effects.ts';
import { live } from './live.ts';
import { storageContract } from './storage.ts';
import { workloadContract } from './workloads.ts';

effectContract(live);
storageContract(live);
connectionContract(live);
workloadContract(live);
