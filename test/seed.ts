import fc from 'fast-check';

/**
 * The suite tests the same worlds on every machine; with RUNS (how many per law) or SEED set it goes looking for new ones.
 * A world that it finds broken becomes a named test.
 */
const { RUNS, SEED } = process.env;
if (SEED !== undefined) fc.configureGlobal({ seed: Number(SEED) });
else if (RUNS === undefined) fc.configureGlobal({ seed: 20_261_121 });
