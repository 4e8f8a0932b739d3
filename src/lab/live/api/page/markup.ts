/** The skeleton of the status page: landmarks, headings and empty tables, which the script fills. */

/** @param kind `stack`: on a narrow screen each row becomes a small list; `close`: it stays a table */
function table(
  id: string,
  caption: string,
  kind: 'stack' | 'close',
  heads: readonly (readonly [string, string])[],
): string {
  const cells = heads.map(([text, className]) => `<th scope="col" class="${className}">${text}</th>`);
  return `<table class="${kind}"><caption class="hidden">${caption}</caption><thead><tr>${cells.join('')}</tr></thead><tbody id="${id}"></tbody></table>`;
}

function section(id: string, title: string, kind: string, body: string): string {
  return `<section class="card ${kind}" aria-labelledby="${id}-title"><header><h2 id="${id}-title">${title}</h2><p class="aside" id="${id}-note"></p></header>${body}</section>`;
}

/** Planets on three orbits; drawn, so that no picture is loaded. */
const MARK = `<svg class="mark" viewBox="0 0 40 40" aria-hidden="true"><circle class="sun" cx="20" cy="20" r="4"/><circle class="orbit" cx="20" cy="20" r="9"/><circle class="orbit" cx="20" cy="20" r="14"/><circle class="orbit" cx="20" cy="20" r="18.5"/><circle class="planet" cx="29" cy="20" r="1.9"/><circle class="planet" cx="10.1" cy="10.1" r="2.4"/><circle class="planet" cx="15.2" cy="37.9" r="1.6"/></svg>`;

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40'%3E%3Ccircle cx='20' cy='20' r='6' fill='%23b98a2f'/%3E%3Ccircle cx='20' cy='20' r='15' fill='none' stroke='%23b98a2f' stroke-width='2'/%3E%3Ccircle cx='35' cy='20' r='4' fill='%23b98a2f'/%3E%3C/svg%3E";

export const MARKUP = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Orrery</title>
<link rel="icon" href="${ICON}">
<style>/*STYLE*/</style>
</head>
<body>
<a class="skip" href="#main">Skip to the market</a>
<header class="top">
  <div class="brand">${MARK}<div><h1 id="chain">Orrery</h1><p id="node"></p></div></div>
  <p class="live" id="live" role="status" data-state="wait"><span class="lamp" aria-hidden="true"></span><span id="live-text">Connecting</span></p>
</header>
<main id="main" tabindex="-1">
<section class="hero" aria-label="The chain now">
  <div class="now">
    <svg class="ring" viewBox="0 0 120 120" aria-hidden="true"><circle class="track" cx="60" cy="60" r="54"/><circle class="sweep" id="sweep" cx="60" cy="60" r="54" pathLength="100"/></svg>
    <dl><dt>Height</dt><dd id="height">&ndash;</dd><dt class="hidden">Time since the newest block</dt><dd id="since" class="since"></dd></dl>
  </div>
  <div class="pulse"><div class="pulse-head"><h2>Pace</h2><p id="pace" class="aside"></p></div><div id="bars" class="bars"></div></div>
  <dl class="facts" id="facts"></dl>
</section>
<p class="notice" id="notice" hidden></p>
<div class="grid">
${section('orders', 'Open orders', 'wide', '<ul class="orders" id="orders"></ul>')}
${section(
  'leases',
  'Leases',
  'wide',
  table('leases', 'Leases that are not closed', 'stack', [
    ['State', 'w15'],
    ['Tenant', 'w20'],
    ['Provider', 'w20'],
    ['Price', 'num'],
    ['Paid', 'num'],
    ['For', 'num'],
  ]),
)}
${section('feed', 'What happened', 'half', '<ol class="feed" id="feed" tabindex="0" aria-labelledby="feed-title"></ol>')}
${section(
  'blocks',
  'Blocks',
  'half',
  table('blocks', 'The newest blocks', 'close', [
    ['Height', ''],
    ['Proposer', ''],
    ['Round', 'num'],
    ['Tx', 'num'],
    ['Interval', 'num'],
  ]),
)}
${section(
  'providers',
  'Providers',
  'wide',
  table('providers', 'Registered providers', 'stack', [
    ['Provider', ''],
    ['Region', 'w10'],
    ['Reputation', 'w20'],
    ['In use', 'w25'],
    ['Leases', 'num w8'],
  ]),
)}
${section(
  'validators',
  'Validators',
  'wide',
  table('validators', 'Validators with power and newest vote', 'close', [
    ['Validator', 'w35'],
    ['Power', 'w25'],
    ['Vote', ''],
    ['Missed', 'num'],
  ]),
)}
</div>
</main>
<footer><p id="foot"></p><p><a href="/openapi.json">API</a> <a href="/genesis">Genesis</a> <a href="/params">Parameters</a> <a href="/metrics">Metrics</a></p></footer>
<script type="module">/*SCRIPT*/</script>
</body>
</html>
`;
