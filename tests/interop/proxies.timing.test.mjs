// pusher-js behind nginx and HAProxy when the node that it is on goes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { server } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { withUsers } from '../support/js/presence.mjs';
import { isMissing, withProxy } from '../support/js/proxies.mjs';
import { waitFor } from '../support/js/wait.mjs';

/** Client events from one to the other and back, which nobody else hears twice. */
async function talk(one, other, text) {
  for (const [sender, receiver] of [[one, other], [other, one]]) {
    const heard = [];
    const hear = (data) => heard.push(data);
    receiver.channel.bind('client-said', hear);
    assert.ok(sender.channel.trigger('client-said', { text }));
    await waitFor('the client event', () => heard.length > 0);
    assert.deepEqual(heard, [{ text }]);
    receiver.channel.unbind('client-said', hear);
  }
}

for (const kind of ['nginx', 'haproxy']) {
  describe(kind, { skip: isMissing(kind) }, () => {
    for (const [how, signal] of [['is killed', 'SIGKILL'], ['leaves', 'SIGTERM']]) {
      test(`when its node ${how}, a user is on another within the grace: nobody sees a leaving, and talk goes on`,
        () => withCluster(3, {}, ({ nodes: [n1, n2, n3] }) => withProxy(kind, [n1, n2], (proxy) => withUsers(async (enter) => {
          const watcher = await enter(n3, 'watcher');
          const mover = await enter(proxy, 'mover');
          const before = mover.pusher.connection.socket_id;
          await enter(n1, 'lost');
          assert.equal(await n1.metric('tulle_clients'), 2);
          await talk(mover, watcher, 'before');
          n1.program.kill(signal);
          await waitFor('the user to be subscribed at the other node', () =>
            mover.pusher.connection.state === 'connected' && mover.pusher.connection.socket_id !== before && mover.channel.subscribed);
          await talk(mover, watcher, 'after');
          await waitFor('the grace to be over for who has not come back', () => watcher.log.includes('-lost'));
          await enter(n3, 'fence');
          await waitFor('the fence', () => [watcher, mover].every((view) => view.log.includes('+fence')));
          assert.deepEqual(watcher.log, ['+mover', '+lost', '-lost', '+fence']);
          assert.deepEqual(mover.ids, ['fence', 'mover', 'watcher']);
          await n1.gone();
        }))));
    }

    test('the server kit publishes and reads through it while its first node dies', () => withCluster(2, {}, ({ nodes: [n1, n2] }) =>
      withProxy(kind, [n1, n2], async (proxy) => {
        await server(proxy).trigger('news', 'tick', 1);
        await n1.kill();
        await waitFor('publishing to go on', async () => (await server(proxy).trigger('news', 'tick', 2)).status === 200);
        const { channels } = await (await server(proxy).get({ path: '/channels' })).json();
        assert.deepEqual(channels, {});
      })));
  });
}
