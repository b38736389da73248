// The operators' page of the admin listener in a headless browser: it shows the whole mesh from any node, and gives orders where the token may.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { RawClient, server } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { freeze } from '../support/js/freeze.mjs';
import { request } from '../support/js/http.mjs';
import { PROJECT, run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const CHROMIUM = process.env.TULLE_CHROMIUM ?? '/usr/bin/chromium-headless-shell';
const SCREENSHOTS = path.join(PROJECT, 'build');
const SEEN_MS = 15_000;
const READER = 'a-reader-with-a-long-token-0001';
const OPERATOR = 'an-operator-with-a-long-token-01';

/** Runs `body` with a page at the node's admin listener. Whatever the browser complains of fails the test, apart from answers in `expected`. */
async function withPage(node, { expected = [], scheme = 'light', width = 1280 } = {}, body) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, reducedMotion: 'reduce' });
    const page = await context.newPage();
    page.setDefaultTimeout(SEEN_MS);
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (line) => {
      const isExpected = expected.some((status) => line.text().includes(`status of ${status}`));
      if (['error', 'warning'].includes(line.type()) && !isExpected) complaints.push(line.text());
    });
    page.on('request', (asked) => {
      if (!asked.url().startsWith(`http://${node.ports.admin}/`) && !asked.url().startsWith('data:')) complaints.push(`a request to ${asked.url()}`);
    });
    await page.goto(`http://${node.ports.admin}/`);
    await body(page);
    assert.deepEqual(complaints, []);
  } finally {
    await browser.close();
  }
}

const screenshot = async (page, name) => {
  await fs.mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SCREENSHOTS, name), fullPage: true });
};
const shows = (page, part, text) => page.getByTestId(part).filter({ hasText: text }).waitFor();
const row = (page, part, text) => page.getByTestId(part).locator('tbody tr').filter({ hasText: text });

test('three nodes: who is there, who hears whom, and what has happened, while one is killed and one is frozen', { timeout: 120_000 }, () =>
  withCluster(3, {}, async ({ nodes: [n1, n2, n3] }) => withPage(n1, {}, async (page) => {
    await shows(page, 'asked', 'at n1');
    await shows(page, 'nodes-answer', '3 of 3 nodes');
    await shows(page, 'loss-answer', 'Nothing');
    await shows(page, 'slow-answer', 'Nobody');
    assert.equal(await page.getByTestId('nodes-answer').getAttribute('class'), 'good');
    assert.deepEqual(await page.getByTestId('nodes').locator('tbody tr td:nth-child(2)').allTextContents(), ['serving', 'serving', 'serving']);
    const matrix = page.getByTestId('matrix').locator('tbody tr');
    assert.equal(await matrix.count(), 3);
    for (const cell of [[0, 2], [1, 1], [2, 1]]) assert.match(await matrix.nth(cell[0]).locator('> *').nth(cell[1]).textContent(), /^\d+\.\d\d ms$/);
    await row(page, 'events', 'session').first().waitFor();
    const api = server(n2);
    const publisher = setInterval(() => api.trigger('news', 'said', 'x').catch(() => {}), 20);
    await page.getByTestId('rate-answer').filter({ hasText: /of [1-9]\d* that come in/ }).waitFor();
    clearInterval(publisher);
    await screenshot(page, 'operators-well.png');

    await freeze(n3.program.child.pid);
    n2.program.kill('SIGKILL');
    const told = /dead.*n2/;
    await waitFor('n1 to tell of the death', async () => (await n1.status()).members.some(({ name, state }) => name === 'n2' && state === 'dead'), { every: 20 });
    const verdict = performance.now();
    await row(page, 'nodes', /^n2dead/).waitFor();
    assert.ok(performance.now() - verdict < 3_000, `a dead node is shown ${Math.round(performance.now() - verdict)} ms after the verdict`);
    await row(page, 'nodes', /^n3(dead|suspect|silent|gives no answer)/).waitFor();
    await page.getByTestId('nodes-answer').filter({ hasText: '1 of 3 nodes' }).waitFor();
    assert.equal(await page.getByTestId('nodes-answer').getAttribute('class'), 'bad');
    await row(page, 'events', told).first().waitFor();
    await screenshot(page, 'operators-dead.png');
    process.kill(n3.program.child.pid, 'SIGCONT');
    await page.getByTestId('nodes-answer').filter({ hasText: '2 of 3 nodes' }).waitFor();
  })));

