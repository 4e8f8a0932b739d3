/**
 * picture.svg: one page that shows what happened in a run. It stands on a light ground of its own, so that it reads the
 * same on a dark page; it needs no network and no script, and the same run gives the same bytes.
 */
import type { RunResult } from '../experiment/types.ts';
import type { Scenario } from '../scenario/types.ts';
import { grouped, span, wrap } from './format.ts';
import {
  FONT,
  INK,
  MARGIN_RIGHT,
  ordersPanel,
  type Panel,
  pricePanel,
  SOFT,
  timeAxis,
  utilisationPanel,
  WIDTH,
} from './picture-panels.ts';
import type { SeriesSketch } from './series.ts';

const LEFT = 32;
const PANEL_X = 12;
const PAGE_WIDTH = WIDTH + 40;

/** The picture as an SVG document. */
export function pictureOfRun(scenario: Scenario, result: RunResult, sketch: SeriesSketch): string {
  const axis = timeAxis(result.seconds, Math.min(scenario.warmup / 1e6, result.seconds));
  const panels = [
    pricePanel(sketch, axis),
    utilisationPanel(
      sketch,
      scenario.providers.map(one => one.name),
      axis,
    ),
    ordersPanel(sketch, axis),
  ];
  const parts: string[] = [];
  const question = wrap(scenario.question, 105).split('\n');
  let y = 46;
  parts.push(text(LEFT, y, 24, 700, INK, scenario.name));
  y += 8;
  for (const line of question) {
    y += 22;
    parts.push(text(LEFT, y, 16, 400, INK, line));
  }
  y += 24;
  parts.push(text(LEFT, y, 13, 400, SOFT, caption(scenario, result)));
  y += 22;
  for (const panel of panels) {
    parts.push(...drawn(panel, y));
    y += panel.height + 52;
  }
  return page(parts, y);
}

function caption(scenario: Scenario, result: RunResult): string {
  const warmup = scenario.warmup > 0 ? ` (grey: ${span(scenario.warmup / 1e6)} of warm-up)` : '';
  const ran = `seed ${result.seed}, ${span(result.seconds)} ${result.world}${warmup}`;
  if (result.world === 'live') return ran;
  return `${ran}, ${grouped(result.events)} events, trace ${result.traceHash.slice(0, 12)}`;
}

function drawn(panel: Panel, y: number): string[] {
  const parts = [text(LEFT, y + 22, 15, 600, INK, panel.title)];
  panel.legend.forEach(({ label, colour }, i) => {
    const x = PANEL_X + WIDTH - MARGIN_RIGHT + 12;
    const line = y + 54 + i * 21;
    parts.push(`<rect x="${x}" y="${line - 10}" width="11" height="11" rx="2" fill="${colour}"/>`);
    parts.push(text(x + 18, line, 13, 600, colour, label));
  });
  parts.push(panel.svg.replace('<svg ', `<svg x="${PANEL_X}" y="${y + 32}" `));
  return parts;
}

function text(x: number, y: number, size: number, weight: number, colour: string, content: string): string {
  const place = `x="${Number(x.toFixed(1))}" y="${y}"`;
  return `<text ${place} font-size="${size}" font-weight="${weight}" fill="${colour}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function page(parts: readonly string[], height: number): string {
  const size = `width="${PAGE_WIDTH}" height="${height}" viewBox="0 0 ${PAGE_WIDTH} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family='${FONT}'>`,
    `<rect width="${PAGE_WIDTH}" height="${height}" rx="10" fill="#fdfdfc"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
