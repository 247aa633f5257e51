import { z } from 'zod';
import { baseRecord, idObject, readFlag, readRef, readText, writeDateTime, writeText, writeUuid } from './common.ts';

/**
 * Task as read: only ever seen as the reply of a write. `assignee`, `contact`, `account` and `connection` are objects
 * here and plain UUIDs in the request (conecrm.md §8, 13).
 */
export const task = z.looseObject({
  ...baseRecord,
  connection: readRef,
  start: readText,
  end: readText,
  title: readText,
  note: readText,
  assignee: readRef,
  taskDone: readFlag,
  notified: readFlag,
  edited: readFlag,
  tenant: idObject.nullish(),
  contact: readRef,
  account: readRef,
  type: readText,
});

/** One value between CALL and MEETING is empty in the text, its word lost; it is never sent (conecrm.md §8, 18). */
const taskTypes = ['CALL', 'MEETING', 'OTHER', 'SMS', 'FOLLOW_UP', 'REMINDER', 'LINKEDIN_MESSAGE', 'DM'] as const;

/** The same for create and update: both want `assignee` and `title` (conecrm.md §8, 16). */
export const taskRequest = z.looseObject({
  type: z.enum(taskTypes).nullish(),
  assignee: writeUuid,
  start: writeDateTime.nullish(),
  end: writeDateTime.nullish(),
  title: z.string().refine((title) => title.trim() !== '', 'must not be blank'),
  note: writeText,
  contact: writeUuid.nullish(),
  account: writeUuid.nullish(),
  connection: writeUuid.nullish(),
});
