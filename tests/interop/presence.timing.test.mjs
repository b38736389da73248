// Presence when a node dies or leaves: what depends on how long things take.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCluster } from '../support/js/cluster.mjs';
import { info, withUsers } from '../support/js/presence.mjs';
import { waitFor } from '../support/js/wait.mjs';

/** A user of a dead node is taken for gone after detection and this grace. */
const GRACE_MS = 2_000;

test('users of a killed node are gone everywhere, once, soon after the grace, and from reads at once', () =>
  withCluster(3, {}, ({ nodes: [n1, n2, n3] }) => withUsers(async (enter) => {
    const watchers = [await enter(n1, 'w1'), await enter(n2, 'w2')];
    for (let i = 0; i < 5; ++i) await enter(n3, `lost${i}`);
    await enter(n1, 'lost4');
    await waitFor('all', () => watchers.every((view) => view.ids.length === 7));
    const killed = performance.now();
    await n3.kill();
    await waitFor('n1 to find it dead', async () => (await n1.stateOf('n3')) !== 'alive');
    assert.equal((await info(n1)).user_count, 3, 'a read does not wait for the grace');
    for (const view of watchers) {
      await waitFor('them to go', () => view.ids.length === 3);
      const after = performance.now() - killed;
      assert.ok(after > GRACE_MS - 100 && after < GRACE_MS + 3_000, `gone after ${after} ms`);
      assert.deepEqual(view.log.filter((line) => line.startsWith('-')).sort(), ['-lost0', '-lost1', '-lost2', '-lost3']);
    }
  })));

test('the grace is configurable: none at all, and one that outlasts a slow return', async () => {
  await withCluster(3, { args: ['--presence-grace', '0'] }, ({ nodes: [n1, , n3] }) => withUsers(async (enter) => {
    const watcher = await enter(n1, 'watcher');
    await enter(n3, 'lost');
    await waitFor('both', () => watcher.ids.length === 2);
    const killed = performance.now();
    await n3.kill();
    await waitFor('it to go', () => watcher.ids.length === 1);
    assert.ok(performance.now() - killed < 1_500, `gone after ${performance.now() - killed} ms`);
  }));
  await withCluster(3, { args: ['--presence-grace', '60'] }, ({ nodes: [n1, n2, n3] }) => withUsers(async (enter) => {
    const watcher = await enter(n1, 'watcher');
    await enter(n3, 'slow');
    await waitFor('both', () => watcher.ids.length === 2);
    const killed = performance.now();
    await n3.kill();
    await waitFor('longer than the default', () => performance.now() - killed > GRACE_MS + 500);
    await enter(n2, 'slow');
    await enter(n2, 'fence');
    await waitFor('the fence', () => watcher.log.includes('+fence'));
    assert.deepEqual(watcher.log.slice(1), ['+fence']);
  }));
});

for (const [how, signal] of [['is killed', 'SIGKILL'], ['leaves', 'SIGTERM']]) {
  test(`who moves to another node within the grace when its own ${how} has neither left nor joined`, () =>
    withCluster(3, {}, ({ nodes: [n1, n2, n3] }) => withUsers(async (enter) => {
      const watcher = await enter(n1, 'watcher');
      const mover = await enter(n3, 'mover');
      await enter(n3, 'lost');
      await waitFor('both', () => watcher.ids.length === 3);
      n3.program.kill(signal);
      await waitFor('the mover to lose its connection', () => mover.pusher.connection.state !== 'connected');
      const moved = await enter(n2, 'mover');
      await waitFor('the other to be gone', () => watcher.log.includes('-lost'));
      await enter(n2, 'fence');
      await waitFor('the fence', () => [watcher, moved].every((view) => view.log.includes('+fence')));
      assert.deepEqual(watcher.log.slice(2), ['-lost', '+fence']);
      assert.deepEqual(watcher.ids, ['fence', 'mover', 'watcher']);
      assert.deepEqual(moved.ids, watcher.ids);
    })));
}
