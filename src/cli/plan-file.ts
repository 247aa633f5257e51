import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { PlannedWrite } from '../engine/planned-writes.ts';
import { entities } from '../model/values.ts';
import { UsageError } from './failure.ts';

const value = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()]);
const change = z.object({
  action: z.enum(['create', 'update', 'delete', 'link', 'hold']),
  entity: z.enum(entities),
  externalId: z.string().nullable(),
  known: z.array(z.string()),
  fields: z.record(z.string(), z.object({ from: value, to: value })),
});
const member = z.object({ changes: z.array(change) });
const planDocument = z.object({ syncs: z.record(z.string(), z.record(z.string(), member)) });

/** What a plan file says that syncs are to write. */
export interface PlanFile {
  readonly syncs: readonly string[];
  readonly writes: readonly PlannedWrite[];
}

/** Reads what `concordat plan --out` has written. @throws UsageError when there is no such file, or it is no plan */
export function readPlanFile(path: string): PlanFile {
  const { syncs } = parsed(path);
  const writes = Object.values(syncs).flatMap((members) =>
    Object.entries(members).flatMap(([connection, { changes }]) =>
      changes.flatMap(({ action, ...rest }) =>
        action === 'link' || action === 'hold' ? [] : [{ action, connection, ...rest }],
      ),
    ),
  );
  return { syncs: Object.keys(syncs), writes };
}

function parsed(path: string): z.output<typeof planDocument> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new UsageError(`${path}: cannot be read (${code}); concordat plan --out writes such a file`);
  }
  const expected = 'expected what concordat plan --out has written';
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new UsageError(`${path}: is no JSON; ${expected}; nothing was written`);
  }
  const result = planDocument.safeParse(document);
  if (result.success) return result.data;
  const at = result.error.issues[0]?.path.join('.') ?? '';
  throw new UsageError(`${path}: is no plan${at === '' ? '' : ` (at ${at})`}; ${expected}; nothing was written`);
}
