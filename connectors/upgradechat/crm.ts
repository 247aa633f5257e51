import type { ListRule } from '../../mappings/upgradechat.ts';
import type { ConnectorContext, CrmRecord, WriteReply } from '../../src/connector/connector.ts';
import {
  CrmError,
  type CrmErrorFields,
  GoneError,
  MalformedReplyError,
  RejectedError,
  UnknownOutcomeError,
} from '../../src/connector/errors.ts';
import type { Mapping } from '../../src/connector/mapping.ts';
import { type Values, valuesBeside } from '../../src/model/values.ts';
import { endpoints } from './endpoints.ts';
import type { UpgradechatOptions } from './options.ts';
import {
  changedKeys,
  contactIn,
  decoder,
  hasCleared,
  idIn,
  idNumber,
  idText,
  unwrapped,
  wholeContact,
} from './records.ts';
import type { Wire } from './slots.ts';

/** Sent with every write: a sync mails nobody and makes nobody a user (upgradechat.md §3.1). */
const QUIET = { inviteUser: false, generateAutoLoginLink: false, noWelcomeEmail: true, bypassValidation: false };

/** One connection to Upgrade.chat: the three calls, with what is undocumented about them settled by the options. */
export interface Crm {
  readonly connection: string;
  readonly options: UpgradechatOptions;
  readonly rules: readonly ListRule[];
  /** The contact as it is there now. @throws GoneError; MalformedReplyError when the reply is not that contact. */
  fetch(id: string, signal: AbortSignal | undefined): Promise<Wire>;
  /** Sends one upsert without an id. @returns the id. @throws UnknownOutcomeError when none came back. */
  insert(body: Wire, canonicalId: string, signal: AbortSignal | undefined): Promise<string>;
  /**
   * Writes `changes` over the contact that was read as `fresh`. @returns the contact as it is afterwards, undefined when
   * it could not be read. `isLook`: false where a failure may be repeated without looking again.
   */
  overwrite(id: string, fresh: Wire, changes: Wire, isLook: boolean, signal?: AbortSignal): Promise<Wire | undefined>;
  /** What such a write has sent of the contact besides, as it was: the other fields of the lists that it names, or all. */
  resent(mapping: Mapping, id: string, fresh: Wire, changes: Wire, changed: Values): Values;
  remove(id: string, signal: AbortSignal | undefined): Promise<void>;
  /** @throws MalformedReplyError when the contact cannot be used. */
  decode(mapping: Mapping, wire: Wire, id: string): CrmRecord;
  /** What a write left behind; no more than the id when the contact could not be read, or not be used, afterwards. */
  told(mapping: Mapping, wire: Wire | undefined, id: string): WriteReply;
}

