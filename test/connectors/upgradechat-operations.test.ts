import { afterAll, describe, expect, test } from 'vitest';
import { endpoints } from '../../connectors/upgradechat/endpoints.ts';
import { errorMessage } from '../../connectors/upgradechat/errors.ts';
import { upgradechat } from '../../connectors/upgradechat/index.ts';
import { contactInput, contactReply } from '../../connectors/upgradechat/schemas.ts';
import { describeOperation } from '../../src/cli/describe.ts';
import { CrmError } from '../../src/connector/errors.ts';
import type { HttpCall } from '../../src/connector/http.ts';
import { type Site, startSite } from './upgradechat-site.ts';

type Id = keyof typeof endpoints;
const secret = 'correct horse battery staple';

const bare = await startSite();
const wrapped = await startSite({}, { replies: 'envelope' });
let xref: string;
let tenant: string;
let contact: string;

const tenancy = {
  companyName: 'Zoë’s Bäckerei GmbH',
  products: [{ productId: 12, paymentPeriodType: 'Annual', quantity: 1 }],
  city: 'Köln',
  state: 'NW',
  firstName: 'Zoë',
  lastName: 'Müller',
  email: 'zoe.mueller@example.de',
  phone: '+4922112345678',
  affiliateCode: 'REF-7',
  website: 'https://baeckerei.example.de',
  tag: 'web',
};
const registration = { requestXref: '', tenantName: 'Bäckerei', companyName: 'Bäckerei', adminPassword: secret };
const settings = {
  defaultCountryCode: 'DE',
  timezone: '',
  timezoneForComparison: 'UTC',
  zendeskAccountUrl: '',
  publicPhone: null,
  currency: 'EUR',
  publicSiteUrl: null,
};
const calls: Record<Id, () => HttpCall> = {
  CreateOrUpdateContact: () => ({
    body: {
      matchExisting: true,
      contactXRef: 'x-1',
      firstName: 'Élodie',
      gender: 'Female',
      dob: '1984-02-29T00:00:00.000Z',
      emailAddresses: [{ emailAddress: 'elodie.beranger@example.fr', isActive: true, usageTypeId: null }],
      trackingInfo: { sourceCode: 'FAIR', customField1: 'hub' },
      dealAmount: 12500.5,
    },
  }),
  GetContactInfo: () => ({ params: { id: contact } }),
  DeleteContact: () => ({ params: { id: contact } }),
  SubmitTenancyRequest: () => ({ body: tenancy }),
  CompleteTenantRegistration: () => ({ body: { ...registration, requestXref: xref, returnBearerToken: true } }),
  'ApiKey/Generate': () => ({ body: { name: 'sync', expirationDate: '2030-06-21T08:58:52.393Z', paths: 'CRM' } }),
  LinkToUser: () => ({
    body: { tenancyName: 'baeckerei', usernameOrEmailAddress: 'zoe@example.de', password: secret },
  }),
  DeleteTenant: () => ({ params: { Id: tenant } }),
  UpdateGeneralSettings: () => ({ body: settings }),
  GetAutoLoginLink: () => ({ params: { userId: '2210', lifeTimeMinutes: '10' } }),
  SetStripeConnectedAccount: () => ({ body: { connectedAccountId: 'acct_example' } }),
};

const resultOf = (body: unknown): Record<string, unknown> => {
  const fields = body as Record<string, unknown>;
  return (fields?.success === true ? fields.result : fields) as Record<string, unknown>;
};

async function prepare({ http, sandbox }: Site): Promise<void> {
  contact = sandbox.people.add('contact', { firstName: 'Ana', emailAddresses: [{ emailAddress: 'ana@example.fr' }] });
  const request = await http.call(endpoints.SubmitTenancyRequest, { body: tenancy });
  xref = String(resultOf(request.body).leadRequestXref);
  const body = { ...registration, requestXref: xref };
  const done = await http.call(endpoints.CompleteTenantRegistration, { body });
  tenant = String(resultOf(done.body).tenantId);
  sandbox.forgetRequests();
}

afterAll(async () => {
  await bare.close();
  await wrapped.close();
});

