import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import { isEmpty, type Origin, type Values } from '../../src/model/values.ts';
import { type MergeInput, type MergeOutput, merge } from '../../src/sync/merge.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { records } from './records.ts';

const context = { region: 'DE' };
const members: SyncPolicy['members'] = ['alpha', 'bravo', 'charlie'].map((connection) => ({
  connection,
  direction: 'both',
}));
const policy = { conflicts: 'newest', owners: {}, members } as const;
const before: Origin = { connection: 'alpha', run: 'run-1', at: 1_000, rule: 'first seen' };
const seen = { connection: 'bravo', run: 'run-2', at: 2_000 };

function merged(ours: Values, shadow: Values, theirs: Values, overrides: Partial<MergeInput> = {}): MergeOutput {
  return merge({
    entity: 'contact',
    policy,
    canonical: { values: ours, origins: Object.fromEntries(Object.keys(ours).map((path) => [path, before])) },
    base: { shadow, sent: {} },
    theirs,
    seen,
    counts: true,
    context,
    ...overrides,
  });
}

interface Row {
  readonly happened: string;
  readonly ours?: Values;
  readonly shadow?: Values;
  readonly sent?: Values;
  readonly theirs: Values;
  readonly values: Values;
  readonly rule?: string;
  readonly conflicts?: number;
  /** What we still know to have sent in another form than the CRM holds. */
  readonly sentAfter?: Values;
}

