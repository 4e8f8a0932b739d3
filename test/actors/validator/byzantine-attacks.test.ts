/**
 * Single attacks by one validator of four, each aimed at one seam: what names a block and what it is made of, what is
 * kept for later, what is passed on, what is fetched, what is reported. None may stop the others, or turn them against
 * each other.
 */
import { describe, expect, test } from 'vitest';
import type { Actor, ConnectionId, Effects, Input, Time } from '../../../src/actors/actor.ts';
import { Equivocator } from '../../../src/actors/validator/misconduct/equivocator.ts';
import { Forger } from '../../../src/actors/validator/misconduct/forger.ts';
import { type Sending, type Speech, Tampered } from '../../../src/actors/validator/misconduct/tampered.ts';
import type { Node } from '../../../src/actors/validator/node.ts';
import type { Wire } from '../../../src/actors/wire.ts';
import { sha256 } from '../../../src/protocol/codec/sha256.ts';
import { keyedHashScheme } from '../../../src/protocol/codec/signature.ts';
import { type Proposal, type Vote, valueIdOf } from '../../../src/protocol/consensus/types.ts';
import { keysOf, ValidatorNet } from '../../support/validator-net.ts';

const SECOND = 1_000_000;
const STAKES = [10, 10, 10, 10];
const ATTACKER = 3;
const HONEST = [0, 1, 2];

function forgerOf(node: Node): Forger {
  return new Forger('net', node.signer!.address, keysOf(`validator-${ATTACKER}`), keyedHashScheme);
}

function speech(distort: Speech['distort']): Speech {
  return { distort };
}

function attack(of: (node: Node, forger: Forger) => Actor<Wire>) {
  return (index: number, node: Node): Actor<Wire> => (index === ATTACKER ? of(node, forgerOf(node)) : node);
}

/** Sends something to everybody, once per height, when the node precommits. */
function withEachPrecommit(own: string, more: (vote: Vote) => readonly Wire[]): Speech {
  let height = 0;
  let extra: readonly Wire[] = [];
  return speech(said =>
    said.flatMap((one): Sending[] => {
      const vote = one.message.type === 'votes' ? one.message.votes.find(v => v.validator === own) : undefined;
      if (vote?.kind !== 'precommit') return [one];
      if (vote.height > height) {
        height = vote.height;
        extra = more(vote);
      }
      return vote.height === height ? [one, ...extra.map(message => ({ ...one, message }))] : [one];
    }),
  );
}

function dropsOf(net: ValidatorNet, names: readonly number[]): string[] {
  return net.observed
    .filter(one => one.metric === 'node/dropped' && names.some(i => one.node === `validator-${i}`))
    .map(one => `${one.node} drops ${one.label}`);
}

function expectProgress(net: ValidatorNet, height: number): void {
  expect(net.halted).toEqual([]);
  expect(net.disagreements).toEqual([]);
  for (const i of HONEST) expect(net.heights[i]).toBeGreaterThan(height);
}

