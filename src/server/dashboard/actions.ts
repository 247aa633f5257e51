import { z } from 'zod';
import type { EngineContext } from '../../engine/engine.ts';
import { counted } from '../../engine/in-words.ts';
import { findReview } from '../../engine/reviews.ts';
import { settleConflict, typedValue } from '../../engine/settle.ts';
import { settleReview } from '../../engine/settle-review.ts';
import type { QueueControl } from '../../queue/control.ts';
import { isPaused, pause, resume } from '../../queue/paused.ts';
import type { AsideFilter } from '../../store/store.ts';
import type { Notice } from './sessions.ts';

/** What an operator may ask for, by the last part of its address. */
export type ActionName = keyof typeof actions;

/** Somebody asked for something that there is not: a page that is out of date, or no page of ours. */
export class FormError extends Error {
  override readonly name = 'FormError';
}

interface ActionContext {
  readonly context: EngineContext;
  readonly control: QueueControl;
}

type Form = Readonly<Record<string, string>>;
type Action = (parts: ActionContext, form: Form) => Promise<string>;

const syncShape = z.strictObject({ sync: z.string() });

function syncOf({ context }: ActionContext, form: Form): string {
  const { sync } = parsed(syncShape, form);
  if (!context.syncs.some(({ name }) => name === sync)) throw new FormError('there is no such sync');
  return sync;
}

const retryShape = z.union([
  z.strictObject({ connection: z.string(), record: z.string() }),
  z.strictObject({ connection: z.string(), code: z.string() }),
]);

const reviewShape = z.union([
  z.strictObject({ item: z.string(), say: z.literal('link'), record: z.string() }),
  z.strictObject({ item: z.string(), say: z.enum(['keep-apart', 'create', 'skip']) }),
]);

const settleShape = z.union([
  z.strictObject({ conflict: z.coerce.number().int(), take: z.enum(['winner', 'loser']) }),
  z.strictObject({ conflict: z.coerce.number().int(), value: z.string().max(4_000) }),
]);

const actions = {
  'sync-now': async (parts, form) => {
    const sync = syncOf(parts, form);
    if (await isPaused(parts.context.store, sync)) return `${sync}: paused, so that no cycle begins; resume it first.`;
    await parts.control.syncNow(sync);
    return `${sync}: a cycle was asked for.`;
  },
  pause: async (parts, form) => {
    const sync = syncOf(parts, form);
    const { store, clock } = parts.context;
    await pause(store, sync, clock.now());
    return `${sync}: paused. What runs ends; nothing new begins until it is resumed.`;
  },
  resume: async (parts, form) => {
    const sync = syncOf(parts, form);
    await resume(parts.context.store, sync);
    parts.control.wake();
    return `${sync}: goes on.`;
  },
  retry: async ({ context, control }, form) => {
    const chosen = parsed(retryShape, form);
    const which: AsideFilter = {
      state: 'dead',
      connection: chosen.connection,
      ...('record' in chosen ? { recordIds: [chosen.record] } : { code: chosen.code }),
    };
    const classes = await context.store.takeBack(which);
    const writes = classes.reduce((sum, one) => sum + one.count, 0);
    if (writes === 0) return 'Nothing to take back: it is not set aside any more.';
    control.wake();
    return `Taken back: ${counted(writes, 'write')}. The worker tries again.`;
  },
  review: async ({ context, control }, form) => {
    const said = parsed(reviewShape, form);
    const review = await findReview(context, said.item);
    const isCandidate = (id: string) => review.candidates.some(({ recordId }) => recordId === id);
    if (said.say === 'link' && !isCandidate(said.record))
      throw new FormError('that is none of its candidates any more');
    const verdict = said.say === 'link' ? { say: said.say, recordId: said.record } : { say: said.say };
    await settleReview(context, review, verdict);
    control.wake();
    return `${review.connection}:${review.externalId}: ${settled[said.say]}`;
  },
  settle: async ({ context, control }, form) => {
    const chosen = parsed(settleShape, form);
    const conflict = await context.store.conflict(chosen.conflict);
    if (conflict?.state !== 'waiting') throw new Error('somebody has settled this conflict, or it is over');
    const choice = 'take' in chosen ? chosen : { set: await typedValue(context, conflict, chosen.value) };
    const { pending } = await settleConflict(context, conflict.number, choice);
    control.wake();
    const next = pending.length === 0 ? 'Nothing has to be written' : `To be written to ${pending.join(' and ')}`;
    return `${conflict.path}, no. ${conflict.number}: settled. ${next}.`;
  },
} as const satisfies Readonly<Record<string, Action>>;

const settled = {
  link: 'linked. The next cycle writes what follows.',
  'keep-apart': 'kept apart, for ever. The next cycle decides who it is.',
  create: 'somebody of its own. The next cycle writes what follows.',
  skip: 'left for later.',
} as const;

/** Where one is led to when it is done. Default: the overview. */
const then: Readonly<Partial<Record<ActionName, string>>> = {
  retry: '/waiting',
  review: '/reviews',
  settle: '/conflicts',
};

/** The page that follows on an action. */
export function pageAfter(name: ActionName): string {
  return then[name] ?? '/';
}

/** The names of all actions. */
export const actionNames = Object.keys(actions) as readonly ActionName[];

/**
 * Does what an operator asks for, and writes it to the log.
 * @returns what to tell; also when it could not be done, e.g. while Redis is away
 * @throws FormError when the form is none of ours, or names what there is not
 */
export async function act(name: ActionName, parts: ActionContext, form: Form): Promise<Notice> {
  // What a person types may be somebody's address: no log holds it.
  const { value: _, ...told } = form;
  try {
    const text = await actions[name](parts, form);
    parts.context.log.info({ action: name, ...told }, 'dashboard: done as asked');
    return { kind: 'done', text };
  } catch (error) {
    if (error instanceof FormError || !(error instanceof Error)) throw error;
    parts.context.log.warn({ action: name, ...told, error: error.message }, 'dashboard: could not be done');
    return { kind: 'failed', text: `Not done: ${error.message}` };
  }
}

function parsed<Shape extends z.ZodType>(shape: Shape, form: Form): z.output<Shape> {
  const result = shape.safeParse(form);
  if (!result.success) throw new FormError('the form is not one of this page');
  return result.data;
}
