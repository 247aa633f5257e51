/*
 * Scripts that run in a page. They are texts, since the types of a browser would otherwise be known to all of our code.
 * Each gives a list of faults.
 */

/** What is wider than the screen, or than the section it stands in. */
export const tooWide = `[document.documentElement, ...document.querySelectorAll('section')]
  .filter((element) => element.scrollWidth > element.clientWidth)
  .map((element) => element.tagName + ' ' + element.getAttribute('aria-labelledby') + ': ' + element.scrollWidth + ' > ' + element.clientWidth)`;

/** Texts whose contrast with what is behind them is below 4.5 (WCAG 2, AA). */
export const tooFaint = `(() => {
  const numbers = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const linear = (part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    const color = numbers(getComputedStyle(element).backgroundColor);
    return color.length === 4 && color[3] === 0 ? behind(element.parentElement) : color;
  };
  return [...document.querySelectorAll('body *')].flatMap((element) => {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!hasText || element.closest('caption, option') || !element.offsetParent) return [];
    const [a, b] = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return contrast >= 4.5 ? [] : [contrast.toFixed(1) + ': ' + element.textContent.trim().slice(0, 40)];
  });
})()`;

/** Fields without a label, tables without a name or heads, ids given twice, a page without its one title. */
export const inaccessible = `[
  ...[...document.querySelectorAll('input:not([type=hidden]), select')]
    .filter((field) => !field.closest('label'))
    .map((field) => 'no label: ' + field.outerHTML),
  ...[...document.querySelectorAll('table')]
    .filter((table) => !table.caption?.textContent || table.querySelectorAll('th[scope=col]').length === 0)
    .map((table) => 'no name or heads: ' + table.outerHTML.slice(0, 80)),
  ...[...document.querySelectorAll('[id]')]
    .filter((one) => document.querySelectorAll('[id="' + CSS.escape(one.id) + '"]').length > 1)
    .map((one) => 'not the only one: #' + one.id),
  ...(document.querySelectorAll('h1').length === 1 ? [] : ['not one h1']),
]`;
