import type {
  BadRecord,
  Connector,
  ConnectorContext,
  CrmRecord,
  ReadReply,
  RecordChange,
  WriteReply,
} from '../../src/connector/connector.ts';
import {
  type CrmErrorFields,
  GoneError,
  LookAgainError,
  MalformedReplyError,
  RejectedError,
  RetryableError,
  UnsupportedError,
} from '../../src/connector/errors.ts';
import { type Mapping, writeValues } from '../../src/connector/mapping.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import type { Entity, Values } from '../../src/model/values.ts';
import { endpoints } from './endpoints.ts';
import { scanStatuses } from './listing.ts';
import type { AlphaOptions } from './options.ts';
import { addressOf, decoder, isRecord, isWire, type Wire } from './records.ts';
import { type Status, statuses, usableId } from './schemas.ts';
import { isIgnored, planWrites, type Step } from './writes.ts';

/** Looks at a customer whose tag did not get through, before the update is left to the next look of the engine. */
const TAG_LOOKS = 3;

type Verbs = Pick<Connector, 'list' | 'read' | 'update' | 'writeScope'>;

/** The verbs of an Alpha connection: everything it has is a customer, or stands in one (alpha.md §10). */
export function customerVerbs(
  context: ConnectorContext<AlphaOptions>,
  mappings: Readonly<Record<Entity, Mapping>>,
): Verbs {
  const { connection, http, options } = context;
  const decode = decoder(mappings, options);
  const fields = (operation: keyof typeof endpoints): CrmErrorFields => ({ connection, operation });

  async function customersOf(status: Status, signal: AbortSignal): Promise<readonly unknown[]> {
    const { body } = await http
      .call(endpoints.get_customers_by_status, { params: { status }, signal })
      .catch((error: unknown) => {
        // A list that is not there is no list of nobody: the base URL is wrong.
        if (error instanceof GoneError)
          throw new RejectedError(
            `${connection}: the list of ${status} customers is not there (${error.status}); check the base URL, which includes /api/v1`,
            { ...fields('get_customers_by_status'), ...(error.status && { status: error.status }), cause: error },
          );
        throw error;
      });
    if (Array.isArray(body)) return body;
    throw new MalformedReplyError(
      `${connection}: the list of ${status} customers was answered without an array; scan stopped, incomplete, nothing counted as deleted`,
      fields('get_customers_by_status'),
    );
  }

  /** @throws GoneError, and MalformedReplyError when the reply is not that customer. */
  async function fetchCustomer(id: string, signal: AbortSignal | undefined): Promise<Wire> {
    if (usableId(id) === undefined)
      throw new RejectedError(
        `${connection}: no customer can have the id ${JSON.stringify(id)}; nothing was sent`,
        fields('get_enriched_customer'),
      );
    const { body } = await http.call(endpoints.get_enriched_customer, { params: { id }, ...withSignal(signal) });
    if (isWire(body) && usableId(body.id) === id) return body;
    throw new MalformedReplyError(
      `${connection}: customer ${id} was answered with ${isWire(body) && body.id !== undefined ? 'another customer' : 'no customer'}`,
      fields('get_enriched_customer'),
    );
  }

  function found(externalId: string, decoded: CrmRecord | BadRecord): ReadReply {
    if (isRecord(decoded)) return { state: 'found', record: decoded };
    throw new MalformedReplyError(
      `${connection}: ${externalId} cannot be used: ${decoded.reason}`,
      fields('get_enriched_customer'),
    );
  }

  /**
   * Sends one step. @returns the customer as the reply shows it, or why the step came to nothing.
   * @param looks How often it may be looked at again here when the call did not get through.
   */
  async function send(
    step: Step,
    before: Wire,
    signal: AbortSignal | undefined,
    looks = TAG_LOOKS,
  ): Promise<Wire | RejectedError> {
    const { operation, params, body } = step;
    const id = params.id as string;
    try {
      const reply = await http.call(endpoints[operation], {
        params,
        ...(body !== undefined && { body }),
        // Adding a tag too: what got lost is looked at again before anything is sent again.
        repeatable: true,
        restsOnLook: true,
        ...withSignal(signal),
      });
      const after = isWire(reply.body) && usableId(reply.body.id) === id ? reply.body : undefined;
      if (after === undefined || !isIgnored(step, before, after)) return after ?? { id };
      return new RejectedError(
        `${connection}: ${operation} of customer ${id} was answered as done, but the reply shows ${step.fields.join(' and ')} as before`,
        { ...fields(operation), status: reply.status },
      );
    } catch (error) {
      if (error instanceof RejectedError) return error;
      if (error instanceof LookAgainError && step.fields.includes('tags') && looks > 0) {
        // A tag overwrites nothing, so a look of our own will do; some of the wanted tags would look like all of them.
        const now = await fetchCustomer(id, signal);
        return step.isDone(now, 'tags') ? now : await send(step, now, signal, looks - 1);
      }
      if (!(error instanceof GoneError)) throw error;
      // It may be the owner or the tag that is not there: only the customer's own address tells that the customer is gone.
      const now = await fetchCustomer(id, signal);
      if (step.fields.every((field) => step.isDone(now, field))) return now;
      return new RejectedError(`${connection}: ${operation} found nothing (404), though customer ${id} is there`, {
        ...fields(operation),
        status: 404,
        ...(error.detail !== undefined && { detail: error.detail }),
        cause: error,
      });
    }
  }

  /** Somebody edited what is about to be overwritten, after the look that the change rests on (law 4). */
  function refuseEdited(entity: Entity, id: string, { changes, known }: RecordChange, shown: Values): void {
    const edited = Object.keys(changes).filter((path) => {
      const { kind } = fieldAt(entity, path);
      // Tags are written one by one, and never over somebody's.
      if (kind === 'tags' || known[path] === undefined || shown[path] === undefined) return false;
      return !equal(kind, shown[path], known[path]) && !equal(kind, shown[path], changes[path]);
    });
    if (edited.length > 0)
      throw new LookAgainError(
        new RetryableError(
          `${connection}: ${edited.join(', ')} of customer ${id} changed since the last look; nothing was sent`,
          fields('get_enriched_customer'),
        ),
      );
  }

  return {
    async *list(entity, signal) {
      const wanted = entity === 'lead' ? statuses.filter((one) => options.leadStatuses.includes(one)) : statuses;
      yield* scanStatuses({
        statuses: wanted,
        fetch: customersOf,
        decode: (row) => decode.all(entity, row),
        signal,
      });
      // A lead that moved on is not listed any more: it was converted, not deleted.
      if (wanted.length < statuses.length) yield { records: [], bad: [], partial: true };
    },

    async read(entity, externalId, _locator, signal): Promise<ReadReply> {
      const { customer, person } = addressOf(externalId);
      // No listing has ever brought it, so that nothing can have been deleted; and it might lead to another address.
      if (usableId(customer) === undefined) return { state: 'unknown' };
      let row: Wire;
      try {
        row = await fetchCustomer(customer, signal);
      } catch (error) {
        if (error instanceof GoneError) return { state: 'gone' };
        throw error;
      }
      const decoded = person === undefined ? decode.customer(entity, row) : decode.person(row, person);
      // A person that was made a company, or the other way round, was not deleted: nothing follows from it (law 5).
      if (decoded === undefined || decoded === 'unknown') return { state: 'unknown' };
      return decoded === 'gone' ? { state: 'gone' } : found(externalId, decoded);
    },

    async update(entity, externalId, change, signal): Promise<WriteReply> {
      const { customer: id, person } = addressOf(externalId);
      if (person !== undefined)
        throw new UnsupportedError(
          `${connection}: contact person ${externalId} cannot be written: the API reads contact persons only, alpha.md §10`,
          { connection },
        );
      const before = await fetchCustomer(id, signal);
      const shown = decode.customer(entity, before);
      if (shown === undefined)
        throw new RejectedError(
          `${connection}: customer ${id} is no ${entity} any more (its type has changed); nothing was sent`,
          fields('get_enriched_customer'),
        );
      if (isRecord(shown)) refuseEdited(entity, id, change, shown.values);

      const wire = writeValues(mappings[entity], change.changes);
      const { steps, refused } = planWrites(id, before, wire, change.known.tags, options.nextActionKeys);
      let held = before;
      const failures: RejectedError[] = refused.map(
        (reason) => new RejectedError(`${connection}: customer ${id}: ${reason}`, { connection }),
      );
      for (const step of steps) {
        const after = await send(step, held, signal);
        if (after instanceof RejectedError) failures.push(after);
        else held = after;
      }
      if (failures.length > 0) throw together(failures);
      const told = decode.customer(entity, held);
      return told && isRecord(told) ? { externalId, record: told } : { externalId };
    },

    writeScope: (_entity, externalId) =>
      externalId === undefined ? undefined : `customer:${addressOf(externalId).customer}`,
  };
}

/** One error for all that did not go through; the other changes of the update have been written. */
function together(failures: readonly RejectedError[]): RejectedError {
  const [first, ...rest] = failures as [RejectedError, ...RejectedError[]];
  if (rest.length === 0) return first;
  const { connection, operation, status } = first;
  const details = failures.flatMap(({ detail }) => detail ?? []);
  return new RejectedError(failures.map(({ message }) => message).join('; '), {
    connection,
    ...(operation !== undefined && { operation }),
    ...(status !== undefined && { status }),
    ...(details.length > 0 && { detail: details.join('; ') }),
    cause: first,
  });
}

/** `exactOptionalPropertyTypes`: an absent signal is a key left out. */
function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
