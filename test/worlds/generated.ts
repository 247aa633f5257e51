import fc from 'fast-check';
import { fieldAt } from '../../src/model/entities.ts';
import type { KindName } from '../../src/model/kinds.ts';
import type { Value, Values } from '../../src/model/values.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import type { CrmSpec, Verb } from './fake-crm.ts';
import type { Habits } from './habits.ts';
import { openWorld, type Parts, policy, type World } from './world.ts';

/** Worlds per law; `RUNS=2500 npx vitest run test/worlds --testTimeout 600000` soaks. A failure prints its seed. */
export const runs = Number(process.env.RUNS ?? 50);

/** Everything a world is made of, small enough to read when it fails. */
export interface Plan {
  readonly seed: number;
  readonly crms: readonly CrmSpec[];
  readonly conflicts: SyncPolicy['conflicts'];
  readonly owners: SyncPolicy['owners'];
  /** One member may be there for reading or writing only. */
  readonly oneWay: 'read' | 'write' | undefined;
  /** Which people each CRM holds at first, with a number that varies their other fields; same order as `crms`. */
  readonly first: readonly (readonly { readonly person: number; readonly variant: number }[])[];
  readonly rounds: readonly (readonly PlannedEdit[])[];
}

/** A person's deed: between two cycles, or at a call of the engine to that CRM. */
export interface PlannedEdit {
  readonly moment: 'between' | Extract<Verb, 'list' | 'read' | 'update'>;
  readonly crm: number;
  readonly record: number;
  readonly path: number;
  readonly does: 'set' | 'setMessy' | 'clear' | 'enter';
}

const family = ['Ashworth', 'Brennecke', 'Castellanos', 'Dubois', 'Eriksson', 'Fitzgerald', 'Grünwald', 'Håkansson'];
const given = ['Quentin', 'Rosalind', 'Sebastian', 'Theodora', 'Ulrich', 'Veronika', 'Winston', 'Xenia'];

const always = ['name.given', 'name.family', 'email.primary'] as const;
const optional = [
  'name.nickname',
  'jobTitle',
  'department',
  'company',
  'address.billing.city',
  'notes',
  'tags',
  'birthday',
  'consent',
  'nextAction.due',
  'custom.shoe',
] as const;
/** Paths that people change. */
export const editable = [
  ...optional,
  'phone.mobile',
  'phone.work',
  'phone.home',
  'phone.primary',
  'email.secondary',
] as const;

const habits: fc.Arbitrary<Habits> = fc.record({
  trims: fc.boolean(),
  upper: fc.subarray(['name.family', 'jobTitle', 'address.billing.city'], { maxLength: 2 }),
  lowerCasesEmail: fc.boolean(),
  shortens: fc.constantFrom<Habits['shortens'][]>({}, { jobTitle: 9, notes: 12 }, { company: 7, notes: 10 }),
  sortsTags: fc.boolean(),
  wholeSeconds: fc.boolean(),
  prefixes: fc.constant({}),
  drops: fc.subarray(['department', 'birthday', 'custom.shoe'], { maxLength: 1 }),
});

const spec = (name: string): fc.Arbitrary<CrmSpec> =>
  fc
    .record({
      optional: fc.subarray([...optional, 'email.secondary'], { minLength: 3 }),
      phones: fc.constantFrom<string[][]>(
        [],
        ['phone.primary'],
        ['phone.mobile', 'phone.work'],
        ['phone.mobile', 'phone.work', 'phone.home'],
      ),
      readOnly: fc.subarray<string>(['jobTitle', 'company'], { maxLength: 1 }),
      habits,
      tells: fc.constantFrom('all', 'some', 'id'),
      reads: fc.constantFrom('id', 'search', 'none'),
      pageSize: fc.integer({ min: 1, max: 4 }),
      shuffles: fc.boolean(),
      stamps: fc.boolean(),
      showsEmptyAs: fc.constantFrom('absent', 'null', 'text'),
      concurrent: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ optional: some, phones, readOnly, ...rest }) => {
      const paths = [...always, ...some, ...phones];
      return { name, fields: { contact: paths }, ...rest, readOnly: readOnly.filter((path) => paths.includes(path)) };
    });

const names = ['alpha', 'bravo', 'charlie', 'delta'] as const;

