import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readGenesisFile } from '../../src/lab/live/home/genesis-file.ts';
import { openHome } from '../../src/lab/live/home/open-home.ts';
import { addressOfSeed } from '../lab/live/support.ts';
import { cli, useFolder } from './support.ts';

useFolder();

const steady = (text: string): string =>
  text.replace(/akash1[a-z0-9]{38}/g, 'akash1...').replace(/\b[0-9a-f]{64}\b/g, 'HASH');

describe('help', () => {
  it.each(['node', 'provider', 'tenant'])('of %s and of all that it does fits into 80 columns', async role => {
    const group = await cli([role, '--help']);
    let all = group.out;
    const commands = [...group.out.matchAll(new RegExp(`^  orrery ${role} (\\w+)`, 'gm'))].map(match => match[1]!);
    expect(commands.slice(0, 2)).toEqual(['init', 'start']);
    for (const command of commands) {
      const { code, out } = await cli([role, command, '--help']);
      expect(code).toBe(0);
      expect(out).toContain('Examples:');
      all += `\n${'-'.repeat(80)}\n${out}`;
    }
    expect(Math.max(...all.split('\n').map(line => line.length))).toBeLessThanOrEqual(80);
    await expect(all).toMatchFileSnapshot(`golden/${role}-help.txt`);
  });

  it('says what was meant', async () => {
    expect(await cli(['node', 'strat'])).toEqual({
      code: 2,
      out: '',
      err: 'error: node: found "strat", expected a command: "start" perhaps (one of init, start, status, send)\n',
    });
    expect((await cli(['tenant'])).err).toContain('found no command, expected one; `orrery tenant --help` lists them');
    expect((await cli(['node', 'init'])).err).toContain('home');
    expect((await cli(['node', 'init', '--home', 'a', '--hmoe', 'b'])).code).toBe(2);
    expect(existsSync('a')).toBe(false);
  });
});

