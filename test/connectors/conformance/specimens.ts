import type { Specimen } from '../../../src/connector/conformance.ts';

const two = (n: number): string => String(n % 100).padStart(2, '0');
const email = (n: number): string => `p${n}@example.com`;
const phone = (n: number): string => `+1 604 555 01${two(n)}`;

/** A contact of Treepl: `Loyalty` is a key that its documentation does not know. */
export const treeplContact: Specimen = {
  id: 'Id',
  wire: (n) => ({
    Email: email(n),
    FirstName: `Given${n}`,
    LastName: `Family${n}`,
    Phone: phone(n),
    Address: `${n} Example Street`,
    City: 'Cluj-Napoca',
    State: 'Cluj',
    ZipCode: '400000',
    Country: 'Romania',
    Site: `https://www.example.com/p${n}`,
    Status: 'New',
    Notes: `Note ${n}`,
    IsDataUsingAllowed: true,
  }),
  edit: (n) => ({ City: `Town ${n}` }),
  unknown: { Loyalty: { Points: 3 }, Type: 2, CustomCrmGroups: { shop: { size: 'M' } } },
  unusable: { City: ['Cluj-Napoca'] },
  values: (n) => ({ status: `Status ${n}` }),
};

/** For a site that shortens `State`, and refuses keys which its documentation does not know: those cannot be preserved. */
export const strictTreeplContact: Specimen = {
  ...treeplContact,
  keeps: { 'address.billing.region': (written) => String(written).slice(0, 2) },
  unknown: { Type: 2, CustomCrmGroups: { shop: { size: 'M' } } },
};

const conecrmCustomer = (n: number) => ({
  primaryEmail: email(n),
  secondaryEmail: `second.${email(n)}`,
  homePhone: phone(n),
  workPhone: phone(n + 30),
  workPhoneExtension: '12',
  mobilePhone: phone(n + 60),
  address: `${n} Example Street`,
  city: 'Québec',
  province: 'QC',
  postalCode: 'G1A 0A2',
  country: 'CA',
  language: 'fr',
  isActive: true,
});

/** A contact of ConeCRM. */
export const conecrmContact: Specimen = {
  id: 'id',
  wire: (n) => ({
    ...conecrmCustomer(n),
    civility: 'Mme',
    firstName: `Given${n}`,
    lastName: `Family${n}`,
    companyName: `Company ${n}`,
    preferredMethodOfContact: 'email',
  }),
  edit: (n) => ({ city: `Town ${n}` }),
  unknown: { avatarColor: '#123456', statistics: { visits: 7 } },
  unusable: { city: ['Québec'] },
  values: (n) => ({ preferredChannel: n % 2 === 0 ? 'email' : 'phone' }),
};

/** An account of ConeCRM. */
export const conecrmAccount: Specimen = {
  ...conecrmContact,
  wire: (n) => ({ ...conecrmCustomer(n), name: `Company ${n}` }),
};

/** A lead of ConeCRM: there is none without a contact. */
export const conecrmLead: Specimen = {
  id: 'id',
  wire: (n, needs) => ({ subject: `Lead ${n}`, description: `Wants ${n}`, contact: { id: needs('contact', n) } }),
  edit: (n) => ({ subject: `Other ${n}`, dateModified: '2030-01-01T09:00:00+00:00' }),
  unknown: { visitCount: 3 },
  unusable: { subject: ['a list'] },
};

const alphaStatuses = ['LEAD', 'PROSPECT', 'ACTIVE', 'CUSTOMER', 'INACTIVE', 'CHURNED'] as const;
const alphaStatus = (n: number) => alphaStatuses[n % alphaStatuses.length] as string;
const alphaOwner = (n: number): string => (n % 2 === 0 ? 'usr_21' : 'usr_22');

