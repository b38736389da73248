// What webhooks do with endpoints that are slow, wrong or hostile.
import assert from 'node:assert/strict';
import https from 'node:https';
import { test } from 'node:test';
import { CERTIFICATE, KEY } from '../support/js/certificate.mjs';
import { client, subscribed, withClients } from '../support/js/clients.mjs';
import { waitFor } from '../support/js/wait.mjs';
import { Backend, isAuthentic, withBackend } from '../support/js/webhooks.mjs';

const OCCUPIED = ['channel_occupied', 'channel_vacated'];

/** Occupies a channel until `seen` answers something true, and vacates it again. What is briefer might not be told. */
async function visit(node, channel, seen) {
  const pusher = client(node);
  await subscribed(pusher, channel);
  await waitFor(`what comes of ${channel}`, seen);
  pusher.disconnect();
}

const occupied = (backend, channel) => () => backend.names(channel).includes('channel_occupied');

async function listening(server) {
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return server.address().port;
}

test('a channel that is occupied again in time was not vacated', () => withBackend(1, { settings: { vacated_hold: '2s' } },
  async ({ nodes: [node] }, backend) => {
    await visit(node, 'x', occupied(backend, 'x'));
    await withClients([node], async (pusher) => {
      await subscribed(pusher, 'x');
      await visit(node, 'y', occupied(backend, 'y'));
      await waitFor('the other channel to be vacated', () => backend.names('y').includes('channel_vacated'));
      assert.deepEqual(backend.of('x', ...OCCUPIED).map(({ name }) => name), ['channel_occupied']);
    });
    await waitFor('the end', () => backend.names('x').includes('channel_vacated'));
  }));

test('each webhook is told of its events on its channels, with its headers, and alone if it wants', () => withBackend(1, {
  webhooks: (url) => [
    { url, event_types: OCCUPIED, channel_name_starts_with: 'private-', headers: { 'X-Custom': 'first' } },
    { url, event_types: OCCUPIED, channel_name_ends_with: '-foo', headers: { 'X-Custom': 'second' } },
    { url, event_types: OCCUPIED, channel_name_starts_with: 'private-', channel_name_ends_with: '-foo', batch: false,
      headers: { 'X-Custom': 'third' } },
  ],
}, async ({ nodes: [node] }, backend) => {
  await withClients([node], async (pusher) => {
    await subscribed(pusher, 'x');
    for (const channel of ['private-x-foo', 'private-x', 'x-foo']) await visit(node, channel, occupied(backend, channel));
  });
  const told = (name) => backend.requests.filter(({ headers }) => headers['x-custom'] === name)
    .flatMap(({ body }) => JSON.parse(body).events);
  const of = (name) => told(name).map((event) => `${event.name} ${event.channel}`).sort();
  const expected = (...channels) => OCCUPIED.flatMap((name) => channels.map((channel) => `${name} ${channel}`)).sort();
  await waitFor('all events', () => backend.events.length === 10);
  assert.deepEqual(of('first'), expected('private-x', 'private-x-foo'));
  assert.deepEqual(of('second'), expected('private-x-foo', 'x-foo'));
  assert.deepEqual(of('third'), expected('private-x-foo'));
  assert.ok(backend.requests.filter(({ headers }) => headers['x-custom'] === 'third')
    .every(({ body }) => JSON.parse(body).events.length === 1));
  assert.ok(backend.requests.every((request) => isAuthentic(node, request)));
  assert.ok(backend.requests.every(({ headers }) => headers['content-type'] === 'application/json'));
}));

test('what is not taken is told again', () => withBackend(1, {}, async ({ nodes: [node] }, backend) => {
  backend.answer = (request, n) => [500, 404, 204][n - 1] ?? 200;
  await withClients([node], async (pusher) => {
    await subscribed(pusher, 'x');
    await waitFor('the event', () => backend.of('x', 'channel_occupied').length === 1);
    assert.equal(backend.requests.length, 3);
    assert.equal(await node.metric('tulle_webhook_failures_total'), 2);
    await waitFor('nothing to wait', async () => (await node.metric('tulle_webhook_queue')) === 0);
  });
}));