/** Prepares a connection; nothing is sent. */
export function openCrm(context: ConnectorContext<UpgradechatOptions>, rules: readonly ListRule[]): Crm {
  const { connection, http, options } = context;
  /** Turns to `whole` when this CRM was seen to clear what an update leaves out. */
  let { update } = options;

  const fields = (operation: keyof typeof endpoints): CrmErrorFields => ({ connection, operation });
  const unusable = (id: string, what: string) =>
    new MalformedReplyError(`${connection}: contact ${id} ${what}`, fields('GetContactInfo'));

  async function fetch(id: string, signal: AbortSignal | undefined): Promise<Wire> {
    const { body } = await http.call(endpoints.GetContactInfo, { params: { id }, ...withSignal(signal) });
    const wire = contactIn(readable(id, body), options.readPaths);
    if (!wire) throw unusable(id, 'was answered with no contact; see the options readReply and readPaths');
    const own = idText(wire.contactId) ?? idText(wire.id);
    if (own !== undefined && own !== id) throw unusable(id, 'was answered with another contact');
    return wire;
  }

  /** The write is done, whatever becomes of this look. */
  async function fetchAfter(id: string, signal: AbortSignal | undefined): Promise<Wire | undefined> {
    try {
      return await fetch(id, signal);
    } catch (error) {
      if (error instanceof CrmError) return undefined;
      throw error;
    }
  }

  /** A refusal to show one contact must not keep others from being read: it is told of that contact alone. */
  function readable(id: string, body: unknown): unknown {
    try {
      return unwrapped(body, options.readReply, fields('GetContactInfo'), true);
    } catch (error) {
      if (error instanceof RejectedError) throw unusable(id, 'is not shown: the reply says success: false');
      throw error;
    }
  }

  async function send(id: string, body: Wire, isLook: boolean, signal: AbortSignal | undefined): Promise<void> {
    const operation = 'CreateOrUpdateContact';
    const reply = await http.call(endpoints[operation], {
      body: { contactId: idNumber(id), ...body, ...QUIET },
      repeatable: true,
      restsOnLook: isLook,
      ...withSignal(signal),
    });
    const written = idIn(unwrapped(reply.body, options.readReply, fields(operation), true));
    if (written !== undefined && written !== id)
      throw new MalformedReplyError(
        `${connection}: an update of contact ${id} was answered with contact ${written}; contactId does not select the record here`,
        fields(operation),
      );
  }

  return {
    connection,
    options,
    rules,
    fetch,

    async insert(body, canonicalId, signal) {
      const operation = 'CreateOrUpdateContact';
      const reply = await http
        .call(endpoints[operation], { body: { ...body, ...QUIET }, ...withSignal(signal) })
        .catch((error: unknown) => {
          if (!(error instanceof GoneError)) throw error;
          // It names no record that could be gone: taken for a delete, it would spread.
          const { status, detail } = error;
          throw new RejectedError(`${connection}: ${operation} is not there (${status}); check the base URL`, {
            ...fields(operation),
            ...(status !== undefined && { status }),
            ...(detail !== undefined && { detail }),
            cause: error,
          });
        });
      const id = idIn(unwrapped(reply.body, options.readReply, fields(operation), false));
      if (id !== undefined) return id;
      throw new UnknownOutcomeError(
        `${connection}: create for ${canonicalId} was answered with status ${reply.status} and no usable contactId; outcome unknown, look before creating again`,
        { ...fields(operation), status: reply.status },
      );
    },

    async overwrite(id, fresh, changes, isLook, signal) {
      const changed = changedKeys(fresh, changes, rules, options.lists);
      const whole = { ...wholeContact(fresh), ...changed };
      // Another write may learn meanwhile that this server clears: it has not put back what this one lost.
      const isWhole = update === 'whole';
      await send(id, isWhole ? whole : changed, isLook, signal);
      const after = await fetchAfter(id, signal);
      if (isWhole || !after || !hasCleared(fresh, changed, after)) return after;
      // This server clears what an update leaves out: put back what it held the moment before, and go on like that.
      update = 'whole';
      await send(id, whole, false, signal).catch((error: unknown) => {
        if (!(error instanceof CrmError)) throw error;
        // Not even a refusal means that nothing was written.
        throw new UnknownOutcomeError(
          `${connection}: an update of contact ${id} has emptied what it left out, and that could not be put back: ${error.message}`,
          { ...fields('CreateOrUpdateContact'), cause: error },
        );
      });
      return await fetchAfter(id, signal);
    },

    resent(mapping, id, fresh, changes, changed) {
      const keys = changedKeys(fresh, changes, rules, options.lists);
      const sent = decoder(mapping, rules)(update === 'whole' ? { ...wholeContact(fresh), ...keys } : keys, id);
      return 'values' in sent ? valuesBeside(sent.values, changed) : {};
    },

    async remove(id, signal) {
      const { body } = await http.call(endpoints.DeleteContact, { params: { id }, ...withSignal(signal) });
      unwrapped(body, options.readReply === 'envelope' ? 'detect' : options.readReply, fields('DeleteContact'), true);
    },

    decode(mapping, wire, id) {
      const decoded = decoder(mapping, rules)(wire, id);
      if ('values' in decoded) return decoded;
      throw unusable(id, `cannot be used: ${decoded.reason}`);
    },

    told(mapping, wire, id) {
      const decoded = wire && decoder(mapping, rules)(wire, id);
      return decoded && 'values' in decoded ? { externalId: id, record: decoded } : { externalId: id };
    },
  };
}

/** `exactOptionalPropertyTypes`: an absent signal is a key left out. */
function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
