/**
 * What a participant has of its recorder: counts what it tells it, and goes on without it when it fails. A recording that
 * cannot be had is no reason for a participant to end.
 */
import type { Input, Time } from '../../actors/actor.ts';
import type { Effect } from './effect.ts';
import type { Recorder, RecordingEnd, RecordingHead } from './recorder.ts';

export class Recording<Message, Request> {
  private recorder: Recorder<Message, Request> | null;
  private readonly log: (line: string) => void;
  private inputs = 0;
  private effects = 0;

  /** @param log is told, in a line, why a recording ends before its participant does */
  constructor(recorder: Recorder<Message, Request> | null, log: (line: string) => void) {
    this.recorder = recorder;
    this.log = log;
  }

  begin(head: RecordingHead): void {
    this.tell(recorder => recorder.begin(head));
  }

  input(now: Time, input: Input<Message, Request>): void {
    const index = this.inputs++;
    this.tell(recorder => recorder.input(index, now, input));
  }

  effect(effect: Effect<Message>): void {
    const index = this.effects++;
    this.tell(recorder => recorder.effect(index, effect));
  }

  shown(value: unknown): void {
    this.tell(recorder => recorder.shown(value));
  }

  end(end: RecordingEnd): void {
    this.tell(recorder => recorder.end(end));
  }

  async close(): Promise<void> {
    await this.recorder?.close();
  }

  private tell(what: (recorder: Recorder<Message, Request>) => void): void {
    const { recorder } = this;
    if (recorder === null) return;
    try {
      what(recorder);
    } catch (error) {
      this.recorder = null;
      this.log(`the recording ends: ${reasonOf(error)}`);
      recorder.close().catch((cause: unknown) => this.log(`closing the recording failed: ${reasonOf(cause)}`));
    }
  }
}

/** What an error says. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
