import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPaused } from '../../../src/queue/paused.ts';
import { sessionMs } from '../../../src/server/dashboard/sessions.ts';
import { type DashboardBed, openDashboardBed, password, personal, readPassword, Visitor } from './bed.ts';

let bed: DashboardBed;
let visitor: Visitor;
beforeEach(async () => {
  bed = await openDashboardBed();
  visitor = new Visitor(bed.url);
});
afterEach(() => bed.close());

describe('who may come in', () => {
  it('nobody without the password: pages lead to the log-in, refreshes and queues are refused', async () => {
    for (const address of [
      '/',
      '/waiting',
      '/records',
      `/records/contact/${bed.recordId}`,
      '/queues',
      '/queues-read',
    ]) {
      const reply = await visitor.get(address);
      expect(reply.status, address).toBe(303);
      expect(reply.headers.get('location')).toBe(`/login?next=${encodeURIComponent(address)}`);
      expect(await reply.text()).toBe('');
    }
    const refresh = await visitor.get('/', { 'hx-request': 'true' });
    expect([refresh.status, refresh.headers.get('hx-redirect')]).toEqual([401, '/login?next=%2F']);
    expect((await visitor.get('/queues/api/queues')).status).toBe(401);
    expect((await visitor.post('/actions/pause', { sync: 'people' })).status).toBe(303);
    expect(await isPaused(bed.world.store, 'people')).toBe(false);
  });

  it('the password gives a cookie that scripts and other sites do not get, and leads where one wanted to go', async () => {
    const reply = await visitor.post('/login', { password, next: '/waiting?x=1' });
    expect(reply.status).toBe(303);
    expect(reply.headers.get('location')).toBe('/waiting?x=1');
    const cookie = reply.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^concordat-[0-9a-f]{8}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    const behindProxy = await visitor.logIn(password, { 'x-forwarded-proto': 'https' });
    expect(behindProxy.headers.get('set-cookie')).toMatch(/; Secure$/);
    expect((await visitor.get('/')).status).toBe(200);
  });

  it.each([
    '//evil.example/',
    'https://evil.example/',
    '/\\evil.example',
    'javascript:alert(1)',
    '/login',
    '/../\t/evil',
  ])('a log-in leads to no other site: %j', async (next) => {
    const location = (await visitor.post('/login', { password, next })).headers.get('location') ?? '';
    expect(new URL(location, bed.url).origin).toBe(bed.url);
    expect(location).toMatch(/^\/(?![/\\])/);
  });

  it('a wrong password is refused, and each one makes the next wait longer', async () => {
    expect((await visitor.logIn('wrong')).status).toBe(401);
    const early = await visitor.logIn(password);
    expect([early.status, early.headers.get('retry-after')]).toEqual([429, '1']);
    expect(early.headers.get('set-cookie')).toBeNull();
    bed.world.clock.advance(1_000);
    expect((await visitor.logIn('wrong again')).status).toBe(401);
    bed.world.clock.advance(1_000);
    expect((await visitor.logIn(password)).status).toBe(429);
    bed.world.clock.advance(1_000);
    expect((await visitor.logIn(password)).status).toBe(303);
  });

  it('a session ends by logging out, and by itself', async () => {
    await visitor.logIn(password);
    const token = await visitor.token();
    expect((await visitor.post('/logout', { token: 'guessed' })).status).toBe(403);
    expect((await visitor.get('/')).status).toBe(200);
    expect((await visitor.post('/logout', { token })).headers.get('set-cookie')).toContain('Max-Age=0');
    expect((await visitor.get('/')).status).toBe(303);
    await visitor.logIn(password);
    bed.world.clock.advance(sessionMs);
    expect((await visitor.get('/')).status).toBe(303);
  });

  it('without a password there are no pages, and what is open answers all the same', async () => {
    const open = await openDashboardBed({
      passwords: { password: undefined, readPassword: undefined },
      open: [(server) => void server.get('/healthz', async () => ({ status: 'ok' }))],
    });
    try {
      const stranger = new Visitor(open.url);
      expect(await (await stranger.get('/healthz')).json()).toEqual({ status: 'ok' });
      const page = await stranger.get('/');
      expect([page.status, await page.text()]).toEqual([404, 'no dashboard: dashboard.password is not set\n']);
    } finally {
      await open.close();
    }
  });

  it('what is open needs no log-in beside the pages either', async () => {
    const both = await openDashboardBed({ open: [(server) => void server.get('/metrics', async () => 'up 1')] });
    try {
      const stranger = new Visitor(both.url);
      expect(await (await stranger.get('/metrics')).text()).toBe('up 1');
      expect((await stranger.get('/')).status).toBe(303);
    } finally {
      await both.close();
    }
  });
});