describe('a block and its body', () => {
  /** Gives garbage under its block's name to some, helps the others to lock it, and says no more in that height. */
  const lockAndLeave = (node: Node, forger: Forger): Actor<Wire> => {
    const own = new Set<number>();
    const silent = speech(said =>
      said.flatMap((one): Sending[] => {
        const { message } = one;
        if (message.type === 'proposal' && message.proposal.proposer === forger.address)
          own.add(message.proposal.height);
        // Nor does it tell that its own node, which has its precommit, is ahead.
        if (message.type === 'inventory' || message.type === 'ahead' || message.type === 'block') return [];
        if (message.type !== 'votes') return [one];
        const votes = message.votes.filter(v => !own.has(v.height) || (v.kind === 'prevote' && v.round === 0));
        return votes.length === 0 ? [] : [{ ...one, message: { type: 'votes', votes } }];
      }),
    );
    return new Tampered(new Tampered(node, new Equivocator(forger, ['bodies'], () => node.chain)), silent);
  };

  test('who got garbage under the name of a block that others locked takes the block itself later', () => {
    const net = new ValidatorNet({ stakes: STAKES, seed: 1, load: 2, wrap: attack(lockAndLeave) }).run(120 * SECOND);
    expectProgress(net, 20);
    expect(dropsOf(net, HONEST).filter(one => !one.includes(`validator-${ATTACKER}`))).toEqual([]);
    // It happened, and again when the attacker was let in again; what it gave the others is what was decided.
    const garbage = dropsOf(net, [1]).filter(one => one.endsWith('a part that does not verify'));
    expect(garbage.length).toBeGreaterThan(1);
  });

  test('a proposal with the right name and another root does not turn peers against each other', () => {
    const own = new Set<number>();
    const wrongRoot = (node: Node, forger: Forger): Actor<Wire> =>
      new Tampered(
        node,
        speech(said =>
          said.flatMap((one): Sending[] => {
            const { message } = one;
            if (one.peer !== 'validator-1') {
              // Without its precommit there is a lock and no decision, so that the others have to offer the block.
              return message.type === 'votes' && message.votes.some(v => v.kind === 'precommit' && own.has(v.height))
                ? []
                : [one];
            }
            if (message.type === 'part' || message.type === 'ahead' || message.type === 'block') return [];
            if (message.type !== 'proposal' || message.proposal.proposer !== forger.address) return [one];
            own.add(message.proposal.height);
            const forged = forger.proposal(message.proposal, { partsRoot: sha256(message.proposal.partsRoot) });
            return [{ ...one, message: { type: 'proposal', proposal: forged } }];
          }),
        ),
      );
    const net = new ValidatorNet({ stakes: STAKES, seed: 2, load: 2, wrap: attack(wrongRoot) }).run(60 * SECOND);
    expectProgress(net, 20);
    expect(dropsOf(net, HONEST).filter(one => !one.includes(`validator-${ATTACKER}`))).toEqual([]);
  });
});

describe('what is kept for later', () => {
  test('proposals out of turn leave room for those in turn', () => {
    const flood = (node: Node, forger: Forger): Actor<Wire> =>
      new Tampered(
        node,
        withEachPrecommit(forger.address, vote =>
          Array.from({ length: 200 }, (_, i): Wire => {
            const value = valueIdOf(sha256(new TextEncoder().encode(`${vote.height}/${i}`)));
            const base: Proposal = {
              height: vote.height + 1,
              round: i % 50,
              polRound: -1,
              value,
              parts: 1,
              partsRoot: new Uint8Array(32),
              proposer: forger.address,
              signature: new Uint8Array(64),
            };
            return { type: 'proposal', proposal: forger.proposal(base, {}) };
          }),
        ),
      );
    const net = new ValidatorNet({ stakes: STAKES, seed: 3, load: 2, wrap: attack(flood) }).run(60 * SECOND);
    expectProgress(net, 20);
  });

  test('garbage about the next height is found out when that height begins', () => {
    const early = (node: Node, forger: Forger): Actor<Wire> =>
      new Tampered(
        node,
        withEachPrecommit(forger.address, vote => [
          { type: 'votes', votes: [{ ...vote, height: vote.height + 1, kind: 'prevote' }] },
        ]),
      );
    const net = new ValidatorNet({ stakes: STAKES, seed: 4, wrap: attack(early) }).run(60 * SECOND);
    expectProgress(net, 10);
    for (const i of HONEST) expect(dropsOf(net, [i]).join()).toContain(`validator-${ATTACKER}`);
  });
});

describe('what is passed on', () => {
  /** Messages of a kind that arrive anywhere, in a ring, in which everything must be passed on. */
  const trafficOf = (seed: number, message: ((vote: Vote, forger: Forger) => Wire[]) | null): number => {
    const noisy = (node: Node, forger: Forger): Actor<Wire> =>
      message === null
        ? node
        : new Tampered(
            node,
            withEachPrecommit(forger.address, vote => message(vote, forger)),
          );
    const net = new ValidatorNet({
      stakes: new Array<number>(6).fill(10),
      seed,
      dials: i => [(i + 1) % 6],
      wrap: attack(noisy),
    });
    let arrived = 0;
    net.onMessage.push((_, one) => (arrived += one.type === 'votes' || one.type === 'proposal' ? 1 : 0));
    net.run(10 * SECOND);
    for (const height of net.heights) expect(height).toBeGreaterThan(3);
    return arrived / Math.min(...net.heights);
  };

  test('votes that nobody keeps go round no circles', () => {
    const quiet = trafficOf(5, null);
    const noisy = trafficOf(5, (vote, forger) =>
      Array.from({ length: 6 }, (_, i) => ({
        type: 'votes',
        votes: [forger.vote(vote, { height: vote.height + 1, round: 100 - i })],
      })),
    );
    expect(noisy).toBeLessThan(1.3 * quiet);
  });

  test('nor do proposals out of turn', () => {
    const quiet = trafficOf(6, null);
    const noisy = trafficOf(6, (vote, forger) => {
      const proposal: Proposal = {
        height: vote.height + 1,
        round: 7,
        polRound: -1,
        value: 'a'.repeat(64),
        parts: 1,
        partsRoot: new Uint8Array(32),
        proposer: forger.address,
        signature: new Uint8Array(64),
      };
      return [{ type: 'proposal', proposal: forger.proposal(proposal, {}) }];
    });
    expect(noisy).toBeLessThan(1.3 * quiet);
  });
});

