/** The line on stderr that shows how far runs have come, for as long as somebody watches. */

import { ProgressMeter, type ProgressView } from '../lab/experiment/progress.ts';
import type { JobProgress } from '../lab/experiment/worker-job.ts';
import { shortSpan, significant } from '../lab/report/format.ts';
import type { Terminal } from './terminal.ts';

const BAR = 24;

/** `[#######-----------------] 31 %  1/4 runs  1.2 M events/s  12s left` */
export function progressText({ done, jobs, share, eventsPerSecond, left }: ProgressView): string {
  const filled = Math.floor(share * BAR);
  const parts = [`[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}] ${Math.floor(share * 100)} %`];
  if (jobs > 1) parts.push(`${done}/${jobs} runs`);
  if (eventsPerSecond > 0) parts.push(`${rate(eventsPerSecond)} events/s`);
  if (left !== null && share < 1) parts.push(`${shortSpan(Math.ceil(left))} left`);
  return parts.join('  ');
}

/** `386 k`, `1.2 M` */
export function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${significant(perSecond / 1e6, 2)} M`;
  if (perSecond >= 1e4) return `${significant(perSecond / 1e3, 3)} k`;
  return significant(perSecond, 3);
}

export class ProgressLine {
  private readonly terminal: Terminal;
  private readonly meter: ProgressMeter;

  constructor(terminal: Terminal, jobs: number) {
    this.terminal = terminal;
    this.meter = new ProgressMeter(jobs, performance.now());
    this.show();
  }

  update(progress: JobProgress): void {
    this.meter.update(progress);
    this.show();
  }

  finish(job: number, events: number | null): void {
    this.meter.finish(job, events);
    this.show();
  }

  end(): void {
    this.terminal.status('');
  }

  private show(): void {
    this.terminal.status(progressText(this.meter.view(performance.now())).slice(0, this.terminal.width - 1));
  }
}
