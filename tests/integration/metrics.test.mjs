// What /metrics tells: that the text is well-formed and documented, and that the counters count what their help says.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { APP, RawClient, server, subscribed, withClients } from '../support/js/clients.mjs';
import { Cluster } from '../support/js/cluster.mjs';
import { request } from '../support/js/http.mjs';
import { metricsOf, namesIn, parseMetrics, sampleOf, withAllMetrics } from '../support/js/metrics.mjs';
import { PROJECT } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';
import { withBackend } from '../support/js/webhooks.mjs';

const PROMTOOL = process.env.TULLE_PROMTOOL ?? '/usr/bin/promtool';
const DOCUMENT = path.join(PROJECT, 'node/doc/metrics.md');

/** What promtool says of the text, and its exit code. */
function promtool(text) {
  return new Promise((resolve, reject) => {
    const program = spawn(PROMTOOL, ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [program.stdout, program.stderr]) stream.on('data', (part) => { said += part; });
    program.on('error', reject);
    program.on('close', (code) => resolve({ code, said }));
    program.stdin.end(text);
  });
}

/** The row of the document for a metric. */
function rowOf([name, { type, help, samples }]) {
  const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
  labels.delete('le');
  return `| \`${name}\` | ${type} | ${[...labels].map((label) => `\`${label}\``).join(', ')} | ${help} |`;
}

test('every metric is well-formed, helps, and stands in the document', () => withAllMetrics(2, async ({ nodes: [node] }) => {
  await withClients([node], (pusher) => subscribed(pusher, 'news'));
  await waitFor('the clock of the peer to be measured', async () => (
    (await metricsOf(node)).get('tulle_mesh_peer_clock_error_seconds').samples.length === 1));
  const text = (await request(node.ports.admin, '/metrics', { headers: node.adminHeaders })).body;
  const metrics = parseMetrics(text);
  for (const [name, { help, type, samples }] of metrics) {
    assert.match(name, /^(tulle|process)(_[a-z0-9]+)+$/);
    assert.equal(type === 'counter', name.endsWith('_total'), `${name} is a ${type}`);
    assert.ok(help.length >= 20, `the help of ${name} says little: ${help}`);
    assert.doesNotMatch(help, /^(Counted|Told) by the mesh$/, `${name} has no help of its own (node/admin/mesh_metrics.cpp)`);
    assert.doesNotMatch(help, /^Of (those|these|them)|^That /, `the help of ${name} is read alone`);
    assert.ok(samples.length > 0, `${name} has a value`);
    for (const { value } of samples) assert.ok(value >= 0, `${name} is ${value}`);
  }
  if (existsSync(PROMTOOL)) assert.deepEqual(await promtool(text), { code: 0, said: '' });

  const document = await fs.readFile(DOCUMENT, 'utf8');
  const histograms = new Set([...metrics].filter(([, { type }]) => type === 'histogram').map(([name]) => name));
  for (const name of await fs.readdir(path.dirname(DOCUMENT))) {
    if (!name.endsWith('.md')) continue;
    const named = namesIn(await fs.readFile(path.join(path.dirname(DOCUMENT), name), 'utf8'), histograms);
    assert.deepEqual([...named].filter((metric) => !metrics.has(metric)), [], `node/doc/${name} names what no node has`);
  }
  const rows = document.split('\n').filter((line) => /^\| `(tulle|process)_/.test(line));
  const expected = [...metrics].map(rowOf);
  assert.deepEqual(expected.filter((row) => !rows.includes(row)), [], `rows that ${DOCUMENT} lacks`);
  assert.deepEqual(rows.filter((row, i) => !expected.includes(row) || rows.indexOf(row) !== i), [], `rows of ${DOCUMENT} that are no metric of a node`);
}));

