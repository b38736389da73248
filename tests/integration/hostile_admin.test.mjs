// The admin listener trusts whoever can reach it, and web pages can: what they send is refused, and so is what would shut others out.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Cluster, withCluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { run } from '../support/js/process.mjs';
import { waitFor, within } from '../support/js/wait.mjs';
import { freeze } from '../support/js/freeze.mjs';

const TARGETS = ['/up', '/ready', '/metrics', '/v1/status', '/v1/doctor?timeout_ms=100', '/v1/conns', '/v1/channels', '/v1/events'];
const TRACE = '/v1/trace?app=app-id&channel=news&timeout_ms=100';
const MOST_CONNECTIONS = 72;
const MOST_QUESTIONS = 32;
const TOO_MANY = 16; // with them there are fewer connections than the listener takes

let cluster;
let node;
before(async () => {
  cluster = await Cluster.create(1);
  [node] = cluster.nodes;
  node.args = ['--admin-hosts', 'tulle-1.internal,prometheus-sees-me'];
  await cluster.start();
});
after(() => cluster?.stop());

/** Sends these bytes and answers the status of what comes back; 0 when the connection is closed without an answer. */
function raw(bytes) {
  const back = [];
  return within(10_000, 'an answer', new Promise((resolve) => {
    const socket = net.connect(parts(node.ports.admin), () => socket.end(bytes));
    socket.on('data', (part) => back.push(part)).on('error', () => {});
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(Buffer.concat(back).toString('latin1'))?.[1] ?? 0)));
  }));
}

test('DNS rebinding: a request to a foreign Host is told nothing', async () => {
  const { port } = parts(node.ports.admin);
  const before = await node.metric('tulle_admin_pages_refused_total');
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example']) {
    for (const target of TARGETS) {
      const answer = await request(node.ports.admin, target, { headers: { Host: host } });
      assert.equal(answer.status, 403, `${host} ${target}`);
      assert.match(answer.body, /admin_hosts/);
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
    }
  }
  assert.equal(await node.metric('tulle_admin_pages_refused_total'), before + 3 * TARGETS.length);
  for (const host of ['127.0.0.1', `[::1]:${port}`, 'localhost', `LOCALHOST:${port}`, 'tulle-1.internal', `prometheus-sees-me:${port}`, '10.1.2.3']) {
    assert.equal((await request(node.ports.admin, '/v1/status', { headers: { Host: host } })).status, 200, host);
  }
});

test('the check of a load balancer in HTTP/1.0 has no Host', async () => {
  for (const target of ['/up', '/ready', '/metrics']) assert.equal(await raw(`GET ${target} HTTP/1.0\r\n\r\n`), 200);
  assert.equal(await raw('GET /ready HTTP/1.0\r\nHost: evil.example\r\n\r\n'), 403);
  assert.equal(await raw('GET /ready HTTP/1.1\r\nHost:\r\n\r\n'), 403);
  assert.equal(await raw('GET /ready HTTP/1.1\r\n\r\n'), 400);
});

test('a page of another origin neither reads nor sends anything', async () => {
  const evil = { Origin: 'https://evil.example' };
  const json = { 'Content-Type': 'application/json' };
  for (const headers of [evil, { Origin: 'null' }, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }]) {
    for (const target of TARGETS) assert.equal((await request(node.ports.admin, target, { headers })).status, 403, JSON.stringify(headers));
    assert.equal((await request(node.ports.admin, TRACE, { method: 'POST', headers: { ...headers, ...json } })).status, 403);
  }
  for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=application/json']) {
    const headers = type ? { 'Content-Type': type } : {};
    assert.equal((await request(node.ports.admin, TRACE, { method: 'POST', headers, body: '{}' })).status, 415, type);
  }
  const preflight = await request(node.ports.admin, TRACE, { method: 'OPTIONS', headers: { ...evil, 'Access-Control-Request-Headers': 'content-type' } });
  assert.equal(preflight.status, 403);
  assert.equal(preflight.headers['access-control-allow-origin'], undefined);
  const typed = { 'Sec-Fetch-Site': 'none' };
  assert.equal((await request(node.ports.admin, '/metrics', { headers: typed })).status, 200, 'a human typed the address');
  assert.equal((await request(node.ports.admin, TRACE, { method: 'POST', headers: json })).status, 200);
});

test('the commands reach it, by an address and by a name', async () => {
  const { port } = parts(node.ports.admin);
  for (const admin of [node.ports.admin, `localhost:${port}`]) {
    for (const args of [['doctor'], ['trace', 'news', '--app', 'app-id'], ['status']]) {
      const target = args[0] === 'status' ? ['-s', admin] : ['--admin', admin];
      const { code, stdout, stderr } = await run('tulle', [...args, ...target]);
      assert.equal(code, 0, `${args} ${stdout} ${stderr}`);
    }
  }
});

test('strangers who hold connections, and say nothing or speak slowly, do not shut others out', async () => {
  const held = await Promise.all(Array.from({ length: 3 * MOST_CONNECTIONS }, (_, i) => new Promise((resolve) => {
    const socket = net.connect(parts(node.ports.admin), () => {
      if (i % 2) socket.write('GET /metrics HT');
      resolve(socket);
    });
    socket.on('error', () => resolve(socket)).resume();
  })));
  await waitFor('most of them to be ended', async () => await node.metric('tulle_admin_connections_ended_total') >= 2 * MOST_CONNECTIONS);
  for (const target of TARGETS) assert.equal((await request(node.ports.admin, target)).status, 200, target);
  assert.ok(held.filter((socket) => !socket.closed).length <= MOST_CONNECTIONS);
  held.forEach((socket) => socket.destroy());
});

test('more questions to the mesh than may wait are refused, and others are answered meanwhile', () => withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
  const ask = () => request(n1.ports.admin, '/v1/doctor?timeout_ms=2000', { ms: 20_000 });
  await freeze(n2.program.pid);
  try {
    const asked = Array.from({ length: MOST_QUESTIONS + TOO_MANY }, ask);
    await waitFor('those that are too many', async () => await n1.metric('tulle_admin_questions_refused_total') === TOO_MANY);
    assert.equal((await request(n1.ports.admin, '/ready')).status, 200);
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 503).length, TOO_MANY);
    assert.equal(statuses.filter((status) => status === 200).length, MOST_QUESTIONS);
  } finally {
    process.kill(n2.program.pid, 'SIGCONT');
  }
  assert.equal((await ask()).status, 200);
}));
