import { type CrmName, type Kept, kinds, members } from './bed.ts';
import type { Wire } from './fields.ts';
import type { Edit, Oracle, Removal } from './oracle.ts';

/**
 * Somebody whom a person deleted at one CRM, where deletes are carried on: gone from every CRM that can delete, unless an
 * edit that was not known where the delete was made won over it; then there at all others.
 * @param isLogged whether the value of an edit has lost a conflict that is logged
 * @returns what does not hold, in words
 */
export function judgeDeleted(
  oracle: Oracle,
  entity: Kept,
  who: string,
  at: ReadonlyMap<CrmName, Wire>,
  deletions: readonly Removal[],
  isLogged: (edit: Edit) => boolean,
): readonly string[] {
  const others = members[entity].filter((crm) => !deletions.some((one) => one.crm === crm));
  const edits = oracle.editsOf(entity, who);
  const standing = edits.filter(
    (edit) => !edits.some((later) => later.field === edit.field && later.at > edit.at) && !isTakenBack(oracle, edit),
  );
  const lives = others.some((crm) => at.has(crm) && canDelete(crm, entity));
  if (!lives) {
    const lost = standing.filter((edit) => !isLogged(edit) && deletions.every((removal) => isUnknownTo(removal, edit)));
    return lost
      .filter(({ crm }) => canDelete(crm, entity))
      .map((edit) => `an edit was deleted with its record: ${JSON.stringify(edit)}`);
  }
  const missing = others.filter((crm) => !at.has(crm));
  const found = missing.map((crm) => `${who} lives on after a delete, but not at ${crm}`);
  // A value in a field that the deleting CRM does not have may have come in at any time. And nobody but that CRM can tell
  // whether it had got a value before, where the command that wrote it has died before it heard so (test/worlds/deleted-unanswered.test.ts).
  const mayWin = standing.some((edit) =>
    deletions.some(
      (removal) =>
        !(edit.field in removal.held) || isUnknownTo(removal, edit) || removal.unanswered.includes(edit.field),
    ),
  );
  return mayWin ? found : [...found, `${who} was deleted at ${deletions[0]!.crm}, and the delete was not carried on`];
}

/** No DELETE on contacts in ConeCRM's API. */
function canDelete(crm: CrmName, entity: Kept): boolean {
  return entity === 'account' || kinds[crm] !== 'conecrm';
}

/** Whether the CRM did not hold the edit when a person deleted the record there, though it could. */
function isUnknownTo({ at, held }: Removal, { at: editedAt, field, value }: Edit): boolean {
  return editedAt > at || (field in held && held[field] !== value);
}

/** Whether a person threw the edited record away, too. */
function isTakenBack({ removals }: Oracle, { crm, externalId }: Edit): boolean {
  return removals.some((one) => one.crm === crm && one.externalId === externalId);
}
