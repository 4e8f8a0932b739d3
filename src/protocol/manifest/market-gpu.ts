/**
 * Which GPUs a placement group will take, in attributes of the market.
 *
 * A file lists alternatives such as `a100/ram/80Gi` or `h100`; any one will do. The market requires attributes one by
 * one, each with alternatives of its own, and a datacenter names one model. So a list of alternatives can be said
 * exactly when it is a full product of models, memories and interfaces, and only then: `a100 or h100/80Gi` would let in
 * an `h100` of any memory, and is refused rather than widened.
 */

import type { GroupResource } from './types.ts';

/** What a datacenter states of its GPUs, and an order asks for. */
export const GPU_ATTRIBUTES = ['gpu-vendor', 'gpu-model', 'gpu-ram', 'gpu-interface'] as const;

/** The same parts in the keys of a file, in the order of GPU_ATTRIBUTES. */
const PARTS = ['vendor', 'model', 'ram', 'interface'] as const;

/** One alternative, part by part; null: any. */
type Alternative = readonly (string | null)[];

/** `vendor/nvidia/model/a100/ram/80Gi`; null: of another form. */
function alternative(key: string): Alternative | null {
  const words = key.split('/');
  const found = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) {
    const part = words[i] as string;
    const value = words[i + 1];
    if (!(PARTS as readonly string[]).includes(part) || found.has(part) || value === undefined || value === '') {
      return null;
    }
    found.set(part, value);
  }
  return PARTS.map(part => {
    const value = found.get(part) ?? '*';
    return value === '*' ? null : value;
  });
}

/** Whether whatever satisfies `narrow` satisfies `wide`. */
function covers(wide: Alternative, narrow: Alternative): boolean {
  return wide.every((part, i) => part === null || part === narrow[i]);
}

function text(one: Alternative): string {
  return one
    .slice(1)
    .map(part => part ?? '*')
    .join('/');
}

/** Alternatives that no other one includes, each once. */
function widest(all: readonly Alternative[]): Alternative[] {
  return all.filter(
    (one, i) => !all.some((other, j) => i !== j && covers(other, one) && (!covers(one, other) || j < i)),
  );
}

/** The values of each part if the alternatives are their full product; else null. A null value: any. */
function factors(all: readonly Alternative[]): (readonly string[] | null)[] | null {
  let product = 1;
  const parts = PARTS.map((_, i) => {
    const values = [...new Set(all.map(one => one[i] as string | null))];
    product *= values.length;
    if (values.length === 1 && values[0] === null) return null;
    return values.includes(null) ? undefined : (values as string[]);
  });
  if (product !== all.length || parts.includes(undefined)) return null;
  return parts as (readonly string[] | null)[];
}

export interface GpuRequirements {
  readonly attributes: ReadonlyMap<string, string>;
  readonly reasons: readonly string[];
}

/** What a datacenter must state so that all of these resources find their GPUs there, or why that cannot be said. */
export function gpuRequirements(resources: readonly GroupResource[]): GpuRequirements {
  const attributes = new Map<string, string>();
  const reasons: string[] = [];
  const wanted: (readonly string[] | null)[] = PARTS.map(() => null);
  for (const { gpu } of resources) {
    if (gpu.units === 0n || gpu.attributes.length === 0) continue;
    const unread = gpu.attributes.find(one => alternative(one.key) === null);
    if (unread !== undefined) {
      reasons.push(`the GPU attribute ${unread.key} is not of a form that the market knows`);
      continue;
    }
    const all = widest(gpu.attributes.map(one => alternative(one.key) as Alternative));
    const parts = factors(all);
    if (parts === null) {
      reasons.push(`its GPUs, ${all.map(text).join(' or ')}, are no product of models, memories and interfaces`);
      continue;
    }
    parts.forEach((values, i) => {
      if (values === null) return;
      const before = wanted[i] ?? null;
      const both = before === null ? values : before.filter(value => values.includes(value));
      if (both.length === 0) reasons.push(`it asks for GPUs of several kinds (${PARTS[i]}), a datacenter has one`);
      wanted[i] = both;
    });
  }
  wanted.forEach((values, i) => {
    if (values === null) return;
    if (values.some(value => value.includes('|'))) reasons.push(`a GPU ${PARTS[i]} with | in its name`);
    attributes.set(GPU_ATTRIBUTES[i] as string, values.join('|'));
  });
  return { attributes, reasons };
}
