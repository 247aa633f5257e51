import { Queue } from 'bullmq';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findChromium, launchChromium } from '../../../scripts/chromium.ts';
import { openReviews, reviewId } from '../../../src/engine/reviews.ts';
import { isPaused } from '../../../src/queue/paused.ts';
import { openRedisChild, whyNoRedis } from '../../queue/bull/redis-child.ts';
import { type DashboardBed, openDashboardBed, password, readPassword } from './bed.ts';
import { inaccessible, tooFaint, tooWide } from './in-page.ts';

const program = findChromium();

/** A browser on a machine that is busy with other tests takes its time; each wait ends as soon as it may. */
const patienceMs = 90_000;
const testMs = 300_000;

describe.skipIf(program === undefined)('in Chromium (skipped where there is none on PATH)', () => {
  let browser: Browser;
  let bed: DashboardBed;
  let page: Page;
  /** Requests that left this machine, and what the page complained of. */
  let foreign: string[];
  let complaints: string[];
  beforeAll(async () => {
    browser = await launchChromium(program!);
  }, testMs);
  afterAll(() => browser?.close());
  beforeEach(async () => {
    bed = await openDashboardBed();
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    foreign = [];
    complaints = [];
    await context.route('**/*', async (route) => {
      const { hostname } = new URL(route.request().url());
      if (hostname === '127.0.0.1') return await route.continue();
      foreign.push(route.request().url());
      await route.abort();
    });
    page = await context.newPage();
    page.setDefaultTimeout(patienceMs);
    page.setDefaultNavigationTimeout(patienceMs);
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
  }, testMs);
  afterEach(async () => {
    await page.context().close();
    await bed.close();
    expect(foreign).toEqual([]);
  });

  async function logIn(as: string, address = '/'): Promise<void> {
    await page.goto(bed.url + address);
    await page.getByLabel('Password').fill(as);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('button', { name: 'Log out' }).waitFor();
  }

  /** Lets the time pass after which a page with a clock of its own asks for its numbers again. */
  const nextRefresh = () => page.clock.fastForward('00:06');

  it(
    'one logs in, sees the overview, asks for a sync, pauses, and opens a record',
    async () => {
      await logIn(password);
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Overview');
      await page.getByRole('button', { name: 'Sync now: people' }).click();
      await page.getByText('people: a cycle was asked for.').waitFor();
      expect(bed.control.asked).toEqual(['people']);
      await page.getByRole('button', { name: 'Pause: people' }).click();
      await page.getByRole('button', { name: 'Resume: people' }).waitFor();
      expect(await isPaused(bed.world.store, 'people')).toBe(true);
      await page.getByRole('link', { name: 'Records' }).click();
      await page.getByLabel('E-mail, CONNECTION').fill('ann@ashworth.example');
      await page.getByRole('button', { name: 'Find' }).click();
      await page.waitForURL(`${bed.url}/records/contact/${bed.recordId}`);
      expect(await page.locator('#Fields-name-given').textContent()).toContain('Ann');
      await page.getByRole('button', { name: 'Retry: site' }).click();
      await page.getByText('Taken back: 1 write.').waitFor();
      expect(complaints).toEqual([]);
    },
    testMs,
  );

  it(
    'numbers are refreshed in place: what one has in hand stays',
    async () => {
      await page.clock.install();
      await logIn(password);
      const row = page.locator('#Connections-site-contact');
      const button = page.getByRole('button', { name: 'Pause: people' });
      await button.focus();
      await page.evaluate(`document.getElementById('Connections-site-contact').isTheSame = true`);
      await bed.world.store.takeBack({ state: 'dead' });
      await nextRefresh();
      await row.locator('[data-label="dead"].zero').waitFor({ state: 'attached' });
      expect(await page.evaluate(`document.getElementById('Connections-site-contact').isTheSame`)).toBe(true);
      expect(await page.evaluate(`document.activeElement.getAttribute('aria-label')`)).toBe('Pause: people');
      expect(complaints).toEqual([]);
    },
    testMs,
  );

  it(
    'a page whose session has ended leads to the log-in; one whose worker is away says so',
    async () => {
      await page.clock.install();
      await logIn(readPassword);
      await bed.world.cycle();
      await page.context().setOffline(true);
      await nextRefresh();
      await page.getByText('No answer from the worker').waitFor();
      await page.context().setOffline(false);
      await nextRefresh();
      await page.getByText('No answer from the worker').waitFor({ state: 'hidden' });
      await page.context().clearCookies();
      await nextRefresh();
      await page.waitForURL(`${bed.url}/login?next=%2F`);
    },
    testMs,
  );

  it(
    'fits a phone and a desk, is readable in light and in dark, and can be used without seeing it',
    async () => {
      await logIn(password);
      const [review] = await openReviews(bed.world.context);
      for (const address of [
        ...['/', '/waiting', '/records', `/records/contact/${bed.recordId}`, '/login'],
        ...['/reviews', `/reviews/${reviewId(review!)}`, '/conflicts'],
      ]) {
        await page.goto(bed.url + address);
        expect(await page.evaluate(inaccessible), address).toEqual([]);
        for (const width of [390, 768, 1280]) {
          await page.setViewportSize({ width, height: 800 });
          expect(await page.evaluate(tooWide), `${address} at ${width}`).toEqual([]);
          for (const colorScheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme });
            expect(await page.evaluate(tooFaint), `${address} at ${width}, ${colorScheme}`).toEqual([]);
          }
        }
      }
    },
    testMs,
  );

  it.skipIf(whyNoRedis !== undefined)(
    'the queues are shown without the internet (skipped where there is no Redis on PATH)',
    async () => {
      const redis = await openRedisChild();
      const queue = new Queue('sweep', { connection: { path: redis.socket } });
      const withQueues = await openDashboardBed({ control: { queues: [queue] } });
      try {
        await queue.add('cycle', { sync: 'people' });
        await page.goto(`${withQueues.url}/login?next=/queues`);
        await page.getByLabel('Password').fill(password);
        await page.getByRole('button', { name: 'Log in' }).click();
        await page.getByText('sweep').first().waitFor();
        expect(await page.title()).toContain('concordat queues');
      } finally {
        await withQueues.close();
        await queue.close();
        await redis.close();
      }
    },
    testMs,
  );
});
