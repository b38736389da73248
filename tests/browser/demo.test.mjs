// The demonstration page in a headless browser: three panes, and three nodes, which are killed, frozen and started again.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { request } from '../support/js/http.mjs';
import { PROJECT, Program } from '../support/js/process.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const CHROMIUM = process.env.TULLE_CHROMIUM ?? '/usr/bin/chromium-headless-shell';
const SCREENSHOTS = path.join(PROJECT, 'build');
const SEEN_MS = 15_000;

/** What the browser itself says of a WebSocket that its node took down, or of one that cannot be had. */
const EXPECTED_NOISE = /^WebSocket connection to 'ws:\/\/127\.0\.0\.1:\d+\/app\//;

async function withDemo(body) {
  const up = new Program('tulle', ['up', '3', '--demo', '--json']);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    await waitFor('tulle up to announce its nodes', () => up.stdout.endsWith('\n'), { ms: 20_000 });
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    page.setDefaultTimeout(SEEN_MS);
    await body(page, JSON.parse(up.stdout), up);
  } catch (error) {
    console.error(up.stderr);
    throw error;
  } finally {
    await browser.close();
    up.kill('SIGTERM');
    await within(20_000, 'the end of tulle up', up.ended);
  }
}

function collectErrors(page) {
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (line) => {
    if (line.type() === 'error' && !EXPECTED_NOISE.test(line.text())) errors.push(line.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).hostname !== '127.0.0.1' && !request.url().startsWith('data:')) {
      errors.push(`a request to ${request.url()}`);
    }
  });
  return errors;
}

const screenshot = async (page, name) => {
  await fs.mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SCREENSHOTS, name), fullPage: true });
};

test('what is sent in one pane shows in the others, and a pane outlives its node', { timeout: 120_000 },
  () => withDemo(async (page, { demo, nodes }) => {
    const errors = collectErrors(page);
    const at = (part, pane) => page.getByTestId(`${part}-${pane}`);
    const shows = (part, pane, text) => at(part, pane).filter({ hasText: text }).waitFor();
    const say = async (pane, text) => {
      await at('input', pane).fill(text);
      await at('send', pane).click();
    };

    await page.goto(demo);
    for (const pane of [1, 2, 3]) await shows('state', pane, /^connected to n\d$/);
    const homes = await Promise.all([1, 2, 3].map((pane) => at('node', pane).textContent()));
    assert.deepEqual([...homes].sort(), ['n1', 'n2', 'n3']);

    await say(1, 'hello from the first pane');
    for (const pane of [1, 2, 3]) await shows('messages', pane, 'hello from the first pane');
    await screenshot(page, 'demo-connected.png');

    const killed = nodes.find(({ name }) => name === homes[1]);
    process.kill(killed.pid, 'SIGKILL');
    await shows('state', 2, `${killed.name} is gone`);
    await shows('state', 2, /connected to n\d instead/);
    assert.notEqual(await at('node', 2).textContent(), killed.name);
    await shows('messages', 2, `${killed.name} is gone`);

    await say(3, 'still here');
    for (const pane of [1, 2, 3]) await shows('messages', pane, 'still here');
    await say(2, 'so am I');
    for (const pane of [1, 2, 3]) await shows('messages', pane, 'so am I');
    await screenshot(page, 'demo-node-killed.png');
    for (const pane of [1, 3]) assert.match(await at('state', pane).textContent(), /^connected to n\d$/);
    for (const pane of [1, 2, 3]) {
      assert.equal(await at('messages', pane).locator('li').filter({ hasText: 'hello from the first pane' }).count(), 1);
    }
    assert.deepEqual(errors, []);
  }));

test('a pane tells a node that leaves from one that refuses, and sees that a node is frozen', { timeout: 120_000 },
  () => withDemo(async (page, { demo, nodes }) => {
    const at = (part, pane) => page.getByTestId(`${part}-${pane}`);
    const shows = (part, pane, text) => at(part, pane).filter({ hasText: text }).waitFor();
    await page.goto(demo);
    for (const pane of [1, 2, 3]) await shows('state', pane, /^connected to n\d$/);
    const node = async (pane) => nodes.find(({ name }) => name === homes[pane - 1]);
    const homes = await Promise.all([1, 2, 3].map((pane) => at('node', pane).textContent()));

    const leaver = await node(2);
    process.kill(leaver.pid, 'SIGTERM');
    await shows('messages', 2, `${leaver.name} ends this connection and asks to connect again`);
    await shows('state', 2, /connected to n\d instead/);
    assert.doesNotMatch(await at('messages', 2).textContent(), /refused/);

    const frozen = await node(3);
    process.kill(frozen.pid, 'SIGSTOP');
    try {
      await shows('messages', 3, `${frozen.name} does not answer`);
      await shows('state', 3, /connected to n\d instead/);
      await screenshot(page, 'demo-node-frozen.png');
    } finally {
      process.kill(frozen.pid, 'SIGCONT');
    }
  }));

