import type { Specimen } from '../../src/connector/conformance.ts';

/** People for the checks to work with. Nobody is real: addresses at example.com, numbers kept for fiction. */
export const contact: Specimen = {
  id: 'id',
  wire: (n) => ({
    first: `Given${n}`,
    last: `Family${n}`,
    mail: `p${n}@example.com`,
    mobile: `+1 604 555 01${String(n % 100).padStart(2, '0')}`,
    town: 'Vancouver',
  }),
  edit: (n) => ({ town: `Town ${n}` }),
  unknown: { nickname: 'Ace', hobbies: { indoor: ['chess'] } },
  unusable: { town: ['a list'] },
};
