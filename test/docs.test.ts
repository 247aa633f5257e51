import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { connectors } from '../connectors/index.ts';
import { referencePages } from '../scripts/reference.ts';

const docs = new URL('../docs/', import.meta.url);

it.each([...referencePages(connectors)])('docs/%s tells what the code declares', (path, text) => {
  expect(readFileSync(new URL(path, docs), 'utf8'), 'run: npm run reference').toBe(text);
});