describe('every documented operation', () => {
  test('there are 3 + 8, in the order of the sheet', () => {
    expect(upgradechat.operations.map(({ source }) => source)).toEqual(
      Array.from({ length: 11 }, (_, index) => `upgradechat.md §2, ${index + 1}`),
    );
    for (const [key, operation] of Object.entries(endpoints)) expect(operation.id).toBe(key);
  });

  for (const [form, site] of [
    ['bare', bare],
    ['envelope', wrapped],
  ] as const)
    test.each(upgradechat.operations.map((operation) => [operation.id, operation] as const))(
      `%s: the call fits its request schema, reaches its path, and the ${form} reply fits its reply schema`,
      async (key, operation) => {
        await prepare(site);
        const call = calls[key as Id]();
        for (const { name, schema } of operation.parameters)
          expect(schema.safeParse(String(call.params?.[name])).success, name).toBe(true);
        if (operation.body) expect(operation.body.schema.safeParse(call.body)).toMatchObject({ success: true });

        const reply = await site.http.call(operation, call);

        expect(site.sandbox.requests.map((seen) => [seen.operation, seen.method, seen.path])).toEqual([
          [key, operation.method, operation.path],
        ]);
        expect(reply.status).toBe(200);
        if (operation.reply) expect(operation.reply.safeParse(reply.body)).toMatchObject({ success: true });
      },
    );

  test('the two that answer with something of use do', async () => {
    await prepare(bare);
    const key = await bare.http.call(endpoints['ApiKey/Generate'], calls['ApiKey/Generate']());
    expect(key.body).toMatchObject({ key: expect.stringMatching(/^[0-9a-f]{40}$/), userId: 311 });
    const link = await bare.http.call(endpoints.GetAutoLoginLink, calls.GetAutoLoginLink());
    expect(link.body).toEqual(expect.stringContaining('u=2210'));
  });

  test.each([
    ['CreateOrUpdateContact', { contactId: '' }],
    ['CreateOrUpdateContact', { leadRequestXref: 'x' }],
    ['GetContactInfo', { firstName: 7 }],
    ['GetContactInfo', { emailAddresses: {} }],
    ['CompleteTenantRegistration', { tenantId: 'nine' }],
    ['CompleteTenantRegistration', { success: true, result: { tenantId: 'nine' } }],
    ['ApiKey/Generate', { id: 1, name: 'sync' }],
    ['SubmitTenancyRequest', { contactId: 1.5 }],
  ] as const)('the reply schema of %s refuses %j', (key, body) => {
    expect(endpoints[key].reply.safeParse(body).success).toBe(false);
  });

  test.each<[Id, unknown]>([
    ['CreateOrUpdateContact', { gender: 'female' }],
    ['CreateOrUpdateContact', { emailAddresses: [{ emailAddress: 5 }] }],
    ['CreateOrUpdateContact', { propertyInfo: { address: { startDate: 'spring' } } }],
    ['CreateOrUpdateContact', { questionnaireAnswers: { questionsAndAnswers: [{ answers: [{ sortOrder: 'x' }] }] } }],
    ['SubmitTenancyRequest', { ...tenancy, products: [{ productId: 1, paymentPeriodType: 'Annual', quantity: 0 }] }],
    ['SubmitTenancyRequest', { ...tenancy, products: [{ productId: 1, paymentPeriodType: 'Daily', quantity: 1 }] }],
    ['SubmitTenancyRequest', { ...tenancy, email: '' }],
    ['CompleteTenantRegistration', { ...registration, adminPassword: undefined }],
    ['ApiKey/Generate', { name: 'sync', expirationDate: 'tomorrow' }],
    ['ApiKey/Generate', { name: 'sync', expirationDate: '2030-01-01T00:00:00Z', userId: -1 }],
    ['LinkToUser', { tenancyName: 'a', usernameOrEmailAddress: 'b', password: '' }],
    ['UpdateGeneralSettings', { ...settings, currency: undefined }],
    ['UpdateGeneralSettings', { ...settings, timezone: null }],
    ['UpdateGeneralSettings', { ...settings, defaultCountryCode: 'Germany' }],
    ['SetStripeConnectedAccount', {}],
  ])('the request schema of %s refuses a wrong body (%#)', (key, body) => {
    const operation = upgradechat.operations.find(({ id }) => id === key);
    expect(operation?.body?.schema.safeParse(body).success).toBe(false);
  });

  test('the example contact of the sheet fits, as a body and as a reply', () => {
    const example = {
      contactId: 48213,
      contactXRef: 'crm-hub:7f3c2a10',
      firstName: 'Élodie',
      companyName: null,
      emailAddresses: [
        {
          contactId: 48213,
          emailAddress: 'elodie.beranger@example.fr',
          isActive: true,
          isConfirmed: false,
          comment: null,
          usageTypeId: 'P',
        },
      ],
      phoneNumbers: [],
      addresses: [{ startDate: '2023-09-01', endDate: null, countryId: 'FR', stateId: null }],
      dob: null,
      tags: [{ name: 'VIP' }],
      isProspective: true,
      stageId: 4,
    };
    expect(contactReply.safeParse(example).success).toBe(true);
    expect(contactInput.safeParse(example).success).toBe(true);
  });
});

