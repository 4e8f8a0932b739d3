/** What the status page shows of the chain: the node, its pace, blocks, validators, and what happened. */
import type { z } from 'zod';
import type * as schemas from '../node-schemas.ts';
import type { PageElement } from './dom.ts';
import { at, badge, document, fill, make, meter, row, who } from './elements.ts';
import { grouped, type Happened, learn, percent, sentence, span } from './phrases.ts';

type Status = z.infer<typeof schemas.nodeStatus>;
type Block = z.infer<typeof schemas.blockSummary>;
type Validator = z.infer<typeof schemas.validator>;

/** Blocks that the chart has room for, rows, and lines of what happened. */
export const MAX_BARS = 60;
const MAX_BLOCKS = 12;
const MAX_VALIDATORS = 40;
const MAX_FEED = 60;

let target_us = 6_000_000;
/** This machine's clock when the newest block was seen, milliseconds; null: none yet. */
let seen_ms: number | null = null;
/** Newest first. */
let blocks: readonly Block[] = [];

export function showStatus(status: Status): void {
  target_us = status.target_block_interval_us;
  document.title = `${grouped(status.height)} \u00b7 ${status.chain_id}`;
  at('chain').textContent = status.chain_id;
  const role = status.validator === null ? 'following' : 'validating';
  at('node').textContent = `${status.name}, ${role}`;
  showHeight(status.height);
  if (seen_ms === null && status.height > 0) seen_ms = Date.now() - (status.now_us - status.time_us) / 1_000;
  const connected = status.peers.filter(peer => peer.connected).length;
  const facts: [string, string][] = [
    ['open orders', grouped(status.orders_open)],
    ['active leases', grouped(status.leases.active)],
    ['providers', grouped(status.providers)],
    ['deployments', grouped(status.deployments)],
    ['peers connected', `${connected}/${status.peers.length}`],
    ['transactions waiting', grouped(status.mempool.transactions)],
  ];
  at('facts').replaceChildren(
    ...facts.map(([term, value]) => make('div', '', make('dt', '', term), make('dd', '', value))),
  );
  const notices: string[] = [];
  if (status.catching_up) notices.push('This node is behind and catches up; what is shown is older than the chain.');
  if (status.round > 0)
    notices.push(`Block ${grouped(status.height + 1)} is in round ${status.round}: no agreement yet.`);
  at('notice').textContent = notices.join(' ');
  at('notice').hidden = notices.length === 0;
  at('foot').textContent = `Orrery ${status.version}, node ${status.name}`;
}

function showHeight(height: number): void {
  const element = at('height');
  element.textContent = grouped(height);
  element.classList.toggle('long', height >= 1_000_000);
}

/** Takes blocks that there are. Newer ones may have been told of meanwhile. */
export function setBlocks(list: readonly Block[]): void {
  const known = new Map([...blocks, ...list].map(block => [block.height, block]));
  blocks = [...known.values()].sort((a, b) => b.height - a.height).slice(0, MAX_BARS);
  showBlocks(false);
}

/** Takes a block that was made just now. */
export function addBlock(block: Block): void {
  if (block.height <= (blocks[0]?.height ?? 0)) return;
  seen_ms = Date.now();
  blocks = [block, ...blocks].slice(0, MAX_BARS);
  showBlocks(true);
}

function showBlocks(fresh: boolean): void {
  const newest = blocks[0];
  if (newest !== undefined) showHeight(newest.height);
  const rows = blocks.slice(0, MAX_BLOCKS).map((block, i) => {
    const failed = block.failed > 0 ? ` (${block.failed} failed)` : '';
    const cells = row([
      ['Height', grouped(block.height)],
      ['Proposer', who(block.proposer, block.proposer_name)],
      ['Round', block.round === null ? '\u2013' : String(block.round), 'num'],
      ['Tx', `${grouped(block.transactions)}${failed}`, 'num'],
      ['Interval', block.interval_us === null ? '\u2013' : span(block.interval_us), 'num'],
    ]);
    if (fresh && i === 0) cells.classList.add('fresh');
    return cells;
  });
  fill('blocks', rows, 5, 'No block yet.');
  showPace();
}

