// Users: signing in, events for a user, watchlists, ending a user's connections; with pusher-js and the official server kit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APP, RawClient, server } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { withConfigured } from '../support/js/configured.mjs';
import { end, rawSignin, withSignedIn } from '../support/js/signin.mjs';
import { waitFor } from '../support/js/wait.mjs';

const WATCHING = ['watchlist_events = true'];
const ODD = 'u "1"/\\\n<ü€😀>#';

for (const count of [1, 3]) {
  test(`on ${count} node(s), events for a user reach all its connections and nobody else's`, () => withCluster(count, {},
    ({ nodes }) => withSignedIn(async (enter) => {
      const users = [await enter(nodes[0], 'ann'), await enter(nodes[count - 1], 'ann'), await enter(nodes[0], 'bob'),
        await enter(nodes[0], ODD)];
      const heard = users.map((pusher) => {
        const events = [];
        pusher.user.bind('greet', ({ n }) => events.push(n));
        return events;
      });
      for (const [n, node] of nodes.entries()) {
        await server(node).sendToUser('ann', 'greet', { n });
        await server(node).sendToUser(ODD, 'greet', { n });
        await server(node).triggerBatch([{ channel: '#server-to-user-bob', name: 'greet', data: { n: 100 + n } }]);
        assert.deepEqual(await (await server(node).sendToUser('nobody', 'greet', {})).json(), {});
      }
      const all = nodes.map((_, n) => n);
      await waitFor('the events', () => heard.every((events) => events.length >= count));
      const sorted = heard.map((events) => [...events].sort((a, b) => a - b));
      assert.deepEqual(sorted, [all, all, all.map((n) => 100 + n), all]);
      for (const node of nodes) {
        assert.deepEqual(await (await server(node).get({ path: '/channels' })).json(), { channels: {} });
      }
    })));

  test(`on ${count} node(s), all connections of a user are ended, wherever they are`, () => withCluster(count, {},
    ({ nodes }) => withSignedIn(async (enter) => {
      const last = nodes[count - 1];
      const ended = [await enter(nodes[0], 'ann'), await enter(last, 'ann'), await enter(nodes[1 % count], 'ann')];
      const other = await enter(nodes[0], 'bob');
      const errors = ended.map((pusher) => {
        const codes = [];
        pusher.connection.bind('error', ({ data, error }) => codes.push((data ?? error.data).code));
        return codes;
      });
      assert.deepEqual(await end(last, 'ann'), {});
      await waitFor('their end', () => ended.every((pusher) => pusher.connection.state === 'disconnected'));
      errors.forEach((codes) => assert.ok(codes.length > 0 && codes.every((code) => code === 4009), JSON.stringify(codes)));
      assert.deepEqual(await end(last, 'ann'), {}, 'nobody is left');
      assert.equal(other.connection.state, 'connected');
      const again = await enter(nodes[0], 'ann');
      assert.equal(again.connection.state, 'connected');
    })));

  test(`on ${count} node(s), watchers are told who is online, then of each change, once`, () => withConfigured(count, WATCHING, {},
    ({ nodes }) => withSignedIn(async (enter) => {
      const at = (i) => nodes[i % count];
      const early = await enter(at(0), 'early', ['ann', 'bob', 'ann', 'late']);
      await waitFor('the snapshot', () => early.seen.length >= 3);
      assert.deepEqual(early.seen, ['-ann', '-bob', '-late']);
      const ann = [await enter(at(1), 'ann'), await enter(at(2), 'ann')];
      const late = await enter(at(1), 'late', ['ann', 'bob', 'early']);
      await waitFor('the snapshot', () => late.seen.length >= 3);
      assert.deepEqual(late.seen, ['+ann', '+early', '-bob']);
      ann[0].disconnect();
      const bob = await enter(at(2), 'bob');
      await waitFor('bob', () => [early, late].every(({ seen }) => seen.includes('+bob')));
      ann[1].disconnect();
      await waitFor('ann to have gone', () => [early, late].every(({ seen }) => seen.filter((line) => line === '-ann').length > 0
        && seen.at(-1) === '-ann'));
      assert.deepEqual(early.seen, ['-ann', '-bob', '-late', '+ann', '+late', '+bob', '-ann']);
      assert.deepEqual(late.seen, ['+ann', '+early', '-bob', '+bob', '-ann']);
      assert.equal(bob.seen.length, 0, 'no watchlist, no word');
    })));
}

