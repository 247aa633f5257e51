import type { Sandbox, StartSandbox } from '../../src/connector/sandbox.ts';
import { startSandboxServer } from '../../src/connector/sandbox-server.ts';
import type { Entity } from '../../src/model/values.ts';
import { operations } from './endpoints.ts';
import { Customers } from './sandbox/customers.ts';
import { Connections } from './sandbox/leads.ts';
import { customerHandlers } from './sandbox/listing.ts';
import { queryHandlers } from './sandbox/query.ts';
import {
  automationHandlers,
  customFieldHandlers,
  customLabelHandlers,
  Stages,
  savedFilterHandlers,
} from './sandbox/settings.ts';
import { idIn, mint, type Wire } from './sandbox/state.ts';

const MAX_PAGE = 100;

/**
 * ConeCRM as a small program: all 42 operations, stateful, with the statuses and error bodies of conecrm.md §2 and §6.
 * What the text leaves open (nesting, searching, reply of find-by-phone, entity names) is decided as the README says.
 */
export const startConecrmSandbox: StartSandbox = (options = {}) => {
  const from = mint(options.seed);
  const customers = new Customers(from);
  const stages = new Stages(from);
  const connections = new Connections(customers, from, () => stages.firstId());
  const all = (entity: Entity): Wire[] => {
    if (entity === 'contact') return customers.contacts.all().map((kept) => customers.contactWire(kept));
    if (entity === 'account') return customers.accounts.all().map((kept) => customers.accountWire(kept));
    return [...connections.leads.all()];
  };
  return startSandboxServer(
    {
      connector: 'conecrm',
      operations,
      handlers: {
        ...customerHandlers(customers, options.maxPage ?? MAX_PAGE),
        ...connections.handlers(),
        ...queryHandlers((entity) => all(entity as Entity)),
        ...stages.handlers((id) => connections.leads.all().some((lead) => idIn(lead.stage) === id)),
        ...customFieldHandlers(from),
        ...customLabelHandlers(from),
        ...savedFilterHandlers(from),
        ...automationHandlers(from),
      },
      people: people(customers, connections, all),
      errorBody,
    },
    options,
  );
};

/** 403 and 404 as AccessDeniedError and NotFoundError, as the 400 of labels and queries; 401 in the manner of JWT guards (§6). */
function errorBody(status: number, message: string): unknown {
  return status === 401 ? { code: 401, message } : { error: message };
}

function people(
  customers: Customers,
  connections: Connections,
  all: (entity: Entity) => readonly Wire[],
): Sandbox['people'] {
  return {
    all,
    add: (entity, wire) => (entity === 'lead' ? connections.addLead(wire) : customers.plant(entity, wire)),
    edit(entity, id, change) {
      if (entity === 'lead') Object.assign(connections.leads.need(id, 'lead'), change);
      else customers.change(entity, id, change);
    },
    remove(entity, id) {
      const isGone = entity === 'lead' ? connections.leads.remove(id) : customers.remove(entity, id);
      if (!isGone) throw new RangeError(`the sandbox has no ${entity} ${id}`);
    },
  };
}
