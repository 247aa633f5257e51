/** How pages look: dense, readable on a phone, light and dark as the reader's system is. */
export const stylesheet = `:root {
  color-scheme: light dark;
  --ground: #f5f6f8; --paper: #ffffff; --ink: #1b2430; --soft: #5a6675; --line: #dfe3e8; --row: #f8f9fb;
  --accent: #1f52bd; --accent-ink: #ffffff;
  --good: #176b3a; --warn: #8a5300; --bad: #b3211b; --idle: #5a6675;
  --good-ground: #e4f4ea; --warn-ground: #fdf1dc; --bad-ground: #fde8e7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161c; --paper: #1a2029; --ink: #e4e8ee; --soft: #9ba7b6; --line: #2c3541; --row: #1e252f;
    --accent: #8ab0ff; --accent-ink: #0d1a33;
    --good: #6cd398; --warn: #f0bb66; --bad: #ff938c; --idle: #9ba7b6;
    --good-ground: #15301f; --warn-ground: #362812; --bad-ground: #3d1c1b;
  }
}
* { box-sizing: border-box; }
html { font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 20px; padding: 8px 20px; background: var(--paper); border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; font-size: 15px; color: var(--ink); text-decoration: none; letter-spacing: -.01em; }
nav { display: flex; flex-wrap: wrap; gap: 2px; flex: 1; }
nav a { padding: 5px 10px; border-radius: 6px; color: var(--soft); text-decoration: none; font-weight: 500; }
nav a:hover { background: var(--ground); color: var(--ink); }
nav a[aria-current] { background: var(--ground); color: var(--ink); font-weight: 600; }
header form { display: flex; align-items: center; gap: 10px; }
.role { color: var(--soft); font-size: 12px; }
main { max-width: 1400px; margin: 0 auto; padding: 14px 20px 40px; }
h1 { font-size: 19px; line-height: 1.3; margin: 8px 0 4px; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 14px; margin: 20px 0 6px; }
section { overflow-x: auto; }
.line { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 12px; }
.line p { margin: 0; }
p { margin: 6px 0; }
a { color: var(--accent); }
code { font: 12px/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
small { display: block; color: var(--soft); font-size: 12px; overflow-wrap: break-word; }
.muted { color: var(--soft); }
.count { color: var(--soft); font-weight: 400; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 2fr); gap: 0 20px; align-items: start; }
table { width: 100%; border-collapse: separate; border-spacing: 0; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; font-variant-numeric: tabular-nums; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th { text-align: left; font-size: 12px; font-weight: 600; color: var(--soft); padding: 6px 10px; border-bottom: 1px solid var(--line); vertical-align: bottom; }
td { padding: 6px 10px; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
td strong { white-space: nowrap; }
.tight, .tight code { white-space: nowrap; }
.tight small { white-space: normal; }
tbody tr:first-child td { border-top: 0; }
tbody tr:hover td { background: var(--row); }
.number { text-align: right; white-space: nowrap; }
td.number small { white-space: nowrap; }
.zero { color: var(--soft); }
.value { white-space: pre-wrap; overflow-wrap: anywhere; }
.state { display: inline-flex; align-items: baseline; gap: 6px; color: var(--idle); }
.state time { white-space: nowrap; }
.state::before { content: ""; flex: none; width: 8px; height: 8px; border-radius: 50%; background: currentColor; }
.state.good { color: var(--good); } .state.warn { color: var(--warn); } .state.bad { color: var(--bad); font-weight: 600; }
.state.idle::before { background: none; border: 2px solid currentColor; }
b.warn { color: var(--warn); }
.banner { padding: 9px 14px; border-radius: 8px; border: 1px solid var(--line); background: var(--paper); margin: 8px 0; overflow-wrap: anywhere; }
.banner.good { background: var(--good-ground); color: var(--good); border-color: transparent; }
.banner.warn { background: var(--warn-ground); color: var(--warn); border-color: transparent; }
.banner.bad { background: var(--bad-ground); color: var(--bad); border-color: transparent; }
.list { margin: 0; padding: 2px 0; list-style: none; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
.list li { padding: 6px 12px; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.list li:first-child { border-top: 0; }
button { font: inherit; font-size: 13px; font-weight: 500; padding: 4px 11px; border-radius: 6px; border: 1px solid var(--line); background: var(--paper); color: var(--ink); cursor: pointer; white-space: nowrap; }
button:hover { border-color: var(--accent); color: var(--accent); }
.plain { border-color: transparent; background: none; color: var(--soft); padding: 4px 6px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
form.action { display: inline-block; margin: 0 6px 0 0; }
form.action:last-child { margin: 0; }
form.action.typed { display: flex; align-items: flex-end; gap: 6px; margin: 6px 0 0; }
form.typed input[name] { min-width: 0; width: 14em; padding: 3px 8px; }
input, select { font: inherit; padding: 6px 9px; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); color: var(--ink); max-width: 100%; }
label { display: flex; flex-direction: column; gap: 3px; font-size: 12px; color: var(--soft); }
label input, label select { font-size: 14px; }
.search { display: flex; flex-wrap: wrap; align-items: flex-end; gap: 10px; margin: 10px 0 14px; }
.search .wide { flex: 1 1 320px; }
.search button, .login button { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); padding: 7px 16px; }
.login { max-width: 320px; margin: 12vh auto 0; padding: 22px; display: flex; flex-direction: column; gap: 14px; background: var(--paper); border: 1px solid var(--line); border-radius: 12px; }
.login h1, .login p { margin: 0; }
@media (max-width: 1200px) { .columns { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 1240px) { th, td { padding-left: 6px; padding-right: 6px; } }
@media (max-width: 1080px) {
  main, header { padding-left: 12px; padding-right: 12px; }
  header form { margin-left: auto; }
  nav { order: 1; flex-basis: 100%; }
  nav a { padding: 6px 9px; }
  nav a:first-child { margin-left: -9px; }
  table, tbody, tr, td { display: block; }
  table { border: 0; background: none; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 6px 12px; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; margin: 0 0 8px; }
  td, tbody tr:hover td { border: 0; padding: 0; background: none; min-width: 0; }
  td:first-child { grid-column: 1 / -1; }
  td[data-label^="action"] { grid-column: 1 / -1; }
  td:first-child::before { content: none; }
  td::before { content: attr(data-label); display: block; font-size: 11px; color: var(--soft); }
  td:empty, td.zero { display: none; }
  .tight, .tight code { white-space: normal; }
  td.number { text-align: left; }
  button { padding: 8px 14px; }
}
`;