test('the users of a killed node go offline once; who comes back elsewhere in time was never away', () => withConfigured(3, WATCHING,
  {}, ({ nodes: [n1, n2, n3] }) => withSignedIn(async (enter) => {
    const watcher = await enter(n1, 'watcher', ['gone', 'moved', 'fence']);
    await enter(n2, 'gone');
    await enter(n2, 'moved');
    await waitFor('both', () => watcher.seen.length === 5);
    await n2.kill();
    await enter(n3, 'moved');
    await waitFor('the verdict', () => watcher.seen.includes('-gone') && watcher.seen.length > 5);
    await enter(n3, 'fence');
    await waitFor('the fence', () => watcher.seen.at(-1) === '+fence');
    assert.deepEqual(watcher.seen.slice(0, 3), ['-gone', '-moved', '-fence']);
    assert.deepEqual(watcher.seen.slice(3).sort(), ['+fence', '+gone', '+moved', '-gone']);
  })));

test('a connection that only brings the user to presence channels is ended too', () => withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
  const raws = [];
  for (const id of ['ann', 'bob']) {
    const raw = await new RawClient(n1).open();
    const { auth, channel_data: data } = server(n1).authorizeChannel(raw.socketId, 'presence-a', { user_id: id });
    raw.send({ event: 'pusher:subscribe', data: { channel: 'presence-a', auth, channel_data: data } });
    await raw.next('pusher_internal:subscription_succeeded');
    raws.push(raw);
  }
  assert.deepEqual(await end(n2, 'ann'), {});
  const { users } = await (await server(n2).get({ path: '/channels/presence-a/users' })).json();
  assert.deepEqual(users, [{ id: 'bob' }], 'gone when the answer comes');
  assert.equal((await raws[0].next('pusher:error')).data.code, 4009);
  assert.equal((await raws[0].end()).code, 4009);
  assert.equal(JSON.parse((await raws[1].next('pusher_internal:member_removed')).data).user_id, 'ann');
  raws[1].drop();
}));

test('the frames of a sign-in', () => withCluster(1, {}, async ({ nodes: [node] }) => {
  const text = '{"id": "ann", "user_info":{"name":"Ann"} }';
  const raw = await rawSignin(node, text);
  assert.deepEqual(await raw.next('pusher:signin_success'), { event: 'pusher:signin_success', data: JSON.stringify({ user_data: text }) });
  await rawSignin(node, '{"id":"ann"}', undefined, raw);
  assert.equal((await raw.next('pusher:signin_success')).data, JSON.stringify({ user_data: '{"id":"ann"}' }));
  raw.send({ event: 'pusher:subscribe', data: { channel: '#server-to-user-ann' } });
  assert.deepEqual(await raw.next('pusher_internal:subscription_succeeded'),
    { event: 'pusher_internal:subscription_succeeded', channel: '#server-to-user-ann', data: '{}' });
  for (const channel of ['#server-to-user-bob', '#server-to-user-', '#online-ann']) {
    raw.send({ event: 'pusher:subscribe', data: { channel, auth: '' } });
    const { data } = await raw.next('pusher:subscription_error');
    assert.deepEqual([data.type, data.status], channel.endsWith('bob') ? ['AuthError', 401] : ['LimitReached', 4009]);
  }
  await rawSignin(node, '{"id":"bob"}', undefined, raw);
  assert.equal((await raw.next('pusher:error')).data.code, 4009);
  assert.equal((await raw.end()).code, 4009);
  const number = await rawSignin(node, '{"id":7}');
  await number.next('pusher:signin_success');
  number.send({ event: 'pusher:subscribe', data: { channel: '#server-to-user-7', auth: '' } });
  await number.next('pusher_internal:subscription_succeeded');
  number.drop();
}));

