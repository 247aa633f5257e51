import { type Bed, type CrmName, type Heard, type Kept, kinds } from './bed.ts';
import { idIn, type Wire } from './fields.ts';

/**
 * Which records a command may be about to write, because it has looked at them and still lives. None of the APIs lets a
 * writer say "only if nobody has changed it since I looked", so what a person changes between the last look and the
 * write is overwritten unseen, whatever anybody does. People of a life keep their hands off in that moment.
 */
export class Pens {
  readonly #looked = new Set<string>();

  /** Hears every request; a look opens the window, and at a CRM that is read by id the write ends it. */
  hear({ crm, request, when }: Heard): void {
    const { method, operation, path, query, body } = request;
    if (kinds[crm] === 'treepl') {
      const id = decodeURIComponent(path.split('/').at(-1) ?? '');
      if (operation === 'contact_item' && when === 'before') this.#looked.add(mark(crm, id));
      if ((method === 'PUT' || method === 'DELETE') && when === 'after') this.#looked.delete(mark(crm, id));
      return;
    }
    if (when !== 'before') return;
    if (query.search !== undefined) this.#looked.add(mark(crm, query.search));
    if (operation === 'post_api_query_builder_filter')
      for (const { value } of (body as { query: { rules: { value: string }[] } }).query.rules)
        this.#looked.add(mark(crm, value));
  }

  /** No command lives any more, and what the dead ones sent has been done. */
  lift(): void {
    this.#looked.clear();
  }

  isUnderPen(bed: Bed, crm: CrmName, entity: Kept, wire: Wire): boolean {
    return termsOf(bed, crm, entity, wire).some((term) => this.#looked.has(mark(crm, term)));
  }
}

/** All that a look at this record may have asked for. ConeCRM's contacts are also looked at through their accounts. */
function termsOf(bed: Bed, crm: CrmName, entity: Kept, wire: Wire): readonly string[] {
  const id = idIn(crm, wire);
  if (kinds[crm] === 'treepl') return [id];
  const own = ['primaryEmail', 'name', 'lastName', 'firstName'].flatMap((key) => (wire[key] as string | null) ?? []);
  const around =
    entity === 'account'
      ? []
      : bed
          .seen(crm, 'account')
          .filter(({ contacts }) => (contacts as readonly Wire[]).some((contact) => contact.id === id))
          .flatMap(({ id: accountId, name, primaryEmail }) => [accountId, name, primaryEmail]);
  return [id, ...own.filter((term) => term !== 'Ann'), ...around.filter((term) => typeof term === 'string')];
}

function mark(crm: CrmName, term: string): string {
  return `${crm}\n${term}`;
}
