// Presence channels over several nodes, with pusher-js and the official server kit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APP, RawClient, connected, server, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { ROOM, View, info, userAt, users, withUsers } from '../support/js/presence.mjs';
import { waitFor } from '../support/js/wait.mjs';
import { freeze } from '../support/js/freeze.mjs';

for (const count of [1, 3]) {
  test(`on ${count} node(s), everybody sees everybody come and go, once`, () => withCluster(count, {}, ({ nodes }) =>
    withUsers(async (enter) => {
      const at = (i) => nodes[i % count];
      const views = [];
      for (let i = 0; i < 6; ++i) {
        views.push(await enter(at(i), `u${i}`));
        assert.deepEqual(views[i].ids, Array.from({ length: i + 1 }, (_, n) => `u${n}`));
        assert.equal(views[i].count, i + 1);
      }
      for (const [i, view] of views.entries()) {
        const later = Array.from({ length: 5 - i }, (_, n) => `+u${i + 1 + n}`);
        await waitFor('the joins', () => view.log.length >= later.length);
        assert.deepEqual(view.log, later);
        assert.deepEqual(view.channel.members.get('u0'), { id: 'u0', info: { name: 'user u0' } });
      }
      views[5].pusher.unsubscribe(ROOM);
      views[4].pusher.disconnect();
      for (const view of views.slice(0, 4)) {
        await waitFor('the departures', () => view.ids.length === 4);
        assert.deepEqual(view.log.filter((line) => line.startsWith('-')).sort(), ['-u4', '-u5']);
      }
      for (const node of nodes) {
        assert.deepEqual(await users(node), ['u0', 'u1', 'u2', 'u3'].map((id) => ({ id })));
        assert.equal((await info(node)).user_count, 4);
      }
    })));

  test(`on ${count} node(s), a user with several connections comes once and goes once`, () => withCluster(count, {},
    ({ nodes }) => withUsers(async (enter) => {
      const watcher = await enter(nodes[0], 'watcher');
      const connections = [];
      for (let i = 0; i < 4; ++i) connections.push(await enter(nodes[i % count], 'many'));
      for (const [i, view] of connections.entries()) {
        assert.deepEqual(view.ids, ['many', 'watcher']);
        assert.deepEqual(view.log, [], `connection ${i} is not told of itself`);
      }
      assert.deepEqual(await info(nodes[count - 1]), { occupied: true, subscription_count: 5, user_count: 2 });
      for (const view of connections.slice(0, 3)) view.pusher.disconnect();
      await waitFor('the connections to be gone', async () => (await info(nodes[0])).subscription_count === 2);
      await enter(nodes[count - 1], 'fence');
      await waitFor('the fence', () => watcher.log.includes('+fence'));
      assert.deepEqual(watcher.log, ['+many', '+fence']);
      connections[3].pusher.disconnect();
      await waitFor('the user to go', () => watcher.log.includes('-many'));
      assert.deepEqual(watcher.log, ['+many', '+fence', '-many']);
    })));
}

test('ids keep the type of their JSON; a number and its text are one user', () => withCluster(2, {}, ({ nodes: [n1, n2] }) =>
  withUsers(async (enter) => {
    const raw = await new RawClient(n1).open();
    const { auth, channel_data: data } = server(n1).authorizeChannel(raw.socketId, ROOM, { user_id: 'observer' });
    raw.send({ event: 'pusher:subscribe', data: { channel: ROOM, auth, channel_data: data } });
    const { presence } = JSON.parse((await raw.next('pusher_internal:subscription_succeeded')).data);
    assert.deepEqual(presence, { count: 1, ids: ['observer'], hash: { observer: null } });
    const view = await enter(n2, 10, { n: 1 });
    assert.deepEqual(JSON.parse((await raw.next('pusher_internal:member_added')).data), { user_id: 10, user_info: { n: 1 } });
    const again = await enter(n1, '10');
    assert.deepEqual(again.ids, ['10', 'observer']);
    assert.equal((await info(n1)).user_count, 2);
    assert.equal((await users(n2)).length, 2);
    again.pusher.disconnect();
    view.pusher.disconnect();
    assert.deepEqual(JSON.parse((await raw.next('pusher_internal:member_removed')).data), { user_id: 10 });
    raw.drop();
  })));

test('an id is one user however the application writes its JSON: PHP escapes what JavaScript does not', () => withCluster(2, {},
  async ({ nodes }) => {
    const forms = [['"\\u00e9"', '"é"'], ['"a\\/b"', '"a/b"'], ['"\\ud83d\\ude00"', '"😀"'], ['"a\\"b"', '"a\\u0022b"'], ['7', '"\\u0037"'], ['"__proto__"', '"__proto__"']];
    for (const [i, pair] of forms.entries()) {
      const room = `presence-form-${i}`;
      const joined = [];
      for (const [at, id] of pair.entries()) {
        const raw = await new RawClient(nodes[at]).open();
        const data = ` { "user_id" : ${id} } `;
        const auth = `${APP.key}:${server(nodes[at]).config.token.sign(`${raw.socketId}:${room}:${data}`)}`;
        raw.send({ event: 'pusher:subscribe', data: { channel: room, auth, channel_data: data } });
        const { presence } = JSON.parse((await raw.next('pusher_internal:subscription_succeeded')).data);
        assert.deepEqual([presence.count, presence.ids, Object.keys(presence.hash)], [1, [JSON.parse(pair[0])], [String(JSON.parse(pair[0]))]]);
        joined.push(raw);
      }
      const { users: list } = await (await server(nodes[0]).get({ path: `/channels/${room}/users` })).json();
      assert.equal(list.length, 1);
      assert.deepEqual(joined.flatMap(({ frames }) => frames), [], 'nobody is told of a second user');
      joined.forEach((raw) => raw.drop());
    }
  }));

