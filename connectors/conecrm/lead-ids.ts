import type { OptionFinding } from '../../src/connector/connector.ts';
import type { Shared } from './context.ts';
import { idOf, type Wire } from './decode.ts';
import { openLeads } from './lead-listing.ts';
import { queriedLeads } from './lead-query.ts';
import { missingLeadIds, whereLeadIdsAre } from './options.ts';

/** Leads that are looked at. */
const LOOKED_AT_MAX = 50;
/** Ids that are named, so that a message stays short. */
const NAMED_MAX = 5;

/** Ids that leads show; their department is in no reply (conecrm.md §10). */
const shown = ['source', 'franchise'] as const;

/**
 * Whether the ids for new leads are given, and whether leads that are there have them too. No call knows which ids there
 * are: an id that no lead has may be right, and is only pointed out.
 */
export async function checkLeadIds(crm: Shared, signal?: AbortSignal): Promise<readonly OptionFinding[]> {
  const leads = await someLeads(crm, signal);
  const seen = Object.fromEntries(
    shown.map((key) => [key, new Set(leads.flatMap((lead) => idOf(lead[key]) ?? []))]),
  ) as Record<(typeof shown)[number], Set<string>>;
  const missing = missingLeadIds(crm.options);
  if (missing.length > 0) {
    const found = shown.flatMap((key) => {
      const ids = [...seen[key]].slice(0, NAMED_MAX);
      return missing.includes(key) && ids.length > 0 ? [`leads there have ${key} ${ids.join(', ')}`] : [];
    });
    return [
      {
        ok: false,
        message: `no lead can be made there without options ${missing.join(', ')}`,
        next: [`set connections.${crm.connection}.options; ${whereLeadIdsAre}`, ...found].join('; '),
      },
    ];
  }
  return shown.map((key) => {
    const id = String(crm.options[key]);
    if (seen[key].has(id)) return { ok: true, message: `options.${key} is that of leads which are there` };
    const others = [...seen[key]].slice(0, NAMED_MAX);
    const what = others.length === 0 ? 'no lead shows one' : `leads there have ${others.join(', ')}`;
    return { ok: true, message: `options.${key} ${id} could not be confirmed: ${what}` };
  });
}

async function someLeads(crm: Shared, signal: AbortSignal | undefined): Promise<readonly Wire[]> {
  const leads: Wire[] = [];
  for (const source of [queriedLeads, openLeads])
    for await (const rows of source(crm, signal)) {
      leads.push(...rows);
      if (leads.length >= LOOKED_AT_MAX) return leads;
    }
  return leads;
}
