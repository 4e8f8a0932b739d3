/**
 * The status page in a browser, over a small chain that goes on: it shows what there is, follows what happens, comes back
 * after the node was away, and lets nobody's words become markup.
 */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startNodeApi } from '../../../../src/lab/live/api/node-api.ts';
import { statusPage } from '../../../../src/lab/live/api/page/page.ts';
import {
  akash,
  asks,
  objectName,
  percent,
  perHour,
  sentence,
  span,
} from '../../../../src/lab/live/api/page/phrases.ts';
import type { ApiServer } from '../../../../src/lab/live/api/server.ts';
import { bid, confirmation } from '../../../support/chain-driver.ts';
import { type DrivenNode, HOSTILE, smallNode, withMarket } from './support.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ABSENT = !existsSync(CHROMIUM) && process.env.CI !== 'true';
const ARGUMENTS = [
  '--no-sandbox', // Root, as in containers, has no other way.
  '--disable-gpu',
  '--disable-dev-shm-usage', // Containers have little of it.
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe('the document', () => {
  it('is one piece that may run its own script and nothing else', () => {
    const { html, policy } = statusPage();
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(html.match(/(?:src|href)="(?!\/|#|data:)[^"]*"/g)).toBeNull();
    expect(html).not.toMatch(/ (?:on\w+|style)=/);
    expect(html).not.toMatch(/innerHTML|insertAdjacent|document\.write|eval\(/);
  });
});

describe('phrases', () => {
  it.each([
    [perHour('400000'), '1\u202f440 uakt/h'],
    [perHour('1000000000'), '3.6 AKASH/h'],
    [perHour('0'), '0 uakt/h'],
    [akash('6'), '6 uakt'],
    [akash('0'), '0 AKASH'],
    [akash('1500000'), '1.5 AKASH'],
    [akash('1234567000000'), '1\u202f234\u202f567 AKASH'],
    [percent(400_000), '40\u202f%'],
    [span(400_000), '0.4\u202fs'],
    [span(65e6), '65\u202fs'],
    [span(7_200e6), '2\u202fh'],
    [
      asks({ cpu_milli: 500, memory_bytes: 2 ** 30, disk_bytes: 0, bandwidth_bps: 0, gpu_milli: 1_000 }),
      '0.5 vCPU \u00b7 1 GiB \u00b7 1 GPU',
    ],
    [objectName('akash1qqqqqqqqqqqqqqqq/7/0/0'), 'akash1qqq\u2026qqqqq/7/0/0'],
    [
      sentence({ type: 'LeaseBroken', provider: 'p', lease: 't/0/0/0', forfeited_uakt: '2000000' }),
      'p broke t/0/0/0 and lost 2 AKASH',
    ],
    [
      sentence({ type: 'LeaseCreated', provider: 'p', lease: 't/0/0/0', price_pakt_per_s: '400000', bids: 1 }),
      'p won t/0/0/0 at 1\u202f440 uakt/h, the only bid',
    ],
    [sentence({ type: 'SomethingNew' }), null],
  ])('%j', (text, expected) => {
    expect(text).toBe(expected);
  });
});

describe.skipIf(ABSENT)(
  `the page${ABSENT ? ` (skipped: no Chromium at ${CHROMIUM}, see CONTRIBUTING.md)` : ''}`,
  () => {
    let browser: Browser;
    let context: BrowserContext;
    let page: Page;
    let node: DrivenNode;
    let server: ApiServer;
    const requested: string[] = [];
    const complaints: string[] = [];

    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: ARGUMENTS });
    });
    afterAll(() => browser?.close());

    beforeEach(async () => {
      node = smallNode(Date.now() * 1_000 - 20_000_000);
      server = await startNodeApi(node, { checkReplies: true, onFault: error => complaints.push(String(error)) });
      withMarket(node);
      context = await browser.newContext({ viewport: { width: 1_280, height: 900 } });
      page = await context.newPage();
      requested.length = 0;
      complaints.length = 0;
      page.on('request', request => requested.push(request.url()));
      page.on('pageerror', error => complaints.push(error.message));
      page.on('console', message => complaints.push(message.text()));
    });
    afterEach(async () => {
      await context?.close();
      await server?.close();
    });

    async function open(): Promise<void> {
      await page.goto(`${server.url}/`);
      await page.waitForSelector('#live[data-state=on]');
      await page.waitForSelector('#feed li');
    }
    const text = (selector: string): Promise<string> => page.locator(selector).innerText();
    const shows = (selector: string, words: string): Promise<unknown> =>
      page.locator(selector).filter({ hasText: words }).first().waitFor({ timeout: 10_000 });

    it('shows the chain and its market', async () => {
      await open();
      expect(await text('#chain')).toBe('test');
      expect(await text('#height')).toBe(String(node.driver.height));
      expect(await text('#facts')).toMatch(/open orders\s+1[\s\S]*active leases\s+1[\s\S]*providers\s+4/);
      expect(await text('#orders')).toMatch(/web-0\/1\/0\/0[\s\S]*2 vCPU[\s\S]*at most 7\u202f200 uakt\/h/);
      expect(await page.locator('#orders .bids li').allInnerTexts()).toEqual([
        expect.stringMatching(/evil-0\s+lowest · 4\u202f680 uakt\/h/),
        expect.stringMatching(/eu-1\s+5\u202f040 uakt\/h/),
      ]);
      const leases = await page.locator('#leases tr').allInnerTexts();
      expect(leases.map(one => one.replace(/\s+/g, ' '))).toEqual([
        expect.stringMatching(/pending web-1 .* eu-0 eu 3 600 uakt\/h/),
        expect.stringMatching(/active web-0 .* eu-0 eu 2 880 uakt\/h/),
      ]);
      expect(await page.locator('#providers tr').allInnerTexts()).toHaveLength(4);
      expect(await text('#providers tr:has-text("eu-0")')).toMatch(/tier: community[\s\S]*25\u202f%/);
      expect(await text('#validators tr:has-text("validator-2")')).toMatch(/20\u202f%[\s\S]*for it/);
      expect(await text('#feed')).toContain('eu-0 won web-0/0/0/0 at 2\u202f880 uakt/h, of 2 bids');
      expect(await page.locator('#bars rect').count()).toBe(node.driver.height - 1);
    });

    it('shows the words of others as words', async () => {
      await open();
      await shows('#providers', HOSTILE);
      expect(await page.locator('main img, main script').count()).toBe(0);
      expect(await page.title()).toBe(`${node.driver.height} · test`);
      expect(complaints).toEqual([]);
    });

    it('asks nobody but its own server', async () => {
      await open();
      expect(requested.filter(url => !url.startsWith(`${server.url}/`) && !url.startsWith('data:'))).toEqual([]);
      const outside = await page.evaluate(
        "fetch('http://127.0.0.1:9/').then(() => 'reached', error => String(error.message))",
      );
      expect(outside).toContain('Failed to fetch');
      const injected = await page.evaluate(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); return window.ran; })()",
      );
      expect(injected).toBeUndefined();
    });

    it('follows what happens', async () => {
      await open();
      const { driver } = node;
      const open_order = driver.events('OrderOpened').at(-1)!.order;
      driver.send('eu-0', bid(driver.order(open_order), 600_000n));
      node.block();
      await shows('#height', String(driver.height));
      await shows('#feed', 'eu-0 bid 4\u202f320 uakt/h for web-0/1/0/0');
      await shows('#orders .best', 'eu-0');
      const pending = driver.events('LeaseCreated').at(-1)!.lease;
      driver.send('eu-0', confirmation(pending));
      node.absent = ['validator-2'];
      node.block();
      await shows('#feed', 'eu-0 serves web-1/0/0/0');
      await page.locator('#leases .badge.good').nth(1).waitFor();
      node.block();
      await shows('#validators tr:has-text("validator-2")', 'absent');
      expect(await text('#since')).toMatch(/^\d+\.\d\u202fs ago$/);
      expect(complaints).toEqual([]);
    });

    it('says when the node is in trouble', async () => {
      node.state = { round: 2, catchingUp: true };
      await open();
      expect(await text('#notice')).toMatch(/catches up[\s\S]*is in round 2/);
    });

    it('comes back after the node was away', async () => {
      await open();
      const { port } = server;
      await server.close();
      await page.waitForSelector('#live[data-state=off]');
      node.run(2);
      server = await startNodeApi(node, { port });
      node.run(2);
      await page.waitForSelector('#live[data-state=on]', { timeout: 15_000 });
      await shows('#height', String(node.driver.height));
      node.block();
      await shows('#height', String(node.driver.height));
    });

    it.each([360, 700, 1_280])('fits a screen of %i pixels, by day and by night', async width => {
      await page.setViewportSize({ width, height: 900 });
      await open();
      const [content, screen] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as number[];
      expect(content).toBeLessThanOrEqual(screen!);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await page.evaluate(CONTRAST)).toEqual([]);
      }
    });

    it('has landmarks, headings, names for its tables, and says nothing by colour alone', async () => {
      await open();
      expect(await page.locator('header.top, main, footer').count()).toBe(3);
      expect(await page.locator('h1').count()).toBe(1);
      for (const section of await page.locator('section').all()) {
        const label = (await section.getAttribute('aria-label')) ?? (await section.getAttribute('aria-labelledby'));
        expect(label).toBeTruthy();
      }
      const tables = await page.locator('table').count();
      expect(await page.locator('table > caption').count()).toBe(tables);
      expect(await page.locator('tbody th:not([scope=row]), thead th:not([scope=col])').count()).toBe(0);
      for (const badge of await page.locator('.badge').allInnerTexts()) expect(badge).toMatch(/\p{L}{2}/u);
      expect(await page.locator('[role=status]').count()).toBe(1);
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.className')).toBe('skip');
    });
  },
);

/** Texts whose colour is too close to what is behind them (WCAG AA: 4.5 to 1). */
const CONTRAST = `(() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      if (at.classList.contains('fresh')) return null;
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
      if (colour[3] > 0) return null;
    }
    return null;
  };
  const bad = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!own || element.closest('script, style, .hidden, .skip, [hidden]')) continue;
    const background = behind(element);
    if (background === null) continue;
    const [a, b] = [light(parts(getComputedStyle(element).color)), light(background)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(element.className + ' ' + element.textContent.slice(0, 30) + ' ' + ratio.toFixed(2));
  }
  return bad;
})()`;