/** Options that narrow what is generated. */
export interface PlanOptions {
  readonly minCrms?: number;
  readonly maxCrms?: number;
  readonly rounds?: number;
  readonly edits?: number;
  readonly injected?: boolean;
}

/** Worlds of some CRMs, people who are at some of them already, and rounds of edits. */
export function plans({ minCrms = 2, maxCrms = 3, rounds = 2, edits = 4, injected = true }: PlanOptions = {}) {
  return fc.integer({ min: minCrms, max: maxCrms }).chain((count) => {
    const used = names.slice(0, count);
    return fc.record<Plan>({
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      crms: fc.tuple(...used.map(spec)),
      conflicts: fc.oneof(
        fc.constant<SyncPolicy['conflicts']>('newest'),
        fc.constant<SyncPolicy['conflicts']>('manual'),
        fc.shuffledSubarray([...used], { minLength: 1 }),
      ),
      owners: fc.dictionary(
        fc.constantFrom('jobTitle', 'phone.mobile', 'notes', 'phone.primary'),
        fc.constantFrom(...used),
        {
          maxKeys: 2,
          noNullPrototype: true,
        },
      ),
      oneWay: fc.oneof(
        { weight: 4, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom<('read' | 'write')[]>('read', 'write') },
      ),
      first: fc.tuple(
        ...used.map(() =>
          fc.uniqueArray(
            fc.record({ person: fc.integer({ min: 0, max: 4 }), variant: fc.integer({ min: 0, max: 9 }) }),
            { maxLength: 4, selector: ({ person }) => person },
          ),
        ),
      ),
      rounds: fc.array(
        fc.array(
          fc.record<PlannedEdit>({
            moment: injected
              ? fc.constantFrom('between', 'between', 'between', 'list', 'read', 'update')
              : fc.constant('between'),
            crm: fc.nat({ max: count - 1 }),
            record: fc.nat({ max: 4 }),
            path: fc.nat({ max: 16 }),
            does: fc.constantFrom('set', 'set', 'setMessy', 'clear', 'enter'),
          }),
          { maxLength: edits },
        ),
        { maxLength: rounds },
      ),
    });
  });
}

/** The values of a person as a CRM might hold them before anything is synced. */
export function valuesOf(person: number, variant: number, paths: readonly string[]): Values {
  const values: Record<string, Value> = {
    'name.given': given[person % given.length]!,
    'name.family': family[person % family.length]!,
    'email.primary': emailOf(person),
  };
  paths.forEach((path, index) => {
    if (path in values || (variant + index) % 3 === 0) return;
    values[path] = invented(path, person * 10 + ((variant + index) % 2), false);
  });
  return Object.fromEntries(Object.entries(values).filter(([path]) => paths.includes(path)));
}

/** The address by which a person is known everywhere. */
export function emailOf(person: number): string {
  return `${given[person % given.length]}.${family[person % family.length]}${person}@mail${person}.example`
    .normalize('NFKD')
    .replace(/[^\w.@]/g, '');
}

/** A value of a path's kind that no other number gives. */
export function invented(path: string, number: number, messy: boolean): Value {
  const { kind } = fieldAt('contact', path);
  const plain = inventedOf(kind, path, number);
  return messy && kind === 'text' ? `  ${plain} Çé ${plain}  ` : plain;
}

function inventedOf(kind: KindName, path: string, number: number): Value {
  switch (kind) {
    case 'phone':
      return `+4930${String(7_000_000 + number * 131 + path.length)}`;
    case 'email':
      return `Box${number}@other.example`;
    case 'tags':
      return [`tag${number}`, `Tag${number + 1}`];
    case 'date':
      return new Date(Date.UTC(1970, 0, 1 + number)).toISOString().slice(0, 10);
    case 'dateTime':
      return new Date(Date.UTC(2026, 5, 1, 0, number, 7, 250)).toISOString();
    case 'boolean':
      return number % 2 === 0;
    default:
      return `${number}${path.slice(-2)} Wert`;
  }
}

/** The sync of a plan. */
export function policyOf({ crms, conflicts, owners, oneWay }: Plan, overrides: Partial<SyncPolicy> = {}): SyncPolicy {
  const members = crms.map(({ name }, index) => ({
    connection: name,
    direction: index === crms.length - 1 && crms.length > 2 ? (oneWay ?? ('both' as const)) : ('both' as const),
  }));
  return policy(members, { conflicts, owners, ...overrides });
}

