import { test } from 'node:test';
import { conformance } from '../../src/connector/conformance.ts';
import { notebook } from './index.ts';
import { contact } from './specimens.ts';

for (const { name, run } of conformance({ definition: notebook, specimens: { contact } })) test(name, run);
