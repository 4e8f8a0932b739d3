/** `orrery doctor`: is this machine ready; what is missing, what for, and how to get it. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, freemem, tmpdir, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Argv } from 'yargs';
import { VERSION } from '../../lab/experiment/version-node.ts';
import { bytes } from '../../lab/report/format.ts';
import { stringify } from '../../lab/report/json.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../errors.ts';
import { tableText } from '../table.ts';

interface Check {
  readonly what: string;
  /** missing: something that only some commands need. wrong: nothing can be relied upon. */
  readonly state: 'fine' | 'missing' | 'wrong';
  readonly found: string;
  /** What it is needed for and how to get it, where it is not fine. */
  readonly advice: string | null;
}

export const doctor: Command = {
  usage: 'doctor',
  about: 'Is this machine ready? What is missing, and how to get it',
  build: (yargs: Argv): Argv =>
    yargs
      .option('json', { type: 'boolean', default: false, describe: 'print JSON for machines' })
      .example('npx orrery doctor', 'looks at engine, memory, Docker and more'),
  run: async (options, { terminal }) => {
    const checks = [engine(), memory(), temporaryFolder(), docker(), chromium(), simpy(), ns3()];
    const code = checks.some(check => check.state === 'wrong') ? EXIT.failed : EXIT.ok;
    if (options.json === true) {
      terminal.out(`${stringify({ version: VERSION, checks }, 2)}\n`);
      return code;
    }
    const { green, yellow, red, bold } = terminal.colours;
    const marks = { fine: green('fine'), missing: yellow('missing'), wrong: red('wrong') };
    const rows = checks.map(check => [check.what, marks[check.state], check.found]);
    terminal.out(`orrery ${VERSION}\n\n${tableText(terminal, [{ head: '' }, { head: '' }, { head: 'found' }], rows)}`);
    const advised = checks.filter(check => check.advice !== null);
    if (advised.length > 0) terminal.out(`\n${bold('To get what is missing')}\n`);
    for (const { what, advice } of advised) terminal.out(`  ${what}: ${advice}\n`);
    return code;
  },
};

function pinnedVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { engines: { node: string } }).engines.node;
}

function engine(): Check {
  const pinned = pinnedVersion();
  const right = process.version === `v${pinned}`;
  return {
    what: 'Node.js',
    state: right ? 'fine' : 'wrong',
    found: `${process.version.slice(1)}, ${pinned} is pinned`,
    advice: right ? null : `results depend on it\n    npm install node@${pinned}`,
  };
}

function memory(): Check {
  const total = totalmem();
  const enough = total >= 2 * 2 ** 30;
  return {
    what: 'machine',
    state: enough ? 'fine' : 'missing',
    found: `${availableParallelism()} processors, ${bytes(total)} of memory, ${bytes(freemem())} free`,
    advice: enough ? null : 'large scenarios need 2 GiB of memory and more',
  };
}

function temporaryFolder(): Check {
  const folder = tmpdir();
  let writable = true;
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    writable = false;
  }
  return {
    what: 'temporary folder',
    state: writable ? 'fine' : 'missing',
    found: `${folder}${writable ? '' : ', which cannot be written to'}`,
    advice: writable ? null : 'explain writes there\n    export TMPDIR=/some/folder',
  };
}

/** Longest time that another program may take to say who it is, milliseconds. */
const PATIENCE_MS = 5_000;

/** The first line that a program prints, or null when it is not there or fails. */
function firstLine(program: string, args: readonly string[]): string | null {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', timeout: PATIENCE_MS });
  return status === 0 ? (stdout.split('\n')[0] ?? '').trim() : null;
}

function docker(): Check {
  const version = firstLine('docker', ['version', '--format', '{{.Server.Version}}']);
  if (version !== null) return { what: 'Docker', state: 'fine', found: version, advice: null };
  const client = firstLine('docker', ['--version']);
  const found = client === null ? 'not installed' : 'installed, no engine answers';
  const how = client === null ? 'https://docs.docker.com/engine/install/' : 'sudo systemctl start docker';
  return { what: 'Docker', state: 'missing', found, advice: `live worlds run containers in it\n    ${how}` };
}

function chromium(): Check {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const path = names.map(which).find(found => found !== null) ?? null;
  const advice = 'tests look at pictures and reports in it\n    sudo apt-get install chromium';
  return {
    what: 'Chromium',
    state: path === null ? 'missing' : 'fine',
    found: path ?? 'none',
    advice: path === null ? advice : null,
  };
}

function which(program: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder !== '' && existsSync(join(folder, program))) return join(folder, program);
  }
  return null;
}

/** The system's own Python is the one that sees Debian's SimPy. */
function simpy(): Check {
  const version = firstLine('/usr/bin/python3', ['-c', 'import simpy; print(simpy.__version__)']);
  const advice = 'benchmarks compare with it\n    sudo apt-get install python3-simpy3';
  return {
    what: 'SimPy',
    state: version === null ? 'missing' : 'fine',
    found: version ?? 'none',
    advice: version === null ? advice : null,
  };
}

function ns3(): Check {
  const folders = ['/usr/include', '/usr/local/include'].filter(folder => existsSync(folder));
  const found = folders.flatMap(folder =>
    readdirSync(folder)
      .filter(name => name.startsWith('ns3'))
      .map(name => join(folder, name)),
  )[0];
  const advice = 'benchmarks compare with it\n    sudo apt-get install libns3-dev libgsl-dev';
  return {
    what: 'ns-3',
    state: found === undefined ? 'missing' : 'fine',
    found: found ?? 'none',
    advice: found === undefined ? advice : null,
  };
}
