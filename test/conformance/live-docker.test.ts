/** The live world keeps the contract of workloads with Docker under it too. */
import { afterAll } from 'vitest';
import { testEngine } from '../support/docker.ts';
import { liveWorld } from './live.ts';
import { DockerEngine } from './live-world/docker-engine.ts';
import { workloadContract } from './workloads.ts';

/** Real milliseconds for each of the world's: containers take their time. */
const STEP_MS = 12;

const engine = await testEngine();
const image = 'skip' in engine ? '' : await engine.image(['CMD ["sleep", "1000"]']);
const address = 'skip' in engine ? '' : engine.address;

afterAll(async () => {
  if (!('skip' in engine)) await engine.stop();
});

workloadContract({
  ...liveWorld({ step_ms: STEP_MS, engine: hosts => new DockerEngine(address, image, hosts) }),
  name: `the live world with Docker${'skip' in engine ? ` (${engine.skip})` : ''}`,
  hasHostsOfTheirOwn: false,
  concurrent: false,
  isSkipped: 'skip' in engine,
});
