import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { secret, signed } from './webhook-bed.ts';

/** Deliveries that are under way when the receiver is killed. */
const atOnce = 20;

describe('a receiver that is killed', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'killed-'));
    file = join(folder, 'test.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const start = async (): Promise<{ child: ChildProcess; url: string }> => {
    const child = fork(new URL('./webhook-child.ts', import.meta.url), [file, secret]);
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return { child, url: `http://127.0.0.1:${port}/webhooks/showroom` };
  };
  const send = (url: string, id: string) => {
    const body = JSON.stringify({ type: 'contact.updated', data: { entity: 'contact', id } });
    return fetch(url, { method: 'POST', headers: signed(body, { id: `msg_${id}` }), body });
  };

  it('has in its file whatever it answered 202, and knows it when that is sent again', {
    timeout: 120_000,
  }, async () => {
    const taken: string[] = [];
    for (let life = 0; life < 3; life++) {
      const { child, url } = await start();
      const gone = once(child, 'exit');
      await Promise.all(
        Array.from({ length: atOnce }, async (_, index) => {
          const id = `${life}-${index}`;
          const reply = await send(url, id).catch(() => undefined);
          if (reply === undefined) return;
          // At the first answer, while others are under way.
          child.kill('SIGKILL');
          expect(reply.status).toBe(202);
          taken.push(id);
        }),
      );
      await gone;
    }
    expect(taken.length).toBeGreaterThanOrEqual(3);

    const store = await openSqliteStore(file);
    const stored = (await store.hints('showroom', 'contact', 1_000)).map(({ externalId }) => externalId);
    await store.close();
    expect(stored).toEqual(expect.arrayContaining(taken));
    expect(new Set(stored).size).toBe(stored.length);

    const { child, url } = await start();
    for (const id of taken) expect(await (await send(url, id)).json()).toEqual({ outcome: 'repeated' });
    const gone = once(child, 'exit');
    child.disconnect();
    await gone;
  });
});
