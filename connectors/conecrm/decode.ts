import type { z } from 'zod';
import type { BadRecord, CrmRecord, Xref } from '../../src/connector/connector.ts';
import { type Mapping, readValues } from '../../src/connector/mapping.ts';
import { type AccountHint, accountLocator, contactLocator } from './locator.ts';
import { accountRecord, contactRecord } from './schemas/customer.ts';
import { leadRecord } from './schemas/lead.ts';

/** A record in ConeCRM's wire shape. */
export type Wire = Readonly<Record<string, unknown>>;

/** Whether a value is an object of the wire, and no list. */
export function isWire(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The id of a wire record or of an `{id}`; undefined when there is none. "" is none. */
export function idOf(value: unknown): string | undefined {
  const id = isWire(value) ? value.id : undefined;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

/** The contacts that an account shows. */
export function nested(account: unknown): Wire[] {
  return isWire(account) && Array.isArray(account.contacts) ? account.contacts.filter(isWire) : [];
}

/** A listed account as a record, or why it cannot be used. */
export function decodeAccount(item: unknown, mapping: Mapping): CrmRecord | BadRecord {
  const parsed = accountRecord.safeParse(item);
  if (!parsed.success) return bad(item, parsed.error);
  const wire = parsed.data;
  return record(wire, mapping, accountLocator({ name: wire.name, email: wire.primaryEmail }));
}

/**
 * A listed contact as a record, or why it cannot be used.
 *
 * @param home The account through which it is written; the caller knows which of its accounts are carriers.
 */
export function decodeContact(item: unknown, mapping: Mapping, home: HomeOf): CrmRecord | BadRecord {
  const parsed = contactRecord.safeParse(item);
  if (!parsed.success) return bad(item, parsed.error);
  const wire = parsed.data;
  return record(
    wire,
    mapping,
    contactLocator({ account: home(wire.accounts), email: wire.primaryEmail, name: wire.lastName ?? wire.firstName }),
  );
}

export type HomeOf = (accounts: readonly unknown[] | null | undefined) => AccountHint | undefined;

/**
 * A row as a lead, or why it cannot be used. `dateModified` null means never changed (conecrm.md §5): then the lead is as
 * it was made.
 *
 * @param stages Names of stages by id; of a stage that is not among them nothing is said.
 */
export function decodeLead(
  item: unknown,
  mapping: Mapping,
  stages: ReadonlyMap<string, string>,
): CrmRecord | BadRecord {
  const parsed = leadRecord.safeParse(item);
  if (!parsed.success) return bad(item, parsed.error);
  const { stage, dateCreated, dateModified, ...wire } = parsed.data;
  const name = stage === null ? null : stages.get(idOf(stage) ?? String(stage));
  return record(
    { ...wire, dateModified: dateModified ?? dateCreated, ...(name === undefined ? {} : { stage: { name } }) },
    mapping,
    undefined,
  );
}

/** What all parsed records have in common. */
interface Parsed extends Wire {
  readonly id: string;
  readonly thirdPartyIds?: unknown;
  readonly dateModified?: unknown;
}

function record(wire: Parsed, mapping: Mapping, locator: string | undefined): CrmRecord {
  const xrefs = xrefsOf(wire.thirdPartyIds);
  const modifiedAt = typeof wire.dateModified === 'string' ? Date.parse(wire.dateModified) : Number.NaN;
  return {
    externalId: wire.id,
    values: readValues(mapping, wire),
    ...(Number.isNaN(modifiedAt) ? {} : { modifiedAt }),
    ...(xrefs.length > 0 ? { xrefs } : {}),
    ...(locator === undefined ? {} : { locator }),
  };
}

/** Ids of other systems, without those that were taken back (`isDeleted`). */
export function xrefsOf(rows: unknown): Xref[] {
  if (!Array.isArray(rows) || rows.length === 0) return [];
  const xrefs: Xref[] = [];
  for (const row of rows as readonly unknown[]) {
    if (!isWire(row) || row.isDeleted === true) continue;
    const { systemName, thirdPartyId } = row;
    if (typeof systemName === 'string' && typeof thirdPartyId === 'string' && thirdPartyId !== '')
      xrefs.push({ system: systemName, id: thirdPartyId });
  }
  return xrefs;
}

/** Names every field that is wrong, what was expected and what type came; never the value itself. */
function bad(item: unknown, { issues }: z.ZodError): BadRecord {
  const reasons = issues.map((issue) => {
    const path = issue.path.join('.') || 'record';
    const came = issue.path.reduce<unknown>((inner, key) => (isWire(inner) ? inner[String(key)] : undefined), item);
    return `${path}: expected ${expectation(issue)}, got ${kindOf(came)}`;
  });
  return { externalId: idOf(item), reason: reasons.join('; ') };
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_big') return `at most ${issue.maximum} characters`;
  if (issue.code === 'too_small') return 'a text that is not empty';
  return issue.code === 'invalid_type' ? issue.expected : 'another value';
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') return `a string of ${value.length} characters`;
  return Array.isArray(value) ? 'array' : typeof value;
}
