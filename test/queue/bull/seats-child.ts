import { isOwnerAlive, nameOwner } from '../../../src/owner.ts';
import { crm } from '../../worlds/small.ts';
import { openBed } from './bed.ts';

/** A worker process on a database that it shares: `node seats-child.ts FILE REDIS NAMES`. Runs until it is killed. */
const [file, address, names] = process.argv.slice(2) as [string, string, string];
const specs = names.split(',').map((name) => crm(name));
const bed = await openBed({ address }, specs, undefined, file);
await bed.start(nameOwner(), { isAlive: isOwnerAlive });
