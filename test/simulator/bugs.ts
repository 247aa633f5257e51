/** A text of the source, replaced by another. */
interface Change {
  /** From the root of the repository. */
  readonly file: string;
  /** Is there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** Something broken on purpose. */
export interface Bug extends Change {
  readonly name: string;
  /** The other nets that would catch it, taken away as well: one mistake alone does no harm there. */
  readonly also?: readonly Change[];
  /** How many lives the simulator may take to find it. */
  readonly within: number;
  /** The program that looks for it, from the root. Default: lives over made-up CRMs. */
  readonly hunter?: string;
}

/** Mistakes that one makes, and that the simulator must find. */
export const bugs: readonly Bug[] = [
  {
    name: 'a create is sent and nothing was written down before',
    file: 'src/engine/create.ts',
    find: 'await store.beginFirstIntent(intent, record.version)',
    replace: 'false',
    also: [
      {
        file: 'src/engine/create.ts',
        find: `
    await store.beginIntent({ ...intent, at: clock.now() });`,
        replace: '',
      },
    ],
    within: 400,
  },
  {
    name: 'an intent expires after a minute',
    file: 'src/engine/match.ts',
    find: 'const intents = await store.intents(connection, entity);',
    replace:
      'const intents = (await store.intents(connection, entity)).filter(({ at }) => at > context.clock.now() - 60_000);',
    within: 400,
  },
  {
    name: 'a create without an answer counts as failed',
    file: 'src/engine/create.ts',
    find: 'const isRefused = error instanceof CrmError && !(error instanceof UnknownOutcomeError);',
    replace: 'const isRefused = error instanceof CrmError;',
    within: 400,
  },
  {
    name: 'a listing right after the create is proof that it was not done',
    file: 'src/engine/create.ts',
    find: 'checkpoint.complete.startedAt >= intent.at + settleMs',
    replace: 'checkpoint.complete.startedAt >= intent.at',
    within: 400,
  },
  {
    name: 'the shadow is what was sent',
    file: 'src/engine/written.ts',
    find: `    record,
    fingerprint: note.isTold`,
    replace: `    record: { ...record, values: wanted },
    fingerprint: note.isTold`,
    within: 20,
  },
  {
    name: 'the checkpoint is complete before the listing is',
    file: 'src/engine/pull.ts',
    find: 'read: 0, complete: before?.complete }',
    replace: 'read: 0, complete: { startedAt, endedAt: startedAt, read: 0 } }',
    within: 20,
  },
  {
    name: 'a member whose listing failed is written to all the same',
    file: 'src/queue/cycle.ts',
    find: `    if (error) {
      fail(error);
      return;
    }`,
    replace: '    if (error) return;',
    within: 20,
  },
  {
    name: 'clocks are believed to the millisecond',
    file: 'src/sync/conflict.ts',
    find: 'clockToleranceMs = 2_000',
    replace: 'clockToleranceMs = 0',
    within: 400,
  },
  {
    name: 'what a CRM makes of our write is taken for an edit',
    file: 'src/sync/merge.ts',
    find: 'if (written !== undefined && same(written, base) && isReshaped(kind, written, their)) {',
    replace: 'if (written === their && base === null) {',
    within: 20,
  },
  {
    name: 'an update without an answer is forgotten',
    file: 'src/sync/merge.ts',
    find: 'if (unanswered !== undefined && hasLanded(kind, unanswered, their, context)) {',
    replace: 'if (unanswered !== undefined && same(unanswered, their) && same(ours, their)) {',
    within: 400,
  },
  {
    name: 'whole records are written',
    file: 'src/engine/deliver.ts',
    find: '  let outward = await translateOut(context, to.connection, sync.entity, wanted);',
    replace: `  for (const path of writablePaths(connection, sync.entity, link ? 'update' : 'create'))
    if (record.values[path] !== undefined) wanted[path] = record.values[path];
  let outward = await translateOut(context, to.connection, sync.entity, wanted);`,
    within: 20,
  },
  {
    name: 'nobody looks before a write',
    file: 'src/engine/update.ts',
    find: `if (!absence(connector.capabilities[entity]?.read ?? { absent: 'entity' })) {`,
    replace: `if (absence(connector.capabilities[entity]?.read ?? { absent: 'entity' }) === '') {`,
    within: 100,
  },
  {
    name: 'silence clears',
    file: 'src/sync/merge.ts',
    find: 'of inTurn(theirs, forms)) {',
    replace:
      'of inTurn({ ...Object.fromEntries(Object.keys(input.base.shadow).map((one) => [one, null])), ...theirs }, forms)) {',
    within: 20,
  },
  {
    name: 'the value that loses is not kept',
    file: 'src/sync/merge.ts',
    find: "        conflict(verdict.winner, verdict.rule, 'settled');\n",
    replace: '',
    within: 50,
  },
  {
    name: 'a contested field is written before it is settled',
    file: 'src/engine/deliver.ts',
    find: '(await contestedSlots(context, sync, [record.id])).get(record.id) ?? nothing',
    replace: 'nothing',
    within: 20,
  },
  {
    name: 'a page from before our write is news',
    file: 'src/engine/lag.ts',
    find: 'if (link.writtenAt === undefined ||',
    replace: 'if (link.writtenAt !== 0 ||',
    within: 20,
  },
  {
    name: 'two processes push the same record',
    file: 'src/engine/lease.ts',
    find: '  if (await take()) return true;',
    replace: '  if ((await take()) || owner !== purpose) return true;',
    within: 100,
  },
  {
    name: 'a commit that rests on old facts goes through',
    file: 'src/store/sqlite/records.ts',
    find: 'WHERE id = ? AND version = ?`',
    replace: 'WHERE id = ? AND ? IS NOT NULL`',
    within: 200,
  },
  {
    name: 'a record that is pending again is done with the write before',
    file: 'src/engine/written.ts',
    find: 'still.has(recordId) ? [] : [{',
    replace: '[{',
    within: 100,
  },
  {
    name: 'tags are overwritten as a whole',
    file: 'src/sync/merge.ts',
    find: 'const tags = mergeTags(ours, base, their);',
    replace: 'const tags = their;',
    within: 50,
  },
  {
    name: 'the later reader wins, whoever that is',
    file: 'src/sync/conflict.ts',
    find: 'return rank(theirs) <= rank(ours)',
    replace: 'return rank(theirs) <= rank(ours) + 9',
    within: 50,
  },
  {
    name: 'what lost its answer and was made is not counted',
    file: 'src/queue/cycle.ts',
    find: '    for (const [connection, found] of confirmed) counts[connection]!.created += found;\n',
    replace: '',
    within: 600,
  },
  {
    name: 'what a listing does not show is deleted',
    file: 'src/engine/departures.ts',
    find: `if (seen === 'gone' || (saysNothing && isMissedTwice))`,
    replace: 'if (byId || isMissedTwice)',
    within: 50,
  },
  {
    name: 'one listing without the record is enough where nobody can look',
    file: 'src/engine/departures.ts',
    find: 'const isMissedTwice = first !== undefined && first.run !== scan.run && isSettled(absentee);',
    replace: 'const isMissedTwice = isSettled(absentee);',
    within: 600,
  },
  {
    name: 'deletes are carried on though a member was not read',
    file: 'src/queue/cycle.ts',
    find: 'else if (problems.size === 0)',
    replace: 'else',
    also: [
      {
        file: 'src/engine/deliver.ts',
        find: "    if (to.unread && to.unread.size > 0) return { state: 'waiting', for: 'listing' };\n",
        replace: '',
      },
    ],
    within: 400,
  },
  {
    name: 'a delete wins over an edit',
    file: 'src/engine/deletion.ts',
    find: 'if (edits.length > 0) {',
    replace: 'if (edits.length > 1_000) {',
    within: 20,
  },
  {
    name: 'what a person deleted is created again',
    file: 'src/engine/deliver.ts',
    find: `ofConnection.some(({ state }) => state === 'gone')`,
    replace: `ofConnection.some(({ state }) => state === 'live')`,
    also: [
      {
        file: 'src/engine/work.ts',
        find: `links.some(({ state }) => state === 'gone') ? { state: 'none' } : unless('create')`,
        replace: `unless('create')`,
      },
      {
        file: 'src/engine/create.ts',
        find: `name === to.connection && state !== 'removed'`,
        replace: `name === to.connection && state === 'live'`,
      },
    ],
    within: 50,
  },
  {
    name: 'a guard stops nothing',
    file: 'src/queue/cycle.ts',
    find: 'const mayWrite = stops.length === 0 ||',
    replace: 'const mayWrite = stops.length >= 0 ||',
    within: 20,
  },
  {
    name: 'a delete travels without a look at what it deletes',
    file: 'src/engine/delete.ts',
    find: 'if (isReadable) {',
    replace: "if (isReadable && externalId === '') {",
    within: 400,
  },
  {
    name: 'doubles are matched by the first hit',
    file: 'src/engine/match.ts',
    find: '  if (twin)\n',
    replace: '  if (twin && links.length > 99)\n',
    within: 20,
  },
  {
    name: 'nothing is confirmed that is shown again',
    file: 'src/engine/departures.ts',
    find: `if (byId) {
      if (`,
    replace: `if (byId) {
      if (back.size >= 0 || `,
    within: 400,
  },
  {
    name: 'a hint is ended though its CRM could not be asked',
    file: 'src/queue/hints.ts',
    find: '    if (error) break;\n',
    replace: '',
    within: 50,
  },
  {
    name: 'a hint of a delete is believed',
    file: 'src/queue/hints.ts',
    find: '    error = result.error;\n',
    replace: `    error = result.error;
    const at = context.clock.now();
    for (const [externalId, { links }] of await context.store.linked(connection, sync.entity, [...before.keys()]))
      for (const link of links)
        if (link.externalId === externalId && link.connection === connection && link.state === 'live')
          if (byId.get(externalId)!.some(({ what }) => what === 'deleted'))
            await context.store.commit({
              ...{ run, at, entity: sync.entity, links: [{ ...link, state: 'gone' as const }] },
              departures: [{ connection, externalId, run, missedAt: at, state: 'confirmed' }],
            });
`,
    within: 20,
  },
  {
    name: 'a look counts as a complete listing',
    file: 'src/engine/look.ts',
    find: '    ids = [...notes.later];',
    replace: `    const { startedAt } = opened;
    const complete = { startedAt, endedAt: context.clock.now(), read: page.records.length };
    const checkpoint = { connection, entity, run: order.run, startedAt, read: page.records.length, complete };
    await store.commit({ run: order.run, at: startedAt, entity, checkpoint });
    ids = [...notes.later];`,
    within: 20,
  },
  {
    name: 'a round creates without a search',
    file: 'src/engine/search-first.ts',
    find: `  if (to.restsUpon !== 'look') return true;`,
    replace: `  if (to.restsUpon !== undefined) return true;`,
    within: 20,
  },
  {
    name: 'each round has limits of its own',
    file: 'src/queue/hints.ts',
    find: 'last && isOpen(last, now) ? last',
    replace: 'last && isOpen(last, now - 600_000_000) && last.startedAt === 0 ? last',
    within: 20,
  },
];
