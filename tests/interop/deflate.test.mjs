// permessage-deflate (RFC 7692): off unless configured, and then by message.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APP, RawClient, server, subscribed, withClients } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { withConfigured } from '../support/js/configured.mjs';

const ON = ['--permessage-deflate'];
const OFFER = { perMessageDeflate: { threshold: 0 } };
const TEXT = 'the same words again and again, '.repeat(64);

/** `agreed`: what the node's answer to the upgrade says of extensions. */
async function openWith(node, options) {
  const raw = new RawClient(node, undefined, options);
  raw.socket.once('upgrade', ({ headers }) => { raw.agreed = headers['sec-websocket-extensions'] ?? ''; });
  return raw.open();
}

async function join(raw, channel, node) {
  const auth = `${APP.key}:${server(node).config.token.sign(`${raw.socketId}:${channel}`)}`;
  raw.send({ event: 'pusher:subscribe', data: { channel, auth } });
  await raw.next('pusher_internal:subscription_succeeded');
}

const bytesRead = (raw) => raw.socket._socket.bytesRead;

test('clients that offer it do not get it by default', () => withCluster(1, {}, async ({ nodes: [node] }) => {
  const raw = await openWith(node, OFFER);
  assert.equal(raw.agreed, '');
  raw.drop();
}));

test('who asks for it gets messages compressed, others on the same channel plain', () => withCluster(1, { args: ON },
  async ({ nodes: [node] }) => {
    const deflated = await openWith(node, OFFER);
    const plain = await openWith(node, {});
    assert.match(deflated.agreed, /permessage-deflate.*server_no_context_takeover/);
    assert.match(deflated.agreed, /client_no_context_takeover/);
    assert.equal(plain.agreed, '');
    for (const raw of [deflated, plain]) await join(raw, 'private-a', node);
    const before = [deflated, plain].map(bytesRead);
    const events = Array.from({ length: 20 }, (_, i) => ({ n: i, text: i % 3 === 0 ? '' : TEXT }));
    await Promise.all(Array.from({ length: 2 }, (_, half) => server(node).triggerBatch(
      events.slice(10 * half, 10 * half + 10).map((event) => ({ channel: 'private-a', name: 'e', data: event })))));
    for (const raw of [deflated, plain]) {
      const got = [];
      while (got.length < events.length) got.push(JSON.parse((await raw.next('e')).data));
      assert.deepEqual(got.sort((a, b) => a.n - b.n), events);
    }
    const [small, large] = [deflated, plain].map((raw, i) => bytesRead(raw) - before[i]);
    assert.ok(small * 5 < large, `${small} bytes compressed, ${large} plain`);
    deflated.drop();
    plain.drop();
  }));

test('a window smaller than the node’s is agreed to, and its messages go plain', () => withCluster(1, { args: ON },
  async ({ nodes: [node] }) => {
    const raw = await openWith(node, { perMessageDeflate: { serverMaxWindowBits: 10 } });
    assert.match(raw.agreed, /server_max_window_bits=10/);
    await join(raw, 'private-a', node);
    const before = bytesRead(raw);
    await server(node).trigger('private-a', 'e', TEXT);
    assert.equal((await raw.next('e')).data, TEXT);
    assert.ok(bytesRead(raw) - before > TEXT.length);
    raw.drop();
  }));

test('what a client sends compressed is taken, up to the limit of what comes out', () => withConfigured(1, [],
  { args: ON }, async ({ nodes: [node] }) => {
    const raw = await openWith(node, OFFER);
    await join(raw, 'private-a', node);
    await withClients([node], async (listener) => {
      const channel = await subscribed(listener, 'private-a');
      const heard = new Promise((resolve) => { channel.bind('client-e', resolve); });
      raw.send({ event: 'client-e', channel: 'private-a', data: TEXT });
      assert.equal(await heard, TEXT);
    });
    raw.send({ event: 'client-e', channel: 'private-a', data: 'x'.repeat(8 << 20) });
    assert.equal((await raw.end()).code, 1009);
  }));
