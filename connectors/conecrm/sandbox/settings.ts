import { Refusal, type SandboxHandler } from '../../../src/connector/sandbox-server.ts';
import { audit, COLLEAGUE, type Mint, objectBody, Shelf, TENANT, US, type Wire } from './state.ts';

const CUSTOM_FIELD_ENTITIES = ['contact', 'account', 'lead'];

/** Stages (conecrm.md §2, 35–39). */
export class Stages {
  readonly #stages = new Shelf<Wire>();
  readonly #mint: Mint;

  constructor(from: Mint) {
    this.#mint = from;
    for (const name of ['Nouveau', 'Négociation', 'Vendu']) this.#put({ id: from.id(), name });
  }

  firstId(): string | undefined {
    return this.#stages.all()[0]?.id as string | undefined;
  }

  /** @param isUsed whether a lead is in the stage: such a one cannot be deleted. */
  handlers(isUsed: (stageId: string) => boolean): Record<string, SandboxHandler> {
    return {
      get_api_stage_list: () => ({ status: 200, body: this.#stages.all() }),
      post_api_stage_create: ({ body }) => ({
        status: 201,
        body: this.#put({ id: this.#mint.id(), name: needText(objectBody(body), 'name') }),
      }),
      get_api_stage_get: ({ params }) => ({ status: 200, body: this.#stages.need(params.id, 'stage') }),
      delete_api_stage_delete: ({ params }) => {
        const { id } = this.#stages.need(params.id, 'stage');
        if (isUsed(id as string))
          throw new Refusal(400, 'Cannot delete stage that is used in connections or pipelines');
        this.#stages.remove(id as string);
        return { status: 204 };
      },
      patch_api_stage_update: ({ params, body }) => {
        const stage = this.#stages.need(params.id, 'stage');
        return { status: 200, body: this.#put({ ...stage, name: needText(objectBody(body), 'name') }) };
      },
    };
  }

  #put(stage: Wire): Wire {
    this.#stages.put(stage.id as string, stage);
    return stage;
  }
}

/** Custom fields (conecrm.md §2, 15–19). They do carry an id here, though the text shows none (§8, 7). */
export function customFieldHandlers(from: Mint): Record<string, SandboxHandler> {
  const fields = new Shelf<Wire>();
  const put = (body: unknown, base: Wire): Wire => {
    const { entity, fieldName, fieldType, options } = objectBody(body ?? {});
    const field = {
      ...base,
      ...Object.fromEntries(
        Object.entries({ entity, fieldName, fieldType, options }).filter(([, value]) => value !== undefined),
      ),
    } as Wire;
    if (!CUSTOM_FIELD_ENTITIES.includes(String(field.entity))) throw new Refusal(400, 'entity is not known');
    needText(field, 'fieldName');
    fields.put(field.id as string, field);
    return field;
  };
  const need = (id: string | undefined): Wire => {
    const field = fields.get(id ?? '');
    // No 404 is documented here.
    if (!field) throw new Refusal(400, 'custom field not found');
    return field;
  };
  return {
    get_api_custom_field_getCustomFields: () => ({ status: 200, body: fields.all() }),
    post_api_custom_field_createCustomField: ({ body }) => ({
      status: 200,
      body: put(body, { id: from.id(), fieldType: 'string', options: '{}' }),
    }),
    get_api_custom_field_getCustomFieldsForEntity: ({ params }) => {
      if (!CUSTOM_FIELD_ENTITIES.includes(params.entity as string)) throw new Refusal(400, 'entity is not known');
      return { status: 200, body: fields.all().filter(({ entity }) => entity === params.entity) };
    },
    delete_api_custom_field_deleteCustomField: ({ params }) => {
      fields.remove(need(params.customField).id as string);
      return { status: 200 };
    },
    patch_api_custom_field_updateCustomField: ({ params, body }) => ({
      status: 200,
      body: put(body, need(params.customField)),
    }),
  };
}

/** Custom labels (conecrm.md §2, 20–23); deletion is soft. */
export function customLabelHandlers(from: Mint): Record<string, SandboxHandler> {
  const labels = new Shelf<Wire>();
  const labelValue = (body: unknown): Wire => {
    const { value } = objectBody(body);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Refusal(400, 'value is required');
    return value as Wire;
  };
  const need = (id: string | undefined): Wire => {
    const label = labels.need(id, 'custom label');
    if (label.isDeleted === true) throw new Refusal(404, 'custom label not found');
    return label;
  };
  return {
    get_custom_label_list: () => ({ status: 200, body: labels.all().filter(({ isDeleted }) => isDeleted !== true) }),
    post_custom_label_create: ({ body }) => {
      const label = { ...audit(from, 'customlabel'), tenant: TENANT, value: labelValue(body) } as Wire;
      labels.put(label.id as string, label);
      return { status: 200, body: label };
    },
    delete_custom_label_delete: ({ params }) => {
      Object.assign(need(params.id), { isDeleted: true, dateDeleted: from.stamp(), deletedBy: US });
      return { status: 200, body: null };
    },
    patch_custom_label_update: ({ params, body }) => {
      const label = need(params.id);
      Object.assign(label, { value: labelValue(body), dateModified: from.stamp(), modifiedBy: US });
      return { status: 200, body: label };
    },
  };
}

/** Saved filters (conecrm.md §2, 30–34): our own, and a colleague's, one shared and one private. */
export function savedFilterHandlers(from: Mint): Record<string, SandboxHandler> {
  const filters = new Shelf<Wire>();
  const put = (filter: Wire): Wire => {
    filters.put(filter.id as string, filter);
    return filter;
  };
  for (const isPrivate of [false, true])
    put({
      id: from.id(),
      name: "Clients d'été",
      module: 'contact',
      value: '{"combinator":"and","rules":[]}',
      owner: COLLEAGUE,
      private: isPrivate,
    });
  const isOurs = (filter: Wire): boolean => (filter.owner as Wire).id === US.id;
  const own = (id: string | undefined): Wire => {
    const filter = filters.need(id, 'saved filter');
    if (!isOurs(filter)) throw new Refusal(403, 'access denied');
    return filter;
  };
  return {
    get_savedFilterlist: () => ({
      status: 200,
      body: filters.all().filter((filter) => isOurs(filter) || filter.private !== true),
    }),
    post_savedFiltercreate: ({ body }) => {
      const wire = objectBody(body);
      const [name, module, value] = ['name', 'module', 'value'].map((key) => needText(wire, key));
      return {
        status: 201,
        body: put({ id: from.id(), name, module, value, owner: US, private: wire.private === true }),
      };
    },
    get_savedFilterread: ({ params }) => {
      const filter = filters.need(params.id, 'saved filter');
      if (!isOurs(filter) && filter.private === true) throw new Refusal(403, 'access denied');
      return { status: 200, body: filter };
    },
    delete_savedFilterdelete: ({ params }) => {
      filters.remove(own(params.filter).id as string);
      return { status: 204 };
    },
    patch_savedFilterupdate: ({ params, body }) => {
      const filter = own(params.filter);
      const wire = objectBody(body);
      const given = ['name', 'module', 'value'].filter((key) => wire[key] !== undefined);
      const texts = Object.fromEntries(given.map((key) => [key, needText(wire, key)]));
      const isPrivate = typeof wire.private === 'boolean' ? wire.private : filter.private;
      return { status: 200, body: put({ ...filter, ...texts, private: isPrivate }) };
    },
  };
}

/** Automations (conecrm.md §2, 5–11). */
export function automationHandlers(from: Mint): Record<string, SandboxHandler> {
  const automations = new Shelf<Wire>();
  const put = (automation: Wire): Wire => {
    automations.put(automation.id as string, automation);
    return automation;
  };
  const checked = (body: unknown): Wire => {
    const wire = objectBody(body);
    needText(wire, 'name');
    needText(wire, 'automationTrigger');
    if (!Number.isInteger(wire.delayedAutomationsCount))
      throw new Refusal(400, 'delayedAutomationsCount must be an integer');
    return { nodes: [], edges: [], franchise: null, ...wire };
  };
  return {
    get_api_automation_getBuilderData: () => ({
      status: 200,
      body: { triggers: ['LEAD_CREATED'], actions: ['SEND_EMAIL'], conditions: ['STAGE_IS'] },
    }),
    get_api_automation_getAutomations: () => ({ status: 200, body: automations.all() }),
    post_api_automation_createAutomation: ({ body }) => ({
      status: 200,
      body: put({ ...checked(body), id: from.id() }),
    }),
    get_api_automation_getAutomation: ({ params }) => ({
      status: 200,
      body: automations.need(params.automation, 'automation'),
    }),
    delete_api_automation_deleteAutomation: ({ params }) => {
      automations.need(params.automation, 'automation');
      automations.remove(params.automation as string);
      return { status: 200 };
    },
    patch_api_automation_updateAutomation: ({ params, body }) => {
      const { id } = automations.need(params.automation, 'automation');
      return { status: 200, body: put({ ...checked(body), id }) };
    },
    post_api_automation_duplicateAutomation: ({ params }) => {
      const original = automations.need(params.automation, 'automation');
      return { status: 200, body: put({ ...original, id: from.id(), name: `${original.name} (copy)` }) };
    },
  };
}

/** @throws Refusal 400 when there is no such text, or only blanks. */
function needText(wire: Readonly<Wire>, name: string): string {
  const text = wire[name];
  if (typeof text !== 'string' || text.trim() === '')
    throw new Refusal(400, `${name}: This value should not be blank.`);
  return text.trim();
}