describe('node init', () => {
  it('begins a chain, and says how others join it', async () => {
    const made = await cli(['node', 'init', '--home', 'alpha']);
    expect(made).toMatchObject({ code: 0, err: '' });
    await expect(steady(made.out)).toMatchFileSnapshot('golden/node-init.txt');
    const { config, genesis, identity } = openHome('alpha', 'node');
    expect(config).toMatchObject({
      name: 'alpha',
      listen: { host: '127.0.0.1', port: 26_600 },
      peers: {},
      votes: true,
    });
    expect(genesis.chainId).toBe('orrery-1');
    expect(genesis.candidates.map(one => one.address)).toEqual([identity.address]);
  });

  it('takes parameters, accounts and values of its configuration', async () => {
    const tom = addressOfSeed(2);
    const made = await cli([
      ...['node', 'init', '--home', 'alpha', '--name', 'first', '--chain-id', 'toy', '--block-interval', '500ms'],
      ...['--fund', `${tom}=12 akash`, '--set', 'params.maxFulfillments=7', '--set', 'params.unbondingPeriod=30d'],
      ...['--set', 'timeouts.propose.base=2s', '--set', 'log.level=debug', '--listen', '0.0.0.0:7', '--json'],
    ]);
    expect(made).toMatchObject({ code: 0, err: '' });
    const { config, genesis, genesisHash } = openHome('alpha', 'node');
    expect(JSON.parse(made.out)).toEqual({
      home: 'alpha',
      role: 'node',
      name: 'first',
      address: config.address,
      genesisHash,
      listen: '0.0.0.0:7',
      api: '127.0.0.1:26601',
    });
    expect(config.timeouts.propose.base).toBe(2_000_000);
    expect(config.log.level).toBe('debug');
    expect(genesis.chainId).toBe('toy');
    expect(genesis.params).toMatchObject({
      targetBlockInterval: 500_000,
      maxFulfillments: 7,
      unbondingPeriod: 30 * 86_400 * 1e6,
    });
    expect(genesis.accounts.find(one => one.address === tom)?.balance).toBe(12_000_000n);
  });

  it('joins a chain that is there', async () => {
    await cli(['node', 'init', '--home', 'alpha']);
    const { config } = openHome('alpha', 'node');
    const peer = `alpha=${config.address}@127.0.0.1:26600`;
    const joins = ['node', 'init', '--home', 'beta', '--genesis', 'alpha/genesis.json', '--peer', peer];
    const made = await cli([
      ...joins,
      '--stake',
      '500 akash',
      '--listen',
      '127.0.0.1:26602',
      '--api',
      '127.0.0.1:26603',
    ]);
    expect(made).toMatchObject({ code: 0, err: '' });
    await expect(steady(made.out)).toMatchFileSnapshot('golden/node-join.txt');
    const beta = openHome('beta', 'node');
    expect(beta.genesis).toEqual(openHome('alpha', 'node').genesis);
    expect(beta.config).toMatchObject({
      peers: { alpha: { host: '127.0.0.1', port: 26_600, address: config.address } },
      dials: ['alpha'],
      candidate: { stake: 500_000_000n, commission: 100_000 },
    });
  });

  it('refuses to overwrite', async () => {
    await cli(['node', 'init', '--home', 'alpha']);
    const before = readFileSync('alpha/identity.key', 'utf8');
    const again = await cli(['node', 'init', '--home', 'alpha']);
    expect(again).toMatchObject({ code: 2, out: '' });
    expect(again.err).toContain('found a home that exists already');
    expect(readFileSync('alpha/identity.key', 'utf8')).toBe(before);
  });

  it.each([
    [['--set', 'params.maxFulfilments=7'], 'found the parameter "maxFulfilments", expected "maxFulfillments" perhaps'],
    [['--set', 'params.maxFulfillments=many'], 'found "many"'],
    [['--set', 'params.targetBlockInterval=1s'], 'expected --block-interval instead'],
    [['--set', 'params.x='], 'no single value'],
    [['--set', 'keepBlocks=none'], '--set keepBlocks=none: keepBlocks: found "none", expected a whole number'],
    [['--set', 'kepBlocks=5'], 'expected "keepBlocks" perhaps'],
    [['--set', 'role=tenant'], 'found the home of a tenant'],
    [['--block-interval', '0s'], '--block-interval: found "0s"'],
    [['--fund', 'tom=5 akash'], '--fund: found "tom", expected an account'],
    [['--fund', `${addressOfSeed(2)}=5`], '--fund: found "5", expected an amount'],
    [['--fund', 'x'], '--fund: found "x", expected ADDRESS=AMOUNT'],
    [['--listen', 'here'], '--listen: found "here", expected host:port'],
    [['--peer', 'a=b'], '--peer: found "b", expected an account and its place'],
    [['--name', 'no spaces'], 'found "no spaces", expected a name'],
    [['--chain-id', 'x'.repeat(65)], 'found a chain that cannot begin'],
    [['--stake', '1 akash'], '--stake: found without --genesis'],
    [['--genesis', 'none.json'], 'none.json: found no such file'],
    [['--genesis', 'small.yaml'], 'small.yaml: found no JSON'],
    [['--genesis', 'g', '--chain-id', 'x', '--fund', 'y'], 'found --chain-id and --fund beside --genesis'],
  ])('refuses %j, and leaves nothing', async (args, message) => {
    const { code, out, err } = await cli(['node', 'init', '--home', 'alpha', ...args]);
    expect(err).toContain(message);
    expect([code, out]).toEqual([2, '']);
    expect(readdirSync('.')).toEqual(['small.yaml']);
  });
});

