// A page of somebody else in the operator's browser, and the admin port of a node: the page learns nothing and has nothing done.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { withCluster } from '../support/js/cluster.mjs';
import { request } from '../support/js/http.mjs';

const CHROMIUM = process.env.TULLE_CHROMIUM ?? '/usr/bin/chromium-headless-shell';
const TOKEN = 'a-token-that-the-page-has-stolen';

/** What runs in the page: it tries each way that a page has, and answers what it could read. */
async function attack(admin, token) {
  const seen = [];
  const paths = ['/live', '/ready', '/metrics', '/v1/status'];
  const variants = [{}, { credentials: 'include' }, { headers: { Authorization: `Bearer ${token}` } }];
  for (const target of paths) {
    for (const options of variants) {
      await fetch(`${admin}${target}`, options).then(async (answer) => seen.push(await answer.text()), () => {});
    }
    await fetch(`${admin}${target}`, { mode: 'no-cors' }).then(async (answer) => seen.push(await answer.text()), () => {});
  }
  for (const target of ['/v1/reload', '/v1/trace?app=app-id&channel=news']) {
    for (const type of ['text/plain', 'application/json']) {
      const options = { method: 'POST', body: '{}', headers: { 'Content-Type': type, ...(type === 'text/plain' ? {} : { Authorization: `Bearer ${token}` }) } };
      await fetch(`${admin}${target}`, options).then(async (answer) => seen.push(await answer.text()), () => {});
      await fetch(`${admin}${target}`, { method: 'POST', mode: 'no-cors', body: '{}' }).catch(() => {});
    }
    const frame = Object.assign(document.createElement('iframe'), { name: `frame${target.length}` });
    const form = Object.assign(document.createElement('form'), { method: 'POST', enctype: 'text/plain', action: `${admin}${target}`, target: frame.name });
    document.body.append(frame, form);
    const loaded = new Promise((resolve) => { frame.addEventListener('load', resolve); });
    form.submit();
    await loaded;
    navigator.sendBeacon(`${admin}${target}`, '{}');
  }
  await new Promise((resolve) => {
    const script = Object.assign(document.createElement('script'), { src: `${admin}/v1/status`, onload: resolve, onerror: resolve });
    document.body.append(script);
  });
  const socket = new WebSocket(`${admin.replace('http', 'ws')}/metrics`);
  await new Promise((resolve) => { socket.onopen = () => { seen.push('a WebSocket'); resolve(); }; socket.onclose = resolve; });
  return seen.filter((text) => text !== '');
}

/** The attack, by a page at `http://HOST:…` against the admin port by the name `name`. */
async function tries(node, { pageHost, name, chromiumArgs = [] }) {
  const server = http.createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end('<!doctype html><title>evil</title><body>'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', ...chromiumArgs] });
  try {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`http://${pageHost}:${server.address().port}/`);
    const port = node.ports.admin.split(':').at(-1);
    return await page.evaluate(`(${attack})(${JSON.stringify(`http://${name}:${port}`)}, ${JSON.stringify(TOKEN)})`);
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

for (const withTokens of [false, true]) {
  test(`a page reads and does nothing, ${withTokens ? 'whatever token it sends' : 'without any token in its way'}`, { timeout: 120_000 },
    () => withCluster(1, { start: false }, async (cluster) => {
      const [node] = cluster.nodes;
      const file = path.join(cluster.directory, 'admin.tokens');
      await fs.writeFile(file, `ops operate ${TOKEN}\n`, { mode: 0o600 });
      if (withTokens) {
        node.args = ['--admin-token-file', file];
        node.adminHeaders = { Authorization: `Bearer ${TOKEN}` };
      }
      await cluster.start();
      const reloads = await node.metric('tulle_config_reloads_total');
      const refused = await node.metric('tulle_admin_pages_refused_total');
      // The page and the port as they are; and DNS rebinding, in which the page's own name leads to the port.
      const rebound = { pageHost: 'evil.example', name: 'evil.example', chromiumArgs: ['--host-resolver-rules=MAP evil.example 127.0.0.1'] };
      for (const way of [{ pageHost: 'localhost', name: '127.0.0.1' }, { pageHost: '127.0.0.1', name: 'localhost' }, rebound]) {
        assert.deepEqual(await tries(node, way), [], JSON.stringify(way));
      }
      assert.ok(await node.metric('tulle_admin_pages_refused_total') >= refused + 30);
      assert.equal(await node.metric('tulle_config_reloads_total'), reloads);
      assert.doesNotMatch(node.log, /has been asked for/);
      const { status } = await request(node.ports.admin, '/v1/reload',
        { method: 'POST', headers: { 'Content-Type': 'application/json', ...node.adminHeaders } });
      assert.equal(status, 200, 'the same from a program');
    }));
}
