/** Writes the JSON Schema of the configuration file for editors: `npm run schema`. */
import { writeFileSync } from 'node:fs';
import { connectors } from '../connectors/index.ts';
import { jsonSchema } from '../src/config/json-schema.ts';

const file = new URL('../examples/concordat.schema.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(jsonSchema(connectors), null, 2)}\n`);
