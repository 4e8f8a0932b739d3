/** Prints finished runs: for people as a page per results directory, for machines as one JSON document. */

import { metricValue } from '../lab/experiment/results.ts';
import type { FinishedGroup } from '../lab/experiment/results-batch.ts';
import { stringify } from '../lab/report/json.ts';
import { scenarioWord } from './gallery.ts';
import { runsText, runText, type ShownRun } from './run-text.ts';
import type { Terminal } from './terminal.ts';

export function printRuns(terminal: Terminal, groups: readonly FinishedGroup[], json: boolean): void {
  if (json) {
    terminal.out(`${stringify(jsonOf(groups), 2)}\n`);
    return;
  }
  let first = true;
  for (const group of groups) {
    const shown = shownRuns(group);
    if (group.folder === null || shown.length === 0) continue;
    if (!first) terminal.out('\n');
    first = false;
    const single = group.runs.length === 1;
    terminal.out(single ? runText(terminal, shown[0]!) : runsText(terminal, shown, group.folder));
  }
}

function shownRuns(group: FinishedGroup): ShownRun[] {
  return group.runs.flatMap(({ run, outcome, folder }) => {
    if (!outcome.ok || folder === null) return [];
    const { scenario, source } = run.loaded;
    const { result, wallSeconds } = outcome;
    return [{ scenario, result, wallSeconds, folder, word: scenarioWord(source.path), overrides: source.overrides }];
  });
}

function jsonOf(groups: readonly FinishedGroup[]): unknown {
  const runs = groups.flatMap(group => group.runs);
  return {
    runs: runs.flatMap(({ run, outcome, folder }) => {
      if (!outcome.ok) return [];
      const { result, wallSeconds, peakMemoryBytes } = outcome;
      const { seed, world, traceHash, events, seconds, classes, expectations, notes } = result;
      const metrics = Object.entries(result.summary).map(([name, value]) => [name, metricValue(value)] as const);
      return {
        name: run.loaded.scenario.name,
        seed,
        world,
        folder,
        scenarioHash: run.loaded.hash,
        traceHash,
        events,
        seconds,
        wallSeconds,
        peakMemoryBytes,
        summary: Object.fromEntries(metrics),
        classes,
        expectations,
        notes,
      };
    }),
    failed: runs.flatMap(({ run, outcome }) => {
      if (outcome.ok) return [];
      const { kind, message } = outcome.failure;
      return { name: run.loaded.scenario.name, seed: run.seed, kind, error: message, command: run.command };
    }),
  };
}