describe('secrets of the tenants document', () => {
  test('never reach the log of the HTTP client, an error, or a description', async () => {
    for (const key of ['CompleteTenantRegistration', 'LinkToUser'] as const) {
      const call = calls[key]();
      for (const code of [400, 500]) {
        bare.sandbox.faults.status = { code, times: 1 };
        const error = await bare.http.call(endpoints[key], call).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(CrmError);
        expect(`${JSON.stringify(error)} ${(error as Error).message} ${(error as Error).stack}`).not.toContain(secret);
      }
    }
    await prepare(bare);
    const { body } = await bare.http.call(endpoints['ApiKey/Generate'], calls['ApiKey/Generate']());
    expect(JSON.stringify(bare.log)).not.toContain(secret);
    expect(JSON.stringify(bare.log)).not.toContain((body as { key: string }).key);
    for (const operation of upgradechat.operations) {
      const { lines, document } = describeOperation(operation);
      expect(lines.join('\n') + JSON.stringify(document)).not.toMatch(/correct horse|"(example|default)s?"/);
    }
  });

  test('are marked as such where they are described', () => {
    const marked = (key: Id, side: 'body' | 'reply'): string[] => {
      const operation = upgradechat.operations.find(({ id }) => id === key)!;
      const schema = JSON.stringify(describeOperation(operation).document[side]);
      return [...schema.matchAll(/"(\w+)":\{(?:"anyOf":\[\{)?[^{}]*"format":"password"/g)].map((match) => match[1]!);
    };
    expect(marked('CompleteTenantRegistration', 'body')).toEqual(['adminPassword']);
    expect(marked('LinkToUser', 'body')).toEqual(['password']);
    expect(new Set(marked('ApiKey/Generate', 'reply'))).toEqual(new Set(['key']));
  });

  test('an error body that repeats what was sent is not quoted', () => {
    expect(errorMessage(400, { sent: { adminPassword: secret } })).toBe('status 400 without a text');
    expect(errorMessage(400, [secret])).toBe('status 400 without a text');
  });
});

describe('the words of an error body', () => {
  test.each<[unknown, string]>([
    [undefined, 'status 400 without a text'],
    ['', 'status 400 without a text'],
    ['Bad  request', 'Bad request'],
    ['<html><style>p{}</style><h1>Bad Request</h1></html>', 'Bad Request'],
    [{ message: 'No.' }, 'No.'],
    [{ error: 'invalid_token', error_description: 'expired' }, 'expired; invalid_token'],
    [{ error: { code: 0, message: 'No.', details: 'Why not.' } }, 'No.; Why not.'],
    [
      { error: { message: 'Not valid!', validationErrors: [{ message: 'The Zip is too long.', members: ['zip'] }] } },
      'Not valid!; The Zip is too long.',
    ],
    [{ message: 'n'.repeat(1000) }, `${'n'.repeat(299)}…`],
  ])('of %j are one short line', (body, line) => {
    expect(errorMessage(400, body)).toBe(line);
  });
});