/** One field; what happened in the world, and what comes of it. */
const rows: readonly Row[] = [
  { happened: 'nothing', ours: { notes: 'a' }, shadow: { notes: 'a' }, theirs: { notes: 'a' }, values: { notes: 'a' } },
  {
    happened: 'a person edited there',
    ours: { notes: 'a' },
    shadow: { notes: 'a' },
    theirs: { notes: 'b' },
    values: { notes: 'b' },
    rule: 'edit',
  },
  {
    happened: 'a person edited elsewhere, and it is not written there yet',
    ours: { notes: 'b' },
    shadow: { notes: 'a' },
    theirs: { notes: 'a' },
    values: { notes: 'b' },
  },
  {
    happened: 'both edited to the same',
    ours: { notes: 'b' },
    shadow: { notes: 'a' },
    theirs: { notes: 'b' },
    values: { notes: 'b' },
  },
  {
    happened: 'both edited, differently',
    ours: { notes: 'b' },
    shadow: { notes: 'a' },
    theirs: { notes: 'c' },
    values: { notes: 'c' },
    rule: 'conflict: newest as seen',
    conflicts: 1,
  },
  {
    happened: 'a person cleared it there',
    ours: { notes: 'a' },
    shadow: { notes: 'a' },
    theirs: { notes: '' },
    values: { notes: null },
    rule: 'edit',
  },
  {
    happened: 'a person cleared it there, and another edited elsewhere',
    ours: { notes: 'b' },
    shadow: { notes: 'a' },
    theirs: { notes: null },
    values: { notes: null },
    rule: 'conflict: newest as seen',
    conflicts: 1,
  },
  {
    happened: 'a person cleared it elsewhere',
    ours: { notes: null },
    shadow: { notes: 'a' },
    theirs: { notes: 'a' },
    values: { notes: null },
  },
  {
    happened: 'a person cleared it elsewhere and another edited there',
    ours: { notes: null },
    shadow: { notes: 'a' },
    theirs: { notes: 'b' },
    values: { notes: 'b' },
    rule: 'conflict: newest as seen',
    conflicts: 1,
  },
  {
    happened: 'both cleared it',
    ours: { notes: null },
    shadow: { notes: 'a' },
    theirs: { notes: '' },
    values: { notes: null },
  },
  {
    happened: 'the CRM left the field out',
    ours: { notes: 'a' },
    shadow: { notes: 'a' },
    theirs: {},
    values: { notes: 'a' },
  },
  {
    happened: 'empty was shown in another spelling',
    ours: { notes: null },
    shadow: { notes: null },
    theirs: { notes: '' },
    values: { notes: null },
  },
  { happened: 'first sight, nobody knew it', theirs: { notes: 'a' }, values: { notes: 'a' }, rule: 'first seen' },
  { happened: 'first sight, empty there', ours: { notes: 'a' }, theirs: { notes: null }, values: { notes: 'a' } },
  { happened: 'first sight of something empty that nobody knew', theirs: { notes: '' }, values: {} },
  {
    happened: 'first sight, empty elsewhere',
    ours: { notes: null },
    theirs: { notes: 'a' },
    values: { notes: 'a' },
    rule: 'gap filled',
  },
  { happened: 'first sight, the same', ours: { notes: 'a' }, theirs: { notes: ' a ' }, values: { notes: 'a' } },
  {
    happened: 'first sight, different',
    ours: { notes: 'a' },
    theirs: { notes: 'b' },
    values: { notes: 'a' },
    conflicts: 1,
  },
  {
    happened: 'our write was shortened',
    ours: { notes: 'a long text' },
    shadow: { notes: 'a long text' },
    sent: { notes: 'a long text' },
    theirs: { notes: 'a lo' },
    values: { notes: 'a long text' },
    sentAfter: { notes: 'a long text' },
  },
  {
    happened: 'our write is seen as it was sent',
    ours: { notes: 'a' },
    shadow: { notes: 'a' },
    sent: { notes: 'a' },
    theirs: { notes: 'a' },
    values: { notes: 'a' },
  },
  {
    happened: 'nothing since our write was shortened',
    ours: { notes: 'a long text' },
    shadow: { notes: 'a lo' },
    sent: { notes: 'a long text' },
    theirs: { notes: 'a lo' },
    values: { notes: 'a long text' },
    sentAfter: { notes: 'a long text' },
  },
  {
    happened: 'a person cleared there what is canonical nowhere',
    shadow: { notes: 'a' },
    theirs: { notes: null },
    values: {},
  },
  {
    happened: 'our write was dropped',
    ours: { notes: 'a' },
    shadow: { notes: 'a' },
    sent: { notes: 'a' },
    theirs: { notes: null },
    values: { notes: 'a' },
    sentAfter: { notes: 'a' },
  },
  {
    happened: 'our write was shortened, and a person edited since',
    ours: { notes: 'a long text' },
    shadow: { notes: 'a lo' },
    sent: { notes: 'a long text' },
    theirs: { notes: 'else' },
    values: { notes: 'else' },
    rule: 'edit',
  },
  {
    happened: 'our write was shortened, and a person cleared it since',
    ours: { notes: 'a long text' },
    shadow: { notes: 'a lo' },
    sent: { notes: 'a long text' },
    theirs: { notes: null },
    values: { notes: null },
    rule: 'edit',
  },
  {
    happened: 'a person edited right after our write, which was not answered',
    ours: { notes: 'a' },
    shadow: { notes: 'a' },
    sent: { notes: 'a' },
    theirs: { notes: 'b' },
    values: { notes: 'b' },
    rule: 'edit',
  },
  {
    happened: 'a tag was added there and another elsewhere',
    ours: { tags: ['x', 'y'] },
    shadow: { tags: ['x'] },
    theirs: { tags: ['x', 'z'] },
    values: { tags: ['x', 'y', 'z'] },
    rule: 'edit',
  },
  {
    happened: 'the last tag was taken away',
    ours: { tags: ['x'] },
    shadow: { tags: ['x'] },
    theirs: { tags: [] },
    values: { tags: null },
    rule: 'edit',
  },
  {
    happened: 'first sight of tags',
    ours: { tags: ['x'] },
    theirs: { tags: ['X', 'y'] },
    values: { tags: ['x', 'y'] },
    rule: 'tags joined',
  },
  {
    happened: 'the only phone there changed, which was the work phone',
    ours: { 'phone.mobile': null, 'phone.work': '+49301' },
    shadow: { 'phone.primary': '+49301' },
    theirs: { 'phone.primary': '+49302' },
    values: { 'phone.mobile': null, 'phone.work': '+49302' },
    rule: 'edit',
  },
  {
    happened: 'a first phone was typed where there is room for one',
    ours: {},
    shadow: { 'phone.primary': null },
    theirs: { 'phone.primary': '+49302' },
    values: { 'phone.mobile': '+49302' },
    rule: 'edit',
  },
];

