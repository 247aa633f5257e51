import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectors } from '../../connectors/index.ts';
import { Output } from '../../src/cli/io.ts';
import { run } from '../../src/cli/program.ts';
import type { Sandbox } from '../../src/connector/sandbox.ts';

const sources = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A command that has not said by then what is awaited of it does not say it any more. */
const patienceMs = 120_000;

/** How a command ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** Hands in all of stdin. */
  hear(text: string): void;
  /** Resolves when stdout or stderr has brought the text. */
  says(text: string): Promise<void>;
}

interface StartOptions {
  readonly directory?: string;
  readonly env?: Record<string, string>;
  /** The program's file; default: the sources. */
  readonly main?: string;
}

const environment = (options: StartOptions) => {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  return { PATH, NODE_COMPILE_CACHE, SITE_TOKEN: 'site-token', ROOM_TOKEN: 'room-token', ...options.env };
};

/** Starts the real program in a process of its own, with pipes as a shell would give it. */
export function start(args: readonly string[], options: StartOptions = {}): Running {
  const child = spawn(process.execPath, [options.main ?? sources, ...args], {
    cwd: options.directory ?? tmpdir(),
    env: environment(options),
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([status]) => ({ status: status as number | null, stdout, stderr }));
  return {
    ended,
    kill: (signal) => child.kill(signal),
    hear: (text) => child.stdin.end(text),
    async says(text) {
      const from = performance.now();
      while (!`${stdout}${stderr}`.includes(text)) {
        if (child.exitCode !== null) throw new Error(`the command ended without saying "${text}"`);
        if (performance.now() - from > patienceMs) {
          child.kill('SIGKILL');
          throw new Error(`the command does not say "${text}" but:\n${stdout}${stderr}`);
        }
        await wait(10);
      }
    },
  };
}

/** Runs a command in this process, which saves the start of one, with pipes and an environment of its own. */
export async function concordat(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const [stdout, stderr] = [new Pipe(), new Pipe()];
  const status = await run(
    args,
    {
      ...{ stdout: new Output(stdout.stream), stderr: new Output(stderr.stream), stdin: Readable.from([]) },
      ...{ env: environment(options), directory: options.directory ?? tmpdir() },
      signal: new AbortController().signal,
      runsUntilStopped: () => undefined,
    },
    async () => connectors,
  );
  return { status, stdout: stdout.text, stderr: stderr.text };
}

/** What a command writes to when nobody sits at a terminal. */
class Pipe {
  text = '';
  // An Output asks no more of its stream than any writable one has, and whether it is a terminal.
  readonly stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      this.text += chunk;
      done();
    },
  }) as unknown as NodeJS.WriteStream;
}

/** A Treepl site and a ConeCRM on loopback, and a configuration for them in a folder of its own. */
export interface Bench {
  readonly site: Sandbox;
  readonly room: Sandbox;
  readonly folder: string;
  readonly run: (...args: readonly string[]) => Promise<Ended>;
  readonly start: (...args: readonly string[]) => Running;
  /** The given names of those whom each CRM has now, sorted. */
  names(): { readonly room: readonly string[]; readonly site: readonly string[] };
  close(): Promise<void>;
}

export async function openBench(): Promise<Bench> {
  const [site, room] = await Promise.all([
    connectors.get('treepl')!.startSandbox({ token: 'site-token' }),
    connectors.get('conecrm')!.startSandbox({ token: 'room-token' }),
  ]);
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-cli-'));
  await writeFile(
    path.join(folder, 'concordat.yaml'),
    `store: { sqlite: ./concordat.db }
connections:
  room: { connector: conecrm, baseUrl: "${room.url}", token: \${ROOM_TOKEN}, rateLimit: { perSecond: 5000 }, timeout: 5s }
  site: { connector: treepl, baseUrl: "${site.url}", token: \${SITE_TOKEN}, rateLimit: { perSecond: 5000 }, timeout: 5s }
  site2: { connector: treepl, baseUrl: "${site.url}", token: \${SITE_TOKEN}, rateLimit: { perSecond: 5000 } }
syncs:
  people: { entity: contact, members: { room: both, site: both } }
`,
  );
  return {
    site,
    room,
    folder,
    run: (...args) => concordat(args, { directory: folder }),
    start: (...args) => start(args, { directory: folder }),
    names: () => ({ room: givenNames(room, 'firstName'), site: givenNames(site, 'FirstName') }),
    async close() {
      await Promise.all([site.close(), room.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const givenNames = (crm: Sandbox, key: string) =>
  crm.people
    .all('contact')
    .map((wire) => String(wire[key]))
    .sort();

/** The n-th made-up person, in each CRM's words. */
export function person(n: number): { room: Record<string, unknown>; site: Record<string, unknown> } {
  return {
    room: { firstName: `Given${n}`, lastName: `Family${n}`, primaryEmail: `p${n}@example.com`, isActive: true },
    site: { FirstName: `Given${n}`, LastName: `Family${n}`, Email: `p${n}@example.com` },
  };
}
