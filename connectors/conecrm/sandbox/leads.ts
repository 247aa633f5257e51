import { Refusal, type SandboxHandler } from '../../../src/connector/sandbox-server.ts';
import type { Customers, Kept } from './customers.ts';
import { audit, idIn, type Mint, objectBody, Shelf, TENANT, US, type Wire } from './state.ts';

/** What a lead shows before anything happened to it (conecrm.md §11, Connection and Lead). */
const untouched: Readonly<Wire> = {
  description: null,
  status: { id: '0190a000-0000-7000-8000-0000000000e1' },
  dateFirstModified: null,
  firstModifiedBy: null,
  dueDate: null,
  direction: 'IN',
  isQualified: false,
  connectionClosedDate: null,
  connectionClosedBy: null,
  expectedDeliveryDate: null,
  isLostApproved: null,
  lostBy: null,
  lostDate: null,
  firstOpenDate: null,
  firstOpenBy: null,
  testDriveDone: null,
  testDriveDate: null,
  orderPlaced: null,
  orderDate: null,
  tradeInAppraisalDone: null,
  tradeInAppraisalDate: null,
  creditApplicationSubmitted: null,
  creditApplicationSubmittedDate: null,
  priority: null,
  thirdPartyIds: [],
  category: null,
  automationDay: null,
  visitCount: 0,
  isTakeOver: false,
  isWalkAroundDone: false,
  walkAroundDate: null,
  takeOverDate: null,
  offerMade: null,
  offerMadeDate: null,
  soldDate: null,
  soldBy: null,
  presaleVisitCount: 0,
  postsaleVisitCount: 0,
  customerInitiated: false,
  inTransit: null,
  cpo: null,
  demo: null,
  formName: null,
  leadHandlingInstructions: null,
  creditAssessments: [],
  incentives: [],
  packages: [],
  surveys: [],
};

/** Lead and task operations (conecrm.md §2, 13, 26–27, 40–42). */
export class Connections {
  readonly leads = new Shelf<Wire>();
  readonly #tasks = new Shelf<Wire>();
  readonly #customers: Customers;
  readonly #mint: Mint;
  readonly #firstStage: () => string | undefined;

  constructor(customers: Customers, from: Mint, firstStage: () => string | undefined) {
    this.#customers = customers;
    this.#mint = from;
    this.#firstStage = firstStage;
  }