describe('a name that was split by guess', () => {
  const guess = { 'name.full': 'Ann van Dyk Smith', 'name.family': 'Smith' };
  const by = (connection: string, values: Values) =>
    Object.fromEntries(Object.keys(values).map((path) => [path, { ...before, connection }]));

  it('never replaces one that was typed, at first sight or later', () => {
    const typed = { 'name.family': 'van Dyk Smith' };
    const first = merged(typed, {}, guess, { policy: { ...policy, conflicts: ['bravo'] } });
    expect(first.canonical.values).toEqual({ ...typed, 'name.full': guess['name.full'] });
    expect(first.conflicts).toMatchObject([{ winner: typedBy('alpha'), loser: { value: 'Smith' }, state: 'settled' }]);
    const later = merged(typed, { ...guess, 'name.family': 'Jones' }, guess, {
      policy: { ...policy, conflicts: 'manual' },
    });
    expect(later.canonical.values).toEqual(typed);
  });

  it('gives way to one that is typed elsewhere', () => {
    const output = merged(
      guess,
      {},
      { 'name.family': 'van Dyk Smith' },
      { policy: { ...policy, conflicts: ['alpha'] } },
    );
    expect(output.canonical.values).toEqual({ ...guess, 'name.family': 'van Dyk Smith' });
  });

  it('is not emptied by one that is cleared elsewhere, but by rule', () => {
    const shadow = { 'name.family': 'Jones' };
    const output = merged(guess, shadow, { 'name.family': null }, { policy: { ...policy, conflicts: ['alpha'] } });
    expect(output.canonical.values).toEqual(guess);
  });

  it('fills a gap, and follows an edit of the whole name where it was right before', () => {
    expect(merged({}, {}, guess).canonical.values).toEqual(guess);
    const renamed = { 'name.full': 'Ann Jones', 'name.family': 'Jones' };
    expect(merged({ 'name.family': 'Smith' }, guess, renamed).canonical.values).toMatchObject(renamed);
  });

  it('is no better and no worse than another guess', () => {
    const output = merge({
      entity: 'contact',
      policy: { ...policy, conflicts: ['bravo'] },
      canonical: { values: guess, origins: by('alpha', guess) },
      base: { shadow: {}, sent: {} },
      theirs: { ...guess, 'name.family': 'Dyk Smith' },
      seen,
      counts: true,
      context,
    });
    expect(output.canonical.values).toMatchObject({ 'name.family': 'Dyk Smith' });
  });

  function typedBy(connection: string): object {
    return expect.objectContaining({ connection, value: 'van Dyk Smith' });
  }
});

describe('tags of an unanswered write', () => {
  it('that have arrived in part are not taken for all of them', () => {
    const base = { shadow: { tags: [] }, sent: {}, underway: { tags: ['red', 'green'] } };
    const part = merged({ tags: ['red', 'green'] }, {}, { tags: ['RED'] }, { base });
    expect(part.canonical.values).toEqual({ tags: ['red', 'green'] });
    expect(part.base).toEqual({ shadow: { tags: ['RED'] }, sent: {} });
    const whole = merged({ tags: ['red', 'green'] }, {}, { tags: ['gre', 'red'] }, { base });
    expect(whole.base).toEqual({ shadow: { tags: ['gre', 'red'] }, sent: { tags: ['red', 'green'] } });
  });
});

describe('of one field, when', () => {
  for (const {
    happened,
    ours = {},
    shadow = {},
    sent = {},
    theirs,
    values,
    rule,
    conflicts = 0,
    sentAfter = {},
  } of rows)
    it(happened, () => {
      const output = merged(ours, shadow, theirs, { base: { shadow, sent } });
      expect(output.canonical.values).toEqual(values);
      expect(output.conflicts).toHaveLength(conflicts);
      const changed = Object.entries(output.canonical.origins).filter(([, origin]) => origin !== before);
      expect(changed.map(([, origin]) => origin)).toEqual(rule ? [{ ...seen, rule }] : []);
      expect(output.base).toEqual({ shadow: { ...shadow, ...theirs }, sent: sentAfter });
      const known = changed.filter(([path]) => path in ours).map(([path]) => path);
      expect(output.replaced).toEqual(
        known.map((path) => ({
          path,
          from: ours[path],
          fromOrigin: before,
          to: values[path],
          origin: { ...seen, rule },
        })),
      );
    });
});