test('what nobody takes is given up in the end', () => withBackend(1, { settings: { retry_for: '1s' } },
  async ({ nodes: [node] }, backend) => {
    backend.answer = () => 503;
    await withClients([node], async (pusher) => {
      await subscribed(pusher, 'x');
      await waitFor('the end of patience', async () => (await node.metric('tulle_webhook_given_up_total')) >= 2);
      backend.answer = () => 200;
      await visit(node, 'y', occupied(backend, 'y'));
      await waitFor('the next events', () => backend.names('y').includes('channel_vacated'));
      assert.deepEqual(backend.of('x'), []);
    });
  }));

test('a redirect is not followed', () => withBackend(1, { settings: { retry_for: '0s' } },
  async ({ nodes: [node] }, backend) => {
    const elsewhere = await new Backend().listen();
    backend.answer = () => [302, { Location: elsewhere.url }];
    try {
      await visit(node, 'x', async () => (await node.metric('tulle_webhook_given_up_total')) >= 2);
      assert.equal(elsewhere.requests.length, 0);
    } finally {
      elsewhere.close();
    }
  }));

test('private addresses are refused unless they are allowed, however they are spelt', async () => {
  const hosts = ['127.0.0.1', '127.1', '2130706433', '0x7f000001', 'localhost', '[::ffff:7f00:1]', '0'];
  await withBackend(1, {
    settings: { allow_private_addresses: ['10.0.0.0/8'], retry_for: '0s' },
    webhooks: (url) => hosts.map((host) => ({ url: url.replace('127.0.0.1', host), event_types: ['channel_occupied'] })),
  }, async ({ nodes: [node] }, backend) => {
    await visit(node, 'x', async () => (await node.metric('tulle_webhook_refused_addresses_total')) === hosts.length);
    assert.equal(backend.requests.length, 0);
  });
});

test('an endpoint that hangs keeps no other waiting', async () => {
  const hanging = await new Backend().listen();
  hanging.answer = () => null;
  try {
    await withBackend(1, { webhooks: (url) => [{ url: hanging.url }, { url }] }, async ({ nodes: [node] }, backend) => {
      const begin = performance.now();
      for (let i = 0; i < 20; ++i) await visit(node, `x-${i}`, occupied(backend, `x-${i}`));
      assert.ok(performance.now() - begin < 4_500, 'before the first attempt at the other times out');
      assert.equal(hanging.requests.length, 1);
    });
  } finally {
    hanging.close();
  }
});

test('an endpoint whose certificate nobody vouches for is told nothing', async () => {
  let requests = 0;
  const unknown = https.createServer({ key: KEY, cert: CERTIFICATE }, (request, response) => {
    ++requests;
    response.end();
  });
  const port = await listening(unknown);
  const url = `https://127.0.0.1:${port}/`;
  try {
    await withBackend(1, { settings: { retry_for: '0s' }, webhooks: () => [{ url, event_types: ['channel_occupied'] }] },
      async ({ nodes: [node] }) => {
        await visit(node, 'x', async () => (await node.metric('tulle_webhook_given_up_total')) === 1);
        await node.says(/certificate/i);
        assert.equal(requests, 0);
      });
  } finally {
    unknown.close();
  }
});

test('a node that leaves tells first what it has to tell', () => withBackend(1, {}, async ({ nodes: [node] }, backend) => {
  let release;
  backend.answer = () => (release ? 200 : 500);
  await withClients([node], async (pusher) => {
    await subscribed(pusher, 'x');
    await waitFor('the first attempt', () => backend.requests.length === 1);
    release = true;
    await waitFor('the second one', () => backend.of('x', 'channel_occupied').length === 1);
    await subscribed(pusher, 'y');
    await waitFor('the event to be under way', async () => (await node.metric('tulle_webhook_queue')) > 0 ||
      backend.of('y').length > 0);
    node.program.kill('SIGTERM');
    await node.gone();
    assert.deepEqual(backend.of('y', 'channel_occupied'), [{ name: 'channel_occupied', channel: 'y' }]);
  });
}));