describe('what a page tells', () => {
  it('forbids frames, foreign content and referrers, and is kept by nobody', async () => {
    await visitor.logIn(password);
    for (const address of ['/', '/waiting', '/records', `/records/contact/${bed.recordId}`, '/login', '/nothing']) {
      const { headers } = await visitor.get(address);
      expect(headers.get('content-security-policy'), address).toMatch(/^default-src 'self'; .*frame-ancestors 'none'/);
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it('is in the overview: polls, counts, hints, guards, runs, by names and numbers', async () => {
    await visitor.logIn(password);
    const text = await (await visitor.get('/')).text();
    expect(text).toContain('<code>concordat approve people</code>');
    expect(text).toMatch(/data-label="last good poll" class="tight"><span class="state good">/);
    expect(text).toMatch(
      /id="Connections-site-contact"[\s\S]*?data-label="dead" class="number"><b class="warn">1<\/b>/,
    );
    expect(text).toMatch(/id="Connections-room-contact"[\s\S]*?data-label="open hints" class="number">1<small>oldest/);
    expect(text).toContain('1 dead letter: rejected (the CRM does not take the record)');
    expect(text).toMatch(/id="Last-runs-run-2-people"/);
    expect(text).toContain('action="/actions/sync-now"');
  });

  it('grows old with the poll: late after two missed ticks, old after four', async () => {
    await visitor.logIn(password);
    const polled = async () =>
      /data-label="last good poll" class="tight"><span class="state (\w+)">/.exec(
        await (await visitor.get('/')).text(),
      )?.[1];
    expect(await polled()).toBe('good');
    bed.world.clock.advance(11 * 60_000);
    expect(await polled()).toBe('warn');
    bed.world.clock.advance(10 * 60_000);
    expect(await polled()).toBe('bad');
  });

  it('is no value of any record, but for the page of the record', async () => {
    await visitor.logIn(password);
    for (const address of ['/', '/waiting', '/records', '/nothing']) {
      const text = await (await visitor.get(address)).text();
      expect(text, address).not.toMatch(personal);
    }
    const waiting = await (await visitor.get('/waiting')).text();
    for (const id of [bed.recordId, 'room:88']) expect(waiting).toContain(id);
    const record = await (await visitor.get(`/records/contact/${bed.recordId}`)).text();
    for (const value of ['ann@ashworth.example', 'overheard secret of site', 'Ann Ashworth is not wanted'])
      expect(record).toContain(value);
    expect(record).toContain('This page shows personal data');
  });

  it('escapes what stands in records', async () => {
    const evil = `<img src=x onerror=alert(1)>"'`;
    const id = bed.world.enter('room', 'contact', {
      'name.given': evil,
      'name.family': 'X',
      'email.primary': 'x@x.example',
    });
    await bed.world.cycle();
    const { record } = (await bed.world.recordOf('room', 'contact', id))!;
    await visitor.logIn(password);
    const text = await (await visitor.get(`/records/contact/${record.id}`)).text();
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;');
    expect(text).not.toContain('<img src=x');
  });

  it('says that Redis is away, since when, and where calls wait', async () => {
    const now = bed.world.clock.now();
    const away = await openDashboardBed({
      control: {
        holds: () => [{ connection: 'room', until: now + 3_600_000, reason: 'it answered 429' }],
        seats: () => [
          { connection: 'room', owner: 'box/4711/4026531836/ab12', here: false },
          { connection: 'site', owner: 'box/1/1/1', here: true },
        ],
      },
    });
    try {
      away.control.awaySince = now;
      const someone = new Visitor(away.url);
      await someone.logIn(password);
      const text = await (await someone.get('/')).text();
      expect(text).toMatch(/Redis does not answer since [-0-9: ]{19} UTC/);
      expect(text).toMatch(/waits, goes on .*it answered 429.*process 4711 on box/s);
      expect(text).toContain('<small>this process</small>');
      const refused = await someone.act('sync-now', { sync: 'people' });
      expect(refused.status).toBe(303);
      expect(await (await someone.get('/')).text()).toContain('Not done: Redis does not answer');
      expect(away.control.asked).toEqual([]);
    } finally {
      await away.close();
    }
  });
});

describe('a record is found', () => {
  it('by e-mail, which becomes part of no address, and by id', async () => {
    await visitor.logIn(readPassword);
    for (const which of ['ANN@ashworth.example', bed.recordId]) {
      const reply = await visitor.post('/records', { token: await visitor.token(), entity: 'contact', which });
      expect(reply.status).toBe(303);
      expect(reply.headers.get('location')).toBe(`/records/contact/${bed.recordId}`);
    }
  });

  it('or is not, or is no record of ours: in words', async () => {
    await visitor.logIn(password);
    const find = async (which: string) =>
      await visitor.post('/records', { token: await visitor.token(), entity: 'contact', which });
    const unknown = await find('nobody@<b>.example');
    expect([unknown.status, await unknown.text()]).toEqual([
      404,
      expect.stringContaining('There is no contact “nobody@&lt;b&gt;.example”'),
    ]);
    expect(await (await find('room:88')).text()).toContain('could not be used: email.primary');
    expect((await visitor.get(`/records/account/${bed.recordId}`)).status).toBe(404);
    expect((await visitor.get('/records/contact/nobody')).status).toBe(404);
  });
});

describe('what is asked for', () => {
  it('is done for an operator, told once, and shown', async () => {
    await visitor.logIn(password);
    expect((await visitor.act('sync-now', { sync: 'people' })).headers.get('location')).toBe('/');
    expect(bed.control.asked).toEqual(['people']);
    expect(await (await visitor.get('/', { 'hx-request': 'true' })).text()).toContain('a cycle was asked for');
    expect(await (await visitor.get('/')).text()).toContain('a cycle was asked for');
    expect(await (await visitor.get('/')).text()).not.toContain('a cycle was asked for');
    await visitor.act('pause', { sync: 'people' });
    expect(await isPaused(bed.world.store, 'people')).toBe(true);
    expect(await (await visitor.get('/')).text()).toContain('action="/actions/resume"');
    await visitor.act('sync-now', { sync: 'people' });
    expect(await (await visitor.get('/')).text()).toContain('paused, so that no cycle begins; resume it first');
    await visitor.act('resume', { sync: 'people' });
    expect(await isPaused(bed.world.store, 'people')).toBe(false);
    expect(bed.control.asked).toEqual(['people', 'wake']);
  });

  it('takes dead letters back: one, or those of a reason', async () => {
    const { store } = bed.world;
    const states = async () => [...(await store.pendingOf('site', 'contact', [bed.recordId])).values()];
    await visitor.logIn(password);
    expect((await visitor.act('retry', { connection: 'site', code: 'outcome_unknown' })).status).toBe(303);
    expect(await states()).toEqual(['dead']);
    await visitor.act('retry', { connection: 'site', code: 'rejected' });
    expect(await states()).toEqual(['waiting']);
    const failure = { attempts: 3, notBefore: 0, code: 'rejected', message: 'no', state: 'dead' as const };
    const { version } = (await store.aggregates([bed.recordId])).get(bed.recordId)!.record;
    await store.defer('site', bed.recordId, { ...failure, version });
    await visitor.act('retry', { connection: 'site', record: bed.recordId });
    expect(await states()).toEqual(['waiting']);
    expect(bed.control.asked).toEqual(['wake', 'wake']);
  });

  it('is refused without the token of the session, and for what there is not', async () => {
    await visitor.logIn(password);
    const other = new Visitor(bed.url);
    await other.logIn(password);
    const foreign = await other.token();
    for (const form of [{ sync: 'people' }, { sync: 'people', token: '' }, { sync: 'people', token: foreign }]) {
      const reply = await visitor.post('/actions/sync-now', form as Record<string, string>);
      expect(reply.status).toBe(403);
    }
    for (const [name, form] of [
      ['sync-now', { sync: 'nobody' }],
      ['sync-now', {}],
      ['pause', { sync: 'people', more: 'x' }],
      ['retry', { connection: 'site' }],
    ] as const)
      expect((await visitor.act(name, form)).status, name).toBe(403);
    expect(bed.control.asked).toEqual([]);
    expect(await isPaused(bed.world.store, 'people')).toBe(false);
    expect((await visitor.get('/actions/sync-now')).status).toBe(404);
    expect((await visitor.act('explode', {})).status).toBe(404);
  });

  it('is refused to who may only look, who sees no buttons either', async () => {
    await visitor.logIn(readPassword);
    for (const address of ['/', '/waiting', `/records/contact/${bed.recordId}`])
      expect(await (await visitor.get(address)).text(), address).not.toContain('action="/actions/');
    for (const [name, form] of [
      ['sync-now', { sync: 'people' }],
      ['pause', { sync: 'people' }],
      ['retry', { connection: 'site', record: bed.recordId }],
    ] as const)
      expect((await visitor.act(name, form)).status, name).toBe(403);
    expect(bed.control.asked).toEqual([]);
    expect(await isPaused(bed.world.store, 'people')).toBe(false);
    expect((await visitor.get('/queues')).status).toBe(403);
  });

  it('is never an error of ours, whatever a stranger sends', async () => {
    await visitor.logIn(password);
    const url = bed.url;
    const headers = { cookie: visitor.cookie };
    const replies = await Promise.all([
      fetch(`${url}/actions/pause`, { method: 'POST', headers, body: 'x'.repeat(100_000) }),
      fetch(`${url}/actions/pause`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: '{',
      }),
      fetch(`${url}/login`, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'password' }),
      fetch(`${url}/login`, { method: 'POST' }),
      fetch(`${url}/records/contact/%00`, { headers }),
      fetch(`${url}/%E0%A4%A`, { headers }),
      fetch(`${url}/`, { method: 'DELETE', headers }),
      fetch(`${url}/`, { headers: { cookie: 'concordat-00000000=; =; ;;' }, redirect: 'manual' }),
    ]);
    for (const { status, url: asked } of replies) expect(status, asked).toBeLessThan(500);
  });
});
