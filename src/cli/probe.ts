import type { OpenConnection } from '../app.ts';
import type { ConnectionConfig } from '../config/config.ts';
import { AuthError, CrmError, GoneError, MalformedReplyError } from '../connector/errors.ts';
import type { HttpReply } from '../connector/http.ts';
import { withoutName } from './table.ts';

/** What one cheap read of a CRM says about its address and its credentials. */
export interface Probed {
  readonly ok: boolean;
  readonly message: string;
  /** What to do, where something is wrong. */
  readonly next?: string;
  /** It answered, with something that is not what it documents: one odd record may be all that is wrong. */
  readonly isOddShape?: true;
  /** How far the CRM's clock is ahead of ours, to the second; undefined where it does not tell. */
  readonly clockAheadMs?: number;
}

/** Reads a little from a CRM: is it there, is it the right one, does it take the credentials? Changes nothing. */
export async function probe({ config, http }: OpenConnection, signal: AbortSignal): Promise<Probed> {
  const { definition, baseUrl } = config;
  const operation = definition.operations.find(({ id }) => id === definition.probe.operation);
  if (!operation)
    throw new RangeError(
      `${definition.name}: the probe names the operation "${definition.probe.operation}", which there is not`,
    );
  const askedAt = Date.now();
  try {
    const reply = await http.call(operation, { params: definition.probe.params, signal });
    const clock = clockAhead(reply, askedAt, Date.now());
    const isKnownShape = operation.reply?.safeParse(reply.body).success ?? true;
    if (!isKnownShape)
      return {
        ok: false,
        isOddShape: true,
        message: `${baseUrl} answers, but not as ${definition.title} does (${operation.id}, ${operation.source})`,
        next: 'is baseUrl the address of this CRM’s API?',
        ...clock,
      };
    return { ok: true, message: wellText(config), ...clock };
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    if (error instanceof GoneError && definition.probe.findsNothing)
      return { ok: true, message: `${definition.title} answers at ${baseUrl}, and knows no record that cannot be` };
    return trouble(error, config);
  }
}

/** What is said of a CRM that answers as it should. */
export function wellText({ definition, baseUrl }: ConnectionConfig): string {
  return `${definition.title} answers at ${baseUrl}, the credentials are good`;
}

/** Its answer tells whole seconds, and was written between our asking and our hearing: both are allowed for. */
function clockAhead({ date }: HttpReply, askedAt: number, heardAt: number): Pick<Probed, 'clockAheadMs'> {
  if (date === undefined) return {};
  if (date > heardAt) return { clockAheadMs: date - heardAt };
  return { clockAheadMs: Math.min(0, date + 999 - askedAt) };
}

/** What went wrong with a connection, and what to do about it. */
export function trouble(error: CrmError, config: ConnectionConfig): Probed {
  return { ok: false, message: withoutName(error.message, config.name), next: advice(error, config) };
}

function advice(error: CrmError, { name, definition, credentials, baseUrl }: ConnectionConfig): string {
  if (error instanceof AuthError && error.status === 403) {
    const operation = definition.operations.find(({ id }) => id === error.operation);
    const what = operation ? ` for ${operation.method} ${operation.path} (${operation.summary})` : '';
    return `the credentials are known but lack a permission: give them the scope or role${what}`;
  }
  if (error instanceof AuthError)
    return credentials.kind === 'token'
      ? `the token is refused: set connections.${name}.token to one that is valid`
      : `the client id or secret is refused: were they rotated, or the API application disabled? See connections.${name}.oauth`;
  if (error instanceof MalformedReplyError || error.status === 404)
    return `is ${baseUrl} the address of this CRM’s API?`;
  return `is ${baseUrl} right, and reachable from here?`;
}