  /** A lead as people enter it; only what is given differs from an untouched one. Returns its id. */
  addLead(given: Readonly<Wire>): string {
    const stage = this.#firstStage();
    const lead: Wire = {
      ...audit(this.#mint, 'lead', idIn(given) ?? this.#mint.id()),
      ...untouched,
      stage: stage === undefined ? null : { id: stage },
      account: null,
      ...given,
    };
    this.leads.put(lead.id as string, lead);
    return lead.id as string;
  }

  handlers(): Record<string, SandboxHandler> {
    return {
      _get_contact_open_leads: ({ params }) => {
        const { key } = this.#customers.contacts.need(params.contact, 'contact');
        const open = this.leads.all().filter((lead) => idIn(lead.contact) === key && !lead.connectionClosedDate);
        return { status: 200, body: open };
      },
      post_lead_createLead: ({ body }) => ({ status: 200, body: this.#createLead(objectBody(body)) }),
      post_lead_copy_lead: ({ params, body }) => ({
        status: 200,
        body: this.#copyLead(this.leads.need(params.lead, 'lead'), objectBody(body)),
      }),
      post_api_task_create: ({ body }) => ({
        status: 200,
        body: this.#writeTask(objectBody(body), audit(this.#mint, 'task')),
      }),
      patch_api_task_updateTask: ({ params, body }) => {
        const held = this.#tasks.need(params.task, 'task');
        const changed = { ...held, dateModified: this.#mint.stamp(), modifiedBy: US };
        return { status: 200, body: this.#writeTask(objectBody(body), changed) };
      },
      delete_api_task_deleteTask: ({ params }) => {
        this.#tasks.need(params.task, 'task');
        this.#tasks.remove(params.task as string);
        return { status: 200 };
      },
    };
  }

  #createLead(wire: Readonly<Wire>): Wire {
    const errors: Record<string, string[]> = {};
    if (typeof wire.subject !== 'string' || wire.subject.trim() === '')
      errors.subject = ['This value should not be blank.'];
    for (const name of ['department', 'contact', 'source', 'franchise'])
      if (idIn(wire[name]) === undefined) errors[name] = ['This value should not be blank.'];
    if (errors.contact === undefined && !this.#customers.contacts.get(idIn(wire.contact) ?? ''))
      errors.contact = ['This contact does not exist.'];
    if (wire.account && !this.#customers.accounts.get(idIn(wire.account) ?? ''))
      errors.account = ['This account does not exist.'];
    if (Object.keys(errors).length > 0) throw formErrors(errors);
    // Department, assignees, make, model, year, trim, UTM and custom values are in no read shape (§8, 15).
    const shown = ['subject', 'description', 'source', 'contact', 'account', 'franchise', 'category'];
    const kept = [...shown, 'customerInitiated', 'leadHandlingInstructions'];
    const given = Object.fromEntries(kept.flatMap((name) => (wire[name] === undefined ? [] : [[name, wire[name]]])));
    return this.leads.need(this.addLead(given), 'lead');
  }

  #copyLead(original: Wire, wire: Readonly<Wire>): Wire {
    if (typeof wire.contact !== 'object' || wire.contact === null)
      throw formErrors({ contact: ['This value should not be blank.'] });
    const contact: Kept = this.#customers.writeContact(wire.contact);
    const account = wire.account ? this.#customers.accounts.get(idIn(wire.account) ?? '') : undefined;
    if (wire.account && !account) throw formErrors({ account: ['This account does not exist.'] });
    const franchise = idIn(wire.franchise);
    const { id: _id, dateCreated: _created, dateModified: _modified, ...inherited } = original;
    const id = this.addLead({
      ...inherited,
      contact: { id: contact.key },
      account: account ? { id: account.key } : null,
      ...(typeof wire.subject === 'string' ? { subject: wire.subject } : {}),
      ...(franchise === undefined ? {} : { franchise: { id: franchise } }),
    });
    return this.leads.need(id, 'lead');
  }

  /** Errors are a JSON text (§6); the reply has objects where the request has ids (§8, 13). */
  #writeTask(wire: Readonly<Wire>, base: Wire): Wire {
    if (typeof wire.title !== 'string' || wire.title.trim() === '')
      throw new Refusal(400, 'title', 'title This value should not be blank.');
    if (typeof wire.assignee !== 'string')
      throw new Refusal(400, 'assignee', 'assignee This value should not be blank.');
    const task: Wire = {
      ...base,
      type: wire.type ?? null,
      title: wire.title.trim(),
      note: wire.note ?? '',
      start: wire.start ?? null,
      end: wire.end ?? null,
      taskDone: false,
      notified: false,
      edited: base.dateModified === null ? null : true,
      assignee: { id: wire.assignee, displayName: 'Noël Gagné', isGroup: false },
      tenant: TENANT,
      contact: this.#nested(wire.contact, 'contact'),
      account: this.#nested(wire.account, 'account'),
      connection: wire.connection ? { id: wire.connection } : null,
    };
    this.#tasks.put(task.id as string, task);
    return task;
  }

  #nested(id: unknown, noun: 'contact' | 'account'): Wire | null {
    if (typeof id !== 'string') return null;
    const shelf = noun === 'contact' ? this.#customers.contacts : this.#customers.accounts;
    const kept = shelf.get(id);
    if (!kept) throw new Refusal(400, noun, `${noun} This value is not valid.`);
    return noun === 'contact' ? this.#customers.contactWire(kept) : this.#customers.accountWire(kept);
  }
}

function formErrors(errors: Readonly<Record<string, readonly string[]>>): Refusal {
  return new Refusal(400, 'form validation failed', { errors, message: 'Form validation failed' });
}