/** What tests look at while a plan runs. */
export interface Watch {
  readonly beforeCycle?: (world: World) => Promise<void>;
  readonly afterCycle?: (world: World) => Promise<void>;
}

/** Opens the world of a plan with its first people in it. Without syncs: the plan's own. */
export async function openPlan(
  plan: Plan,
  { syncs = [policyOf(plan)], ...parts }: Parts & { readonly syncs?: readonly SyncPolicy[] } = {},
): Promise<World> {
  const world = await openWorld(plan.crms, syncs, plan.seed, parts);
  plan.first.forEach((people, index) => {
    const { name } = plan.crms[index]!;
    const crm = world.crms.get(name)!;
    for (const { person, variant } of people)
      world.enter(name, 'contact', valuesOf(person, variant, crm.paths('contact')));
  });
  return world;
}

/** Lives through the rounds of a plan, one cycle after each. */
export async function live(
  world: World,
  plan: Plan,
  { beforeCycle = async () => {}, afterCycle = async () => {} }: Watch = {},
): Promise<void> {
  let number = 100;
  const newcomers = { next: 5 };
  const cycle = async () => {
    await beforeCycle(world);
    await world.cycle();
    await afterCycle(world);
  };
  await cycle();
  for (const round of plan.rounds) {
    // One edit of one field between two looks: what a person overtypes before anyone has seen it is nobody's loss.
    const touched = new Set<string>();
    const act = (crmName: string, id: string, path: string, { does }: PlannedEdit) => {
      const crm = world.crms.get(crmName)!;
      if (touched.has(`${crmName} ${id} ${path}`)) return;
      touched.add(`${crmName} ${id} ${path}`);
      number += 1;
      // Where empty fields are left out, nobody can see that one was cleared.
      if (does === 'clear' && crm.spec.showsEmptyAs === 'absent') return;
      // What a person overtypes before anyone has seen it is nobody's loss; listings may have failed since.
      const earlier = world.edits.findLast(
        (edit) => edit.connection === crmName && edit.externalId === id && edit.path === path,
      );
      if (earlier && !world.everShowed(crmName, 'contact', id, path, earlier.to)) return;
      // A value that nobody has shown us was never there, as far as we can know: emptied, it looks like one that the CRM
      // could not hold.
      const stands = crm.holds('contact', id)[path]!;
      if (does === 'clear' && !world.everShowed(crmName, 'contact', id, path, stands)) return;
      const value = does === 'clear' ? null : invented(path, number, does === 'setMessy');
      const held = crm.holds('contact', id)[path];
      const full = Array.isArray(value) && Array.isArray(held) ? [...held.slice(1), ...value] : value;
      world.edit(crmName, 'contact', id, { [path]: full });
    };
    for (const crm of world.crms.values()) crm.before = () => {};
    for (const edit of round) {
      const { name } = plan.crms[edit.crm]!;
      const crm = world.crms.get(name)!;
      const paths = crm.paths('contact').filter((path) => (editable as readonly string[]).includes(path));
      const path = paths[edit.path % paths.length]!;
      const ids = crm.ids('contact');
      if (edit.does === 'enter') {
        if (edit.moment !== 'between' || newcomers.next > 7) continue;
        world.enter(name, 'contact', valuesOf(newcomers.next, edit.path, crm.paths('contact')));
        newcomers.next += 1;
        continue;
      }
      if (edit.moment === 'between') {
        if (ids.length > 0) act(name, ids[edit.record % ids.length]!, path, edit);
        continue;
      }
      // Who cannot be asked for one record cannot be asked before a write either: there nobody gets in between.
      if (crm.spec.reads !== 'id') continue;
      const before = crm.before;
      let done = false;
      crm.before = (verb, id, written) => {
        before(verb, id, written);
        if (done || verb !== edit.moment || path in written) return;
        const target = verb === 'list' ? ids[edit.record % ids.length] : id;
        if (target === undefined || !crm.ids('contact').includes(target)) return;
        done = true;
        act(name, target, path, edit);
      };
    }
    await cycle();
  }
  for (const crm of world.crms.values()) crm.before = () => {};
}