test('channels, their users, connections and a trace, from a node that has none of them; by the keyboard', { timeout: 120_000 }, () =>
  withCluster(2, {}, async ({ nodes: [n1, n2] }) => withPage(n1, { scheme: 'dark', width: 700 }, async (page) => {
    const client = await new RawClient(n2).open();
    client.send({ event: 'pusher:subscribe', data: { channel: 'news' } });
    await client.next('pusher_internal:subscription_succeeded');
    await shows(page, 'nodes-answer', '2 of 2 nodes');
    await page.getByRole('link', { name: 'Channels' }).focus();
    await page.keyboard.press('Enter');
    await row(page, 'channels', 'news').waitFor();
    await page.getByRole('link', { name: 'Connections' }).focus();
    await page.keyboard.press('Enter');
    await row(page, 'connections', client.socketId).waitFor();
    await screenshot(page, 'operators-connections-dark.png');
    page.on('dialog', (dialog) => dialog.accept());
    await row(page, 'connections', client.socketId).getByRole('button').focus();
    await page.keyboard.press('Enter');
    assert.equal((await client.closed).code, 4200);
    await page.getByTestId('connections-form').filter({ hasText: '1 connection closed' }).waitFor();
    await page.getByRole('link', { name: 'Trace' }).click();
    await page.getByLabel('App').last().fill('app-id');
    await page.getByTestId('trace-form').getByLabel('Channel').fill('news');
    await page.keyboard.press('Enter');
    await row(page, 'trace', 'n1').filter({ hasText: 'sent here' }).waitFor();
    assert.equal(await page.getByTestId('trace').locator('tbody tr').count(), 2);
  })));

test('with tokens: the page asks for one; a reader gives no orders, and an operator drains another node', { timeout: 120_000 }, () =>
  withCluster(2, { args: ['--drain-grace', '0', '--drain-duration', '0'], start: false }, async (cluster) => {
    const file = path.join(cluster.directory, 'admin.tokens');
    await fs.writeFile(file, `reader read ${READER}\noperator operate ${OPERATOR}\n`, { mode: 0o600 });
    const [n1, n2] = cluster.nodes;
    for (const node of cluster.nodes) {
      node.args = [...node.args, '--admin-token-file', file];
      node.adminHeaders = { Authorization: `Bearer ${OPERATOR}` };
    }
    await cluster.start();
    await withPage(n1, { expected: [401, 403] }, async (page) => {
      const enter = async (token) => {
        await page.getByTestId('token').fill(token);
        await page.keyboard.press('Enter');
      };
      await page.getByTestId('login').waitFor();
      assert.equal(await page.getByTestId('nodes').locator('tbody tr').count(), 0);
      await enter('a-token-of-nobody-and-of-no-node');
      await shows(page, 'problem', 'the token is not one of this node');
      await enter(READER);
      await shows(page, 'nodes-answer', '2 of 2 nodes');
      assert.equal(await row(page, 'nodes', 'n2').getByRole('button').isDisabled(), true);
      assert.equal(await page.getByRole('button', { name: 'Rebalance' }).isDisabled(), true);
      assert.equal((await request(n1.ports.admin, '/')).body.includes(READER), false);
      await page.evaluate(() => sessionStorage.clear());
      await page.reload();
      await enter(OPERATOR);
      page.on('dialog', (dialog) => dialog.accept());
      await row(page, 'nodes', 'n2').getByRole('button', { name: 'Drain' }).click();
      await row(page, 'nodes', 'n2').filter({ hasText: 'drained' }).waitFor();
      await shows(page, 'nodes-answer', 'n2: drained');
      await screenshot(page, 'operators-drained.png');
      await row(page, 'nodes', 'n2').getByRole('button', { name: 'Undrain' }).click();
      await row(page, 'nodes', 'n2').filter({ hasText: 'serving' }).waitFor();
      await page.getByRole('button', { name: 'Rebalance' }).click();
      await shows(page, 'told', 'n1 moves 0, n2 moves 0');
    });
    assert.match((await run('tulle', ['status', '-s', n1.ports.admin])).stderr, /token/);
  }));
