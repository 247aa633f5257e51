import { duration } from '../../engine/in-words.ts';
import { type Html, html, when } from './html.ts';

/** Why somebody has to try again. */
export type LoginFault = { readonly kind: 'wrong' } | { readonly kind: 'wait'; readonly waitMs: number };

/** @param next where to go once logged in */
export function loginBody(next: string, fault?: LoginFault): Html {
  return html`<form class="login" method="post" action="/login">
<h1>concordat</h1>
${when(
  fault !== undefined,
  () =>
    html`<p class="banner bad" role="alert">${
      fault!.kind === 'wrong'
        ? 'That is not the password.'
        : `Too many wrong passwords from this address: wait ${duration(fault!.waitMs)}, then try again.`
    }</p>`,
)}
<input type="hidden" name="next" value="${next}">
<label>Password <input type="password" name="password" autocomplete="current-password" required autofocus maxlength="1000"></label>
<button>Log in</button>
</form>`;
}
