/**
 * What an SDL file says, in three forms: as its author wrote it (`Sdl`), as what goes on the chain (`GroupSpec`), and as
 * what only the chosen providers get to see (`Manifest`).
 *
 * All of it is plain immutable data. Quantities are bigints, or decimal texts where the official tools keep a text; a
 * number here is always a whole one that was checked to be safe. Maps are ordered by their keys' code units, so that two
 * files that mean the same give equal data whatever the order in which they were written.
 */

/** One key with its value, both texts: how a tenant asks for properties of providers and of resources. */
export interface Attribute {
  readonly key: string;
  readonly value: string;
}

// ---------------------------------------------------------------------------------------------------------------------
// The file.

/** Units of a price: `uakt` is a millionth of the chain's token, `uact` a millionth of the credit token. */
export type Denom = 'uakt' | 'uact';
export type Proto = 'TCP' | 'UDP';
export type TeeType = 'cpu' | 'cpu-gpu';
export type PermissionScope = 'deployment' | 'logs' | 'events';

/** The file as it was written, without what writing leaves open: order of keys, style, defaults spelt out or not. */
export interface Sdl {
  readonly version: '2.0' | '2.1';
  readonly include: readonly string[];
  readonly services: ReadonlyMap<string, SdlService>;
  readonly compute: ReadonlyMap<string, SdlCompute>;
  readonly placement: ReadonlyMap<string, SdlPlacement>;
  /** Service, then placement, to what runs there. */
  readonly deployment: ReadonlyMap<string, ReadonlyMap<string, SdlDeployment>>;
  /** Names of IP endpoints; their one kind is `ip`. */
  readonly endpoints: readonly string[];
  readonly reclamation: { readonly minWindow: string; readonly minWindowSeconds: bigint } | null;
}

export interface SdlService {
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly credentials: Credentials | null;
  /** Names of services; null where the file names none. The official tools read and ignore them. */
  readonly dependencies: readonly (string | null)[];
  readonly expose: readonly SdlExpose[];
  readonly params: SdlParams | null;
}

export interface SdlExpose {
  readonly port: number;
  /** The port seen from outside; null: the same. */
  readonly as: number | null;
  readonly proto: Proto;
  /** Host names that lead here. */
  readonly accept: readonly string[];
  readonly http: HttpOptions;
  readonly to: readonly SdlExposeTo[];
}

export interface SdlExposeTo {
  /** Empty: none. */
  readonly service: string;
  readonly global: boolean;
  /** Name of an IP endpoint; empty: none. */
  readonly ip: string;
}

export interface SdlParams {
  readonly storage: readonly Mount[];
  /** `read` is null where the file has permissions without it. */
  readonly permissions: { readonly read: readonly PermissionScope[] | null } | null;
  readonly tee: TeeType | null;
}

export interface SdlCompute {
  /** Thousandths of a processor, a plain decimal. */
  readonly cpuMilli: string;
  readonly cpuAttributes: readonly Attribute[];
  /** With unit, e.g. `512Mi`; in the shortest exact form where it can be read, else as written. */
  readonly memory: string;
  readonly storage: readonly SdlVolume[];
  readonly gpu: SdlGpu | null;
}

export interface SdlVolume {
  /** Null where the file gives none, which is not the same as `default`: such a volume cannot be mounted. */
  readonly name: string | null;
  readonly size: string;
  readonly attributes: { readonly class: string; readonly persistent: string } | null;
}

export interface SdlGpu {
  /** A plain decimal, or the text of the file in quotes where that is no plain number; null: not given. */
  readonly units: string | null;
  /** Whether the file wrote `units` as text: the official tools treat 0 and "0" differently. */
  readonly quoted: boolean;
  /** Null: without attributes. `vendor` is null where they name none. `nvidia` null: any model. */
  readonly attributes: { readonly vendor: { readonly nvidia: readonly SdlGpuModel[] | null } | null } | null;
}

export interface SdlGpuModel {
  readonly model: string | null;
  /** Empty: any. */
  readonly ram: string;
  readonly interface: 'pcie' | 'sxm' | null;
}

export interface SdlPlacement {
  readonly attributes: readonly Attribute[];
  readonly signedBy: SignedBy;
  /** By compute profile. */
  readonly pricing: ReadonlyMap<string, SdlPrice>;
}

export interface SdlPrice {
  readonly denom: Denom;
  /** The text that goes into the group specification, e.g. `10000` or `0.05`. */
  readonly amount: string;
}

export interface SdlDeployment {
  readonly profile: string;
  readonly count: number;
}

// ---------------------------------------------------------------------------------------------------------------------
// On the chain.

/** Auditors that must have signed a provider's attributes: all of one list, any of the other. Addresses. */
export interface SignedBy {
  readonly allOf: readonly string[];
  readonly anyOf: readonly string[];
}

/** What one placement asks of a single provider. */
export interface GroupSpec {
  readonly name: string;
  readonly requirements: {
    /** By key. Holds `tee/type` where a service asks for it. */
    readonly attributes: readonly Attribute[];
    readonly signedBy: SignedBy;
  };
  readonly resources: readonly GroupResource[];
}

/** So many instances of the same resources, at no more than a price for each. */
export interface GroupResource extends Resources {
  /** Instances, at least 1. */
  readonly count: number;
  /** The most that the tenant pays for one instance per block. */
  readonly price: Price;
}

export interface Price {
  readonly denom: Denom;
  /** As the official tool writes it into the group specification, e.g. `10000` or `1e-7`. */
  readonly amount: string;
  /** The same as an exact decimal with 18 places, e.g. `10000.000000000000000000`; further places are cut off. */
  readonly decimal: string;
  /** The same in 10^-18 of the denomination; further places are cut off. */
  readonly atto: bigint;
}