describe('provider init and tenant init', () => {
  it('say who they are, and what has to be done', async () => {
    await cli(['node', 'init', '--home', 'alpha']);
    const provider = await cli(['provider', 'init', '--home', 'iron', '--beside', 'alpha', '--set', 'capacity.cpu=64']);
    expect(provider).toMatchObject({ code: 0, err: '' });
    await expect(steady(provider.out)).toMatchFileSnapshot('golden/provider-init.txt');
    const iron = openHome('iron', 'provider').config;
    const { address } = openHome('alpha', 'node').config;
    expect(iron.hosts).toMatchObject([{ cpu: 64_000 }]);
    expect(iron.nodes).toEqual({ alpha: { host: '127.0.0.1', port: 26_600, address } });
    const tenant = await cli(['tenant', 'init', '--home', 'web', '--beside', 'alpha']);
    await expect(steady(tenant.out)).toMatchFileSnapshot('golden/tenant-init.txt');
    expect(readGenesisFile('web/genesis.json')).toEqual(readGenesisFile('alpha/genesis.json'));
  });

  it('want a chain and a node', async () => {
    await cli(['node', 'init', '--home', 'alpha', '--listen', '0.0.0.0:0']);
    const bad = async (...args: string[]): Promise<string> => {
      const { code, err } = await cli(['provider', 'init', '--home', 'iron', ...args]);
      expect(code).toBe(2);
      expect(existsSync('iron')).toBe(false);
      return err;
    };
    expect(await bad()).toContain('found no --genesis FILE');
    expect(await bad('--genesis', 'alpha/genesis.json')).toContain('found no --node NAME=');
    expect(await bad('--beside', 'nowhere')).toContain('found no such file');
    expect(await bad('--beside', 'alpha')).toContain('found a node that listens on any free port and does not run');
    const node = `a=${addressOfSeed(1)}@h:1`;
    expect(await bad('--genesis', 'alpha/genesis.json', '--node', node, '--node', node)).toContain('the name a twice');
    expect(await bad('--genesis', 'alpha/genesis.json', '--node', node, '--set', 'hosts=no')).toContain(
      '--set hosts=no',
    );
  });
});

describe('without a daemon', () => {
  it('status, deploy, logs and close say how to start one', async () => {
    await cli(['node', 'init', '--home', 'alpha']);
    await cli(['tenant', 'init', '--home', 'web', '--beside', 'alpha']);
    writeFileSync('web.yaml', readFileSync(new URL('../../scenarios/sdl/web-service.yaml', import.meta.url)));
    const expected = { code: 2, out: '', err: expect.stringContaining('npx orrery tenant start --home web') };
    for (const args of [['status'], ['deploy', 'web.yaml'], ['logs', '0'], ['close', '0'], ['update', '0', 'web.yaml']])
      expect(await cli(['tenant', ...args, '--home', 'web'])).toEqual(expected);
    expect((await cli(['node', 'status', '--home', 'alpha'])).err).toContain('npx orrery node start --home alpha');
    expect((await cli(['provider', 'status', '--home', 'alpha'])).err).toContain('found no daemon that runs');
    expect((await cli(['node', 'send', addressOfSeed(2), '1 akash', '--home', 'alpha'])).code).toBe(2);
    expect((await cli(['node', 'send', 'tom', '1 akash', '--home', 'alpha'])).err).toContain('address: found "tom"');
    expect((await cli(['node', 'send', addressOfSeed(2), '0', '--home', 'alpha'])).err).toContain('amount: found "0"');
  });

  it('an SDL file that is wrong is told with its places first', async () => {
    await cli(['node', 'init', '--home', 'alpha']);
    await cli(['tenant', 'init', '--home', 'web', '--beside', 'alpha']);
    writeFileSync('bad.yaml', 'version: "2.0"\nservices: 5\n');
    const { code, err } = await cli(['tenant', 'deploy', 'bad.yaml', '--home', 'web']);
    expect(code).toBe(2);
    expect(err).toMatch(/^bad\.yaml:\d+:\d+: /);
    for (const option of ['--wait-duration', '--open-for', '--lifetime', '--timeout']) {
      writeFileSync('web.yaml', readFileSync(new URL('../../scenarios/sdl/web-service.yaml', import.meta.url)));
      expect((await cli(['tenant', 'deploy', 'web.yaml', '--home', 'web', option, '-1'])).code).toBe(2);
    }
  });
});
