/**
 * Nobody can stop the chain with a transaction: whatever a signed transaction says, in whatever the codec can carry, a
 * block with it either is executed or was refused as not includable; nothing else is ever thrown. Values are the
 * extremes of their types: amounts up to 2^256 - 1, whole numbers up to 2^53 - 1, texts as long as they may be, in
 * characters of one to four bytes.
 *
 * The blocks that follow are made too, for what lies in wait in the state: expiries, matches, stale leases.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EncodeError } from '../../src/protocol/codec/errors.ts';
import type { Evidence } from '../../src/protocol/consensus/evidence.ts';
import { MESSAGE_TYPES, type Message } from '../../src/protocol/model/messages.ts';
import type { DeploymentInfrastructure, ResourceGroup } from '../../src/protocol/model/objects.ts';
import { PARAMETER_NAMES } from '../../src/protocol/model/params.ts';
import {
  AKASH,
  addressOfName,
  bid,
  ChainDriver,
  confirmation,
  deployment,
  hashOf,
  SECOND,
} from '../support/chain-driver.ts';
import { doubleSign } from '../support/validators.ts';

const RUNS = 600;
const NAMES = ['tom', 'ann', 'bob', 'val'];

function textOf(bytes: number): fc.Arbitrary<string> {
  const fill = (char: string, size: number): string => char.repeat(Math.floor(bytes / size));
  return fc.constantFrom(
    '',
    'eu',
    'a|b',
    fill('a', 1),
    fill('é', 2),
    fill('漢', 3),
    fill('😀', 4),
    fill('/', 1),
    fill('"', 1),
  );
}
const amount = fc.constantFrom(
  0n,
  1n,
  5_000n,
  AKASH,
  10n ** 18n,
  10n ** 24n,
  10n ** 24n + 1n,
  2n ** 255n,
  2n ** 256n - 1n,
);
const price = fc.constantFrom(0n, 1n, 60n, 5_000n, 10n ** 24n);
const whole = fc.constantFrom(0, 1, 2, 7, 100_000, 2_000 * SECOND, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER);
const mild = fc.constantFrom(1, 2, 100_000);
const address = fc.constantFrom(...NAMES, 'nobody').map(addressOfName);
const attributes = fc.dictionary(textOf(128), textOf(128), { maxKeys: 3 });
const order = fc
  .constantFrom(`${addressOfName('tom')}/0/0/0`, `${addressOfName('tom')}/1/0/0`, '')
  .chain(id => (id === '' ? textOf(200) : fc.constant(id)));
const deploymentKey = order.map(id => id.split('/').slice(0, 2).join('/'));

const resource: fc.Arbitrary<ResourceGroup> = fc.record({
  compute: fc.record({ cpu: whole, memory: whole, disk: whole, bandwidth: whole, gpu: whole }),
  price: fc.oneof(price, amount),
  collateral: fc.oneof(fc.constant(0n), amount),
  count: mild,
});
const resources = fc.oneof(
  { weight: 4, arbitrary: fc.array(resource, { maxLength: 2 }) },
  { weight: 1, arbitrary: resource.map(one => Array<ResourceGroup>(64).fill(one)) },
);
const anInfrastructure: fc.Arbitrary<DeploymentInfrastructure> = fc.record({
  region: textOf(128),
  persist: fc.boolean(),
  resources,
  attributes,
  reputationAtLeast: fc.constantFrom(0, 1, 500_000, 1_000_000),
});
const infrastructures = fc.array(anInfrastructure, { maxLength: 2 });
const version = fc.constant(hashOf('v'));
const provider = { region: textOf(128), attributes, certificate: version, endpoint: textOf(256) };
const change = fc.record({
  name: fc.oneof(fc.constantFrom<string>(...PARAMETER_NAMES), textOf(64)),
  value: fc.constantFrom('0', '1', '1000000', '9007199254740991', '1000000000000000000', 'tenant', '-1', ''),
});

const byType: { [T in Message['type']]: fc.Arbitrary<Omit<Extract<Message, { type: T }>, 'type'>> } = {
  Transfer: fc.record({ to: address, amount }),
  Stake: fc.record({ amount }),
  Delegate: fc.record({ validator: address, amount }),
  Undelegate: fc.record({ validator: address, amount }),
  Redelegate: fc.record({ source: address, target: address, amount }),
  WithdrawRewards: fc.record({ validator: address }),
  RegisterProvider: fc.record(provider),
  UpdateProvider: fc.record(provider),
  SubmitDeployment: fc.record({
    infrastructure: infrastructures,
    waitDuration: fc.oneof(fc.constantFrom(0, 1), whole),
    openFor: fc.oneof(fc.constantFrom(SECOND, 5 * SECOND), whole),
    version,
    escrow: fc.oneof(fc.constantFrom(AKASH, 100n * AKASH), amount),
  }),
  UpdateDeployment: fc.record({
    deployment: deploymentKey,
    version,
    add: infrastructures,
    remove: fc.array(whole, { maxLength: 2 }),
    reprice: fc.array(
      fc.record({ group: fc.constantFrom(0, 1, 5), prices: fc.array(fc.oneof(price, amount), { maxLength: 2 }) }),
      { maxLength: 2 },
    ),
  }),
  CloseDeployment: fc.record({ deployment: deploymentKey }),
  DepositEscrow: fc.record({ deployment: deploymentKey, amount }),
  SubmitFulfillment: fc.record({ order, resources }),
  CancelFulfillment: fc.record({ order }),
  ChooseFulfillment: fc.record({ order, provider: address }),
  SubmitLeaseConfirmation: fc.record({ lease: order, reset: fc.boolean() }),
  SubmitProposal: fc.record({ changes: fc.array(change, { maxLength: 3 }), title: textOf(256) }),
  Vote: fc.record({ proposal: fc.constantFrom(0, 1, 2, Number.MAX_SAFE_INTEGER), choice: fc.constant('yes' as const) }),
  Grant: fc.record({
    grantee: address,
    messages: fc.array(fc.oneof(fc.constantFrom<string>(...MESSAGE_TYPES), textOf(64)), { maxLength: 32 }),
    deployment: fc.oneof(fc.constant(''), deploymentKey),
    limit: amount,
    expires: whole,
  }),
  RegisterCandidate: fc.record({
    consensusKey: fc.constantFrom(hashOf('k'), new Uint8Array(32)),
    commission: whole,
    possession: fc.constantFrom(new Uint8Array(0), new Uint8Array(16), new Uint8Array(64)),
  }),
  Unjail: fc.constant({}),
  SubmitEvidence: fc
    .record({
      name: fc.constantFrom('val', 'tom', 'nobody'),
      height: fc.constantFrom(0, 1, 4, 5, Number.MAX_SAFE_INTEGER),
      round: whole,
      kind: fc.constantFrom('prevote' as const, 'precommit' as const, 'proposal' as const),
      signedBy: fc.constantFrom('val', 'tom'),
      swapped: fc.boolean(),
    })
    .map(({ name, height, swapped, ...how }) => {
      const made = doubleSign(name, height, how);
      return { evidence: (swapped ? { ...made, first: made.second, second: made.first } : made) as Evidence };
    }),
  Revoke: fc.record({ grant: fc.oneof(textOf(200), fc.constant(`${addressOfName('tom')}/3`)) }),
};

const sent = fc.constantFrom(...MESSAGE_TYPES).chain(type =>
  fc.record({
    name: fc.constantFrom(...NAMES),
    message: (byType[type] as fc.Arbitrary<object>).map(fields => ({ type, ...fields }) as Message),
    grant: fc.oneof({ weight: 5, arbitrary: fc.constant('') }, { weight: 1, arbitrary: textOf(200) }),
  }),
);

/** A chain with an open order that has a bid, an active lease of ann's, and short periods. */
function aChain(): ChainDriver {
  const driver = new ChainDriver({
    accounts: { tom: { balance: 10n ** 18n, stake: AKASH } },
    providers: { ann: { stake: AKASH, balance: 10n ** 18n }, bob: { region: 'é'.repeat(64) } },
    validators: { val: {} },
    blockInterval: SECOND,
    params: { reconfirmationPeriod: 4, targetBlockInterval: SECOND, votingPeriod: 1, changeDelay: 1, feePerByte: 0n },
  });
  const [first] = driver.deploy('tom', { waitDuration: 0 });
  driver.must('ann', bid(driver.order(first as string), 50n));
  driver.run(1);
  driver.must('ann', confirmation(first as string));
  driver.send('tom', deployment({ waitDuration: 3 }));
  driver.run(1);
  return driver;
}

test('whatever a transaction says, the chain goes on', () => {
  let included = 0;
  fc.assert(
    fc.property(fc.array(sent, { minLength: 1, maxLength: 8 }), list => {
      const driver = aChain();
      for (const { name, message, grant } of list) {
        try {
          const nonce = driver.state.accounts.get(addressOfName(name))?.nonce ?? 0;
          const tx = driver.sign(name, message, { nonce, grant });
          if (driver.chain.faultOfTransaction(tx, nonce) !== null || driver.chain.fitter()(tx) === false) continue;
          driver.send(name, message, { grant });
        } catch (error) {
          // What has no bytes is no transaction.
          if (error instanceof EncodeError) continue;
          throw error;
        }
        driver.block();
        included += 1;
      }
      driver.run(8);
    }),
    { numRuns: RUNS, seed: 20_260_103 },
  );
  expect(included).toBeGreaterThan(RUNS);
});
