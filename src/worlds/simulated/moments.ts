/**
 * Moments at which a fault may strike, other than a time: a certain message is sent or arrives, or a participant
 * performs a certain effect.
 *
 * Times alone miss the narrow windows in which protocols break (between a vote and its sync, between a proposal and the
 * polka for it). A moment names such a window directly, and a schedule made of moments still reads, edits and shrinks
 * like one made of times. The world knows nothing of any protocol: what a message is, it learns from a small describing
 * function of the lab's. While nothing is armed none of this is called.
 */
import type { PeerName } from '../../actors/actor.ts';
import type { EffectName } from './effect-codes.ts';

/** What the world may know of a message: its type, and for messages of consensus the height and round. */
export interface Described {
  readonly type: string;
  readonly height?: number;
  readonly round?: number;
}

/** Says what a message is; null: nothing that a moment could name. */
export type Describe<Message> = (message: Message) => Described | null;

/** Participants by name, or `region:eu` for all that are there; a list of such for several. */
export type Who = PeerName | readonly PeerName[];

/** In front of a region's name, where participants are named. No participant's name begins so. */
export const REGION_PREFIX = 'region:';

/**
 * A message passes by. All that is given must hold; what is not given may be anything.
 */
export interface MessageMoment {
  readonly messageType?: string;
  readonly height?: number;
  readonly round?: number;
  /** Who sends it. */
  readonly from?: Who;
  /** Who is to receive it. */
  readonly to?: Who;
  /**
   * `sent` (the default): just before it leaves, so that a cut, a clog or a crash of its sender keeps it back.
   * `arrives`: just before its receiver is handed it, so that a crash of the receiver loses it. `handled`: just after the
   * receiver's turn.
   */
  readonly on?: 'sent' | 'arrives' | 'handled';
  /** The how-manieth such message, from 1 (the default) on, counted from when the fault was injected. */
  readonly nth?: number;
  /** How much later the fault strikes, in microseconds. Default 0: within the moment itself. */
  readonly after_us?: number;
}

/** A participant performs an effect. With `crash`, this is how a process is killed between any two of its steps. */
export interface EffectMoment {
  readonly actor: PeerName;
  /** `any`: of whatever kind. */
  readonly effect: EffectName | 'any';
  /** The how-manieth such effect, from 1 (the default) on, over all incarnations, from when the fault was injected. */
  readonly nth?: number;
  /**
   * `before` (the default): it does not happen, when the fault kills the process. `after`: it has happened, nothing
   * behind it has; for a `sync` that is when the barrier is reached, before anything behind it and before `synced`.
   */
  readonly point?: 'before' | 'after';
  /** How much later the fault strikes, in microseconds. Default 0: within the moment itself. */
  readonly after_us?: number;
}

export type Moment = MessageMoment | EffectMoment;

export function isEffectMoment(moment: Moment): moment is EffectMoment {
  return 'actor' in moment;
}

/** Called around each effect of a participant that is being watched. */
export type EffectProbe = (point: 'before' | 'after', effect: EffectName) => void;

/** A moment in words, for the label of the fault that waits for it. */
export function momentText(moment: Moment): string {
  const later = moment.after_us === undefined ? '' : `, ${moment.after_us} us later`;
  const nth = moment.nth ?? 1;
  if (isEffectMoment(moment)) {
    return `${moment.point ?? 'before'} ${moment.effect} ${nth} of ${moment.actor}${later}`;
  }
  const { messageType, height, round, from, to, on } = moment;
  const parts = [
    `message ${nth}`,
    messageType ?? 'of any type',
    ...(height === undefined ? [] : [`height ${height}`]),
    ...(round === undefined ? [] : [`round ${round}`]),
    ...(from === undefined ? [] : [`from ${whoText(from)}`]),
    ...(to === undefined ? [] : [`to ${whoText(to)}`]),
    on ?? 'sent',
  ];
  return parts.join(' ') + later;
}

/** Participants as they were named, in words. */
export function whoText(who: Who): string {
  return typeof who === 'string' ? who : who.join(' ');
}

interface Armed {
  readonly moment: MessageMoment;
  readonly from: ReadonlySet<PeerName> | null;
  readonly to: ReadonlySet<PeerName> | null;
  readonly action: () => void;
  remaining: number;
}

/** The message moments that are being waited for. */
export class MessageMoments<Message> {
  private readonly describe: Describe<Message>;
  private armed: Armed[] = [];

  constructor(describe: Describe<Message>) {
    this.describe = describe;
  }

  get idle(): boolean {
    return this.armed.length === 0;
  }

  /**
   * Runs an action once, when the moment comes.
   * @param from the names that `moment.from` stands for, null for everybody
   * @param to the names that `moment.to` stands for, null for everybody
   */
  arm(
    moment: MessageMoment,
    from: readonly PeerName[] | null,
    to: readonly PeerName[] | null,
    action: () => void,
  ): void {
    this.armed.push({
      moment,
      from: from === null ? null : new Set(from),
      to: to === null ? null : new Set(to),
      action,
      remaining: moment.nth ?? 1,
    });
  }

  /** A message passes a point of its way. */
  passes(on: 'sent' | 'arrives' | 'handled', from: PeerName, to: PeerName, message: Message): void {
    const described = this.describe(message);
    if (described === null) return;
    const struck: Armed[] = [];
    for (const each of this.armed) {
      if (matches(each, on, from, to, described) && --each.remaining === 0) struck.push(each);
    }
    if (struck.length === 0) return;
    this.armed = this.armed.filter(each => each.remaining > 0);
    for (const { action } of struck) action();
  }
}

function matches(
  { moment, from: senders, to: receivers }: Armed,
  on: 'sent' | 'arrives' | 'handled',
  from: PeerName,
  to: PeerName,
  { type, height, round }: Described,
): boolean {
  return (
    (moment.on ?? 'sent') === on &&
    (moment.messageType === undefined || moment.messageType === type) &&
    (moment.height === undefined || moment.height === height) &&
    (moment.round === undefined || moment.round === round) &&
    (senders === null || senders.has(from)) &&
    (receivers === null || receivers.has(to))
  );
}
