/** Endpoints of a node about the chain itself: status, genesis, parameters, blocks, validators, accounts, proofs. */
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { answerQuery } from '../../../actors/validator/queries.ts';
import type { Chain } from '../../../protocol/chain/chain.ts';
import { VERSION } from '../../experiment/version-node.ts';
import { genesisText } from '../home/genesis-file.ts';
import { blockDetail, blockSummary, paramsJson, proofJson, validatorsJson } from './chain-json.ts';
import { addEndpoint } from './endpoint.ts';
import { ApiError, notFound, shown } from './errors.ts';
import { accountJson } from './market-json.ts';
import type { NodeApi } from './node-api.ts';
import { nodeMetrics } from './node-metrics.ts';
import * as schemas from './node-schemas.ts';
import { pathOf } from './words.ts';

export function addChainEndpoints(app: FastifyInstance, api: NodeApi): void {
  const { view, recent, nameOf } = api;
  addEndpoint(app, {
    method: 'GET',
    path: '/status',
    name: 'status',
    summary: 'The node and the newest block',
    reply: schemas.nodeStatus,
    handle: () => nodeStatus(api),
  });
  addGenesis(app, api);
  addEndpoint(app, {
    method: 'GET',
    path: '/params',
    name: 'params',
    summary: 'Parameters of the chain as they are now',
    reply: schemas.params,
    handle: () => paramsJson(view.chain()),
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/validators',
    name: 'validators',
    summary: 'Validators with their power and their newest votes, then candidates',
    reply: schemas.validators,
    handle: () => validatorsJson(view.chain(), recent, nameOf),
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/accounts/{address}',
    name: 'account',
    summary: 'An account',
    params: pathOf('address', 'account address'),
    reply: schemas.account,
    handle: ({ params }) => {
      const account = accountJson(view.chain().state, params.address, nameOf);
      if (account === null) throw notFound('account', params.address, 'the address of an account');
      return account;
    },
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/metrics',
    name: 'metrics',
    summary: 'Metrics in the text format of Prometheus',
    reply: null,
    handle: () => nodeMetrics(api),
  });
  addBlocks(app, api);
}

function addBlocks(app: FastifyInstance, api: NodeApi): void {
  const { recent, nameOf } = api;
  addEndpoint(app, {
    method: 'GET',
    path: '/blocks',
    name: 'blocks',
    summary: 'The newest blocks, of those that are kept in memory',
    query: schemas.blockLimit,
    reply: schemas.blocks,
    handle: ({ query }) => ({
      newest_height: recent.newest?.block.header.height ?? null,
      oldest_height: recent.oldestHeight,
      blocks: recent.latest(query.limit).map(one => blockSummary(one, nameOf)),
    }),
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/blocks/{height}',
    name: 'block',
    summary: 'A block with its transactions and events',
    params: schemas.heightPath,
    reply: schemas.blockDetail,
    handle: ({ params }) => {
      const kept = recent.get(params.height);
      if (kept !== undefined) return blockDetail(kept, nameOf);
      const { oldestHeight, newest } = recent;
      const range = oldestHeight === null ? 'a first block' : `${oldestHeight} to ${newest?.block.header.height}`;
      throw notFound('block', String(params.height), range);
    },
  });
  addEndpoint(app, {
    method: 'GET',
    path: '/proof/{leaf}',
    name: 'proof',
    summary: 'A leaf of the state, with proof and signed header; waits for the next block',
    params: pathOf('leaf', 'name of a leaf, such as account/akash1... or deployment/akash1.../0', 512),
    reply: schemas.proof,
    handle: ({ params }) => prove(api, params.leaf),
  });
}

/** Served as it is: its SHA-256 names the chain. */
function addGenesis(app: FastifyInstance, { view }: NodeApi): void {
  let made: { readonly of: object; readonly text: string } | null = null;
  const schema = { operationId: 'genesis', summary: 'Where the chain begins: the canonical genesis.json' };
  app.get('/genesis', { schema }, async (_, reply) => {
    if (made?.of !== view.genesis) made = { of: view.genesis, text: genesisText(view.genesis) };
    return reply.type('application/json; charset=utf-8').serializer(String).send(made.text);
  });
}

function nodeStatus({ view, surveyor }: NodeApi): z.infer<typeof schemas.nodeStatus> {
  const chain = view.chain();
  const { state } = chain;
  const { name, validator, round, catchingUp, peers, mempool } = view.status();
  const { counts, orders } = surveyor.of(chain);
  return {
    name,
    chain_id: chain.chainId,
    version: VERSION,
    height: state.height,
    time_us: state.time,
    now_us: Date.now() * 1_000,
    hash: chain.newestHash.toHex(),
    target_block_interval_us: state.params.targetBlockInterval,
    validator,
    round,
    proposer: proposerOf(chain, round),
    catching_up: catchingUp,
    peers: peers.map(peer => ({ name: peer.name, connected: peer.connected })),
    mempool: { transactions: mempool.count, size_bytes: mempool.bytes },
    orders_open: orders.length,
    leases: { ...counts },
    providers: state.providers.size,
    deployments: state.deployments.size,
  };
}

/** Each round costs a step over all validators: nobody is to have them made without end. */
const MAX_ROUNDS = 200;

function proposerOf(chain: Chain, round: number): string | null {
  return round > MAX_ROUNDS ? null : chain.rotation.proposer(round);
}

/** The leaf as it is now; what proves it is in the next block and its commit, so this waits for them. */
async function prove({ view, recent }: NodeApi, leaf: string): Promise<z.infer<typeof schemas.proof>> {
  const chain = view.chain();
  if (!chain.hasCommitment)
    throw new ApiError(409, 'no_commitment', 'a chain without commitments to its state', 'one with them');
  const answer = answerQuery(chain, { what: 'leaf', leaf });
  if (answer?.what !== 'leaf') {
    throw new ApiError(
      404,
      'not_found',
      `no leaf ${shown(leaf)}`,
      'chainwide, account/ADDRESS, deployment/ID and such',
    );
  }
  return proofJson(answer.height, answer.value, await recent.whenCommitted(answer.height + 1));
}
