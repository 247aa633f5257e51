import type { SeededIds } from '../../src/connector/seeded-ids.ts';
import type { Contact } from './sandbox-contacts.ts';

/** Bookings, cases, orders and secure zones of one contact, in the shapes of treepl.md §3.3–3.6. */
export interface Content {
  readonly bookings: readonly Contact[];
  readonly cases: readonly Contact[];
  readonly orders: readonly Contact[];
  zones: readonly Contact[];
}

/** Makes up what a contact has done on the site: one to three of each, the same for the same seed. */
export function contentOf(contact: Contact, ids: SeededIds): Content {
  const member = { Id: contact.Id, Email: contact.Email, FirstName: contact.FirstName, LastName: contact.LastName };
  const some = (make: () => Contact): Contact[] => Array.from({ length: 1 + ids.integer(3) }, make);
  const stamp = (): string =>
    new Date(Date.UTC(2026, ids.integer(9), 1 + ids.integer(28), ids.integer(24))).toISOString();
  let lastId = Number(contact.Id) * 100;
  const common = (): Contact => ({
    Id: ++lastId,
    OrderId: 0,
    FormId: 12,
    MemberId: contact.Id,
    CreatedDateTime: stamp(),
    CustomCrmGroups: {},
    Member: member,
  });
  return {
    bookings: some(() => ({
      ...common(),
      EventId: 5,
      Allocation: 1 + ids.integer(4),
      Form: { Id: 12, Alias: 'inscriere', Name: 'Înscriere' },
      Event: { Id: 5, Name: 'Gală de primăvară' },
      EventBookingFields: { meniu: 'vegetarian', parcare: true, locuri: 2 },
    })),
    cases: some(() => ({
      ...common(),
      Form: { Id: 2, Alias: 'contact', Name: 'Contact' },
      CaseFields: { mesaj: 'Aș dori o ofertă.', urgent: false },
    })),
    orders: some(() => orderOf(++lastId, contact.Id, member, stamp(), ids.integer(90_000) / 100)),
    zones: [{ Id: 3, Name: 'Membri', ExpiryDateTime: null }],
  };
}

function orderOf(id: number, memberId: unknown, member: Contact, at: string, cost: number): Contact {
  return {
    Id: id,
    AWBNumber: null,
    CurrencyCountry: 'RO',
    Currency: 'RON',
    Country: 'RO',
    InvoiceDate: null,
    InvoiceNumber: 0,
    IsDeleted: false,
    IsRecurring: false,
    MainOrderId: 0,
    MemberId: memberId,
    OrderName: `Comandă ${id}`,
    PaymentState: 'None',
    StatusId: 1,
    TotalCost: cost,
    CreatedDateTime: at,
    HasSubscriptions: false,
    HasPaidSubscription: false,
    TrackingURL: null,
    TransactionId: null,
    AmountPaid: 0,
    AmountPending: cost,
    OrderCaseType: 'FormCase',
    StatusShort: { Id: 1, Name: 'Nouă' },
    Discount: null,
    GiftVoucher: { Name: 'Cadou', Cost: 0 },
    Tax: { Code: 'TVA', Rate: 19 },
    ShippingInfo: {
      Name: 'Curier',
      Cost: 15.5,
      Address: 'Str. Lungă 1',
      City: 'Brașov',
      State: 'Brașov',
      Zipcode: '500035',
      Country: 'RO',
    },
    Member: member,
    OrderLines: [
      {
        Id: 1,
        EntityType: 'Form',
        ProductId: 7,
        ModuleId: 0,
        ProductName: 'Abonament',
        Quantity: 1,
        TaxRate: 19,
        UnitPrice: cost,
        TotalPrice: cost,
        FileName: null,
        IsDownload: false,
        Attributes: [{ AttributeId: 3, OptionsIds: ['11'] }],
      },
    ],
    Payments: [
      {
        Id: 1,
        Amount: cost,
        AmountCaptured: 0,
        GatewayReason: null,
        TransactionId: null,
        Status: 'Pending',
        PaymentType: 'CreditCard',
        PaymentGatewayType: 'stripe',
        Notes: null,
        CreatedDateTime: at,
      },
    ],
    CustomCrmGroups: {},
  };
}