describe('a conflict names both values', () => {
  const clash = (overrides: Partial<MergeInput>) =>
    merged({ notes: 'a' }, { notes: 'x' }, { notes: 'b' }, overrides).conflicts;
  const our = { connection: 'alpha', value: 'a' };
  const their = { connection: 'bravo', value: 'b' };

  it('and the winner, when it is settled', () => {
    expect(clash({})).toMatchObject([{ path: 'notes', winner: their, loser: our, state: 'settled' }]);
    expect(clash({ policy: { ...policy, conflicts: ['alpha'] } })).toMatchObject([{ winner: our, loser: their }]);
  });

  it('and keeps the canonical one until a person decides, when it is manual', () => {
    const output = merged(
      { notes: 'a' },
      { notes: 'x' },
      { notes: 'b' },
      { policy: { ...policy, conflicts: 'manual' } },
    );
    expect(output.conflicts).toMatchObject([{ winner: our, loser: their, state: 'waiting' }]);
    expect(output.canonical.values).toEqual({ notes: 'a' });
    expect(output.replaced).toEqual([]);
  });

  it('where the member is only written to, also at first sight', () => {
    expect(clash({ counts: false })).toMatchObject([{ winner: our, loser: their, rule: 'bravo is only written to' }]);
    const first = merged({ notes: 'a' }, {}, { notes: 'b', jobTitle: 'Cook' }, { counts: false });
    expect(first.conflicts).toMatchObject([{ path: 'notes', winner: our, loser: their, state: 'settled' }]);
    expect(first.canonical.values).toEqual({ notes: 'a' });
  });
});

describe('a write of ours that was never answered', () => {
  const shown = (their: string | null) =>
    merged(
      { notes: 'Locksmith' },
      { notes: 'Cook' },
      { notes: their },
      {
        base: { shadow: { notes: 'Cook' }, sent: {}, underway: { notes: 'Locksmith' } },
      },
    );

  it('is known again when it has landed, also in a form of the CRM', () => {
    for (const [their, sent] of [
      ['Locksmith', {}],
      ['Lock', { notes: 'Locksmith' }],
    ] as const) {
      const { canonical, base, conflicts } = shown(their);
      expect([canonical.values, base, conflicts]).toEqual([
        { notes: 'Locksmith' },
        { shadow: { notes: their }, sent },
        [],
      ]);
    }
  });

  it('may still be on its way while the CRM shows what it held before', () => {
    expect(shown('Cook').base.underway).toEqual({ notes: 'Locksmith' });
  });

  it('hides no edit', () => {
    for (const edit of ['Baker', null]) {
      const { conflicts, base } = shown(edit);
      expect(conflicts).toHaveLength(1);
      expect(base.underway).toBeUndefined();
    }
  });
});

describe('a view at first sight', () => {
  it('fills the first slot beside another one that is known', () => {
    const { canonical, conflicts } = merged({ 'phone.work': '+49301' }, {}, { 'phone.primary': '+49302' });
    expect(canonical.values).toEqual({ 'phone.work': '+49301', 'phone.mobile': '+49302' });
    expect(conflicts).toEqual([]);
  });

  it('is nothing new when any of its slots holds it', () => {
    const ours = { 'phone.mobile': '+49171', 'phone.work': '+49301' };
    const { canonical, conflicts } = merged(ours, {}, { 'phone.primary': '+49301' });
    expect([canonical.values, conflicts]).toEqual([ours, []]);
  });
});

