import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { clockToleranceMs, decideConflict, type Side, type Verdict } from '../../src/sync/conflict.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';

const members: SyncPolicy['members'] = ['alpha', 'bravo', 'charlie'].map((connection) => ({
  connection,
  direction: 'both',
}));

function side(connection: string, overrides: Partial<Side> = {}): Side {
  return { connection, run: 'run-1', at: 1_000, ...overrides };
}

interface Row {
  readonly rule: string;
  readonly conflicts?: SyncPolicy['conflicts'];
  readonly owners?: SyncPolicy['owners'];
  readonly ours: Side;
  readonly theirs: Side;
  readonly firstSight?: boolean;
  readonly expected: Verdict;
}

const later = { run: 'run-2', at: 2_000 };
const rows: readonly Row[] = [
  {
    rule: 'the later stamp wins, whoever is named first',
    ours: side('alpha', { modifiedAt: 10_000 }),
    theirs: side('bravo', { modifiedAt: 20_000 }),
    expected: { winner: 'theirs', rule: 'conflict: newest by modified stamp' },
  },
  {
    rule: 'the later stamp wins, also when it is ours and theirs was seen later',
    ours: side('bravo', { modifiedAt: 20_000 }),
    theirs: side('alpha', { modifiedAt: 10_000, ...later }),
    expected: { winner: 'ours', rule: 'conflict: newest by modified stamp' },
  },
  {
    rule: 'stamps that lie closer together than clocks agree decide nothing: the member named first wins',
    ours: side('bravo', { modifiedAt: 10_000 + clockToleranceMs }),
    theirs: side('alpha', { modifiedAt: 10_000 }),
    expected: { winner: 'theirs', rule: 'conflict: newest undecided, first member' },
  },
  {
    rule: 'one millisecond more than the tolerance decides',
    ours: side('bravo', { modifiedAt: 10_001 + clockToleranceMs }),
    theirs: side('alpha', { modifiedAt: 10_000 }),
    expected: { winner: 'ours', rule: 'conflict: newest by modified stamp' },
  },
  {
    rule: 'without stamps, what was seen in the later run wins',
    ours: side('alpha'),
    theirs: side('bravo', later),
    expected: { winner: 'theirs', rule: 'conflict: newest as seen' },
  },
  {
    rule: 'a stamp on one side only decides nothing by itself',
    ours: side('alpha', { modifiedAt: 99_000 }),
    theirs: side('bravo', later),
    expected: { winner: 'theirs', rule: 'conflict: newest as seen' },
  },
  {
    rule: 'without stamps and in one run, the member named first wins',
    ours: side('alpha'),
    theirs: side('bravo', { at: 2_000 }),
    expected: { winner: 'ours', rule: 'conflict: newest undecided, first member' },
  },
  {
    rule: 'what is seen for the first time is not newer for that',
    ours: side('alpha'),
    theirs: side('bravo', later),
    firstSight: true,
    expected: { winner: 'ours', rule: 'conflict: newest undecided, first member' },
  },
  {
    rule: 'the first of the ranked list wins, whatever the stamps say',
    conflicts: ['charlie', 'bravo'],
    ours: side('bravo', { modifiedAt: 99_000 }),
    theirs: side('charlie', { modifiedAt: 1 }),
    expected: { winner: 'theirs', rule: 'conflict: rank' },
  },
  {
    rule: 'who is not in the ranked list comes after it, in the order of the members',
    conflicts: ['charlie'],
    ours: side('bravo'),
    theirs: side('alpha'),
    expected: { winner: 'theirs', rule: 'conflict: rank' },
  },
  {
    rule: 'a connection that is no member any more comes last',
    conflicts: ['charlie'],
    ours: side('former'),
    theirs: side('bravo'),
    expected: { winner: 'theirs', rule: 'conflict: rank' },
  },
  {
    rule: 'under manual nobody wins',
    conflicts: 'manual',
    ours: side('alpha', { modifiedAt: 99_000 }),
    theirs: side('bravo', { modifiedAt: 1 }),
    expected: { winner: 'nobody', rule: 'conflict: manual' },
  },
  {
    rule: 'the owner wins under manual',
    conflicts: 'manual',
    owners: { jobTitle: 'bravo' },
    ours: side('alpha'),
    theirs: side('bravo'),
    expected: { winner: 'theirs', rule: 'conflict: owner' },
  },
  {
    rule: 'the owner wins against a later stamp and a better rank',
    conflicts: ['bravo'],
    owners: { jobTitle: 'alpha' },
    ours: side('alpha', { modifiedAt: 1 }),
    theirs: side('bravo', { modifiedAt: 99_000 }),
    expected: { winner: 'ours', rule: 'conflict: owner' },
  },
  {
    rule: 'an owner who is on neither side decides nothing',
    owners: { jobTitle: 'charlie' },
    ours: side('alpha', { modifiedAt: 1 }),
    theirs: side('bravo', { modifiedAt: 99_000 }),
    expected: { winner: 'theirs', rule: 'conflict: newest by modified stamp' },
  },
];

describe('a conflict', () => {
  for (const { rule, conflicts = 'newest', owners = {}, ours, theirs, firstSight = false, expected } of rows)
    it(rule, () => {
      const contest = { paths: ['jobTitle'], ours, theirs, firstSight };
      expect(decideConflict({ conflicts, owners, members }, contest)).toEqual(expected);
    });

  it('about a slot that a view stands for is the business of an owner of either', () => {
    for (const path of ['phone.mobile', 'phone.primary'])
      expect(
        decideConflict(
          { conflicts: 'newest', owners: { [path]: 'bravo' }, members },
          { paths: ['phone.mobile', 'phone.primary'], ours: side('alpha'), theirs: side('bravo'), firstSight: false },
        ).winner,
      ).toBe('theirs');
  });

  const sides = fc.tuple(
    fc.constantFrom('alpha', 'bravo', 'charlie'),
    fc.option(fc.integer({ min: 0, max: 10_000 }), { nil: undefined }),
  );
  law.prop(
    [sides, sides, fc.constantFrom<SyncPolicy['conflicts'][]>('newest', ['bravo'], ['charlie', 'alpha'], 'manual')],
    { numRuns: 500 },
  )('of one run ends the same whichever side is ours', ([a, aAt], [b, bAt], conflicts) => {
    fc.pre(a !== b);
    const first = side(a, aAt === undefined ? {} : { modifiedAt: aAt });
    const second = side(b, bAt === undefined ? {} : { modifiedAt: bAt });
    const winner = (ours: Side, theirs: Side) => {
      const verdict = decideConflict(
        { conflicts, owners: {}, members },
        { paths: ['notes'], ours, theirs, firstSight: false },
      );
      return { ours: ours.connection, theirs: theirs.connection, nobody: undefined }[verdict.winner];
    };
    expect(winner(first, second)).toBe(winner(second, first));
  });
});
