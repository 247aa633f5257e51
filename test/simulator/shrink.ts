import { judge } from './judge.ts';
import type { Life, SimSpec, Step } from './life.ts';

/** A life that breaks a law, with everything left out that it can do without. The same law is broken at the end. */
export async function shrink(life: Life, judged: (life: Life) => Promise<Judged> = judge): Promise<Life> {
  return await shrunk(life, judged, async (now, tryOut) => {
    for (const { name } of now().crms) if (now().crms.length > 2) await tryOut(without(now(), name));
    for (const [at, step] of now().steps.entries())
      for (const simpler of simplerSteps(step))
        if (await tryOut({ ...now(), steps: now().steps.with(at, simpler) })) break;
    for (const simpler of simplerWorlds(now())) await tryOut(simpler);
  });
}

interface Judged {
  readonly breaches: readonly string[];
}

/**
 * Leaves out steps, and whatever `simplify` takes away besides, as long as anything can go and one of the same laws is
 * still broken.
 * @param simplify tries out smaller lives than the one that is left now
 */
export async function shrunk<Any extends { readonly steps: readonly unknown[] }>(
  life: Any,
  judged: (life: Any) => Promise<Judged>,
  simplify: (now: () => Any, tryOut: (smaller: Any) => Promise<boolean>) => Promise<void>,
): Promise<Any> {
  const laws = lawsOf((await judged(life)).breaches);
  let small = life;
  const tryOut = async (smaller: Any): Promise<boolean> => {
    const broken = lawsOf((await judged(smaller)).breaches);
    if (!laws.some((law) => broken.includes(law))) return false;
    small = smaller;
    return true;
  };
  for (let before = -1; before !== sizeOf(small); ) {
    before = sizeOf(small);
    for (let size = Math.ceil(small.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let at = small.steps.length - size; at >= 0; at -= size)
        await tryOut({ ...small, steps: small.steps.toSpliced(at, size) });
    await simplify(() => small, tryOut);
  }
  return small;
}

function lawsOf(breaches: readonly string[]): readonly string[] {
  return [...new Set(breaches.map((breach) => breach.split(':', 1)[0]!))];
}

function sizeOf(life: unknown): number {
  return JSON.stringify(life).length;
}

/** The life of the others. */
function without(life: Life, name: string): Life {
  const isThere = (step: Step) =>
    !('crm' in step ? [step.crm] : step.do === 'meanwhile' ? [step.edit.crm, step.of] : []).includes(name);
  const { conflicts, owners, members } = life.sync;
  const { others, ...rest } = life;
  const left = others?.filter((one) => one !== name) ?? [];
  return {
    ...rest,
    ...(left.length > 1 && { others: left }),
    crms: life.crms.filter((crm) => crm.name !== name),
    steps: life.steps.filter(isThere),
    sync: {
      ...life.sync,
      // Nobody may be left in no sync at all.
      members: [
        ...members.filter(({ connection }) => connection !== name),
        ...(left.length === 1 ? left : [])
          .filter((one) => !members.some(({ connection }) => connection === one))
          .map((connection) => ({ connection, direction: 'both' as const })),
      ],
      conflicts: typeof conflicts === 'string' ? conflicts : conflicts.filter((one) => one !== name),
      owners: Object.fromEntries(Object.entries(owners).filter(([, owner]) => owner !== name)),
    },
  };
}

function simplerSteps(step: Step): readonly Step[] {
  switch (step.do) {
    case 'enter':
      return Object.keys(step.values)
        .filter((path) => path !== 'email.primary')
        .map((path) => ({
          ...step,
          values: Object.fromEntries(Object.entries(step.values).filter(([one]) => one !== path)),
        }));
    case 'round beside': {
      const { mail, death, ...rest } = step;
      return [{ do: 'sync', restMs: 60_000 }, { do: 'round', mail }, ...(death ? [{ ...rest, mail }] : [])];
    }
    case 'sync':
    case 'round':
    case 'two at once': {
      const { death, ...rest } = step;
      return death ? [rest] : [];
    }
    case 'trouble':
      return [...(step.times > 1 ? [{ ...step, times: 1 }] : []), ...(step.skip > 0 ? [{ ...step, skip: 0 }] : [])];
    default:
      return [];
  }
}

/** The same life with one trait of one CRM or of the sync taken away. */
function* simplerWorlds(life: Life): Generator<Life> {
  const plain = {
    trims: false,
    upper: [],
    lowerCasesEmail: false,
    shortens: {},
    sortsTags: false,
    wholeSeconds: false,
    prefixes: {},
    drops: [],
  };
  for (const [at, crm] of life.crms.entries()) {
    const simpler: readonly Partial<SimSpec>[] = [
      { skewMs: 0 },
      { lagMs: 0 },
      { counts: true },
      { lists: true },
      { knowsOurIds: false },
      { habits: plain },
      { shuffles: false },
      { stamps: false },
      { concurrent: 1 },
      { readOnly: [] },
      { pageSize: 10 },
      { tells: 'all' },
      { reads: 'id' },
      { showsEmptyAs: 'null' },
    ];
    for (const one of simpler) {
      const changed = { ...crm, ...one };
      if (JSON.stringify(changed) !== JSON.stringify(crm)) yield { ...life, crms: life.crms.with(at, changed) };
    }
  }
  const { others, ...alone } = life;
  if (others && life.crms.every(({ name }) => life.sync.members.some(({ connection }) => connection === name)))
    yield alone;
  if (Object.keys(life.sync.owners).length > 0) yield { ...life, sync: { ...life.sync, owners: {} } };
  if (life.sync.conflicts !== 'newest') yield { ...life, sync: { ...life.sync, conflicts: 'newest' } };
}
