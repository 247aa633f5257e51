import type { SeededIds } from '../../src/connector/seeded-ids.ts';

type Wire = Readonly<Record<string, unknown>>;

/** Makes up a deal and a call of a customer, in the shapes of alpha.md §3.3; the same for the same seed. */
export function contentOf({ id, tenantId, name, created }: Wire, ids: SeededIds): Wire {
  const stamps = { created, createdBy: 'usr_1', updated: created, updatedBy: 'usr_1' };
  const opportunityId = `opp_${ids.hex(6)}`;
  const day = String(1 + ids.integer(28)).padStart(2, '0');
  return {
    opportunities: [
      {
        id: opportunityId,
        tenantId,
        customerId: id,
        leadId: null,
        orderId: null,
        ownerId: 'usr_21',
        teamId: null,
        name: 'Keuken begane grond',
        description: null,
        notes: 'Maatwerk',
        source: 'beurs',
        status: 'NEW',
        value: ids.integer(2_000_000) / 100,
        probability: ids.integer(101),
        expectedCloseDate: `2026-08-${day}T00:00:00Z`,
        fulfillmentDate: null,
        orderDate: null,
        scheduledStartDate: `2026-09-${day}`,
        scheduledEndDate: null,
        nextAction: null,
        nextActionDueDate: null,
        estimateIds: [],
        invoiceIds: [],
        productIds: ['prd_7'],
        tags: [],
        changeOrders: [
          {
            id: `cho_${ids.hex(6)}`,
            amount: -250.5,
            category: 'korting',
            description: null,
            date: `2026-05-${day}T00:00:00Z`,
            createdAt: `2026-05-${day}T12:00:00Z`,
            createdBy: 'usr_21',
          },
        ],
        paymentSchedule: [
          {
            id: `pay_${ids.hex(6)}`,
            label: 'Aanbetaling',
            percentage: 30.5,
            paymentDueDays: 14,
            relativeDays: 0,
            includeChangeOrders: false,
            invoiceId: null,
            status: 'PENDING',
            triggerType: 'STATUS_CHANGE',
            triggerStatus: 'NEW',
            triggeredAt: null,
          },
        ],
        events: [],
        ...stamps,
      },
    ],
    recentActivities: [
      {
        id: `act_${ids.hex(6)}`,
        tenantId,
        customerId: id,
        opportunityId,
        ownerId: 'usr_21',
        type: 'CALL',
        priority: 'LOW',
        subject: 'Terugbellen',
        description: null,
        location: null,
        outcome: null,
        contactName: name,
        contactEmail: null,
        contactPhone: null,
        attendees: [],
        scheduledAt: `2026-05-${day}T13:30:00Z`,
        dueDate: null,
        dueNotifiedAt: null,
        completedAt: null,
        durationMinutes: 15,
        completed: false,
        isCompleted: false,
        events: [],
        ...stamps,
      },
    ],
  };
}
