import { describe, expect, it } from 'vitest';
import { generateWireLife } from './generate-wire.ts';
import { huntOnWire } from './hunt-wire.ts';
import { judgeWire } from './judge-wire.ts';
import { toldOnWire } from './shrink-wire.ts';
import { type WireLife, type WireStep, type WireTrouble, wireTroubles } from './wire-life.ts';

/** `WIRE_LIVES=1000 npx vitest run test/simulator/wire` goes further. */
const lives = Number(process.env.WIRE_LIVES ?? 4);

const sync: WireStep = { do: 'sync' };

describe('lives over real connectors and the real HTTP client', () => {
  it(`keep the laws, whatever happens on the wire: ${lives} seeds`, { timeout: 3_600_000 }, async () => {
    const find = await huntOnWire(1, lives);
    expect(find && (await toldOnWire(find.seed))).toBeUndefined();
  });

  it('are lived the same way from the same seed', { timeout: 600_000 }, async () => {
    expect((await judgeWire(generateWireLife(1))).story).toEqual((await judgeWire(generateWireLife(1))).story);
  });
});

/** A site, a showroom and a shop, and a person in each. */
const trio: Omit<WireLife, 'steps'> = {
  seed: 1,
  crms: (['site', 'showroom', 'shop'] as const).map((name) => ({ name, traits: {} })),
  entities: ['contact'],
  deletes: 'ignore',
  conflicts: 'newest',
};

describe('on the wire', () => {
  const people = (['site', 'site', 'showroom', 'showroom', 'shop'] as const).map(
    (crm, who): WireStep => ({ do: 'enter', crm, entity: 'contact', who, values: {} }),
  );
  const edits: readonly WireStep[] = [
    { do: 'edit', crm: 'site', entity: 'contact', who: 0, field: 'city', to: 'Berlin' },
    { do: 'edit', crm: 'showroom', entity: 'contact', who: 3, field: 'street', to: 'Ring 1' },
  ];
  const trouble = (crm: 'site' | 'showroom', of: 'reads' | 'writes', times: number, what: WireTrouble): WireStep => ({
    do: 'trouble',
    crm,
    of,
    skip: 0,
    times,
    what,
  });

  for (const what of wireTroubles)
    for (const of of ['reads', 'writes'] as const)
      it(`${what} (${of}) is got over, once at one CRM and for a whole cycle at another`, {
        timeout: 60_000,
      }, async () => {
        // What reads have to get over once, writes of the same CRM have to for a whole cycle.
        for (const crm of ['site', 'showroom'] as const) {
          const times = (crm === 'site') === (of === 'reads') ? 1 : 100;
          const steps = [...people, trouble(crm, of, times, what), sync, ...edits, trouble(crm, of, times, what), sync];
          expect((await judgeWire({ ...trio, steps })).breaches, `${crm} ${times}`).toEqual([]);
        }
      });

  it('a lead of Alpha that is an inactive customer by now has the status that somebody typed there', async () => {
    const steps: readonly WireStep[] = [
      { do: 'enter', crm: 'office', entity: 'contact', who: 1, values: {} },
      { do: 'lead', crm: 'office', who: 1, values: {} },
      sync,
      { do: 'edit', crm: 'office', entity: 'contact', who: 1, field: 'status', to: 'INACTIVE' },
      sync,
    ];
    const crms = (['office', 'showroom'] as const).map((name) => ({ name, traits: {} }));
    expect((await judgeWire({ ...trio, crms, entities: ['contact', 'lead'], steps })).breaches).toEqual([]);
  });
});
