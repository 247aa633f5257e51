/** Second half of `npm run build`: puts the SQL that tsc leaves behind beside the code that reads it. */
import { cpSync } from 'node:fs';

const migrations = 'src/store/migrations/';
cpSync(new URL(`../${migrations}`, import.meta.url), new URL(`../dist/${migrations}`, import.meta.url), {
  recursive: true,
});
