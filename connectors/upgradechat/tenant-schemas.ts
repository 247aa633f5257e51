import { z } from 'zod';
import { flag, integer, text, utmParameter } from './schemas.ts';

/** Bodies and replies of the tenants document (upgradechat.md §3.3–3.9). None of it is synced. */

/** What nobody but its owner may see. The format tells whoever shows a body or a reply. */
const secret = z.string('a text').min(1, 'a text that is not empty').meta({ format: 'password' });
const secretReply = z.string('a text').nullish().meta({ format: 'password' });
const required = z.string('a text').min(1, 'a text that is not empty');
const moment = z.iso.datetime({ offset: true, error: 'an ISO 8601 date-time' });

/** §3.3: the first table of the source is taken to be what is required, and of that only what no lead can lack. */
export const tenancyRequest = z.looseObject({
  companyName: required,
  products: z
    .array(
      z.looseObject({
        productId: z.int('an integer'),
        paymentPeriodType: z.enum(['Monthly', 'Annual'], 'Monthly or Annual'),
        quantity: z.literal(1, '1, the only quantity there is'),
      }),
      'a list',
    )
    .nullish(),
  city: text,
  state: text,
  firstName: text,
  lastName: text,
  email: required,
  phone: text,
  affiliateCode: text,
  website: text,
  stage: text,
  tag: text,
  phoneExt: text,
  comments: text,
  sourceCode: text,
  channelCode: text,
  isHelpNeeded: flag,
  couponCode: text,
  utmParameter,
  leadRequestXref: text,
  campaignCode: text,
  refererUrl: text,
  entryUrl: text,
  userAgent: text,
  clientIp: text,
});

/** §3.4 */
export const registration = z.looseObject({
  requestXref: text,
  tenancyName: text,
  tenantName: text,
  companyName: text,
  siteUrl: text,
  adminPassword: secret,
  noWelcomeEmail: flag,
  returnBearerToken: flag,
});

/** §3.5 */
export const registrationReply = wrapped({
  tenantId: integer,
  tenancyName: text,
  name: text,
  userName: text,
  userId: integer,
  emailAddress: text,
  isEmailConfirmationRequired: flag,
  loginLink: secretReply,
  paymentLink: text,
  stripePayUrl: text,
  publicInvoiceId: text,
  bearerAccessToken: secretReply,
  bearerRefreshToken: secretReply,
});

/** §3.6 */
export const apiKeyRequest = z.looseObject({
  name: required,
  expirationDate: moment,
  userId: z.int('an integer').min(0, '0 or more').optional(),
  paths: z.string('a text').optional(),
});

/** §3.6 */
export const apiKeyReply = wrapped({
  id: integer,
  name: text,
  key: z.string('a text').min(1).meta({ format: 'password' }),
  expirationDate: text,
  creationTime: text,
  userId: integer,
  userName: text,
  paths: text,
});

/** §3.7 */
export const userLink = z.looseObject({
  tenancyName: required,
  usernameOrEmailAddress: required,
  password: secret,
});

/** §3.8: all seven are sent; only two of them may be null. */
export const generalSettings = z.looseObject({
  defaultCountryCode: z.string('a text').regex(/^[A-Z]{2}$/, 'an ISO 3166-1 alpha-2 code'),
  timezone: z.string('a text'),
  timezoneForComparison: z.string('a text'),
  zendeskAccountUrl: z.string('a text'),
  publicPhone: z.string('a text or null').nullable(),
  currency: z.string('a text').regex(/^[A-Z]{3}$/, 'an ISO 4217 code'),
  publicSiteUrl: z.string('a text or null').nullable(),
});

/** §3.9 */
export const stripeAccount = z.looseObject({ connectedAccountId: required });

/** A documented reply, bare or wrapped as `result` (inferred, §6). */
function wrapped(shape: z.ZodRawShape): z.ZodType {
  const bare = z.looseObject({ ...shape, result: z.never().optional() });
  return z.union([z.looseObject({ success: z.literal(true), result: z.looseObject(shape) }), bare]);
}
