import assert from 'node:assert/strict';
import { entities } from '../model/values.ts';
import { offline } from './conformance/bed.ts';
import { creating } from './conformance/creating.ts';
import { declarations } from './conformance/declared.ts';
import { reading } from './conformance/reading.ts';
import type { Check, Subject } from './conformance/subject.ts';
import { writing } from './conformance/writing.ts';

export type { Check, Specimen, Subject } from './conformance/subject.ts';

/**
 * What every connector does, as checks that any test runner can run: one by one, in any order, each with a sandbox of
 * its own on loopback. They hold the connector to its declaration: what is declared works, what is not is never called.
 *
 * @throws Error that says where, when the options of the subject do not fit.
 */
export function conformance(subject: Subject): readonly Check[] {
  const { capabilities } = offline(subject);
  return [
    ...declarations(subject),
    ...entities.flatMap((entity) => {
      const able = capabilities[entity];
      if (!able) return [];
      return [
        {
          name: `${entity}: has a specimen`,
          run: async () => void assert(subject.specimens[entity], `the checks need a specimen of ${entity}`),
        },
        ...reading(subject, entity, able),
        ...creating(subject, entity, able),
        ...writing(subject, entity, able),
      ];
    }),
  ];
}
