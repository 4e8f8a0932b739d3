/** The look of the status page: paper and ink by day, night sky and brass by night. */
export const STYLE = `
:root {
  --paper: #f6f3ec; --card: #fffdf8; --ink: #1d2433; --soft: #5a6070; --line: #e2dccd; --brass: #8a6414; --brass-fill: #c79a3b;
  --track: #ebe5d6; --good: #1d6b45; --good-bg: #e0f0e6; --warn: #8a4b08; --warn-bg: #fbe9d2; --bad: #a3282b; --bad-bg: #fbe3e1;
  --calm: #3d4a63; --calm-bg: #e6e9f1; --shadow: 0 1px 2px rgb(60 45 10 / .06), 0 8px 24px -12px rgb(60 45 10 / .14);
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0c111d; --card: #131a2a; --ink: #e8eaf1; --soft: #9ba4b8; --line: #242d41; --brass: #e0b65c; --brass-fill: #c99a3a;
    --track: #232c40; --good: #7fd6a6; --good-bg: #12352a; --warn: #f0b56b; --warn-bg: #3b2a12; --bad: #ff9d97; --bad-bg: #44191c;
    --calm: #b8c3dc; --calm-bg: #232d44; --shadow: 0 1px 0 rgb(255 255 255 / .03) inset;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none !important; }
.skip { position: absolute; left: -999px; padding: .6rem 1rem; background: var(--card); color: var(--ink); z-index: 2; }
.skip:focus { left: 1rem; top: 1rem; }
a { color: var(--brass); text-underline-offset: 3px; }
:focus-visible { outline: 2px solid var(--brass); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
h1, h2, p, dl, dd, ul, ol { margin: 0; padding: 0; }
ul, ol { list-style: none; }
.top, main, footer { max-width: 1180px; margin: 0 auto; padding-inline: clamp(14px, 3vw, 32px); }
.top { display: flex; align-items: center; justify-content: space-between; gap: 1rem; padding-block: 22px 14px; }
.brand { display: flex; align-items: center; gap: 14px; min-width: 0; }
.brand div { min-width: 0; }
.mark { width: 44px; height: 44px; flex: none; }
.mark .sun, .mark .planet { fill: var(--brass-fill); }
.mark .orbit { fill: none; stroke: var(--brass); stroke-width: .8; opacity: .55; }
h1 { font: 600 1.5rem/1.15 "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif; letter-spacing: .005em; overflow-wrap: anywhere; }
#node { color: var(--soft); font-size: .87rem; overflow-wrap: anywhere; }
.live { display: flex; align-items: center; gap: 8px; padding: 5px 13px 5px 11px; border: 1px solid var(--line); border-radius: 99px; background: var(--card); font-size: .84rem; white-space: nowrap; flex: none; }
.lamp { width: 9px; height: 9px; border-radius: 50%; border: 2px solid var(--soft); }
.live[data-state=on] .lamp { background: var(--good); border-color: var(--good); }
.live[data-state=off] .lamp { border-color: var(--bad); border-radius: 2px; }
.hero { display: grid; grid-template-columns: auto minmax(220px, 1fr) minmax(250px, auto); gap: 14px 40px; align-items: center; padding: 22px 26px; background: var(--card); border: 1px solid var(--line); border-radius: 18px; box-shadow: var(--shadow); }
.now { position: relative; width: 172px; height: 172px; }
.ring { width: 100%; height: 100%; transform: rotate(-90deg); }
.ring circle { fill: none; stroke-width: 5; }
.track { stroke: var(--track); }
.sweep { stroke: var(--brass-fill); stroke-linecap: round; stroke-dasharray: 0 100; }
.sweep.late { stroke: var(--bad); }
.now dl { position: absolute; inset: 0; display: flex; flex-direction: column; align-items: center; justify-content: center; text-align: center; }
.now dt { color: var(--soft); font-size: .74rem; letter-spacing: .09em; text-transform: uppercase; }
#height { font: 600 2rem/1.15 "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif; font-variant-numeric: lining-nums tabular-nums; }
#height.long { font-size: 1.5rem; }
.since { color: var(--soft); font-size: .84rem; }
.pulse-head { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; flex-wrap: wrap; }
.bars { height: 84px; margin-top: 10px; border-bottom: 1px solid var(--line); position: relative; }
.bars svg { width: 100%; height: 100%; display: block; overflow: visible; }
.bars rect { fill: var(--brass-fill); opacity: .8; }
.bars rect.again { fill: var(--bad); opacity: 1; }
.bars line { stroke: var(--soft); stroke-dasharray: 2 4; opacity: .7; vector-effect: non-scaling-stroke; }
.facts { display: grid; grid-template-columns: 1fr 1fr; gap: 10px 30px; }
.facts div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.facts dt { color: var(--soft); font-size: .8rem; }
.facts dd { font-size: 1.2rem; font-weight: 600; line-height: 1.25; }
.notice { margin-top: 14px; padding: 10px 16px; border-radius: 12px; background: var(--warn-bg); color: var(--warn); }
.grid { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; margin-top: 16px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 16px; padding: 16px 20px 14px; min-width: 0; box-shadow: var(--shadow); }
.wide { grid-column: 1 / -1; }
.card > header { display: flex; align-items: baseline; justify-content: space-between; gap: 1rem; margin-bottom: 8px; }
h2 { font: 600 1.08rem/1.3 "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif; }
.aside { color: var(--soft); font-size: .84rem; text-align: right; }
table { width: 100%; border-collapse: collapse; font-size: .92rem; }
th, td { padding: 8px 12px 8px 0; text-align: left; vertical-align: middle; border-top: 1px solid var(--line); }
thead th { border: 0; padding-block: 2px 6px; color: var(--soft); font-weight: 500; font-size: .79rem; }
th:last-child, td:last-child { padding-right: 0; }
tbody th { font-weight: 500; }
.num { text-align: right; white-space: nowrap; }
.w8 { width: 8%; } .w10 { width: 10%; } .w15 { width: 15%; } .w20 { width: 20%; } .w25 { width: 25%; } .w35 { width: 35%; }
.who { overflow-wrap: anywhere; }
.sub { display: block; color: var(--soft); font-size: .8rem; overflow-wrap: anywhere; }
.mono { font: .86em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.badge { display: inline-flex; align-items: center; gap: 6px; padding: 1px 9px 1px 7px; border-radius: 99px; font-size: .8rem; white-space: nowrap; background: var(--calm-bg); color: var(--calm); }
.badge.good { background: var(--good-bg); color: var(--good); }
.badge.warn { background: var(--warn-bg); color: var(--warn); }
.badge.bad { background: var(--bad-bg); color: var(--bad); }
.meter { display: grid; grid-template-columns: minmax(44px, 1fr) auto; align-items: center; gap: 10px; max-width: 230px; }
.meter .bar { height: 6px; border-radius: 3px; background: var(--track); overflow: hidden; }
.meter .bar i { display: block; height: 100%; border-radius: 3px; background: var(--brass-fill); }
.meter .figure { min-width: 3.4em; text-align: right; font-size: .86rem; }
.tags { display: flex; flex-wrap: wrap; gap: 4px; margin-top: 3px; }
.tag { max-width: 100%; padding: 0 7px; border: 1px solid var(--line); border-radius: 6px; color: var(--soft); font-size: .76rem; overflow-wrap: anywhere; }
.orders { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(320px, 100%), 1fr)); gap: 12px; }
.order { border: 1px solid var(--line); border-radius: 12px; padding: 12px 14px; min-width: 0; }
.order-head { display: flex; justify-content: space-between; gap: 12px; align-items: baseline; }
.order-head strong { font-weight: 600; overflow-wrap: anywhere; }
.order-head span { color: var(--soft); font-size: .82rem; white-space: nowrap; }
.asks { color: var(--soft); font-size: .86rem; margin: 2px 0 8px; overflow-wrap: anywhere; }
.bids li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 12px; padding: 4px 0; border-top: 1px dashed var(--line); font-size: .88rem; }
.bids .bar { grid-column: 1 / -1; height: 3px; border-radius: 2px; background: var(--track); overflow: hidden; margin-top: 2px; }
.bids .bar i { display: block; height: 100%; background: var(--brass-fill); }
.bids .best { font-weight: 600; }
.bids .why { grid-column: 1 / -1; color: var(--warn); font-size: .8rem; overflow-wrap: anywhere; }
.empty { padding: 10px 0 6px; color: var(--soft); }
.feed { max-height: 478px; overflow-y: auto; margin-right: -8px; padding-right: 8px; scrollbar-width: thin; }
.feed li { display: grid; grid-template-columns: 5.4em minmax(0, 1fr); gap: 12px; padding: 5px 0; border-top: 1px solid var(--line); font-size: .9rem; }
.feed li:first-child { border-top: 0; }
.feed .at { color: var(--soft); font-size: .82rem; padding-top: 1px; }
.feed .what { overflow-wrap: anywhere; }
footer { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 6px 24px; padding-block: 20px 34px; color: var(--soft); font-size: .84rem; }
footer a { margin-left: 14px; }
footer a:first-child { margin-left: 0; }
@media (max-width: 940px) {
  .hero { grid-template-columns: auto minmax(0, 1fr); }
  .facts { grid-column: 1 / -1; grid-template-columns: repeat(3, minmax(0, 1fr)); border-top: 1px solid var(--line); padding-top: 14px; }
  .grid { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 640px) {
  .top { align-items: flex-start; }
  .mark { width: 36px; height: 36px; }
  h1 { font-size: 1.25rem; }
  .hero { grid-template-columns: minmax(0, 1fr); justify-items: center; padding: 18px 16px; }
  .pulse { width: 100%; }
  .facts { width: 100%; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 12px; }
  .card { padding: 14px 14px 10px; border-radius: 14px; }
  .stack thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .stack, .stack tbody { display: block; }
  .stack tbody tr { display: block; padding: 10px 0; border-top: 1px solid var(--line); }
  .stack tbody tr:first-child { border-top: 0; padding-top: 2px; }
  .stack tbody th, .stack tbody td, .stack tbody td:last-child { display: grid; grid-template-columns: 6.2em minmax(0, 1fr); gap: 10px; width: auto; padding: 2px 0; border: 0; text-align: left; white-space: normal; align-items: baseline; }
  .stack tbody td::before, .stack tbody th::before { content: attr(data-head); color: var(--soft); font-size: .8rem; font-weight: 400; }
  .stack tbody td.empty { display: block; }
  .stack tbody td.empty::before { content: none; }
  .close { font-size: .86rem; }
  .close th, .close td { padding-right: 8px; width: auto; }
  .close .meter { grid-template-columns: auto; }
  .close .meter .bar { display: none; }
  .close .meter .figure { text-align: left; }
  .feed li { grid-template-columns: minmax(0, 1fr); gap: 0; }
}
@media (prefers-reduced-motion: no-preference) {
  .sweep { transition: stroke-dasharray .25s linear; }
  .fresh { animation: fresh 1.6s ease-out; }
  @keyframes fresh { from { background: color-mix(in srgb, var(--brass-fill) 26%, transparent); } to { background: transparent; } }
}
@media (forced-colors: active) { .bar i, .lamp { forced-color-adjust: none; } }
`;
