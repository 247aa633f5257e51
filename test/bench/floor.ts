import { createHash, randomUUIDv7 } from 'node:crypto';
import Database from 'better-sqlite3';
import { Agent, request } from 'undici';
import { z } from 'zod';
import type { Task } from './task.ts';

/**
 * The floor: what the same pages cost in plain, straight code that promises nothing – no paging that drifts, no
 * matching, no merge, no retries. It is what a good engineer writes in an hour, neither crippled nor tuned.
 */

const text = z.string().nullish();
const contact = z.looseObject({
  Id: z.number(),
  Email: text,
  FirstName: text,
  LastName: text,
  CrmType: text,
  EmailConfirmed: z.boolean().nullish(),
  Role: text,
  CreatedDate: text,
  Address: text,
  City: text,
  State: text,
  ZipCode: text,
  Country: text,
  Site: text,
  Phone: text,
  Status: text,
  Notes: text,
  Type: z.number().nullish(),
  CustomerTypeName: text,
  IsDataUsingAllowed: z.boolean().nullish(),
  CustomCrmGroups: z.record(z.string(), z.unknown()).nullish(),
});
type Contact = z.output<typeof contact>;

const pageSize = 100;

/** @returns how many contacts were read and written */
export async function floor({
  work,
  baseUrl,
  file,
  total,
  concurrent,
}: Task): Promise<[read: number, written: number]> {
  const agent = new Agent({ connections: concurrent });
  const database = openDatabase(file);
  const take = work === 'write' ? writer(database) : comparer(database);
  let read = 0;
  let written = 0;
  const fetchPage = async (offset: number): Promise<unknown[]> => {
    const { statusCode, body } = await request(`${baseUrl}/?Offset=${offset}&Limit=${pageSize}`, { dispatcher: agent });
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    return (JSON.parse(await body.text()) as { Items: unknown[] }).Items;
  };
  const ahead: Promise<unknown[]>[] = [];
  let next = 0;
  const fill = () => {
    for (; ahead.length < concurrent && next < total; next += pageSize) ahead.push(fetchPage(next));
  };
  fill();
  for (let page = ahead.shift(); page !== undefined; page = ahead.shift()) {
    const items = await page;
    fill();
    const contacts: Contact[] = [];
    for (const item of items) {
      const parsed = contact.safeParse(item);
      if (parsed.success) contacts.push(parsed.data);
    }
    written += take(contacts);
    read += items.length;
  }
  database.close();
  await agent.close();
  return [read, written];
}

function openDatabase(file: string): Database.Database {
  const database = new Database(file);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.exec(`
    CREATE TABLE IF NOT EXISTS record (id TEXT PRIMARY KEY, version INTEGER NOT NULL, content TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS link (
      connection TEXT NOT NULL, external_id TEXT NOT NULL, record TEXT NOT NULL,
      fingerprint TEXT NOT NULL, shadow TEXT NOT NULL,
      PRIMARY KEY (connection, external_id), UNIQUE (record, connection));
    CREATE TABLE IF NOT EXISTS pending (
      connection TEXT NOT NULL, record TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (connection, record));
  `);
  return database;
}

function writer(database: Database.Database): (contacts: readonly Contact[]) => number {
  const record = database.prepare('INSERT INTO record (id, version, content) VALUES (?, 1, ?)');
  const link = database.prepare(
    'INSERT INTO link (connection, external_id, record, fingerprint, shadow) VALUES (?, ?, ?, ?, ?)',
  );
  const pending = database.prepare('INSERT INTO pending (connection, record, at) VALUES (?, ?, ?)');
  return database.transaction((contacts: readonly Contact[]) => {
    const at = Date.now();
    for (const each of contacts) {
      const content = JSON.stringify(valuesOf(each));
      const id = randomUUIDv7();
      record.run(id, content);
      link.run('site', String(each.Id), id, fingerprint(content), content);
      pending.run('showroom', id, at);
    }
    return contacts.length;
  });
}

function comparer(database: Database.Database): (contacts: readonly Contact[]) => number {
  const known = database
    .prepare<[string, string], string>('SELECT fingerprint FROM link WHERE connection = ? AND external_id = ?')
    .pluck();
  return (contacts) => {
    let changed = 0;
    for (const each of contacts)
      if (known.get('site', String(each.Id)) !== fingerprint(JSON.stringify(valuesOf(each)))) changed++;
    return changed;
  };
}

function valuesOf(each: Contact): Record<string, unknown> {
  return {
    'email.primary': each.Email,
    'name.given': each.FirstName,
    'name.family': each.LastName,
    'phone.primary': each.Phone,
    'address.billing.street': each.Address,
    'address.billing.city': each.City,
    'address.billing.region': each.State,
    'address.billing.postalCode': each.ZipCode,
    'address.billing.country': each.Country,
    website: each.Site,
    status: each.Status,
    notes: each.Notes,
    consent: each.IsDataUsingAllowed,
  };
}

function fingerprint(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
