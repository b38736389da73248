// A crowd of pusher-js on one node when it is killed: all of them go on at another, as if nothing had been.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withBalancer } from '../support/js/balancer.mjs';
import { server } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { ROOM, info, withUsers } from '../support/js/presence.mjs';
import { waitFor } from '../support/js/wait.mjs';

const CROWD = 80;

for (const [how, signal] of [['is killed', 'SIGKILL'], ['leaves', 'SIGTERM']]) {
  test(`${CROWD} users whose node ${how} are on another within the grace: nobody is seen to leave, and all hear what is said next`,
    () => withCluster(3, {}, ({ nodes: [n1, n2, n3] }) => withBalancer([n1, n2], (balancer) => withUsers(async (enter) => {
      const watcher = await enter(n3, 'watcher');
      const crowd = await Promise.all(Array.from({ length: CROWD }, (_, i) => enter(balancer, `u${i}`)));
      await enter(n1, 'lost');
      await waitFor('the watcher to see them all', () => watcher.ids.length === CROWD + 2);
      assert.equal(await n1.metric('tulle_clients'), CROWD + 1);
      const sockets = crowd.map(({ pusher }) => pusher.connection.socket_id);
      const mark = watcher.log.length;
      n1.program.kill(signal);
      await waitFor('all to be subscribed at the other node', () => crowd.every(({ pusher, channel }, i) =>
        pusher.connection.state === 'connected' && pusher.connection.socket_id !== sockets[i] && channel.subscribed));
      await waitFor('the grace to be over for who has not come back', () => watcher.log.includes('-lost'));
      await enter(n3, 'fence');
      const heard = crowd.map(({ channel }) => {
        const said = [];
        channel.bind('said', (text) => said.push(text));
        return said;
      });
      await server(n3).trigger(ROOM, 'said', 'on we go');
      await waitFor('all to hear it', () => heard.every((said) => said.length > 0));
      heard.forEach((said) => assert.deepEqual(said, ['on we go']));
      await waitFor('all to see who came last', () => [watcher, ...crowd].every((view) => view.ids.includes('fence')));
      assert.deepEqual(watcher.log.slice(mark), ['-lost', '+fence']);
      for (const view of crowd) assert.deepEqual(view.ids, watcher.ids);
      assert.equal((await info(n2)).user_count, CROWD + 2);
      await n1.gone();
    }))));
}