test('the page kills nodes, its own too, says when that was noticed, and starts them again', { timeout: 120_000 },
  () => withDemo(async (page, { demo, nodes }, up) => {
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.message));
    // The browser itself tells of connections to killed nodes.
    page.on('console', (line) => { if (line.type() === 'error' && !/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|WebSocket connection/.test(line.text())) errors.push(line.text()); });
    const shows = (id, text) => page.getByTestId(id).filter({ hasText: text }).waitFor();
    const story = (text) => page.getByTestId('stories').locator('li').first().filter({ hasText: text }).waitFor();
    await page.goto(demo);
    for (const pane of [1, 2, 3]) await shows(`state-${pane}`, /^connected to n\d$/);
    const own = nodes.find(({ listen }) => demo.includes(listen)).name;
    for (const name of [own, own === 'n3' ? 'n2' : 'n3']) {
      const home = (await Promise.all([1, 2, 3].map((pane) => page.getByTestId(`node-${pane}`).textContent()))).indexOf(name) + 1;
      await page.getByRole('button', { name: `Kill ${name}` }).click();
      await story(new RegExp(`^${name} is killed: its client noticed after \\d+ ms, went on at n\\d after \\d+ ms, ` +
        '(noticed and given up by n\\d after \\d+ ms|noticed by n\\d after \\d+ ms, given up by n\\d after \\d+ ms)$'));
      await shows(`member-${name}`, /^dead$/);
      assert.match(up.stderr, new RegExp(`${name} \\(pid \\d+\\) killed by signal 9`));
      await page.screenshot({ path: path.join(SCREENSHOTS, 'demo-order-killed.png'), fullPage: true });
      await page.getByRole('button', { name: `Start ${name}` }).click();
      await story(new RegExp(`^${name} is started: a member again for n\\d after \\d+ ms, its client came back after \\d+ ms$`));
      await shows(`member-${name}`, /^alive$/);
      await shows(`state-${home}`, new RegExp(`^connected to ${name}$`));
    }
    await page.getByTestId('input-1').fill('all are back');
    await page.getByTestId('send-1').click();
    for (const pane of [1, 2, 3]) await shows(`messages-${pane}`, 'all are back');

    // The last node stays, whoever orders its end.
    for (const name of ['n1', 'n2']) {
      await page.getByRole('button', { name: `Kill ${name}` }).click();
      await shows(`member-${name}`, /^dead$/);
    }
    assert.equal(await page.getByRole('button', { name: 'Kill n3' }).isDisabled(), true);
    const last = nodes.find(({ name }) => name === 'n3').listen;
    assert.equal((await request(last, '/demo/kill?node=n3', { method: 'POST' })).status, 202);
    assert.equal((await request(last, '/demo/start?node=n1', { method: 'POST' })).status, 202);
    await shows('member-n1', /^alive$/);
    await shows('member-n3', /^alive$/);
    assert.deepEqual(errors, []);
  }));

test('orders are for pages of loopback and for programs of this machine', { timeout: 60_000 }, () => withDemo(async (_, { nodes }) => {
  const [{ listen }] = nodes;
  const status = async (path, options) => (await request(listen, path, options)).status;
  for (const headers of [{ host: 'example.org' }, { origin: 'https://example.org' }, { origin: 'null' }]) {
    assert.equal(await status('/demo/kill?node=n2', { method: 'POST', headers }), 403, JSON.stringify(headers));
    assert.equal(await status('/demo/nodes.json', { headers }), 403, JSON.stringify(headers));
  }
  assert.equal(await status('/demo/kill?node=n2'), 405);
  assert.equal(await status('/demo/kill?node=../n2', { method: 'POST' }), 400);
  assert.equal(await status('/demo/kill?node=n9', { method: 'POST' }), 202); // there is none: nothing happens
  const answer = JSON.parse((await request(listen, '/demo/nodes.json')).body);
  assert.deepEqual(answer.nodes.map(({ state }) => state), ['alive', 'alive', 'alive']);
  assert.equal(answer.takes_orders, true);
}));
