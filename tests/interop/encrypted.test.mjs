// Encrypted channels end to end: the server kit encrypts, pusher-js decrypts, the nodes carry what they cannot read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withBalancer } from '../support/js/balancer.mjs';
import { APP, RawClient, connected, inbox, server, subscribed, withClients } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { waitFor } from '../support/js/wait.mjs';

const VAULT = 'private-encrypted-vault';
const kit = (node, fill = 1) => server(node, { ...APP, encryptionMasterKeyBase64: Buffer.alloc(32, fill).toString('base64') });

/** pusher-js with the channel's key from a kit, which `choose` may change from one call to the next. */
const keyed = (choose) => ({
  channelAuthorization: { customHandler: ({ socketId, channelName }, done) => done(null, choose().authorizeChannel(socketId, channelName)) },
});

test('what is encrypted at one node is read at the others, and is not to be read on the wire', () => withCluster(3, {},
  ({ nodes: [n1, n2, n3] }) => withClients([n1, n3], async (...clients) => {
    const inboxes = await Promise.all(clients.map(async (pusher) => inbox(await subscribed(pusher, VAULT), 'opened')));
    const raw = await new RawClient(n1).open();
    const { auth } = kit(n1).authorizeChannel(raw.socketId, VAULT);
    raw.send({ event: 'pusher:subscribe', data: { channel: VAULT, auth } });
    await raw.next('pusher_internal:subscription_succeeded');
    await kit(n2).trigger(VAULT, 'opened', { by: 'Ännchen', at: [1, 2.5, null] });
    await kit(n2).triggerBatch([{ channel: VAULT, name: 'opened', data: 'again' }]);
    await waitFor('both events at both', () => inboxes.every((received) => received.length === 2));
    for (const received of inboxes) assert.deepEqual(received, [{ by: 'Ännchen', at: [1, 2.5, null] }, 'again']);
    const frame = await raw.next('opened');
    assert.deepEqual(Object.keys(JSON.parse(frame.data)).sort(), ['ciphertext', 'nonce']);
    assert.ok(!JSON.stringify(frame).includes('nnchen'));
    raw.drop();
  }, keyed(() => kit(n1)))));

test('a client whose key is of yesterday asks for a new one and reads the event', () => withCluster(2, {}, ({ nodes: [n1, n2] }) => {
  let fill = 1;
  return withClients([n1], async (pusher) => {
    const received = inbox(await subscribed(pusher, VAULT), 'opened');
    fill = 2;
    await kit(n2, 2).trigger(VAULT, 'opened', 'with the new key');
    await waitFor('the event', () => received.length > 0);
    assert.deepEqual(received, ['with the new key']);
  }, keyed(() => kit(n1, fill)));
}));

test('pusher-js sends no client events there', () => withCluster(1, {}, ({ nodes: [node] }) => withClients([node], async (pusher) => {
  const channel = await subscribed(pusher, VAULT);
  assert.throws(() => channel.trigger('client-a', {}), /not currently supported for encrypted channels/);
}, keyed(() => kit(node)))));

test('behind a balancer, a killed node does not keep what is encrypted from being read', () => withCluster(2, {},
  ({ nodes: [n1, n2] }) => withBalancer([n1, n2], (balancer) => withClients([balancer], async (pusher) => {
    const received = inbox(await subscribed(pusher, VAULT), 'opened');
    const before = await connected(pusher);
    await n1.kill();
    await waitFor('the client to have subscribed at the other', async () => {
      const { subscription_count: count } = await (await kit(n2).get({ path: `/channels/${VAULT}` })).json();
      return count === 1 && pusher.connection.socket_id !== before;
    });
    await kit(n2).trigger(VAULT, 'opened', { still: true });
    await waitFor('the event', () => received.length > 0);
    assert.deepEqual(received, [{ still: true }]);
  }, keyed(() => kit(n2))))));