/** A person of Alpha; in the course of an edit it moves on to another status, and so to another list. */
export const alphaContact: Specimen = {
  id: 'id',
  wire: (n) => ({
    name: `Given${n} Family${n}`,
    email: email(n),
    phone: phone(n),
    billingAddress: {
      street: 'Voorbeeldstraat',
      houseNumber: String(n),
      postalCode: '1012 AB',
      city: 'Utrecht',
      country: 'NL',
    },
    region: 'Utrecht',
    website: `https://www.example.com/p${n}`,
    industry: 'Retail',
    preferredLanguage: 'nl',
    crmStatus: alphaStatus(n),
    ownerId: alphaOwner(n),
    tags: ['kept', `tag ${n}`],
    nextAction: `Call ${n}`,
    nextActionDueDate: '2030-01-01T09:00:00Z',
    leadSource: 'fair',
  }),
  edit: (n) => ({ crmStatus: alphaStatus(n) }),
  unknown: { deliveryAddresses: [{ street: 'Zijstraat', houseNumber: '2' }], loyalty: { points: 3 } },
  unusable: { email: ['a list'] },
  values: (n) => ({ status: alphaStatus(n), owner: alphaOwner(n) }),
};

export const alphaAccount: Specimen = {
  ...alphaContact,
  wire: (n, needs) => ({
    ...alphaContact.wire(n, needs),
    name: `Company ${n}`,
    kvk: `1234567${n % 10}`,
    btw: 'NL000000000B01',
  }),
};

/** A customer in status LEAD. It stays one: a lead that leaves the status is no lead any more. */
export const alphaLead: Specimen = {
  ...alphaContact,
  wire: (n, needs) => ({ ...alphaContact.wire(n, needs), crmStatus: 'LEAD' }),
  edit: (n) => ({ name: `Chance ${n}` }),
};

/** A contact of Upgrade.chat. */
export const upgradechatContact: Specimen = {
  id: 'contactId',
  wire: (n) => ({
    namePrefix: 'Dr.',
    firstName: `Given${n}`,
    middleName: 'M.',
    lastName: `Family${n}`,
    nameSuffix: 'Jr.',
    nickName: `Nick${n}`,
    emailAddresses: [{ emailAddress: email(n), comment: 'kept' }, { emailAddress: `second.${email(n)}` }],
    phoneNumbers: [{ phoneNumber: phone(n), comment: 'kept' }],
    addresses: [
      {
        streetAddress: `${n} Example Street`,
        neighborhood: 'Old Town',
        city: 'Vancouver',
        stateName: 'British Columbia',
        zip: 'V5K 0A1',
        countryName: 'Canada',
      },
    ],
    links: [{ url: `https://www.example.com/p${n}` }],
    companyName: `Company ${n}`,
    industry: 'Retail',
    title: 'Buyer',
    preferredLanguageCode: 'en',
    note: `Note ${n}`,
    dob: '1980-01-01T00:00:00.000Z',
    gender: 'Other',
    followUpDate: '2030-01-01T09:00:00.000Z',
    tags: [{ name: 'kept' }],
  }),
  edit: (n) => ({ companyName: `Company ${n}` }),
  unknown: { questionnaireAnswers: { size: 'M' }, photo: { original: 'cGhvdG8=' }, interests: ['chess'] },
  unusable: { firstName: ['a list'] },
  values: (n) => ({ gender: n % 2 === 0 ? 'Female' : 'Male' }),
};

/** A lead of Upgrade.chat: its contact, with these fields filled. */
export const upgradechatLead: Specimen = {
  ...upgradechatContact,
  wire: (n, needs) => ({
    ...upgradechatContact.wire(n, needs),
    trackingInfo: { comments: `Wants ${n}`, sourceCode: 'fair' },
    dealAmount: 100 * n,
    currencyId: 'CAD',
  }),
  edit: (n) => ({ dealAmount: 1000 + n }),
  values: (n) => ({ source: n % 2 === 0 ? 'fair' : 'web' }),
};
