import type { Bug } from '../bugs.ts';

const hunter = 'test/simulator/wire/hunt-wire.ts';

/** Mistakes that one makes in connectors, mappings and with leads, and that lives on the wire must find. */
export const wireBugs: readonly Bug[] = [
  {
    name: 'Alpha: what one of its two shapes leaves out is empty',
    hunter,
    file: 'connectors/alpha/records.ts',
    find: `    const wire = {
      ...parsed.data,`,
    replace: `    const wire = {
      preferredLanguage: null,
      ...parsed.data,`,
    within: 20,
  },
  {
    name: 'Alpha: a lead that is listed no more is deleted',
    hunter,
    file: 'connectors/alpha/customers.ts',
    find: `      if (wanted.length < statuses.length) yield { records: [], bad: [], partial: true };
    },

    async read(entity, externalId, _locator, signal): Promise<ReadReply> {`,
    replace: `    },

    async read(entity, externalId, _locator, signal): Promise<ReadReply> {
      if (entity === 'lead' && (await fetchCustomer(externalId, signal)).crmStatus !== 'LEAD') return { state: 'gone' };`,
    within: 200,
  },
  {
    name: 'Alpha: a customer that is met on both ways through the lists counts twice',
    hunter,
    file: 'connectors/alpha/listing.ts',
    find: 'return before === undefined;',
    replace: 'return before !== floor;',
    within: 200,
  },
  {
    name: 'Alpha: the next action is written without its other half',
    hunter,
    file: 'connectors/alpha/writes.ts',
    find: 'if (changed.includes(field) || !isEmpty(sent[field] as Value | undefined)) body[key] = sent[field];',
    replace: 'if (changed.includes(field)) body[key] = sent[field];',
    within: 20,
  },
  {
    name: 'Upgrade.chat: the first write does not ask for who is there',
    hunter,
    file: 'connectors/upgradechat/contacts.ts',
    find: '{ matchExisting: true, contactXRef: canonicalId, ...body }',
    replace: '{ ...body }',
    within: 20,
  },
  {
    name: 'Upgrade.chat: a list is cut to the rows that are mapped',
    hunter,
    file: 'connectors/upgradechat/records.ts',
    find: "laid(fresh[key], value as Readonly<Record<string, Wire>>, rule, lists === 'merge');",
    replace: "laid(fresh[key], value as Readonly<Record<string, Wire>>, rule, lists === 'merge').slice(0, 1);",
    within: 20,
  },
  {
    name: 'Upgrade.chat: a known id that is not shown is deleted',
    hunter,
    file: 'connectors/upgradechat/index.ts',
    find: "if (error instanceof GoneError) return { state: 'gone' };",
    replace: "if (error instanceof GoneError || String(error).includes('GetContactInfo')) return { state: 'gone' };",
    within: 100,
  },
  {
    name: 'Upgrade.chat: a lead is not marked as one',
    hunter,
    file: 'connectors/upgradechat/leads.ts',
    find: '{ ...writeValues(mapping, filled), ...marks }',
    replace: '{ ...writeValues(mapping, filled) }',
    within: 20,
  },
  {
    name: 'ConeCRM: a contact is written without those who stand beside it',
    hunter,
    file: 'connectors/conecrm/contact-writes.ts',
    find: `      : [...others, whole];`,
    replace: `      : [whole];`,
    within: 20,
  },
  {
    name: 'ConeCRM: accounts made to carry one contact are companies',
    hunter,
    file: 'mappings/conecrm.ts',
    find: `return typeof name === 'string' && name.trimEnd().endsWith(mark);`,
    replace: `return typeof name === 'string' && name.trimEnd() === mark;`,
    within: 20,
  },
  {
    name: 'Treepl: a record is replaced by what is mapped of it',
    hunter,
    file: 'connectors/treepl/records.ts',
    find: 'if (NEVER_SENT.has(key.toLowerCase())) continue;\n    if (undocumented',
    replace: "if (NEVER_SENT.has(key.toLowerCase()) || key === 'CustomCrmGroups') continue;\n    if (undocumented",
    within: 20,
  },
  {
    name: 'a lead is made before its contact',
    hunter,
    file: 'src/engine/deliver.ts',
    find: 'const coming = await deliverTargets(context, to, outward.missing, new Set([...behind, record.id]));',
    replace: 'const coming = new Set<string>();',
    within: 100,
  },
];
