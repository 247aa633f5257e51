import type { Sandbox, SandboxOptions } from '../../src/connector/sandbox.ts';
import {
  Refusal,
  type SandboxHandler,
  type SandboxReply,
  startSandboxServer,
} from '../../src/connector/sandbox-server.ts';
import { seededIds } from '../../src/connector/seeded-ids.ts';
import type { Entity } from '../../src/model/values.ts';
import { endpoints } from './endpoints.ts';
import { type ContactTable, contactTable, type UpgradechatHabits, type Wire } from './sandbox-contacts.ts';
import { asked, tenantHandlers } from './sandbox-tenants.ts';

export interface UpgradechatSandboxOptions extends SandboxOptions {
  readonly habits?: UpgradechatHabits;
  /** Form of its replies: the payload itself, or wrapped as `{ result, success, error }`. Default bare. */
  readonly replies?: 'bare' | 'envelope';
  /** Refuses with the status of the fault, or with 200 and `success: false`. Default status. */
  readonly refuses?: 'status' | 'in200';
}

/**
 * An Upgrade.chat CRM on loopback: all eleven documented operations, contacts and leads in one table. What the source
 * leaves open is decided one way by default and another by a habit: a read mirrors the write body, an update keeps what
 * it leaves out, a list that is written replaces the one there, `matchExisting` finds by xref, then by e-mail.
 */
export async function startUpgradechatSandbox(options: UpgradechatSandboxOptions = {}): Promise<Sandbox> {
  const habits = options.habits ?? {};
  const table = contactTable(habits);

  const failed = (status: number, message: string): Wire => ({
    result: null,
    targetUrl: null,
    success: false,
    error: { code: status, message, details: null, validationErrors: null },
    unAuthorizedRequest: status === 401 || status === 403,
    __abp: true,
  });
  const answer = (result: unknown): SandboxReply => ({
    status: 200,
    body:
      options.replies === 'envelope'
        ? { result, targetUrl: null, success: true, error: null, unAuthorizedRequest: false, __abp: true }
        : result,
  });
  const shown = (contact: Wire): Wire =>
    habits.omitsNull ? Object.fromEntries(Object.entries(contact).filter(([, value]) => value !== null)) : contact;

  function refusing(handler: SandboxHandler): SandboxHandler {
    if (options.refuses !== 'in200') return handler;
    return (call) => {
      try {
        return handler(call);
      } catch (error) {
        if (error instanceof Refusal) return { status: 200, body: failed(error.status, error.message) };
        throw error;
      }
    };
  }

  const handlers: Record<string, SandboxHandler> = {
    CreateOrUpdateContact: ({ body }) => answer({ leadRequestXref: null, contactId: table.upsert(body).contactId }),
    GetContactInfo: ({ query }) => answer(shown(table.get(asked(query, 'id')))),
    DeleteContact: ({ query }) => {
      const id = asked(query, 'id');
      table.remove(id);
      return answer({ leadRequestXref: null, contactId: Number(id) });
    },
    ...tenantHandlers(table, seededIds(options.seed), answer),
  };

  function known(entity: Entity): ContactTable {
    if (entity === 'account') throw new RangeError('Upgrade.chat keeps contacts and leads, not account records');
    return table;
  }

  return startSandboxServer(
    {
      connector: 'upgradechat',
      operations: Object.values(endpoints),
      errorBody: failed,
      handlers: Object.fromEntries(Object.entries(handlers).map(([id, handler]) => [id, refusing(handler)])),
      people: {
        all: (entity) =>
          entity === 'account'
            ? []
            : table
                .all()
                .filter((contact) => entity === 'contact' || contact.isProspective === true)
                .map((contact) => structuredClone(contact)),
        add: (entity, wire) =>
          known(entity).write(undefined, {
            ...(entity === 'lead' && { isProspective: true }),
            ...structuredClone(wire),
          }),
        edit: (entity, externalId, change) => void known(entity).write(externalId, structuredClone(change)),
        remove: (entity, externalId) => known(entity).remove(externalId),
      },
    },
    options,
  );
}