test('a sign-in that fails is told and closed with 4009', () => withCluster(1, {}, async ({ nodes: [node] }) => {
  const refused = async (userData, sign) => {
    const raw = await rawSignin(node, userData, sign);
    assert.equal((await raw.next('pusher:error')).data.code, 4009, userData);
    assert.equal((await raw.end()).code, 4009);
  };
  await refused('{"id":"ann"}', () => 'f'.repeat(64));
  for (const text of ['', '[]', '{}', '{"id":""}', '{"id":null}', '{"id":"a","id":"b"}', `{"id":"${'x'.repeat(129)}"}`,
    '{"id":"a","watchlist":"b"}', '{"id":"a","watchlist":[""]}', `{"id":"a","user_info":"${'x'.repeat(33_000)}"}`]) {
    await refused(text);
  }
  const raw = await new RawClient(node).open();
  raw.send({ event: 'pusher:signin', data: {} });
  assert.equal((await raw.end()).code, 4009);
  const mistaken = await new RawClient(node).open();
  mistaken.send({ event: 'pusher:signin', data: [] });
  assert.equal((await mistaken.next('pusher:error')).data.code, null);
  mistaken.drop();
}));

test('a watchlist that is too long is cut, and that is told', () => withConfigured(1, WATCHING, {}, async ({ nodes: [node] }) => {
  const watchlist = Array.from({ length: 101 }, (_, i) => `u${i}`);
  const raw = await rawSignin(node, JSON.stringify({ id: 'ann', watchlist }));
  assert.equal((await raw.next('pusher:error')).data.code, 4302);
  await raw.next('pusher:signin_success');
  const { data, channel } = await raw.next('pusher_internal:watchlist_events');
  assert.equal(channel, undefined);
  assert.deepEqual(JSON.parse(data), { events: [{ name: 'offline', user_ids: watchlist.slice(0, 100) }] });
  raw.drop();
}));

test('who has signed in joins presence channels without channel_data', () => withCluster(2, {}, ({ nodes: [n1, n2] }) =>
  withSignedIn(async (enter) => {
    const raw = await rawSignin(n1, '{"id":"ann","user_info":{"name":"Ann"}}');
    await raw.next('pusher:signin_success');
    const auth = `${APP.key}:${server(n1).config.token.sign(`${raw.socketId}:presence-a`)}`;
    raw.send({ event: 'pusher:subscribe', data: { channel: 'presence-a', auth } });
    const { presence } = JSON.parse((await raw.next('pusher_internal:subscription_succeeded')).data);
    assert.deepEqual(presence, { count: 1, ids: ['ann'], hash: { ann: { name: 'Ann' } } });
    await enter(n2, 'bob');
    assert.deepEqual(await (await server(n2).get({ path: '/channels/presence-a/users' })).json(), { users: [{ id: 'ann' }] });
    raw.drop();
  })));

test('to sign in is to be authorised', () => withConfigured(1, ['authorization_timeout = 1'], {}, async ({ nodes: [node] }) => {
  const signed = await rawSignin(node, '{"id":"ann"}');
  await signed.next('pusher:signin_success');
  const idle = await new RawClient(node).open();
  assert.equal((await idle.end()).code, 4009);
  signed.send({ event: 'pusher:ping', data: {} });
  await signed.next('pusher:pong');
  signed.drop();
}));

test('an app may do without users', () => withConfigured(1, ['user_authentication = false'], {}, async ({ nodes: [node] }) => {
  const raw = await rawSignin(node, '{"id":"ann"}');
  assert.equal((await raw.next('pusher:error')).data.code, 4009);
  assert.equal((await raw.end()).code, 4009);
}));

test('the channels of users are nobody\'s to read', () => withCluster(1, {}, async ({ nodes: [node] }) => {
  const status = async (path) => (await server(node).get({ path }).catch((error) => error)).status;
  assert.equal(await status('/channels/%23server-to-user-ann'), 400);
  assert.equal(await status('/channels/%23server-to-user-ann/users'), 400);
  const body = { name: 'e', data: '', channels: ['#server-to-user-ann'] };
  const published = async (more) => (await server(node).post({ path: '/events', body: { ...body, ...more } }).catch((error) => error)).status;
  assert.equal(await published({}), 200);
  assert.equal(await published({ info: 'subscription_count' }), 400);
  assert.equal(await published({ channels: ['#online-ann'] }), 400);
  const raw = await new RawClient(node).open();
  raw.send({ event: 'pusher:subscribe', data: { channel: '#server-to-user-ann', auth: '' } });
  assert.equal((await raw.next('pusher:subscription_error')).data.status, 401);
  raw.drop();
}));
