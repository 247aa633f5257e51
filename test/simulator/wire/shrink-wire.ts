import { shrunk } from '../shrink.ts';
import { generateWireLife } from './generate-wire.ts';
import { judgeWire } from './judge-wire.ts';
import type { WireLife, WireStep } from './wire-life.ts';

/** A life on the wire that breaks a law, with everything left out that it can do without. */
async function shrinkOnWire(life: WireLife): Promise<WireLife> {
  return await shrunk(life, judgeWire, async (now, tryOut) => {
    for (const { name } of now().crms)
      if (now().crms.length > 2) await tryOut({ ...now(), crms: now().crms.filter((crm) => crm.name !== name) });
    for (const entity of now().entities)
      await tryOut({ ...now(), entities: now().entities.filter((one) => one !== entity) });
    for (const [at, step] of now().steps.entries())
      for (const simpler of simplerSteps(step)) await tryOut({ ...now(), steps: now().steps.with(at, simpler) });
    for (const [at, crm] of now().crms.entries())
      if (Object.keys(crm.traits).length > 0)
        await tryOut({ ...now(), crms: now().crms.with(at, { name: crm.name, traits: {} }) });
    const { oneWay, ...alike } = now();
    if (oneWay) await tryOut(alike);
    if (now().conflicts !== 'newest') await tryOut({ ...now(), conflicts: 'newest' });
  });
}

function* simplerSteps(step: WireStep): Generator<WireStep> {
  if (step.do === 'sync' && step.death) yield { do: 'sync' };
  if (step.do === 'trouble' && step.times > 1) yield { ...step, times: 1 };
  if (step.do === 'enter' || step.do === 'lead')
    for (const field of Object.keys(step.values) as (keyof typeof step.values)[]) {
      const { [field]: _, ...values } = step.values;
      yield { ...step, values };
    }
  if (step.do === 'enter' && step.house !== undefined) {
    const { house, ...alone } = step;
    yield alone;
  }
}

/** The shortest life that still breaks what that of a seed breaks, told in lines. */
export async function toldOnWire(seed: number): Promise<string> {
  const { story, breaches } = await judgeWire(await shrinkOnWire(generateWireLife(seed)));
  return [`seed ${seed}:`, ...story, ...breaches.map((one) => `BROKEN ${one}`)].join('\n');
}
