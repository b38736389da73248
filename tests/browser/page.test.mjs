// pusher-js in a headless browser: two contexts on two nodes, one of which is killed.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { withBalancer } from '../support/js/balancer.mjs';
import { APP } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { VAULT, kitAt, withPage } from '../support/js/page.mjs';
import { waitFor } from '../support/js/wait.mjs';

const CHROMIUM = process.env.TULLE_CHROMIUM ?? '/usr/bin/chromium-headless-shell';
const SEEN_MS = 15_000;

async function withBrowser(body) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    await body(browser);
  } finally {
    await browser.close();
  }
}

/** A page in a context of its own, and what it shows. */
class View {
  errors = [];

  static async open(browser, url) {
    const view = new View();
    view.page = await (await browser.newContext()).newPage();
    view.page.setDefaultTimeout(SEEN_MS);
    view.page.on('pageerror', (error) => view.errors.push(error.message));
    await view.page.goto(url);
    return view;
  }

  shows(id, text) { return this.page.locator(`#${id}`).filter({ hasText: text }).waitFor(); }
  lines(id) { return this.page.locator(`#${id} li`).allTextContents(); }

  async say(text) {
    await this.page.fill('#input', text);
    await this.page.click('#send');
  }
}

/** All nodes with an app that pages of this origin alone may use. */
async function restrict({ nodes, directory }, origin) {
  const file = path.join(directory, 'tulled.toml');
  await fs.writeFile(file, `[[apps]]\nid = "${APP.appId}"\nkey = "${APP.key}"\nsecret = "${APP.secret}"\nclient_events = true\n` +
    `allowed_origins = ["${origin}"]\n`);
  nodes.forEach((node) => { node.args = ['--config', file]; });
}

for (const version of ['pusher-js', 'pusher-js-7']) {
  const run = (body) => () => withPage(version, (page) => withCluster(3, { start: false }, async (cluster) => {
    await restrict(cluster, page.origin);
    await cluster.start();
    await withBrowser((browser) => body({ page, browser, nodes: cluster.nodes }));
  }));

  test(`${version}: two pages on two nodes see and hear each other, also after the node of one is killed`, { timeout: 120_000 },
    run(({ page, browser, nodes: [n1, n2, n3] }) => withBalancer([n1, n2], async (balancer) => {
      const anna = await View.open(browser, page.url(balancer, 'anna'));
      await anna.shows('members', /^anna$/);
      const bert = await View.open(browser, page.url(n3, 'bert'));
      for (const view of [anna, bert]) await view.shows('members', /^anna bert$/);
      await anna.say('hello');
      await bert.shows('log', 'anna: hello');
      await bert.say('hello yourself');
      await anna.shows('log', 'bert: hello yourself');
      await kitAt(n2).trigger(VAULT, 'opened', 'first');
      for (const view of [anna, bert]) await view.shows('log', 'opened: first');

      assert.equal(balancer.chosen, n1);
      await n1.kill();
      await anna.shows('states', /connected.*connecting.*connected/);
      await anna.shows('state', /^connected$/);
      await waitFor('the page to be on the other node', () => balancer.chosen === n2);
      await anna.shows('members', /^anna bert$/);
      await bert.say('still here?');
      await anna.shows('log', 'bert: still here?');
      await anna.say('so I am');
      await bert.shows('log', 'anna: so I am');
      await kitAt(n3).trigger(VAULT, 'opened', 'second');
      for (const view of [anna, bert]) await view.shows('log', 'opened: second');
      assert.deepEqual((await bert.lines('states')).filter((state) => state === 'connected'), ['connected']);
      for (const { errors } of [anna, bert]) assert.deepEqual(errors, []);
    })));

  test(`${version}: a page of another origin does not get in`, { timeout: 60_000 }, run(async ({ page, browser, nodes: [n1] }) => {
    const refused = await n1.metric('tulle_handshakes_refused_total');
    const stranger = await View.open(browser, page.url(n1, 'stranger', 'localhost'));
    await waitFor('its attempt to be refused', async () => (await n1.metric('tulle_handshakes_refused_total')) > refused);
    const friend = await View.open(browser, page.url(n1, 'friend'));
    await friend.shows('members', /^friend$/);
    assert.ok(!(await stranger.lines('states')).includes('connected'));
  }));
}
