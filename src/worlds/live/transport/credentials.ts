/**
 * What TLS is told, and what it proves: our leaf certificate, renewed halfway through its time, and the peer's chain,
 * which TLS passes on without a verdict so that one judge, our own, judges both sides of every connection.
 */
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { type CertificateVerdict, checkChain } from '../identity/certificate-check.ts';
import { LEAF_BACKDATE_MS, type LeafCredentials, type TlsIdentity } from '../identity/identity.ts';

/** Protocols that a connection may be for; a caller offers exactly one. */
export const MESSAGE_PROTOCOL = 'orrery-messages/1';
export const TUNNEL_PROTOCOL = 'orrery-tunnel/1';
export const PROTOCOLS = [MESSAGE_PROTOCOL, TUNNEL_PROTOCOL];

/** How often it is looked whether a leaf must be renewed; the clock may be set at any time. */
const LOOK_MS = 60_000;

/** TLS 1.3 and nothing else, and a full handshake each time: what was proven once is proven again. */
const VERSIONS = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

export class Credentials {
  readonly #identity: TlsIdentity;
  readonly #validity_ms: number;
  readonly #now_ms: () => number;
  readonly #onRenewed: (options: SecureContextOptions) => void;
  readonly #onTrouble: (reason: string) => void;
  #leaf: LeafCredentials;
  #context: SecureContext;
  readonly #timer: NodeJS.Timeout;
  #renewing = false;
  #closed = false;

  private constructor(
    identity: TlsIdentity,
    leaf: LeafCredentials,
    validity_ms: number,
    now_ms: () => number,
    onRenewed: (options: SecureContextOptions) => void,
    onTrouble: (reason: string) => void,
  ) {
    this.#identity = identity;
    this.#leaf = leaf;
    this.#validity_ms = validity_ms;
    this.#now_ms = now_ms;
    this.#onRenewed = onRenewed;
    this.#onTrouble = onTrouble;
    this.#context = createSecureContext(this.contextOptions);
    this.#timer = setInterval(() => void this.#renew(), Math.min(LOOK_MS, Math.max(5, Math.floor(validity_ms / 8))));
  }

  /**
   * Makes the first leaf.
   * @param onRenewed told of what new connections are to be secured with from now on
   * @param onTrouble told why there is no new leaf; it is tried again
   */
  static async issue(
    identity: TlsIdentity,
    validity_ms: number,
    now_ms: () => number,
    onRenewed: (options: SecureContextOptions) => void,
    onTrouble: (reason: string) => void,
  ): Promise<Credentials> {
    const leaf = await issueLeaf(identity, validity_ms, now_ms());
    return new Credentials(identity, leaf, validity_ms, now_ms, onRenewed, onTrouble);
  }

  /** For outbound connections. */
  get context(): SecureContext {
    return this.#context;
  }

  /** The same, as a server wants it. */
  get contextOptions(): SecureContextOptions {
    return { key: this.#leaf.key, cert: this.#leaf.chain, ...VERSIONS };
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    const now_ms = this.#now_ms();
    const { notBefore_ms, notAfter_ms } = this.#leaf;
    const isFresh = now_ms >= notBefore_ms && now_ms < notAfter_ms - this.#validity_ms / 2;
    if (isFresh || this.#renewing) return;
    this.#renewing = true;
    try {
      const leaf = await issueLeaf(this.#identity, this.#validity_ms, now_ms);
      if (this.#closed) return;
      this.#leaf = leaf;
      this.#context = createSecureContext(this.contextOptions);
      this.#onRenewed(this.contextOptions);
    } catch (error) {
      this.#onTrouble(`no new certificate could be made: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      this.#renewing = false;
    }
  }
}

function issueLeaf(identity: TlsIdentity, validity_ms: number, now_ms: number): Promise<LeafCredentials> {
  return identity.issueLeaf({ notBefore_ms: now_ms - LEAF_BACKDATE_MS, notAfter_ms: now_ms + validity_ms });
}

/**
 * Judges what the other end of a socket has shown in its handshake.
 * @param expected the account address that must be there; null when anybody may be
 */
export function checkPeer(socket: TLSSocket, now_ms: number, expected: string | null): CertificateVerdict {
  const leaf = socket.getPeerX509Certificate();
  return checkChain(leaf?.raw ?? null, leaf?.issuerCertificate?.raw ?? null, now_ms, expected);
}
