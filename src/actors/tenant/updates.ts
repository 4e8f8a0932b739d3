/**
 * Updates under way: the new manifest is kept beside the old one until the chain shows its version, so that the tenant
 * has what the chain names whenever it is interrupted.
 */
import type { Message } from '../../protocol/model/messages.ts';
import type { Effects } from '../actor.ts';
import type { ChainClient } from '../client/chain-client.ts';
import type { Wire } from '../wire.ts';
import type { Kept } from './kept.ts';
import { checkManifest } from './manifests.ts';
import type { Outbox } from './outbox.ts';
import { failure, type UpdateReply, type UpdateRequest } from './requests.ts';

interface Update {
  readonly kept: Kept;
  readonly message: Message;
  /** In hexadecimal. */
  readonly version: string;
  readonly reply: number;
  nonce: number;
}

export class Updates {
  readonly #chain: ChainClient;
  readonly #outbox: Outbox;
  #open: Update[] = [];

  constructor(chain: ChainClient, outbox: Outbox) {
    this.#chain = chain;
    this.#outbox = outbox;
  }

  begin(kept: Kept, request: UpdateRequest, reply: number, out: Effects<Wire>): void {
    const { deployment, version, manifest } = request;
    const before = kept.manifests.get(kept.version.toHex());
    if (before === undefined) {
      out.reply(reply, failure('no_manifest', 'the deployment has no manifest here'));
      return;
    }
    const checked = checkManifest(manifest, version, request.groups ?? before.groups, before.groups.length);
    if (!checked.ok) {
      out.reply(reply, checked);
      return;
    }
    if (this.#open.some(one => one.kept === kept)) {
      out.reply(reply, failure('busy', 'another update of the deployment is under way'));
      return;
    }
    const name = version.toHex();
    const message = { type: 'UpdateDeployment', deployment, version, add: [], remove: [], reprice: [] } as const;
    kept.manifests.set(name, checked.held);
    this.#outbox.putManifest(kept, name, checked.held, out);
    this.#open.push({ kept, message, version: name, reply, nonce: -1 });
    this.#chain.submit(message, out);
  }

  /** A transaction is about to be sent: what it names must be durable by then. */
  signed(message: Message, nonce: number, out: Effects<Wire>): void {
    const update = this.#open.find(one => one.message === message);
    if (update === undefined) return;
    update.nonce = nonce;
    out.sync();
  }

  refused(message: Message, code: string, out: Effects<Wire>): void {
    this.#end(one => one.message === message, failure(code, 'no block will hold the update'), out);
  }

  failed(nonce: number, code: string, out: Effects<Wire>): void {
    this.#end(one => one.nonce === nonce, failure(code, 'the chain refused the update'), out);
  }

  /** The deployment is over. */
  forget(kept: Kept, out: Effects<Wire>): void {
    this.#end(one => one.kept === kept, failure('closed', 'the deployment was closed'), out);
  }

  /** The chain shows this version of a deployment. */
  seen(kept: Kept, version: Uint8Array, out: Effects<Wire>): void {
    const name = version.toHex();
    const done = this.#open.find(one => one.kept === kept && one.version === name);
    this.#open = this.#open.filter(one => one !== done);
    if (done !== undefined) out.reply(done.reply, { ok: true } satisfies UpdateReply);
    if (kept.version.toHex() === name) return;
    kept.version = version;
    this.#outbox.put(kept, out);
    // Until then another may still have been on its way, even from before a restart.
    for (const other of [...kept.manifests.keys()]) if (other !== name) this.#drop(kept, other, out);
  }

  #end(which: (update: Update) => boolean, answer: UpdateReply, out: Effects<Wire>): void {
    const ended = this.#open.filter(which);
    this.#open = this.#open.filter(one => !which(one));
    for (const { kept, version, reply } of ended) {
      out.reply(reply, answer);
      if (version !== kept.version.toHex()) this.#drop(kept, version, out);
    }
  }

  #drop(kept: Kept, version: string, out: Effects<Wire>): void {
    if (this.#open.some(one => one.kept === kept && one.version === version)) return;
    kept.manifests.delete(version);
    this.#outbox.dropManifest(kept, version, out);
  }
}
