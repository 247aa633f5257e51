/** HTML that is ready to be sent. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: HTML as it is, text escaped, nothing for undefined, lists one after another. */
export type Fragment = Html | string | number | undefined | readonly Fragment[];

/** HTML from a template; everything put into it is escaped, unless it is HTML itself. Attributes have to be quoted. */
export function html(strings: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  return new Html(strings.reduce((text, string, index) => text + render(values[index - 1]) + string));
}

/** HTML, where a condition holds. */
export function when(condition: boolean, fragment: () => Fragment): Fragment {
  return condition ? fragment() : undefined;
}

function render(fragment: Fragment): string {
  if (fragment === undefined) return '';
  if (fragment instanceof Html) return fragment.text;
  if (typeof fragment === 'object') return fragment.map(render).join('');
  return String(fragment).replace(/[&<>"']/g, (character) => entities[character]!);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
