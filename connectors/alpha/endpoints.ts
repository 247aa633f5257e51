import { z } from 'zod';
import type { Operation, Parameter } from '../../src/connector/operation.ts';
import { crmStatusBody, customer, enrichedCustomer, fitsInPath, nextActionBody, statuses } from './schemas.ts';

/** Every documented operation, in the order of alpha.md §2. The vendor gives titles only; the ids are made of them. */

const inPath = (name: string): Parameter => ({
  name,
  in: 'path',
  required: true,
  type: 'text without "/"',
  schema: z.string().refine(fitsInPath, 'a text that can stand in a path'),
});
const customerId = inPath('id');
const customers = '/crm/customers';
const list = z.array(customer, 'a list of customers');

export const endpoints = {
  get_customers_by_owner: {
    id: 'get_customers_by_owner',
    summary: 'Get customers by owner',
    method: 'GET',
    path: `${customers}/by-owner/{ownerId}`,
    parameters: [inPath('ownerId')],
    reply: list,
    source: 'alpha.md §2, 1',
  },
  get_customers_by_status: {
    id: 'get_customers_by_status',
    summary: 'Get customers by status',
    method: 'GET',
    path: `${customers}/by-status/{status}`,
    parameters: [{ name: 'status', in: 'path', required: true, type: statuses.join(', '), schema: z.enum(statuses) }],
    reply: list,
    source: 'alpha.md §2, 2',
  },
  get_my_customers: {
    id: 'get_my_customers',
    summary: 'Get my customers',
    method: 'GET',
    path: `${customers}/my`,
    parameters: [],
    reply: list,
    source: 'alpha.md §2, 3',
  },
  get_customers_with_overdue_actions: {
    id: 'get_customers_with_overdue_actions',
    summary: 'Get customers with overdue actions',
    method: 'GET',
    path: `${customers}/overdue-actions`,
    parameters: [],
    reply: list,
    source: 'alpha.md §2, 4',
  },
  get_enriched_customer: {
    id: 'get_enriched_customer',
    summary: 'Get enriched customer',
    method: 'GET',
    path: `${customers}/{id}`,
    parameters: [customerId],
    reply: enrichedCustomer,
    source: 'alpha.md §2, 5',
  },
  update_crm_status: {
    id: 'update_crm_status',
    summary: 'Update CRM status',
    method: 'PATCH',
    path: `${customers}/{id}/crm-status`,
    parameters: [customerId],
    body: { schema: crmStatusBody, required: true },
    reply: enrichedCustomer,
    source: 'alpha.md §2, 6',
  },
  update_next_action: {
    id: 'update_next_action',
    summary: 'Update next action',
    method: 'PATCH',
    path: `${customers}/{id}/next-action`,
    parameters: [customerId],
    body: { schema: nextActionBody, required: true },
    reply: enrichedCustomer,
    source: 'alpha.md §2, 7',
  },
  remove_owner: {
    id: 'remove_owner',
    summary: 'Remove owner',
    method: 'DELETE',
    path: `${customers}/{id}/owner`,
    parameters: [customerId],
    reply: enrichedCustomer,
    source: 'alpha.md §2, 8',
  },
  assign_owner: {
    id: 'assign_owner',
    summary: 'Assign owner',
    method: 'PATCH',
    path: `${customers}/{id}/owner/{ownerId}`,
    parameters: [customerId, inPath('ownerId')],
    reply: enrichedCustomer,
    source: 'alpha.md §2, 9',
  },
  add_tag: {
    id: 'add_tag',
    summary: 'Add tag',
    method: 'POST',
    path: `${customers}/{id}/tags/{tag}`,
    parameters: [customerId, inPath('tag')],
    reply: enrichedCustomer,
    source: 'alpha.md §2, 10',
  },
  remove_tag: {
    id: 'remove_tag',
    summary: 'Remove tag',
    method: 'DELETE',
    path: `${customers}/{id}/tags/{tag}`,
    parameters: [customerId, inPath('tag')],
    reply: enrichedCustomer,
    source: 'alpha.md §2, 11',
  },
} as const satisfies Record<string, Operation>;
