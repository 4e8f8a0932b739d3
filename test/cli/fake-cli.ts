/** The command line over the fake runner, as a process of its own. */
import { mainOfProcess } from '../../src/cli/main.ts';

await mainOfProcess({ runner: new URL('./fake-runner.ts', import.meta.url).href });
