import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The Chromium of this machine, from PATH; undefined where there is none. */
export function findChromium(searchPath = process.env.PATH ?? ''): string | undefined {
  const folders = ['/usr/bin', ...searchPath.split(path.delimiter)];
  return folders.flatMap((folder) => programs.map((name) => path.join(folder, name))).find((file) => existsSync(file));
}

/** Starts Chromium without a window, and without anything that would call home. @param program as `findChromium` found it */
export async function launchChromium(program: string): Promise<Browser> {
  return await chromium.launch({
    executablePath: program,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-default-apps',
      '--disable-domain-reliability',
      '--disable-sync',
      '--no-first-run',
      '--no-pings',
    ],
  });
}
