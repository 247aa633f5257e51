import { z } from 'zod';
import type { Operation, Parameter } from '../../src/connector/operation.ts';
import { contactInput, contactReply, upsertReply } from './schemas.ts';
import {
  apiKeyReply,
  apiKeyRequest,
  generalSettings,
  registration,
  registrationReply,
  stripeAccount,
  tenancyRequest,
  userLink,
} from './tenant-schemas.ts';

/** Every documented operation, in the order of upgradechat.md §2, under the names given there: the vendor has no ids. */

/** Ids are integers, typed as texts in the tables (§8, 6). The case of the name counts (§8, 7). */
const inQuery = (name: string, type = 'integer'): Parameter => ({
  name,
  in: 'query',
  required: true,
  type,
  schema: z.string().min(1),
});

export const endpoints = {
  CreateOrUpdateContact: {
    id: 'CreateOrUpdateContact',
    summary: 'Create or update a lead, contact or customer',
    method: 'POST',
    path: '/api/services/CRM/Contact/CreateOrUpdateContact',
    parameters: [],
    body: { schema: contactInput, required: true },
    reply: upsertReply,
    source: 'upgradechat.md §2, 1',
  },
  GetContactInfo: {
    id: 'GetContactInfo',
    summary: 'Get customer information',
    method: 'GET',
    path: '/api/services/CRM/Contact/GetContactInfo',
    parameters: [inQuery('id')],
    // Not documented. Declared all the same, so that a cut-off or foreign body is never taken for a contact.
    reply: contactReply,
    source: 'upgradechat.md §2, 2',
  },
  DeleteContact: {
    id: 'DeleteContact',
    summary: 'Delete customer information',
    method: 'DELETE',
    path: '/api/services/CRM/Contact/DeleteContact',
    parameters: [inQuery('id')],
    // No reply: the documented one is pasted from the upsert (§8, 4). Whatever comes is taken.
    source: 'upgradechat.md §2, 3',
  },
  SubmitTenancyRequest: {
    id: 'SubmitTenancyRequest',
    summary: 'Add a tenant, step 1: submit the request',
    method: 'POST',
    path: '/api/services/CRM/Lead/SubmitTenancyRequest',
    parameters: [],
    body: { schema: tenancyRequest, required: true },
    reply: upsertReply,
    source: 'upgradechat.md §2, 4',
  },
  CompleteTenantRegistration: {
    id: 'CompleteTenantRegistration',
    summary: 'Add a tenant, step 2: complete the registration',
    method: 'POST',
    path: '/api/services/Platform/TenantSubscription/CompleteTenantRegistration',
    parameters: [],
    body: { schema: registration, required: true },
    reply: registrationReply,
    source: 'upgradechat.md §2, 5',
  },
  'ApiKey/Generate': {
    id: 'ApiKey/Generate',
    summary: 'Generate an API key',
    method: 'POST',
    path: '/api/services/Platform/ApiKey/Generate',
    parameters: [],
    body: { schema: apiKeyRequest, required: true },
    reply: apiKeyReply,
    source: 'upgradechat.md §2, 6',
  },
  LinkToUser: {
    id: 'LinkToUser',
    summary: 'Link tenants',
    method: 'POST',
    path: '/api/services/Platform/UserLink/LinkToUser',
    parameters: [],
    body: { schema: userLink, required: true },
    source: 'upgradechat.md §2, 7',
  },
  DeleteTenant: {
    id: 'DeleteTenant',
    summary: 'Delete a tenant',
    method: 'DELETE',
    path: '/api/services/Platform/Tenant/DeleteTenant',
    parameters: [inQuery('Id')],
    source: 'upgradechat.md §2, 8',
  },
  UpdateGeneralSettings: {
    id: 'UpdateGeneralSettings',
    summary: 'Update the general settings of a tenant',
    method: 'PUT',
    path: '/api/services/Platform/TenantSettings/UpdateGeneralSettings',
    parameters: [],
    body: { schema: generalSettings, required: true },
    source: 'upgradechat.md §2, 9',
  },
  GetAutoLoginLink: {
    id: 'GetAutoLoginLink',
    summary: 'Get a link that logs a user in without a password',
    method: 'GET',
    path: '/api/services/Platform/User/GetAutoLoginLink',
    parameters: [inQuery('userId'), inQuery('lifeTimeMinutes', 'minutes')],
    source: 'upgradechat.md §2, 10',
  },
  SetStripeConnectedAccount: {
    id: 'SetStripeConnectedAccount',
    summary: 'Set the connected Stripe account of a tenant',
    method: 'POST',
    path: '/api/services/CRM/TenantPaymentSettings/SetStripeConnectedAccount',
    parameters: [],
    body: { schema: stripeAccount, required: true },
    source: 'upgradechat.md §2, 11',
  },
} as const satisfies Record<string, Operation>;