describe('what is fetched', () => {
  test.each([20, 50, 120])(
    'a forged body under a true header and commit costs its sender the connection, latency %i ms',
    milliseconds => {
      const net = new ValidatorNet({
        stakes: STAKES,
        latency: milliseconds * 1_000,
        load: 2,
        conduct: i => (i === ATTACKER ? { kind: 'lie', about: ['blocks'] } : { kind: 'honest' }),
        // It is behind by dozens of blocks when it comes, and asks everybody for some of them.
        startAt: i => (i === 0 ? 60 * SECOND : undefined),
      }).run(120 * SECOND);
      expectProgress(net, 30);
      expect(net.distortions(`validator-${ATTACKER}`).get('lie/block')).toBeGreaterThan(0);
      expect(dropsOf(net, [0]).join()).toContain(`validator-${ATTACKER}: block`);
    },
  );
});

/** Answers nothing; says the same thing to a node again and again. */
class Client implements Actor<Wire> {
  readonly #messages: readonly Wire[];
  #connection: ConnectionId | null = null;
  constructor(messages: readonly Wire[]) {
    this.#messages = messages;
  }
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    if (input.kind === 'recovered') out.setTimer('start', now + SECOND / 2);
    else if (input.kind === 'timer') out.connect('validator-0');
    else if (input.kind === 'connected') {
      this.#connection = input.connection;
      for (const message of this.#messages) out.send(this.#connection, message);
    }
  }
}

describe('what is reported', () => {
  test('false evidence of an offence does not stand in the way of the true one', async () => {
    const { payAndSign } = await import('../../../src/protocol/chain/transaction.ts');
    const { evidenceOfVotes } = await import('../../../src/protocol/consensus/evidence.ts');
    const { addressOf } = await import('../../../src/protocol/codec/address.ts');
    const { defaultParams } = await import('../../../src/protocol/model/params.ts');
    const net = new ValidatorNet({
      stakes: STAKES,
      seed: 7,
      conduct: i => (i === ATTACKER ? { kind: 'equivocate', of: ['votes', 'proposals'] } : { kind: 'honest' }),
    });
    const keys = keysOf('payer');
    const offender = net.addresses[ATTACKER]!;
    let nonce = 0;
    const reports: Wire[] = [];
    // The heights at which it will have been seen: each offence of them is reported with signatures that do not hold.
    for (let height = 1; height <= 40; height++) {
      for (const kind of ['prevote', 'precommit'] as const) {
        const vote: Vote = {
          kind,
          height,
          round: 0,
          value: null,
          time: 1,
          validator: offender,
          signature: new Uint8Array(64),
        };
        const evidence = evidenceOfVotes(vote, { ...vote, value: 'b'.repeat(64) })!;
        const body = {
          chainId: 'net',
          account: addressOf(keys.publicKey),
          nonce: nonce++,
          grant: '',
          message: { type: 'SubmitEvidence', evidence },
        } as const;
        reports.push({ type: 'submit', tx: payAndSign(defaultParams(), body as never, keys, keyedHashScheme) });
      }
    }
    net.world.addActor({ name: 'accuser', start: () => new Client(reports) });
    const punished: string[] = [];
    net.onBlock.push((_, result) => {
      for (const event of result.events) if (event.type === 'OffencePunished') punished.push(event.validator);
    });
    net.run(60 * SECOND);
    expectProgress(net, 30);
    expect(new Set(punished)).toEqual(new Set([offender]));
  });
});
