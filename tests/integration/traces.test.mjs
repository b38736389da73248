// Traces: what a backend publishes with a traceparent leaves spans at a collector, of every node that it passes.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import http from 'node:http';
import { test } from 'node:test';
import { APP, client, inbox, server, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { request } from '../support/js/http.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const hex = (bytes) => crypto.randomBytes(bytes).toString('hex');
const ID = { traceId: /^[0-9a-f]{32}$/, spanId: /^[0-9a-f]{16}$/, parentSpanId: /^[0-9a-f]{16}$/ };

/** A collector of OTLP over HTTP: `spans` grow as they come, each with the attributes of its resource. */
class Collector {
  spans = [];
  /** The statuses of the next answers; then 200. */
  statuses = [];
  /** True: no request is answered. */
  mute = false;

  async listen(port = 0) {
    this.server = http.createServer((asked, response) => {
      const parts = [];
      asked.on('data', (part) => parts.push(part));
      asked.on('end', () => {
        if (this.mute) return;
        const status = this.statuses.shift() ?? 200;
        if (status === 200) this.take(asked, JSON.parse(Buffer.concat(parts).toString()));
        response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise((resolve) => { this.server.listen(port, '127.0.0.1', resolve); });
    this.port = this.server.address().port;
    return this;
  }

  take({ url, method, headers }, { resourceSpans }) {
    assert.deepEqual([method, url, headers['content-type']], ['POST', '/v1/traces', 'application/json']);
    const values = (attributes) => Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));
    for (const { resource, scopeSpans } of resourceSpans) {
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        for (const [field, form] of Object.entries(ID)) assert.match(span[field], form);
        this.spans.push({ ...span, of: values(resource.attributes), has: values(span.attributes) });
      }
    }
  }

  /** The spans of a trace: those of this name, by node. */
  named(traceId, name) {
    return this.spans.filter((span) => span.traceId === traceId && span.name === name)
      .sort((a, b) => (a.of['service.instance.id'] < b.of['service.instance.id'] ? -1 : 1));
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Publishes by HTTP, with the header as given. Answers the status. */
async function publish(node, event, traceparent) {
  const path = `/apps/${APP.appId}/events`;
  const body = JSON.stringify({ name: 'e', data: '1', ...event });
  const query = server(node).createSignedQueryString({ method: 'POST', path, body });
  const headers = { 'content-type': 'application/json', ...(traceparent !== undefined && { traceparent }) };
  return (await request(node.ports.listen, `${path}?${query}`, { method: 'POST', headers, body })).status;
}

async function traced(count, body) {
  const collector = await new Collector().listen();
  try {
    await withCluster(count, { args: ['--otlp-endpoint', `http://127.0.0.1:${collector.port}`, '--shards', '2'] }, ({ nodes }) => body(nodes, collector));
  } finally {
    collector.close();
  }
}

/** Runs `body` with a subscriber of the channel at each of the nodes. */
async function withSubscribers(nodes, channel, body) {
  const clients = nodes.map((node) => client(node));
  try {
    await body(await Promise.all(clients.map(async (pusher) => inbox(await subscribed(pusher, channel), 'e'))));
  } finally {
    clients.forEach((pusher) => pusher.disconnect());
  }
}

/** Waits until `node` knows how far the clocks of all others are off: then the way of their messages can be told. */
async function knowsClocks(node, others) {
  await waitFor(`the clocks at ${node.name}`, async () => {
    const lines = (await request(node.ports.admin, '/metrics')).body.match(/^tulle_mesh_peer_clock_error_seconds\{.*$/gm) ?? [];
    return lines.length === others;
  });
}

test('a publish is a span of its node below the backend\'s, with the way to each other node that delivers below that, and the delivery below the way', () => traced(3, async ([n1, n2, n3], collector) => {
  await Promise.all([n1, n2, n3].map((node) => knowsClocks(node, 2)));
  await withSubscribers([n1, n2, n3, n3], 'news', async (inboxes) => {
    const [traceId, spanId] = [hex(16), hex(8)];
    assert.equal(await publish(n1, { channels: ['news', 'elsewhere'] }, `00-${traceId}-${spanId}-01`), 200);
    await waitFor('the event', () => inboxes.every(({ length }) => length === 1));
    // Two clients of a node may be on two shards: then each shard has a span.
    const subscribers = (node) => collector.named(traceId, 'deliver').filter(({ of }) => of['service.instance.id'] === node.name)
      .reduce((sum, { has }) => sum + has['tulle.subscriptions'], 0);
    await waitFor('the spans', () => subscribers(n1) === 1 && subscribers(n2) === 1 && subscribers(n3) === 2 && collector.named(traceId, 'publish').length === 1);

    const [published] = collector.named(traceId, 'publish');
    assert.equal(published.parentSpanId, spanId);
    assert.equal(published.kind, 2);
    assert.equal(published.of['service.instance.id'], n1.name);
    assert.equal(published.of['service.name'], 'tulle');
    assert.deepEqual(published.has, { 'messaging.system': 'tulle', 'messaging.operation.name': 'publish', 'messaging.operation.type': 'send',
      'messaging.destination.name': 'news', 'tulle.app': APP.appId, 'http.response.status_code': 200 });
    const ways = collector.named(traceId, 'relay');
    assert.equal(ways.length, collector.named(traceId, 'deliver').length - 1, 'none of the node that was asked');
    for (const way of ways) {
      assert.equal(way.parentSpanId, published.spanId);
      assert.equal(way.kind, 1);
      assert.equal(way.has['tulle.path'], 'direct');
      assert.ok(BigInt(way.endTimeUnixNano) >= BigInt(way.startTimeUnixNano));
      assert.ok(BigInt(way.endTimeUnixNano) - BigInt(way.startTimeUnixNano) < 10_000_000_000n);
    }
    for (const delivered of collector.named(traceId, 'deliver')) {
      const of = delivered.of['service.instance.id'];
      const above = of === n1.name ? [published] : ways.filter((way) => way.of['service.instance.id'] === of);
      assert.ok(above.some((span) => span.spanId === delivered.parentSpanId));
      assert.equal(delivered.kind, 5);
      assert.equal(delivered.has['messaging.destination.name'], 'news');
      // One machine, one clock.
      assert.ok(BigInt(delivered.startTimeUnixNano) > BigInt(published.startTimeUnixNano));
      assert.ok(BigInt(delivered.endTimeUnixNano) >= BigInt(delivered.startTimeUnixNano));
      assert.ok(BigInt(delivered.endTimeUnixNano) - BigInt(published.startTimeUnixNano) < 10_000_000_000n);
    }
    assert.equal(new Set(collector.spans.map((span) => span.spanId)).size, collector.spans.length);
    await waitFor('it to be counted', async () => await n1.metric('tulle_spans_exported_total') === 2);
  });
}));

test('without a sampled traceparent nothing is traced', () => traced(2, async ([n1, n2], collector) => {
  await withSubscribers([n2], 'news', async ([received]) => {
    const sampled = [hex(16), hex(8)];
    await knowsClocks(n2, 1);
    const untraced = [undefined, '', 'garbage', `00-${hex(16)}-${hex(8)}-00`, `00-${'0'.repeat(32)}-${hex(8)}-01`, 'x'.repeat(4000)];
    for (const traceparent of untraced) assert.equal(await publish(n1, { channel: 'news' }, traceparent), 200);
    assert.equal(await publish(n1, { channel: 'news' }, `00-${sampled[0]}-${sampled[1]}-01`), 200);
    await waitFor('the events', () => received.length === untraced.length + 1);
    await waitFor('the spans', () => collector.spans.length >= 3);
    assert.deepEqual(collector.spans.map(({ traceId, name }) => `${traceId} ${name}`).sort(), ['deliver', 'publish', 'relay'].map((name) => `${sampled[0]} ${name}`));
  });
}));

test('a batch that the collector does not take now goes again; what it refuses is dropped and counted; a node that ends sends what it has', () =>
  traced(1, async ([n1], collector) => {
    const spans = (name) => n1.metric(`tulle_spans_${name}_total`);
    const one = async () => {
      const traceId = hex(16);
      assert.equal(await publish(n1, { channel: 'news' }, `00-${traceId}-${hex(8)}-01`), 200);
      return traceId;
    };
    collector.statuses = [503, 429];
    const late = await one();
    await waitFor('the third attempt', () => collector.named(late, 'publish').length === 1);
    assert.equal(await spans('dropped'), 0);
    await waitFor('the log', () => /the collector http:\/\/127\.0\.0\.1:\d+\/v1\/traces has not taken spans: status 503/.test(n1.log));

    collector.statuses = [400];
    const refused = await one();
    await waitFor('it to be dropped', async () => await spans('dropped') === 1);
    assert.equal(collector.named(refused, 'publish').length, 0);

    const last = await one();
    n1.program.kill('SIGTERM');
    await n1.gone();
    assert.equal(collector.named(last, 'publish').length, 1);
  }));

for (const [what, harm] of Object.entries({ 'is away': (collector) => collector.close(), 'never answers': (collector) => { collector.mute = true; } })) {
  test(`a collector that ${what} is nobody else's matter`, () => traced(1, async ([n1], collector) => {
    harm(collector);
    await withSubscribers([n1], 'news', async ([received]) => {
      for (let i = 0; i < 20; ++i) assert.equal(await publish(n1, { channel: 'news' }, `00-${hex(16)}-${hex(8)}-01`), 200);
      await waitFor('the events', () => received.length === 20);
      await waitFor('the spans to be given up', async () => await n1.metric('tulle_spans_dropped_total') > 0, { ms: 30_000 });
      assert.equal(await publish(n1, { channel: 'news' }, `00-${hex(16)}-${hex(8)}-01`), 200);
      assert.equal(await n1.metric('tulle_spans_exported_total'), 0);
      n1.program.kill('SIGTERM');
      await within(5_000, 'the end of the node', n1.gone());
    });
  }));
}
