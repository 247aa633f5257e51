import { type ChildProcess, execFile, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Setting } from './page-server.ts';
import type { Measured, Task } from './task.ts';

const execute = promisify(execFile);
const still: Setting = { latencyMs: 0, changed: 0, edit: 0 };

/** Where measurements take place: a page server in its own process, a folder for the databases, a fresh process per task. */
export interface Bed {
  /** Changes what the server shows from now on. */
  set(setting: Partial<Setting>): Promise<void>;
  /** Empties the databases: the next `write` is a first pull. */
  clear(): void;
  measure(side: Task['side'], work: Task['work'], concurrent?: number): Promise<Measured>;
  close(): void;
}

/** @param total number of contacts that the server has */
export async function openBed(total: number): Promise<Bed> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const server = fork(new URL('./page-server.ts', import.meta.url), [String(total)]);
  const { port } = (await reply(server)) as { port: number };
  const clear = () => {
    for (const side of ['floor', 'ours'])
      for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `${side}.db${end}`), { force: true });
  };
  return {
    async set(setting) {
      const answered = reply(server);
      server.send({ ...still, ...setting });
      await answered;
    },
    clear,
    async measure(side, work, concurrent = 2) {
      const baseUrl = `http://127.0.0.1:${port}`;
      const task: Task = { side, work, baseUrl, file: join(folder, `${side}.db`), total, concurrent };
      const worker = new URL('./worker.ts', import.meta.url).pathname;
      const { stdout } = await execute(process.execPath, [worker, JSON.stringify(task)]);
      const measured = JSON.parse(stdout) as Measured;
      if (measured.records !== total) throw new Error(`${side} ${work}: read ${measured.records} of ${total} contacts`);
      return measured;
    },
    close() {
      server.disconnect();
      rmSync(folder, { recursive: true });
    },
  };
}

function reply(server: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null) => reject(new Error(`the page server ended with status ${code}`));
    server.once('exit', died);
    server.once('message', (message) => {
      server.off('exit', died);
      resolve(message);
    });
  });
}