test('a reader of the format refuses what is none of it', () => {
  const good = '# HELP a_b What it is\n# TYPE a_b gauge\na_b{c="d\\"e",f="g"} 1.5\n';
  assert.deepEqual([...parseMetrics(good).get('a_b').samples], [{ name: 'a_b', labels: { c: 'd\\"e', f: 'g' }, value: 1.5 }]);
  for (const bad of ['a_b 1\n', good.slice(0, -1), `${good}${good}`, `${good}other 1\n`, '# HELP a_b What\na_b 1\n', `${good}a_b{c="d} 1\n`,
    `${good}a_b_count 1\n`]) {
    assert.throws(() => parseMetrics(bad), assert.AssertionError, bad);
  }
});

describe('what is counted', () => {
  let cluster;
  let nodes;
  before(async () => {
    cluster = await Cluster.create(2, {});
    await cluster.start();
    nodes = cluster.nodes;
  });
  after(() => cluster?.stop());

  /** How the samples of the node have grown while `body` ran, until they have grown so. */
  async function grows(node, expected, body) {
    const before_ = await metricsOf(node);
    const result = await body();
    let grown;
    await waitFor(`the metrics to grow by ${JSON.stringify(expected)}`, async () => {
      const now = await metricsOf(node);
      grown = expected.map(([name, labels]) => [name, labels, sampleOf(now, name, labels) - (sampleOf(before_, name, labels) ?? 0)]);
      return JSON.stringify(grown) === JSON.stringify(expected);
    }).catch((error) => assert.deepEqual(grown, expected, error.message));
    return result;
  }

  test('the end of a WebSocket, by the code of the first Close frame', async () => {
    const [node] = nodes;
    const closed = (code, by = 1) => ['tulle_connections_closed_total', { code }, by];
    const all = (by) => ['tulle_clients_closed_total', {}, by];
    const open = () => new RawClient(node).open();
    await grows(node, [closed('1000'), closed('1006', 0), all(1)], async () => (await open()).socket.close(1000));
    await grows(node, [closed('1005'), all(1)], async () => (await open()).socket.close());
    await grows(node, [closed('1006'), all(1)], async () => (await open()).drop());
    await grows(node, [closed('other', 2), all(2)], async () => {
      for (const code of [3000, 4999]) (await open()).socket.close(code);
    });
    await grows(node, [closed('4001'), closed('4005'), closed('other', 0), all(2)], async () => {
      for (const target of ['/app/nobody?protocol=7', '/app/']) assert.match(String((await new RawClient(node, target).end()).code), /^400[15]$/);
    });
    // Of what the node itself finds wrong, the code is the node's whatever the client answers.
    await grows(node, [closed('1009'), all(1)], async () => {
      const one = await open();
      one.send('x'.repeat(1_000_000));
      assert.equal((await one.end()).code, 1009);
    });
    await grows(node, [closed('1002'), closed('1006', 0), all(1)], async () => {
      const one = await open();
      one.socket._socket.write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0])); // reserved bits
      await one.end();
    });
  });

  test('HTTP answers by status', async () => {
    const [node] = nodes;
    const answered = (status, by) => ['tulle_http_responses_total', { status }, by];
    await grows(node, [answered('200', 1), answered('404', 2), answered('401', 1), answered('101', 1), answered('other', 0)], async () => {
      await request(node.ports.listen, '/up');
      for (const target of ['/none', '/nothing']) await request(node.ports.listen, target);
      await request(node.ports.listen, `/apps/${APP.appId}/channels`);
      (await new RawClient(node).open()).drop();
    });
  });

  test('connections, messages and events by app', async () => {
    const [node] = nodes;
    const app = { app: APP.appId };
    const counted = (connections, received, published) => [['tulle_app_connections', app, connections],
      ['tulle_app_messages_received_total', app, received], ['tulle_app_published_total', app, published]];
    const one = await grows(node, counted(1, 2, 1), async () => {
      const client = await new RawClient(node).open();
      client.send({ event: 'pusher:subscribe', data: { channel: 'news' } });
      await client.next('pusher_internal:subscription_succeeded');
      client.send({ event: 'pusher:ping', data: {} });
      await client.next('pusher:pong');
      assert.equal((await server(node).trigger('news', 'e', {})).status, 200);
      return client;
    });
    await grows(node, counted(-1, 0, 0), async () => one.drop());
  });

  test('the time of a publish and of its delivery on each node', async () => {
    const [n1, n2] = nodes;
    const delivered = (path_, by) => ['tulle_delivery_seconds_count', { path: path_ }, by];
    await waitFor('the clocks to be measured', async () => (await Promise.all(nodes.map(metricsOf))).every((metrics) => (
      metrics.get('tulle_mesh_peer_clock_error_seconds').samples.length === 1)));
    await withClients([n1, n2], async (...pushers) => {
      await Promise.all(pushers.map((pusher) => subscribed(pusher, 'timed')));
      const publish = () => server(n1).trigger('timed', 'e', {});
      await grows(n2, [delivered('mesh', 1), delivered('local', 0), ['tulle_publish_seconds_count', {}, 0]], () => (
        grows(n1, [delivered('local', 1), delivered('mesh', 0), ['tulle_publish_seconds_count', {}, 1]], publish)));
    });
    for (const [node, name, labels] of [[n1, 'delivery', { path: 'local' }], [n2, 'delivery', { path: 'mesh' }], [n1, 'publish', {}]]) {
      const metrics = await metricsOf(node);
      const [count, sum] = ['count', 'sum'].map((what) => sampleOf(metrics, `tulle_${name}_seconds_${what}`, labels));
      assert.ok(sum >= 0 && sum < count * 2, `${count} took ${sum} s on ${node.name}`);
      assert.equal(sampleOf(metrics, `tulle_${name}_seconds_bucket`, { ...labels, le: '+Inf' }), count);
      assert.equal(sampleOf(metrics, `tulle_${name}_seconds_bucket`, { ...labels, le: '10' }), count);
    }
    const errors = (await metricsOf(n2)).get('tulle_mesh_peer_clock_error_seconds').samples;
    assert.ok(errors[0].value > 0 && errors[0].value < 1, JSON.stringify(errors));
  });

  test('descriptors and memory of the process', async () => {
    const [node] = nodes;
    const fds = async () => sampleOf(await metricsOf(node), 'process_open_fds');
    const idle = await fds();
    const clients = await Promise.all(Array.from({ length: 20 }, () => new RawClient(node).open()));
    const busy = await fds();
    assert.ok(busy >= idle + 15 && busy <= idle + 25, `${idle} and 20 make ${busy}`);
    clients.forEach((one) => one.drop());
    const metrics = await metricsOf(node);
    const started = sampleOf(metrics, 'process_start_time_seconds');
    assert.ok(Math.abs(Date.now() / 1000 - started - sampleOf(metrics, 'tulle_uptime_seconds')) < 5, 'the process started with the node');
    assert.ok(sampleOf(metrics, 'process_resident_memory_bytes') > 5e6);
  });
});

test('the time of a request to the endpoint of a webhook', () => withBackend(1, {}, async ({ nodes: [node] }, backend) => {
  await withClients([node], async (pusher) => {
    await subscribed(pusher, 'hooked');
    await waitFor('the webhook', () => backend.names('hooked').includes('channel_occupied'));
  });
  const { count, attempts, sum } = await waitFor('the requests to be counted', async () => {
    const metrics = await metricsOf(node);
    const got = Object.fromEntries([['count', 'tulle_webhook_seconds_count'], ['sum', 'tulle_webhook_seconds_sum'],
      ['attempts', 'tulle_webhook_attempts_total']].map(([key, name]) => [key, sampleOf(metrics, name)]));
    return got.count > 0 && got;
  });
  assert.equal(count, attempts);
  assert.ok(sum >= 0 && sum < 5 * count, `${sum} s`);
}));