const SVG = 'http://www.w3.org/2000/svg';

function shape(tag: string, attributes: Readonly<Record<string, string | number>>): PageElement {
  const element = document.createElementNS(SVG, tag);
  for (const name of Object.keys(attributes)) element.setAttribute(name, String(attributes[name]));
  return element;
}

/** A bar for each of the newest blocks, as high as the time that it took; the target is the dotted line. */
function showPace(): void {
  const timed = blocks.slice(0, MAX_BARS).filter(block => block.interval_us !== null);
  const times = timed.map(block => block.interval_us as number).sort((a, b) => a - b);
  if (times.length === 0) {
    at('pace').textContent = `target ${span(target_us)}`;
    return;
  }
  const median = times[Math.floor(times.length / 2)] as number;
  const longest = times.at(-1) as number;
  const text = `median ${span(median)}, longest ${span(longest)}, target ${span(target_us)}`;
  at('pace').textContent = text;
  const top = Math.max(longest, 1.25 * target_us);
  const svg = shape('svg', { viewBox: `0 0 ${MAX_BARS} 100`, preserveAspectRatio: 'none', role: 'img' });
  svg.setAttribute('aria-label', `Time between the newest ${times.length} blocks: ${text}`);
  for (const [i, block] of timed.entries()) {
    const height = Math.max(2, (96 * (block.interval_us as number)) / top);
    const one = shape('rect', { x: MAX_BARS - 1 - i + 0.15, y: 100 - height, width: 0.7, height });
    if ((block.round ?? 0) > 0) one.setAttribute('class', 'again');
    svg.append(one);
  }
  const y = 100 - (96 * target_us) / top;
  svg.append(shape('line', { x1: 0, x2: MAX_BARS, y1: y, y2: y }));
  at('bars').replaceChildren(svg);
}

/** Called several times a second: how long the newest block is ago. */
export function tick(): void {
  if (seen_ms === null) return;
  const ago_us = Math.max(0, 1_000 * (Date.now() - seen_ms));
  at('since').textContent = `${span(ago_us)} ago`;
  at('sweep').style.setProperty('stroke-dasharray', `${Math.min(100, (100 * ago_us) / target_us)} 100`);
  at('sweep').classList.toggle('late', ago_us > 3 * target_us);
}

const VOTES = {
  for: () => badge('good', '\u2713', 'for it'),
  nil: () => badge('warn', '\u25cb', 'nil'),
  // Two thirds are enough: who is slower is often missing, and only who keeps missing is away.
  absent: () => badge('warn', '\u2715', 'absent'),
};

export function showValidators(list: readonly Validator[], voteHeight: number | null): void {
  const sorted = [...list].sort(
    (a, b) => b.power_ppm - a.power_ppm || ((a.name ?? a.address) < (b.name ?? b.address) ? -1 : 1),
  );
  const rows = sorted.slice(0, MAX_VALIDATORS).map(one => {
    learn(one.address, one.name);
    const vote = one.tombstoned
      ? badge('bad', '\u2020', 'out for good')
      : one.jailed
        ? badge('bad', '\u25a0', 'jailed')
        : one.vote === null
          ? badge('', '\u2013', one.power === 0 ? 'candidate' : 'not yet')
          : VOTES[one.vote]();
    return row([
      ['Validator', who(one.address, one.name)],
      ['Power', meter(one.power_ppm / 1e6, percent(one.power_ppm))],
      ['Vote', vote],
      ['Missed', grouped(one.missed_blocks), 'num'],
    ]);
  });
  fill('validators', rows, 4, 'No validator.');
  at('validators-note').textContent = voteHeight === null ? '' : `votes on block ${grouped(voteHeight)}`;
}

export function showHappened(height: number, events: readonly Happened[]): void {
  const feed = at('feed');
  for (const one of events.slice(-MAX_FEED)) {
    const text = sentence(one);
    if (text === null) continue;
    feed.prepend(make('li', 'fresh', make('span', 'at', `# ${grouped(height)}`), make('span', 'what', text)));
  }
  while (feed.children.length > MAX_FEED) feed.lastElementChild?.remove();
}