/** What one instance needs. */
export interface Resources {
  /** Counts from 1 within the group; services of one profile in one group share theirs. */
  readonly id: number;
  readonly cpu: {
    /** Thousandths of a processor, a started one counted whole. */
    readonly milli: bigint;
    /** The official text of it, which may have a fraction. */
    readonly units: string;
    readonly attributes: readonly Attribute[];
  };
  readonly memory: { readonly bytes: bigint };
  readonly gpu: {
    /** A started one counted whole. */
    readonly units: bigint;
    /** The official text of it. */
    readonly text: string;
    /** E.g. `vendor/nvidia/model/a100/ram/80Gi` with value `true`: any one of them will do. */
    readonly attributes: readonly Attribute[];
  };
  readonly storage: readonly Volume[];
  readonly endpoints: readonly Endpoint[];
}

export interface Volume {
  readonly name: string;
  readonly bytes: bigint;
  /** Empty for the ephemeral default; else `class` and `persistent`. */
  readonly attributes: readonly Attribute[];
}

/** 0: a name behind the provider's shared HTTP entrance; 1: a port of the provider's choice; 2: a port of a leased IP. */
export type EndpointKind = 0 | 1 | 2;

export interface Endpoint {
  readonly kind: EndpointKind;
  /** Which leased IP of the deployment, from 1; 0 for the other kinds. */
  readonly sequenceNumber: number;
}

// ---------------------------------------------------------------------------------------------------------------------
// Between tenant and provider.

/** By placement, in order of names. Its hash is on the chain, itself it is not. */
export type Manifest = readonly ManifestGroup[];

export interface ManifestGroup {
  readonly name: string;
  readonly services: readonly ManifestService[];
}

export interface ManifestService {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly resources: Resources;
  readonly count: number;
  readonly expose: readonly ServiceExpose[];
  readonly params: ServiceParams | null;
  readonly credentials: Credentials | null;
}

/** One port of a service and one party that may reach it. */
export interface ServiceExpose {
  readonly port: number;
  /** 0: the same as `port`. */
  readonly externalPort: number;
  readonly proto: Proto;
  /** The service that may reach it; empty: none. */
  readonly service: string;
  /** Whether anybody outside may reach it. */
  readonly global: boolean;
  readonly hosts: readonly string[];
  readonly httpOptions: HttpOptions;
  /** Name of the leased IP; empty: none. */
  readonly ip: string;
  readonly endpointSequenceNumber: number;
}

/** How the provider's HTTP entrance treats requests; times in milliseconds, sizes in bytes. */
export interface HttpOptions {
  readonly maxBodySize: number;
  readonly readTimeout: number;
  readonly sendTimeout: number;
  readonly nextTries: number;
  readonly nextTimeout: number;
  readonly nextCases: readonly string[];
  /** 0: the provider's own. */
  readonly proxyBufferSize: number;
}

export interface ServiceParams {
  readonly storage: readonly Mount[];
  readonly permissions: { readonly read: readonly PermissionScope[] | null } | null;
  readonly tee: { readonly type: TeeType; readonly attestation: true } | null;
}

export interface Mount {
  readonly name: string;
  /** Absolute path; empty: not mounted. */
  readonly mount: string;
  readonly readOnly: boolean;
}

/** For the registry of a private image. */
export interface Credentials {
  readonly host: string;
  /** Empty: none. */
  readonly email: string;
  readonly username: string;
  readonly password: string;
}

// ---------------------------------------------------------------------------------------------------------------------
// Who may talk to whom.

export interface Topology {
  /** Every deployed service, by name. */
  readonly services: readonly TopologyService[];
  /** Every permission to connect; who is in none of them may not. */
  readonly links: readonly TopologyLink[];
}

export interface TopologyService {
  readonly name: string;
  /** Where it runs, by name of group. */
  readonly groups: readonly { readonly group: string; readonly count: number }[];
}

/** `from` may open connections to `to`. It holds for all instances on both sides, in whichever groups they run. */
export interface TopologyLink {
  readonly from: 'global' | { readonly service: string };
  readonly to: string;
  /** The port on which the service listens. */
  readonly port: number;
  /** The port on which `from` reaches it. */
  readonly as: number;
  readonly proto: Proto;
  /** Host names under which it is reached through the shared HTTP entrance. Empty: the provider's own choice. */
  readonly hosts: readonly string[];
  /** Name of the leased IP on which it is reached; empty: none. */
  readonly ip: string;
  /** Which entrance of the provider leads here; null between services, which talk directly. */
  readonly entrance: 'shared-http' | 'random-port' | 'leased-ip' | null;
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading.

/** One thing that is wrong with a file. */
export interface SdlProblem {
  /** JSON pointer to the value, as the official tool gives it, e.g. `/services/web/expose/0/port`; empty: the file. */
  readonly path: string;
  /** From 1; 0 for the file as a whole. */
  readonly line: number;
  /** From 1; 0 for the file as a whole. */
  readonly column: number;
  /** `found ..., expected ...` */
  readonly message: string;
}

/** What was tried: reading the YAML, holding it against the schema, or checking what its parts say about each other. */
export type SdlStage = 'read' | 'schema' | 'validate';

export type SdlReading =
  | {
      readonly ok: true;
      readonly sdl: Sdl;
      /** By name of group. */
      readonly groupSpecs: readonly GroupSpec[];
      readonly manifest: Manifest;
      /** The official JSON of both, byte for byte. */
      readonly canonicalGroupSpecs: string;
      readonly canonicalManifest: string;
      /** SHA-256 of the canonical manifest, 64 hexadecimal digits. */
      readonly version: string;
      readonly topology: Topology;
    }
  | { readonly ok: false; readonly stage: SdlStage; readonly problems: readonly SdlProblem[] };
