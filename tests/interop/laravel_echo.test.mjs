// Laravel Echo over pusher-js, with an application behind it that grants channels and broadcasts.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cluster } from '../support/js/cluster.mjs';
import { withLaravel } from '../support/js/laravel.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const WAIT_MS = 10_000;

/** Resolves once the channel of Echo is subscribed; rejects when it is refused. */
const settled = (channel) => within(WAIT_MS, `the subscription of ${channel.name}`, new Promise((resolve, reject) => {
  channel.subscribed(() => resolve(channel));
  channel.error((error) => reject(Object.assign(new Error('refused'), error)));
}));

/** What a callback of Echo is called with first: grows as it comes. */
function collected(register) {
  const all = [];
  register((value) => all.push(value));
  return all;
}

function suite(broadcaster, count) {
  let cluster;
  const at = (i) => cluster.nodes[i % count];
  const run = (body) => () => withLaravel(cluster.nodes, (laravel) =>
    body({ laravel, page: (i, user = `u${i}`, options = {}) => laravel.echo(at(i), user, broadcaster, options) }));

  before(async () => {
    cluster = await Cluster.create(count);
    await cluster.start();
  });
  after(() => cluster?.stop());

  test('a public channel: listen, listenToAll, a name of its own, stopListening, leaveChannel', run(async ({ laravel, page }) => {
    const echo = page(0);
    const orders = echo.channel('orders');
    const shipped = collected((take) => orders.listen('OrderShipped', take));
    const named = collected((take) => orders.listen('.order.named', take));
    const all = collected((take) => orders.listenToAll((name, data) => take([name, data])));
    await settled(orders);
    await laravel.broadcast('orders', 'App\\Events\\OrderShipped', { id: 1 });
    await laravel.broadcast('orders', 'order.named', { id: 2 });
    await waitFor('both', () => shipped.length > 0 && named.length > 0);
    orders.stopListening('OrderShipped');
    await laravel.broadcast('orders', 'App\\Events\\OrderShipped', { id: 3 });
    await waitFor('the third', () => all.length >= 3);
    assert.deepEqual(shipped, [{ id: 1 }]);
    assert.deepEqual(named, [{ id: 2 }]);
    assert.deepEqual(all, [['OrderShipped', { id: 1 }], ['.order.named', { id: 2 }], ['OrderShipped', { id: 3 }]]);
    echo.leaveChannel('orders');
    const read = async () => (await laravel.kit.get({ path: '/channels/orders' })).json();
    await waitFor('it to be left', async () => !(await read()).occupied);
  }));

  test('a private channel, and one that the application does not grant', run(async ({ laravel, page }) => {
    const mine = page(1).private('orders.7');
    const heard = collected((take) => mine.listen('OrderPaid', take));
    await settled(mine);
    await laravel.broadcast('private-orders.7', 'App\\Events\\OrderPaid', { id: 7 });
    await waitFor('the event', () => heard.length > 0);
    assert.deepEqual(heard, [{ id: 7 }]);
    await assert.rejects(settled(page(1).private('orders.secret')), { type: 'AuthError', status: 403 });
  }));

  test('a signature that the node refuses reaches error()', run(async ({ page }) => {
    const forged = page(0, 'u', { channelAuthorization: { customHandler: (_, done) => done(null, { auth: `app-key:${'0'.repeat(64)}` }) } });
    await assert.rejects(settled(forged.private('orders.7')), { type: 'AuthError', status: 401 });
  }));

  test('join: here, joining, leaving', run(async ({ page }) => {
    const watcher = page(0, 'anna').join('room');
    const [here, joining, leaving] = ['here', 'joining', 'leaving'].map((what) => collected((take) => watcher[what](take)));
    await settled(watcher);
    assert.deepEqual(here, [[{ id: 'anna', name: 'name of anna' }]]);
    const echo = page(1, 'bert');
    const second = echo.join('room');
    const hereToo = collected((take) => second.here(take));
    await settled(second);
    assert.deepEqual(hereToo[0].map(({ id }) => id).sort(), ['anna', 'bert']);
    await waitFor('the joining', () => joining.length > 0);
    echo.leave('room');
    await waitFor('the leaving', () => leaving.length > 0);
    assert.deepEqual([joining, leaving], [[{ id: 'bert', name: 'name of bert' }], [{ id: 'bert', name: 'name of bert' }]]);
  }));

  test('whispers reach the others on private and presence channels, not their sender', run(async ({ page }) => {
    for (const kind of ['private', 'join']) {
      const rooms = await Promise.all([0, 1, 2].map((i) => settled(page(i)[kind]('whispers'))));
      const heard = rooms.map((room) => collected((take) => room.listenForWhisper('typing', take)));
      rooms[0].whisper('typing', { name: 'first' });
      await waitFor('the others to hear', () => heard[1].length > 0 && heard[2].length > 0);
      rooms[1].whisper('typing', { name: 'second' });
      await waitFor('the first to hear', () => heard[0].length > 0 && heard[2].length > 1);
      assert.deepEqual(heard.map((said) => said.map(({ name }) => name)), [['second'], ['first'], ['first', 'second']]);
    }
  }));

  test('a notification for a user', run(async ({ laravel, page }) => {
    const channel = page(0).private('App.Models.User.7');
    const notes = collected((take) => channel.notification(take));
    await settled(channel);
    await laravel.broadcast('private-App.Models.User.7', 'Illuminate\\Notifications\\Events\\BroadcastNotificationCreated', { type: 'Paid' });
    await waitFor('it', () => notes.length > 0);
    assert.deepEqual(notes, [{ type: 'Paid' }]);
  }));

  test('an encrypted private channel', run(async ({ laravel, page }) => {
    const channel = page(0).encryptedPrivate('vault');
    const heard = collected((take) => channel.listen('Opened', take));
    await settled(channel);
    await laravel.broadcast('private-encrypted-vault', 'App\\Events\\Opened', { by: 'anna' });
    await waitFor('it', () => heard.length > 0);
    assert.deepEqual(heard, [{ by: 'anna' }]);
  }));

  test('toOthers leaves out the page whose X-Socket-ID came with the request', run(async ({ laravel, page }) => {
    const pages = [page(0), page(1)];
    const heard = await Promise.all(pages.map(async (echo) => {
      const channel = echo.private('chat');
      const said = collected((take) => channel.listen('Said', take));
      await settled(channel);
      return said;
    }));
    await laravel.broadcast('private-chat', 'App\\Events\\Said', { n: 1 }, { toOthers: pages[0] });
    await laravel.broadcast('private-chat', 'App\\Events\\Said', { n: 2 });
    await waitFor('the second at both', () => heard.every((said) => said.some(({ n }) => n === 2)));
    assert.deepEqual(heard, [[{ n: 2 }], [{ n: 1 }, { n: 2 }]]);
  }));

  test('leave ends the private and the presence channel of that name', run(async ({ laravel, page }) => {
    const echo = page(0);
    await Promise.all([settled(echo.channel('both')), settled(echo.private('both')), settled(echo.join('both'))]);
    assert.equal(echo.connectionStatus(), 'connected');
    const occupied = async () => Object.keys((await (await laravel.kit.get({ path: '/channels' })).json()).channels);
    assert.deepEqual((await occupied()).sort(), ['both', 'presence-both', 'private-both']);
    echo.leave('both');
    await waitFor('nobody to be there', async () => (await occupied()).length === 0);
  }));
}

for (const broadcaster of ['pusher', 'reverb']) {
  for (const count of [1, 3]) describe(`the broadcaster ${broadcaster}, ${count} node(s)`, () => suite(broadcaster, count));
}
