/** Metrics in the text format that Prometheus reads. */

export interface Metric {
  /** With its unit at the end, as everywhere. */
  readonly name: string;
  readonly about: string;
  readonly kind: 'gauge' | 'counter';
  readonly values: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

/** A metric of one value. */
export function gauge(name: string, about: string, value: number): Metric {
  return { name, about, kind: 'gauge', values: [{ value }] };
}

export function counter(name: string, about: string, value: number): Metric {
  return { name, about, kind: 'counter', values: [{ value }] };
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    return `${name}="${escaped}"`;
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

export function metricsText(metrics: readonly Metric[]): string {
  const lines: string[] = [];
  for (const { name, about, kind, values } of metrics) {
    lines.push(
      `# HELP orrery_${name} ${about.replaceAll('\\', '\\\\').replaceAll('\n', ' ')}`,
      `# TYPE orrery_${name} ${kind}`,
    );
    for (const { labels = {}, value } of values) lines.push(`orrery_${name}${labelText(labels)} ${value}`);
  }
  return `${lines.join('\n')}\n`;
}