describe('what two members show in one run', () => {
  it('is answered for by the stronger of them', () => {
    const origin = { ...before, connection: 'charlie', run: 'run-2' };
    const canonical = { values: { notes: 'a' }, origins: { notes: origin } };
    const output = merged({}, {}, { notes: 'a' }, { canonical });
    expect(output.canonical.origins.notes).toEqual({ ...seen, rule: 'first seen' });
    const weaker = merged({}, {}, { notes: 'a' }, { canonical, seen: { ...seen, connection: 'delta' } });
    expect(weaker.canonical.origins.notes).toBe(origin);
    const otherRun = merged({}, {}, { notes: 'a' }, { canonical, seen: { ...seen, run: 'run-3' } });
    expect(otherRun.canonical.origins.notes).toBe(origin);
  });
});

const runs = { numRuns: 1_000 };
const policies = fc.constantFrom<SyncPolicy['conflicts'][]>('newest', 'manual', ['alpha'], ['bravo']);
const same = (path: string, a: Values, b: Values) => equal(fieldAt('contact', path).kind, a[path], b[path], context);

describe('in any merge', () => {
  law.prop([records, records, records, records, policies, fc.boolean()], runs)(
    'the same arrival again changes nothing',
    (ours, shadow, sent, theirs, conflicts, counts) => {
      const overrides = { policy: { ...policy, conflicts }, counts };
      const first = merged(ours, shadow, theirs, { ...overrides, base: { shadow, sent } });
      const again = merge({
        entity: 'contact',
        ...overrides,
        canonical: first.canonical,
        base: first.base,
        theirs,
        seen: { ...seen, run: 'run-3', at: 3_000 },
        context,
      });
      expect(again.canonical).toEqual(first.canonical);
      expect(again.base.shadow).toEqual(first.base.shadow);
      expect([again.replaced, again.conflicts]).toEqual([[], []]);
    },
  );

  law.prop([records, records, records], runs)('nothing that was given is changed', (ours, shadow, theirs) => {
    const frozen = [ours, shadow, theirs].map((values) => Object.freeze(structuredClone(values))) as [
      Values,
      Values,
      Values,
    ];
    for (const values of frozen) for (const value of Object.values(values)) Object.freeze(value);
    merged(...frozen);
    expect(frozen).toEqual([ours, shadow, theirs]);
  });

  law.prop([records, records], runs)('without an edit nothing is replaced', (ours, shadow) => {
    const output = merged(ours, shadow, shadow);
    expect(output.canonical.values).toEqual({ ...output.canonical.values, ...ours });
    expect([output.replaced, output.conflicts]).toEqual([[], []]);
    expect(output.canonical.origins).toEqual(Object.fromEntries(Object.keys(ours).map((path) => [path, before])));
  });

  law.prop([records, records], runs)('the same new value on both sides is no conflict', (news, shadow) => {
    const output = merged(news, shadow, news);
    expect(output.conflicts).toEqual([]);
    expect(output.replaced).toEqual([]);
  });

  law.prop([records, records, records, policies], runs)(
    'a value is kept, or the history or the conflict log says what became of it',
    (ours, shadow, theirs, conflicts) => {
      const output = merged(ours, shadow, theirs, { policy: { ...policy, conflicts } });
      const { values, origins } = output.canonical;
      for (const path of Object.keys(values)) expect(origins[path], path).toBeDefined();
      for (const path of Object.keys(ours))
        if (path !== 'tags' && !same(path, values, ours))
          expect(
            output.replaced.map((one) => one.path),
            path,
          ).toContain(path);
      for (const { path, from, to } of output.replaced) {
        expect(from).toEqual(ours[path]);
        expect(to).toEqual(values[path]);
      }
      for (const [path, value] of Object.entries(theirs)) {
        const isEdit = shadow[path] === undefined ? !isEmpty(value) : !same(path, theirs, shadow);
        if (path === 'tags' || !isEdit || same(path, values, theirs)) continue;
        expect(
          output.conflicts.map(({ loser }) => loser.value),
          path,
        ).toContainEqual(value);
      }
    },
  );

  law.prop([records, records, records], runs)(
    'silence changes nothing: only what is shown counts',
    (ours, shadow, theirs) => {
      const output = merged(ours, shadow, theirs);
      for (const path of Object.keys(ours))
        if (!(path in theirs)) expect(output.canonical.values[path]).toEqual(ours[path]);
    },
  );
});
