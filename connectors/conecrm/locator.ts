import { z } from 'zod';

/** An account, and what it can be searched by: there is no read by id (conecrm.md §2). */
export interface AccountHint {
  readonly id: string;
  readonly name?: string | undefined;
}

/** What a contact is found again by, and the account through which it is written. */
export interface ContactLocator {
  readonly account?: AccountHint | undefined;
  readonly email?: string | undefined;
  readonly name?: string | undefined;
}

const hint = z.object({ id: z.string().min(1), name: z.string().optional() });
const locator = z.object({ account: hint.optional(), email: z.string().optional(), name: z.string().optional() });

type Maybe = string | null | undefined;

/** What an account can be searched by, as the text that is kept with its link; undefined when there is nothing. */
export function accountLocator({ name, email }: { name: Maybe; email: Maybe }): string | undefined {
  return compact({ name: name || undefined, email: email || undefined });
}

/** The account through which a contact is written, and what it can be searched by, as the text kept with its link. */
export function contactLocator(parts: {
  account: AccountHint | undefined;
  email: Maybe;
  name: Maybe;
}): string | undefined {
  const { account, email, name } = parts;
  return compact({ account, email: email || undefined, name: name || undefined });
}

/** Reads either kind of locator. One that cannot be read is as good as none: everything can be searched for afresh. */
export function parseLocator(text: string | undefined): ContactLocator {
  if (text === undefined) return {};
  try {
    return locator.safeParse(JSON.parse(text)).data ?? {};
  } catch {
    return {};
  }
}

function compact(parts: ContactLocator): string | undefined {
  const text = JSON.stringify(parts);
  return text === '{}' ? undefined : text;
}