test('a client event on a presence channel names its sender', () => withCluster(2, {}, ({ nodes: [n1, n2] }) =>
  withUsers(async (enter) => {
    const sender = await enter(n1, 7);
    const receiver = await enter(n2, 'r');
    const heard = [];
    receiver.channel.bind('client-wave', (data, metadata) => heard.push([data, metadata.user_id]));
    assert.ok(sender.channel.trigger('client-wave', { high: true }));
    await waitFor('the event', () => heard.length > 0);
    assert.deepEqual(heard, [[{ high: true }, 7]]);
  })));

test('nobody gets a message before subscription_succeeded, and everything after', () => withCluster(2, {},
  async ({ nodes: [n1, n2] }) => {
    const publisher = server(n2);
    let isOver = false;
    const publishing = (async () => {
      for (let n = 1; !isOver; ++n) await publisher.trigger(ROOM, 'tick', { n });
    })();
    for (let i = 0; i < 20; ++i) {
      const raw = await new RawClient(n1).open();
      const { auth, channel_data: data } = server(n1).authorizeChannel(raw.socketId, ROOM, { user_id: `u${i}` });
      raw.send({ event: 'pusher:subscribe', data: { channel: ROOM, auth, channel_data: data } });
      await waitFor('some events', () => raw.frames.filter(({ event }) => event === 'tick').length >= 3);
      assert.equal(raw.frames[0].event, 'pusher_internal:subscription_succeeded');
      const numbers = raw.frames.filter(({ event }) => event === 'tick').map(({ data: text }) => JSON.parse(text).n);
      assert.deepEqual(numbers, numbers.map((_, at) => numbers[0] + at));
      raw.drop();
    }
    isOver = true;
    await publishing;
  }));

test('limits are told on the channel', () => withCluster(1, {}, async ({ nodes: [node] }) => {
  const raw = await new RawClient(node).open();
  const refused = async (member) => {
    const { auth, channel_data: data } = server(node).authorizeChannel(raw.socketId, ROOM, member);
    raw.send({ event: 'pusher:subscribe', data: { channel: ROOM, auth, channel_data: data } });
    const error = await raw.next('pusher:subscription_error');
    assert.equal(error.channel, ROOM);
    return [error.data.type, error.data.status];
  };
  assert.deepEqual(await refused({ user_id: 'a', user_info: 'x'.repeat(2048) }), ['LimitReached', 4301]);
  assert.deepEqual(await refused({ user_id: 'a'.repeat(257) }), ['LimitReached', 4301]);
  assert.deepEqual(await refused({ user_id: '' }), ['InvalidMember', 400]);
  raw.send({ event: 'pusher:subscribe', data: { channel: ROOM, auth: 'app-key:00', channel_data: '{"user_id":1}' } });
  assert.equal((await raw.next('pusher:subscription_error')).data.status, 401);
  await withUsers(async (enter) => {
    await Promise.all(Array.from({ length: 100 }, (_, i) => enter(node, i)));
    assert.deepEqual(await refused({ user_id: 'one too many' }), ['LimitReached', 4100]);
    await enter(node, 5);
    assert.equal((await info(node)).user_count, 100);
  });
  raw.drop();
}));

test('who subscribes and unsubscribes fast ends as the last word says', () => withCluster(2, {}, ({ nodes: [n1, n2] }) =>
  withUsers(async (enter) => {
    const watcher = await enter(n2, 'watcher');
    const pusher = userAt(n1, 'hasty');
    try {
      await connected(pusher);
      for (let i = 0; i < 10; ++i) {
        pusher.subscribe(ROOM);
        pusher.unsubscribe(ROOM);
      }
      const view = new View(pusher, await subscribed(pusher, ROOM));
      assert.deepEqual(view.ids, ['hasty', 'watcher']);
      await waitFor('the watcher to see the user', () => watcher.ids.length === 2);
      watcher.log.forEach((line, at) => assert.equal(line, at % 2 === 0 ? '+hasty' : '-hasty'));
    } finally {
      pusher.disconnect();
    }
  })));

test('a read names the nodes that did not answer in time', () => withCluster(3, {}, ({ nodes: [n1, , n3] }) =>
  withUsers(async (enter) => {
    await enter(n1, 'here');
    await enter(n3, 'frozen');
    await freeze(n3.program.pid);
    try {
      const answer = await server(n1).get({ path: `/channels/${ROOM}/users` });
      assert.equal(answer.headers.get('tulle-partial'), 'n3');
      assert.deepEqual((await answer.json()).users, [{ id: 'here' }]);
    } finally {
      process.kill(n3.program.pid, 'SIGCONT');
    }
  })));
