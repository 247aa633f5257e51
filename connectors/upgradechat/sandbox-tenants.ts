import { Refusal, type SandboxCall, type SandboxHandler } from '../../src/connector/sandbox-server.ts';
import type { SeededIds } from '../../src/connector/seeded-ids.ts';
import type { ContactTable, Wire } from './sandbox-contacts.ts';

/** The person who owns the key of the sandbox. */
const CURRENT_USER = 311;
const FIRST_STAMP = '2026-01-05T08:00:00.000Z';

/**
 * The tenants document (upgradechat.md §3.3–3.9): requests, tenants, API keys, settings. A request makes a prospect
 * among the contacts. Passwords are checked and not kept.
 * @param answer wraps a reply as this CRM does
 */
export function tenantHandlers(
  contacts: ContactTable,
  ids: SeededIds,
  answer: (result: unknown) => { status: number; body?: unknown },
): Readonly<Record<string, SandboxHandler>> {
  /** Request xref → the request. */
  const requests = new Map<string, Wire>();
  const tenants = new Map<string, Wire>();
  let lastId = 900;

  return {
    SubmitTenancyRequest: ({ body }) => {
      const given = needed(body, 'companyName', 'email');
      for (const product of (given.products ?? []) as Wire[])
        if (product.quantity !== 1) throw new Refusal(400, 'The quantity of a subscription must be 1.');
      const leadRequestXref = typeof given.leadRequestXref === 'string' ? given.leadRequestXref : ids.uuid();
      const { contactId } = contacts.upsert({ matchExisting: true, ...prospect(given) });
      requests.set(leadRequestXref, given);
      return answer({ leadRequestXref, contactId });
    },
    CompleteTenantRegistration: ({ body }) => {
      const given = needed(body, 'adminPassword', 'requestXref');
      const request = requests.get(String(given.requestXref));
      if (!request) throw new Refusal(404, 'There is no such request.');
      const tenantId = ++lastId;
      const name = given.tenantName ?? request.companyName;
      const tenancyName = given.tenancyName ?? `t_${ids.hex(6)}`;
      if (!/^\w+$/.test(String(tenancyName))) throw new Refusal(400, 'The TenancyName is not valid.');
      tenants.set(String(tenantId), { name, tenancyName });
      const withToken = given.returnBearerToken === true;
      return answer({
        tenantId,
        tenancyName,
        name,
        userName: request.email,
        userId: ++lastId,
        emailAddress: request.email,
        isEmailConfirmationRequired: given.noWelcomeEmail !== true,
        loginLink: `https://crm.example.test/login?c=${ids.hex(12)}`,
        paymentLink: null,
        stripePayUrl: null,
        publicInvoiceId: ids.uuid(),
        bearerAccessToken: withToken ? ids.hex(32) : null,
        bearerRefreshToken: withToken ? ids.hex(32) : null,
      });
    },
    'ApiKey/Generate': ({ body }) => {
      const { name, expirationDate, userId, paths } = needed(body, 'name', 'expirationDate');
      if (Number.isNaN(Date.parse(String(expirationDate)))) throw new Refusal(400, 'The ExpirationDate is not valid.');
      return answer({
        id: ++lastId,
        name,
        key: ids.hex(40),
        expirationDate,
        creationTime: FIRST_STAMP,
        userId: userId ?? CURRENT_USER,
        userName: 'owner@example.test',
        paths: paths ?? null,
      });
    },
    LinkToUser: ({ body }) => {
      needed(body, 'tenancyName', 'usernameOrEmailAddress', 'password');
      return { status: 200 };
    },
    DeleteTenant: ({ query }) => {
      if (!tenants.delete(asked(query, 'Id'))) throw new Refusal(404, 'There is no such tenant.');
      return { status: 200 };
    },
    UpdateGeneralSettings: ({ body }) => {
      const given = needed(body, 'defaultCountryCode', 'currency');
      for (const key of ['timezone', 'timezoneForComparison', 'zendeskAccountUrl'])
        if (typeof given[key] !== 'string') throw new Refusal(400, `The field ${key} is required.`);
      return { status: 200 };
    },
    GetAutoLoginLink: ({ query }) => {
      const minutes = Number(asked(query, 'lifeTimeMinutes'));
      if (!(minutes > 0)) throw new Refusal(400, 'The LifeTimeMinutes must be positive.');
      return answer(`https://crm.example.test/auto?u=${asked(query, 'userId')}&c=${ids.hex(24)}`);
    },
    SetStripeConnectedAccount: ({ body }) => {
      needed(body, 'connectedAccountId');
      return { status: 200 };
    },
  };
}

/** The contact that a tenancy request leaves behind (§3.3). */
function prospect(request: Wire): Wire {
  const { firstName, lastName, companyName, email, phone, phoneExt, website, tag, sourceCode, channelCode } = request;
  return {
    firstName,
    lastName,
    companyName,
    isProspective: true,
    emailAddresses: [{ emailAddress: email }],
    ...(phone ? { phoneNumbers: [{ phoneNumber: phone, phoneExtension: phoneExt }] } : {}),
    ...(website ? { links: [{ url: website }] } : {}),
    ...(tag ? { tags: [{ name: tag }] } : {}),
    trackingInfo: { sourceCode, channelCode, comments: request.comments },
  };
}

function needed(body: unknown, ...keys: string[]): Wire {
  const given = (typeof body === 'object' && body !== null ? body : {}) as Wire;
  for (const key of keys)
    if (typeof given[key] !== 'string' || given[key] === '') throw new Refusal(400, `The field ${key} is required.`);
  return given;
}

/** A query parameter; its name counts to the letter (§8, 7). */
export function asked(query: SandboxCall['query'], key: string): string {
  const value = query[key];
  if (!value) throw new Refusal(400, `The parameter ${key} is required.`);
  return value;
}
