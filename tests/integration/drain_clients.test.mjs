// A node whose clients are moved to other nodes: the states, who is told what when, and how each state can be left.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { RawClient, server, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { freeze } from '../support/js/freeze.mjs';
import { parts, request } from '../support/js/http.mjs';
import { ROOM, userAt, withUsers } from '../support/js/presence.mjs';
import { run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';
import { withBackend } from '../support/js/webhooks.mjs';

/** Nodes that take so many seconds for balancers, and for their clients. */
const drains = (grace, duration, ...more) => ({ args: ['--drain-grace', `${grace}`, '--drain-duration', `${duration}`, ...more] });
const tulle = (node, ...words) => run('tulle', [...words, '-s', node.ports.admin]);
const ready = async (node, role = 'listen') => (await request(node.ports[role], '/ready')).status;
const stateOf = async (node) => (await node.status()).drain;
const isRefused = (node) => request(node.ports.listen, '/up').then(() => false, (error) => /ECONNREFUSED/.test(error));

test('SIGTERM: balancers are told, then each client is closed with 4200, then the node leaves', () =>
  withCluster(2, drains(3600, 1), async ({ nodes: [n1, n2] }) => {
    const clients = [];
    for (let i = 0; i < 10; ++i) clients.push(await new RawClient(n2).open());
    assert.equal(await stateOf(n2), 'serving');
    n2.program.kill('SIGTERM');
    await waitFor('the announcement', async () => (await stateOf(n2)) === 'announcing');
    assert.deepEqual([await ready(n2), await ready(n2, 'admin')], [503, 503]);
    assert.equal(await n2.metric('tulle_drain_state'), 1);
    clients.push(await new RawClient(n2).open()); // balancers that have not looked yet send clients on
    // The two checks have been told, and nobody comes for two seconds: the grace of an hour is not waited for.
    const ends = await Promise.all(clients.map(async ({ closed }) => ({ ...await closed, at: performance.now() })));
    assert.deepEqual([...new Set(ends.map(({ code }) => code))], [4200]);
    assert.ok(Math.max(...ends.map(({ at }) => at)) - Math.min(...ends.map(({ at }) => at)) > 700, 'not all at once');
    await n2.gone();
    assert.equal(n2.program.child.exitCode, 0);
    await waitFor('the other to know', async () => (await n1.stateOf('n2')) === 'left');
  }));

test('while a node moves its clients it is a member: it answers requests on kept connections, and lets nobody in', () =>
  withCluster(2, drains(0, 3600, '--drain-ready-status', '404'), async ({ nodes: [n1, n2] }) => {
    const stays = await new RawClient(n2).open();
    const kept = net.connect(parts(n2.ports.listen));
    await once(kept, 'connect');
    let text = '';
    kept.setEncoding('latin1').on('data', (part) => { text += part; });
    kept.write('GET /up HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitFor('an answer', () => text.endsWith('OK\n'));
    assert.doesNotMatch(text, /Connection: close/);
    assert.equal((await tulle(n2, 'drain')).code, 0);
    await waitFor('the listener to be closed', () => isRefused(n2));
    assert.equal(await ready(n2, 'admin'), 404);
    assert.deepEqual([await stateOf(n2), await n1.stateOf('n2')], ['moving', 'alive']);
    stays.send({ event: 'pusher:subscribe', data: { channel: 'news' } });
    await stays.next('pusher_internal:subscription_succeeded');
    await server(n1).trigger('news', 'hello', {});
    await stays.next('hello');
    text = '';
    kept.write('GET /up HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(kept, 'close');
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n/);
    assert.match((await tulle(n1, 'doctor')).stdout, /note: n2 drains \(moving\): it takes no new clients/);
    stays.socket.terminate();
  }));

test('tulle drain --wait tells of the progress; tulle undrain lets clients in again, from any state', () =>
  withCluster(1, drains(0, 1), async ({ nodes: [node] }) => {
    for (let round = 0; round < 2; ++round) {
      const clients = await Promise.all(Array.from({ length: 5 }, () => new RawClient(node).open()));
      const drained = await tulle(node, 'drain', '--wait');
      assert.equal(drained.code, 0, drained.stderr);
      assert.match(drained.stdout, /^moving: \d clients? left$/m);
      assert.match(drained.stdout, /^drained: 0 clients left$/m);
      for (const { closed } of clients) assert.equal((await closed).code, 4200);
      assert.ok(await isRefused(node));
      assert.equal((await tulle(node, 'undrain')).code, 0);
      await waitFor('clients to be let in', async () => !(await isRefused(node)));
      assert.deepEqual([await ready(node), await stateOf(node)], [200, 'serving']);
    }
    assert.equal((await tulle(node, 'drain', '--wait', '--json')).stdout, '{"state":"drained","clients":0}\n');
    node.program.kill('SIGTERM'); // finds the node drained
    const asked = performance.now();
    await node.gone();
    assert.equal(node.program.child.exitCode, 0);
    assert.ok(performance.now() - asked < 5_000);
    const gone = await tulle(node, 'drain');
    assert.equal(gone.code, 3);
  }));

test('any node passes the order on to the node that is named', () => withCluster(2, drains(0, 1), async ({ nodes: [n1, n2] }) => {
  const client = await new RawClient(n2).open();
  const drained = await tulle(n1, 'drain', 'n2', '--wait');
  assert.equal(drained.code, 0, drained.stderr);
  assert.match(drained.stdout, /^drained: 0 clients left$/m);
  assert.equal((await client.closed).code, 4200);
  assert.deepEqual([await stateOf(n1), await stateOf(n2)], ['serving', 'drained']);
  assert.equal((await tulle(n1, 'undrain', 'n2')).code, 0);
  await waitFor('clients to be let in', async () => (await stateOf(n2)) === 'serving' && !(await isRefused(n2)));
  const unknown = await tulle(n1, 'drain', 'n9');
  assert.deepEqual([unknown.code, unknown.stderr], [1, 'tulle: no node of this name answers: n9\n']);
  const headers = { 'content-type': 'application/json' };
  for (const query of ['node=', 'nod=n2', 'node=n2&node=n1']) {
    assert.equal((await request(n1.ports.admin, `/v1/drain?${query}`, { method: 'POST', headers })).status, 400, query);
  }
  assert.deepEqual([await stateOf(n1), await stateOf(n2)], ['serving', 'serving']);
}));

test('orders to a node that stands still: nobody says that they are carried out, nor that the node is unknown', () =>
  withCluster(2, drains(0, 1), async ({ nodes: [n1, n2] }) => {
    await freeze(n2.program.child.pid);
    const [drained, rebalanced] = await Promise.all([tulle(n1, 'drain', 'n2'), tulle(n1, 'rebalance')]);
    process.kill(n2.program.child.pid, 'SIGCONT');
    assert.equal(drained.code, 3, drained.stderr);
    assert.match(drained.stderr, /no answer has come from n2, which may still carry the order out/);
    assert.equal(rebalanced.code, 3);
    assert.match(rebalanced.stderr, /no client is moved, as no answer has come from n2/);
  }));

test('a drain is not called off while another program has the port, nor once a signal has come', () =>
  withCluster(1, drains(0, 3600), async ({ nodes: [node] }) => {
    const stays = await new RawClient(node).open();
    await tulle(node, 'drain');
    await waitFor('the listener to be closed', () => isRefused(node));
    const other = net.createServer().listen(parts(node.ports.listen));
    await once(other, 'listening');
    const refused = await tulle(node, 'undrain');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /takes no clients; its log says why/);
    await node.says('the drain goes on, as the node could not take clients again: cannot listen on');
    assert.deepEqual([await stateOf(node), await ready(node, 'admin')], ['moving', 503]);
    await new Promise((resolve) => { other.close(resolve); });
    assert.equal((await tulle(node, 'undrain')).code, 0);
    await waitFor('clients to be let in', async () => !(await isRefused(node)));
    node.program.kill('SIGTERM');
    await waitFor('the drain', async () => (await stateOf(node)) === 'moving');
    const late = await tulle(node, 'undrain');
    assert.equal(late.code, 3);
    assert.match(late.stderr, /the node is stopping/);
    stays.socket.terminate();
    await node.gone();
    assert.equal(node.program.child.exitCode, 0);
  }));

test('counts and webhooks: whoever is moved counts for the grace', () => withBackend(2, {
  settings: { vacated_hold: '0s', removed_hold: '0s' }, args: ['--drain-grace', '0', '--drain-duration', '3600'],
}, async ({ nodes: [n1, n2] }, backend) => {
  const users = ['a', 'b'].map((id) => userAt(n2, id));
  try {
    for (const user of users) await Promise.all([ROOM, 'room-0'].map((name) => subscribed(user, name)));
    const count = () => backend.of('room-0', 'subscription_count').at(-1)?.subscription_count;
    await waitFor('the backend to know', () => count() === 2 && backend.of(ROOM, 'member_added').length === 2);
    await tulle(n2, 'drain');
    await waitFor('the node to move its clients', async () => (await stateOf(n2)) === 'moving');
    users[0].disconnect(); // as the node would close it, at some time within the hour
    users[0] = userAt(n1, 'a');
    await Promise.all([ROOM, 'room-0'].map((name) => subscribed(users[0], name)));
    users[1].disconnect();
    await waitFor('the other to be gone', () => backend.of(ROOM, 'member_removed').length > 0);
    await waitFor('the count', () => count() === 1);
    assert.deepEqual(backend.of(ROOM, 'member_added', 'member_removed').map((event) => `${event.name} ${event.user_id}`),
      ['member_added a', 'member_added b', 'member_removed b']);
    assert.deepEqual([ROOM, 'room-0'].map((name) => backend.of(name, 'channel_vacated').length), [0, 0]);
  } finally {
    users.forEach((user) => user.disconnect());
  }
}));

test('a drain that is called off while clients go keeps the others', () => withCluster(1, drains(0, 3), async ({ nodes: [node] }) => {
  const clients = await Promise.all(Array.from({ length: 6 }, () => new RawClient(node).open()));
  await tulle(node, 'drain');
  await Promise.race(clients.map(({ closed }) => closed));
  await tulle(node, 'undrain');
  await waitFor('the node to serve', async () => (await stateOf(node)) === 'serving');
  const before = await node.metric('tulle_clients');
  const fence = await new RawClient(node).open();
  const stays = clients.filter(({ socket }) => socket.readyState === 1);
  assert.ok(stays.length > 0 && stays.length < 6, `${stays.length} of 6 stay, ${before} by its own count`);
  for (const client of [...stays, fence]) {
    client.send({ event: 'pusher:ping', data: {} });
    await client.next('pusher:pong');
    client.socket.terminate();
  }
}));

test('a second SIGTERM closes all clients at once', () => withCluster(1, drains(3600, 3600), async ({ nodes: [node] }) => {
  const clients = await Promise.all(Array.from({ length: 5 }, () => new RawClient(node).open()));
  node.program.kill('SIGTERM');
  await waitFor('the announcement', async () => (await stateOf(node)) === 'announcing');
  await waitFor('the end, by a signal a second later', () => {
    node.program.kill('SIGTERM');
    return node.program.hasEnded;
  }, { ms: 8_000, every: 300 });
  for (const { closed } of clients) assert.equal((await closed).code, 4200);
}));

test('SIGINT closes all clients at once, and takes the usual time for the rest', () =>
  withCluster(1, drains(3600, 3600), async ({ nodes: [node] }) => {
    const client = await new RawClient(node).open();
    node.program.kill('SIGINT');
    assert.equal((await client.closed).code, 4200);
    await node.gone();
    assert.equal(node.program.child.exitCode, 0);
  }));

test('users of clients that are moved: who comes back has never left, who does not is gone after the grace, before the node is', () =>
  withCluster(2, drains(0, 3600), ({ nodes: [n1, n2] }) => withUsers(async (enter) => {
    const watcher = await enter(n1, 'watcher');
    const views = [await enter(n2, 'last'), await enter(n2, 'lost'), await enter(n2, 'mover')];
    await waitFor('all', () => watcher.ids.length === 4);
    // The node closes the client that came last first, and one every 20 minutes; so the test closes them as the node would.
    await tulle(n2, 'drain');
    await waitFor('the node to move its clients', async () => (await stateOf(n2)) === 'moving');
    views[2].pusher.disconnect();
    const moved = await enter(n1, 'mover');
    views[1].pusher.disconnect();
    const left = performance.now();
    await waitFor('the lost one to be gone', () => watcher.log.includes('-lost'));
    assert.ok(performance.now() - left > 1_500, 'not before the grace of 2 s');
    assert.equal(await stateOf(n2), 'moving');
    assert.deepEqual(watcher.log.slice(3), ['-lost']);
    assert.deepEqual(moved.ids, ['last', 'mover', 'watcher']);
  })));

test('tulle rebalance: nodes with more clients than the others close those beyond the mean', () =>
  withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => new RawClient(n1).open()));
    await waitFor('n2 to know', async () => (await n2.status()).members[0].clients === 20);
    const answer = await tulle(n2, 'rebalance', '--max', '1000');
    assert.equal(answer.code, 0, answer.stderr);
    assert.match(answer.stdout, /^n1 +20 +10 +10$/m);
    assert.match(answer.stdout, /^n2 +0 +10 +0$/m);
    await waitFor('ten to be closed', () => clients.filter(({ socket }) => socket.readyState > 1).length >= 10);
    for (const { socket, closed } of clients) if (socket.readyState > 1) assert.equal((await closed).code, 4200);
    assert.equal((await request(n1.ports.listen, '/ready')).status, 200);
    await waitFor('the rest to be counted', async () => (await n1.metric('tulle_clients')) === 10, { every: 50 });
    // A node that takes no clients is no place for those of others.
    await tulle(n2, 'drain');
    await waitFor('n2 to drain', async () => (await stateOf(n2)) === 'drained');
    assert.match((await tulle(n1, 'rebalance')).stdout, /^n1 +10 +10 +0$/m);
    clients.forEach(({ socket }) => socket.terminate());
    assert.equal((await tulle(n1, 'rebalance', '--max', '0')).code, 2);
    assert.equal((await request(n1.ports.admin, '/v1/rebalance?max=many', { method: 'POST', headers: { 'content-type': 'application/json' } })).status, 400);
  }));
