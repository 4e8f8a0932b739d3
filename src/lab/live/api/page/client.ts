/**
 * The script of the status page: asks the node for what there is, listens to its events, and shows both. Everything that
 * comes from the chain is somebody's words and goes into the page as text, never as markup.
 */
import type { z } from 'zod';
import type * as schemas from '../node-schemas.ts';
import { addBlock, MAX_BARS, setBlocks, showHappened, showStatus, showValidators, tick } from './chain-sections.ts';
import { at, document, page } from './elements.ts';
import { showLeases, showOrders, showProviders } from './market-sections.ts';
import { type Happened, learnAll } from './phrases.ts';

/** Least time between two looks at the lists, milliseconds. */
const REFRESH_MS = 1_000;
const RECONNECT_MS = { first: 500, most: 8_000 };
/** Blocks whose events a page that was just opened begins with. */
const MAX_RECALLED = 10;

async function ask<T>(path: string): Promise<T> {
  const answer = await page.fetch(path);
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return (await answer.json()) as T;
}

let isAsking = false;
let isStale = false;
let asked_ms = 0;

/** Looks at everything again, at most once at a time and once a second. */
async function refresh(): Promise<void> {
  if (document.hidden || isAsking || Date.now() - asked_ms < REFRESH_MS) {
    isStale = true;
    return;
  }
  isAsking = true;
  isStale = false;
  asked_ms = Date.now();
  try {
    const [status, validators, providers, orders, leases] = await Promise.all([
      ask<z.infer<typeof schemas.nodeStatus>>('/status'),
      ask<z.infer<typeof schemas.validators>>('/validators'),
      ask<z.infer<typeof schemas.providers>>('/providers?limit=1000'),
      ask<z.infer<typeof schemas.orders>>('/orders?limit=200'),
      ask<z.infer<typeof schemas.leases>>('/leases?limit=200'),
    ]);
    showStatus(status);
    showValidators(validators.validators, validators.vote_height);
    showProviders(providers.providers);
    showOrders(orders.orders, orders.height);
    showLeases(leases.leases, status.time_us);
  } catch (error) {
    isStale = true;
    complain(error);
  } finally {
    isAsking = false;
  }
}

/** What happened before the page was opened, or while it was not connected. */
async function recall(): Promise<void> {
  try {
    const { blocks: newest } = await ask<z.infer<typeof schemas.blocks>>(`/blocks?limit=${MAX_BARS}`);
    setBlocks(newest);
    if (at('feed').children.length > 0) return;
    const busy = newest.filter(block => block.events > 0).slice(0, MAX_RECALLED);
    for (const { height } of busy.reverse()) {
      const { event_items, names } = await ask<z.infer<typeof schemas.blockDetail>>(`/blocks/${height}`);
      learnAll(names);
      showHappened(height, event_items);
    }
  } catch (error) {
    complain(error);
  }
}

function complain(error: unknown): void {
  at('notice').textContent = `The node does not answer: ${error instanceof Error ? error.message : 'no connection'}.`;
  at('notice').hidden = false;
}

let wait_ms = RECONNECT_MS.first;

function say(state: 'on' | 'off' | 'wait', text: string): void {
  at('live').dataset.state = state;
  at('live-text').textContent = text;
}

function onMessage(data: unknown): void {
  const message = JSON.parse(String(data)) as Readonly<Record<string, unknown>>;
  if (message.type === 'block') {
    addBlock(message.block as Parameters<typeof addBlock>[0]);
    void refresh();
  } else if (message.type === 'events') {
    learnAll(message.names as Record<string, string>);
    showHappened(message.height as number, message.events as readonly Happened[]);
  }
}

function listen(): void {
  const { protocol, host } = page.location;
  const socket = new page.WebSocket(`${protocol === 'https:' ? 'wss' : 'ws'}://${host}/events?topics=blocks,events`);
  socket.onopen = () => {
    wait_ms = RECONNECT_MS.first;
    say('on', 'Live');
    void refresh().then(recall);
  };
  socket.onmessage = ({ data }) => onMessage(data);
  socket.onclose = () => {
    say('off', 'Reconnecting');
    page.setTimeout(listen, wait_ms);
    wait_ms = Math.min(RECONNECT_MS.most, 2 * wait_ms);
  };
}

document.addEventListener('visibilitychange', () => void refresh());
page.setInterval(() => {
  if (isStale) void refresh();
}, REFRESH_MS);
page.setInterval(tick, 200);
listen();
