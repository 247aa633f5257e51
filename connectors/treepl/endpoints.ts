import { z } from 'zod';
import type { Operation, Parameter } from '../../src/connector/operation.ts';
import {
  booking,
  caseItem,
  contact,
  contactCreate,
  contactUpdate,
  listingOf,
  listQuery,
  order,
  secureZone,
  setPassword,
} from './schemas.ts';

/** Every documented operation, in the order of treepl.md §2. The vendor gives titles only; the ids are made of them. */

const isJsonObject = (text: string): boolean => {
  try {
    return listQuery.shape.Where.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
};

const inPath = (name: string): Parameter => ({
  name,
  in: 'path',
  required: true,
  type: 'integer',
  schema: z.string().min(1),
});

/** The list query as query parameters (§4: an inference; the sample shows a JSON body). */
const paging: readonly Parameter[] = [
  {
    name: 'Where',
    in: 'query',
    required: false,
    type: 'JSON object, syntax not documented',
    schema: z.string().refine(isJsonObject, 'a JSON object'),
  },
  { name: 'Order_By', in: 'query', required: false, type: 'name of a field', schema: z.string().min(1) },
  { name: 'Offset', in: 'query', required: false, type: 'integer', schema: z.coerce.number().int().min(0) },
  { name: 'Limit', in: 'query', required: false, type: 'integer', schema: z.coerce.number().int().min(1) },
];
const query = { schema: listQuery, required: false };

const contacts = '/api/v2/admin/contacts';

export const endpoints = {
  contacts_list: {
    id: 'contacts_list',
    summary: 'CRM Contacts List',
    method: 'GET',
    path: contacts,
    parameters: paging,
    body: query,
    reply: listingOf(contact),
    source: 'treepl.md §2, 1',
  },
  contact_create: {
    id: 'contact_create',
    summary: 'CRM Contact Create',
    method: 'POST',
    path: contacts,
    parameters: [],
    body: { schema: contactCreate, required: true },
    reply: contact,
    source: 'treepl.md §2, 2',
  },
  contact_item: {
    id: 'contact_item',
    summary: 'CRM Contact Item',
    method: 'GET',
    path: `${contacts}/{id}`,
    parameters: [inPath('id')],
    reply: contact,
    source: 'treepl.md §2, 3',
  },
  contact_update: {
    id: 'contact_update',
    summary: 'CRM Contact Update',
    method: 'PUT',
    path: `${contacts}/{id}`,
    parameters: [inPath('id')],
    body: { schema: contactUpdate, required: true },
    reply: contact,
    source: 'treepl.md §2, 4',
  },
  contact_delete: {
    id: 'contact_delete',
    summary: 'CRM Contact Delete',
    method: 'DELETE',
    path: `${contacts}/{id}`,
    parameters: [inPath('id')],
    source: 'treepl.md §2, 5',
  },
  contact_bookings_list: {
    id: 'contact_bookings_list',
    summary: 'CRM Contact Bookings List',
    method: 'GET',
    path: `${contacts}/{contactId}/bookings`,
    parameters: [inPath('contactId'), ...paging],
    body: query,
    reply: listingOf(booking),
    source: 'treepl.md §2, 6',
  },
  contact_cases_list: {
    id: 'contact_cases_list',
    summary: 'CRM Contact Cases List',
    method: 'GET',
    path: `${contacts}/{contactId}/cases`,
    parameters: [inPath('contactId'), ...paging],
    body: query,
    reply: listingOf(caseItem),
    source: 'treepl.md §2, 7',
  },
  contact_orders_list: {
    id: 'contact_orders_list',
    summary: 'CRM Contact Orders List',
    method: 'GET',
    path: `${contacts}/{contactId}/orders`,
    parameters: [inPath('contactId'), ...paging],
    body: query,
    reply: listingOf(order),
    source: 'treepl.md §2, 8',
  },
  contact_secure_zones_list: {
    id: 'contact_secure_zones_list',
    summary: 'CRM Contact Secure Zones List',
    method: 'GET',
    path: `${contacts}/{contactId}/secure-zones`,
    parameters: [inPath('contactId'), ...paging],
    body: query,
    reply: listingOf(secureZone),
    source: 'treepl.md §2, 9',
  },
  contact_secure_zone_update: {
    id: 'contact_secure_zone_update',
    summary: 'CRM Contact Secure Zone Update',
    method: 'PUT',
    path: `${contacts}/{contactId}/secure-zones`,
    parameters: [inPath('contactId')],
    body: { schema: z.array(secureZone), required: true },
    reply: listingOf(secureZone),
    source: 'treepl.md §2, 10',
  },
  contact_set_password: {
    id: 'contact_set_password',
    summary: 'CRM Contact Set Password',
    method: 'PUT',
    path: `${contacts}/{id}/set-password`,
    parameters: [inPath('id')],
    body: { schema: setPassword, required: true },
    // No reply: the documented one is a list of secure zones, pasted by mistake (§8, 1). Whatever comes is taken.
    source: 'treepl.md §2, 11',
  },
} as const satisfies Record<string, Operation>;
