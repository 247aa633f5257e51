import { describe, expect, it } from 'vitest';
import { judgeWire } from './judge-wire.ts';
import { generateWireLife, type WireStep, type WireTrouble, wireTroubles } from './wire-life.ts';

/** `WIRE_LIVES=2000 npx vitest run test/simulator/wire` goes further. */
const lives = Number(process.env.WIRE_LIVES ?? 40);

const sync: WireStep = { do: 'sync' };

describe('lives over real connectors and the real HTTP client', () => {
  it(`keep the laws, whatever happens on the wire: ${lives} seeds`, { timeout: 600_000 }, async () => {
    for (let seed = 1; seed <= lives; seed += 1) {
      const life = generateWireLife(seed);
      const { breaches } = await judgeWire(life);
      expect(breaches, `seed ${seed}: ${life.steps.map((step) => JSON.stringify(step)).join('\n')}`).toEqual([]);
    }
  });

  it('are lived the same way from the same seed', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 3; seed += 1)
      expect((await judgeWire(generateWireLife(seed))).trace).toEqual((await judgeWire(generateWireLife(seed))).trace);
  });
});

describe('on the wire', () => {
  const people: readonly WireStep[] = [
    { do: 'enter', crm: 'site', who: 0 },
    { do: 'enter', crm: 'site', who: 1 },
    { do: 'enter', crm: 'showroom', who: 2 },
    { do: 'enter', crm: 'showroom', who: 3 },
    { do: 'enter', crm: 'shop', who: 4 },
  ];
  const edits: readonly WireStep[] = [
    { do: 'edit', crm: 'site', who: 0, field: 'city', to: 'Berlin' },
    { do: 'edit', crm: 'showroom', who: 3, field: 'street', to: 'Ring 1' },
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
      it(`${what} (${of}) is got over, once or for a whole cycle`, { timeout: 60_000 }, async () => {
        for (const crm of ['site', 'showroom'] as const)
          for (const times of [1, 100]) {
            const steps = [
              ...people,
              trouble(crm, of, times, what),
              sync,
              ...edits,
              trouble(crm, of, times, what),
              sync,
            ];
            expect((await judgeWire({ seed: 1, steps })).breaches, `${crm} ${times}`).toEqual([]);
          }
      });
});
