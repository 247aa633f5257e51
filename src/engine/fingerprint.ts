import { hash } from 'node:crypto';
import type { CrmRecord } from '../connector/connector.ts';

/** Says "look closer next time": no wire record has it. */
export const unknownFingerprint = '';

/**
 * Hash of what one CRM says about one record: its mapped values and where it stands, as sent. A CRM that only reformats
 * changes the hash and is then found equal by the merge, on normal forms; nothing else is compared for an unchanged
 * record (law 9). 128 bits of SHA-256 as base64url.
 * @param text the record's values as JSON
 */
export function fingerprint(record: CrmRecord, text: string = JSON.stringify(record.values)): string {
  return hash('sha256', record.locator === undefined ? text : text + record.locator, 'base64url').slice(0, 22);
}
