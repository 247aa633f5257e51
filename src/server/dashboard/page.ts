import { duration, moment } from '../../engine/in-words.ts';
import { type Fragment, type Html, html, when } from './html.ts';
import type { Session } from './sessions.ts';

/** Where the files of a page are, with what changes when they do, so that a browser may keep them. */
export interface Assets {
  readonly style: string;
  readonly htmx: string;
  readonly live: string;
  readonly icon: string;
}

export interface PageOptions {
  readonly assets: Assets;
  readonly title: string;
  /** Undefined: nobody is logged in. */
  readonly session: Session | undefined;
  /** Address of the page in the navigation. */
  readonly here: string;
  readonly body: Fragment;
  /** Whether the part of the page that is called `live` is fetched again every few seconds. */
  readonly isLive?: boolean;
}

const refreshSecs = 5;

/** A whole page. */
export function page({ assets, title, session, here, body, isLive = false }: PageOptions): string {
  const notice = session?.notice;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="htmx-config" content='{"includeIndicatorCSS": false, "history": false, "noSwap": [204, 304, "4xx", "5xx"]}'>
<title>${title} · concordat</title>
<link rel="icon" href="${assets.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${assets.style}">
${when(isLive, () => html`<script src="${assets.htmx}" defer></script><script src="${assets.live}" defer></script>`)}
</head>
<body>
${when(session !== undefined, () => header(session!, here))}
<main>
<p id="stale" class="banner bad" role="status" hidden>No answer from the worker: what you see is old.</p>
${when(notice !== undefined, () => html`<p class="banner ${notice!.kind === 'done' ? 'good' : 'bad'}" role="status">${notice!.text}</p>`)}
${isLive ? html`<div id="live" hx-get="${here}" hx-select="#live" hx-swap="outerMorph" hx-trigger="every ${refreshSecs}s">${body}</div>` : body}
</main>
</body>
</html>
`.text;
}

function header({ role, token }: Session, here: string): Html {
  const links = [
    ['/', 'Overview'],
    ['/waiting', 'Waiting'],
    ['/reviews', 'Reviews'],
    ['/conflicts', 'Conflicts'],
    ['/records', 'Records'],
    [queuesAddress(role), 'Queues'],
  ] as const;
  return html`<header>
<a class="brand" href="/">concordat</a>
<nav aria-label="Pages">${links.map(
    ([address, name]) =>
      html`<a href="${address}"${address === here ? html` aria-current="page"` : undefined}>${name}</a>`,
  )}</nav>
<form method="post" action="/logout">${tokenField(token)}
<span class="role">${role === 'operator' ? 'operator' : 'reader (look only)'}</span>
<button class="plain">Log out</button></form>
</header>`;
}

/** Where Bull Board is for a role. */
export function queuesAddress(role: Session['role']): string {
  return role === 'operator' ? '/queues' : '/queues-read';
}

/** The hidden field that shows that a form is one of ours. */
export function tokenField(token: string): Html {
  return html`<input type="hidden" name="token" value="${token}">`;
}

/** A button that asks for something to be done. @param fields what goes with it */
export function actionButton(
  { role, token }: Session,
  address: string,
  fields: Readonly<Record<string, string>>,
  label: string,
  about: string,
): Fragment {
  if (role !== 'operator') return undefined;
  return html`<form class="action" method="post" action="${address}">${tokenField(token)}${Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}<button aria-label="${label}: ${about}">${label}</button></form>`;
}

/** A moment as a time of day and how long ago it was. */
export function ago(at: number, now: number): Html {
  const ms = now - at;
  const text = ms >= 0 ? `${duration(ms)} ago` : `in ${duration(-ms)}`;
  return html`<time datetime="${new Date(at).toISOString()}" title="${moment(at)} UTC">${text}</time>`;
}

/** How something is: said in words, and by colour besides. */
export function state(kind: 'good' | 'warn' | 'bad' | 'idle', words: Fragment): Html {
  return html`<span class="state ${kind}"><span>${words}</span></span>`;
}
