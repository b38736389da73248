// Server SDKs, unmodified: that of Node always, those of Go, Java, Python and Rust with TULLE_TEST_FULL=1, as they are downloaded.
// What they send must be understood however their HTTP libraries write it, and what they are sent must be of their types.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { APP, RawClient, inbox, server, subscribed, withClients } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { ROOM, withUsers } from '../support/js/presence.mjs';
import { LANGUAGES, missing, withSdk } from '../support/js/sdks.mjs';
import { rawSignin } from '../support/js/signin.mjs';
import { waitFor } from '../support/js/wait.mjs';
import { withBackend } from '../support/js/webhooks.mjs';

const FULL = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1';
const NUMBERED = { ...APP, appId: '7' };  // some SDKs take digits alone for an id

/** Signed by the SDK, written by another library: fetch. */
async function fetched(node, method, path, { params, body } = {}, written = (query) => query) {
  const query = server(node).createSignedQueryString({ method, path, params, body });
  const response = await fetch(`http://${node.ports.listen}${path}?${written(query)}`, { method, body });
  return { status: response.status, json: await response.json() };
}

describe('the SDK for Node', () => {
  const IDS = ['auth0|5f7c', "it's me", 'a b', 'é中😀', 'x{y}', 'a"b', 'a<b>', 'a^`b', 'a@b:c;d,e=f&g+h', 'a!b*c(d)', '[x]', '~.-_'];

  test('ends the connections of users whatever their ids, given plain or escaped', () => withCluster(3, {}, async ({ nodes }) => {
    for (const id of IDS) {
      for (const written of [id, encodeURIComponent(id)]) {
        const raw = await rawSignin(nodes[0], JSON.stringify({ id }));
        await raw.next('pusher:signin_success');
        const response = await server(nodes[2]).terminateUserConnections(written);
        assert.deepEqual([response.status, await response.json()], [200, {}], written);
        assert.equal((await raw.next('pusher:error')).data.code, 4009, written);
        const other = await fetched(nodes[1], 'POST', `/apps/${APP.appId}/users/${written}/terminate_connections`, { body: '{}' });
        assert.deepEqual(other, { status: 200, json: {} }, `${written} by fetch`);
        raw.drop();
      }
    }
  }));

  test('sends parameters of any names and values, in any order and spelling', () => withCluster(1, {}, async ({ nodes: [node] }) => {
    const path = `/apps/${APP.appId}/channels`;
    const all = { info: 'subscription_count', info2: 'a', 'info-x': 'b c', infoX: "d'e", filter_by_prefix: 'private-', z9: '*~()!' };
    const names = Object.keys(all);
    for (let i = 0; i < 1 << names.length; ++i) {
      const params = Object.fromEntries(names.filter((_, at) => (i >> at) & 1).map((name) => [name, all[name]]));
      assert.equal((await server(node).get({ path: '/channels', params })).status, 200, JSON.stringify(params));
    }
    const shuffled = (query) => query.split('&').reverse().join('&');
    const plus = (query) => query.replaceAll(' ', '+');
    const escaped = (query) => query.split('&').map((pair) => pair.split('=').map(encodeURIComponent).join('=')).join('&');
    const every = (query) => query.replace(/[^=&]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
    for (const written of [shuffled, plus, escaped, every, (query) => plus(shuffled(query)), (query) => shuffled(every(query))]) {
      const { status, json } = await fetched(node, 'GET', path, { params: all }, written);
      assert.equal(status, 200, `${written}: ${JSON.stringify(json)}`);
    }
    for (const other of [(q) => q.replace('private-', 'presence-'), (q) => q.replace('info2=a', 'info2=A'), (q) => `${q}&more=1`,
      (q) => q.replace('b c', 'b%2Bc'), (q) => q.replace('&info2=a', ''), (q) => q.replace('info2=a', 'info2=a%20')]) {
      assert.equal((await fetched(node, 'GET', path, { params: all }, other)).status, 401, `${other}`);
    }
  }));

  test('a wrong clock is told both times', () => withCluster(1, {}, async ({ nodes: [node] }) => {
    const real = Date.now;
    Date.now = () => real() - 3_600_000;
    try {
      await assert.rejects(server(node).get({ path: '/channels' }), ({ status, body }) => status === 401 &&
        /^auth_timestamp \d+ \(\d{4}-\d\d-\d\dT[\d:]+Z\) is not within 600 seconds of this server's clock, \d+ \(/.test(JSON.parse(body).error));
    } finally {
      Date.now = real;
    }
  }));

  test('halves of characters, names of 200 characters and a byte order mark arrive', () => withCluster(2, {}, ({ nodes }) =>
    withClients([nodes[1]], async (pusher) => {
      const channel = await subscribed(pusher, 'private-a');
      const name = '中'.repeat(200);
      const seen = [];
      channel.bind_global((event, data) => seen.push([event, data]));
      await server(nodes[0]).trigger('private-a', name, { half: '\ud83d', other: '\ude00x', whole: '😀', nul: '\0' });
      await server(nodes[0]).trigger('private-a', 'e', '\ud83d');
      await server(nodes[0]).triggerBatch([{ channel: 'private-a', name: 'half \ud83d', data: { text: 'a\ud83d' } }]);
      const body = '\ufeff{"name":"marked","channel":"private-a","channels":null,"data":"d"}';
      assert.equal((await fetched(nodes[0], 'POST', `/apps/${APP.appId}/events`, { body })).status, 200);
      await waitFor('all of them', () => seen.length === 4);
      assert.deepEqual(seen, [[name, { half: '\ud83d', other: '\ude00x', whole: '😀', nul: '\0' }], ['e', '\ud83d'],
        ['half \ud83d', { text: 'a\ud83d' }], ['marked', 'd']]);
    })));

  test('clients hand on what they like: halves of characters, deep nesting, numbers beyond any double', () => withCluster(2, {}, async ({ nodes }) => {
    const [sender, receiver] = await Promise.all(nodes.map((node) => new RawClient(node).open()));
    const half = '\\ud83d';
    for (const raw of [sender, receiver]) {
      const data = `{"user_id":"${raw.socketId}","user_info":{"name":"${half}"}}`;
      const auth = `${APP.key}:${server(nodes[0]).config.token.sign(`${raw.socketId}:${ROOM}:${data}`)}`;
      raw.send({ event: 'pusher:subscribe', data: { channel: ROOM, auth, channel_data: data } });
      await raw.next('pusher_internal:subscription_succeeded');
    }
    assert.deepEqual(JSON.parse((await sender.next('pusher_internal:member_added')).data).user_info, { name: '\ud83d' });
    const texts = [];
    receiver.socket.on('message', (bytes) => texts.push(bytes.toString()));
    const deep = `${'['.repeat(500)}1e99999999999${']'.repeat(500)}`;
    sender.send(`{"event":"client-${half}","channel":"${ROOM}","data":{"n":1e400,"t":"${half}","deep":${deep}}}`);
    await waitFor('the event', () => texts.length === 1);
    assert.equal(texts[0],
      `{"channel":"${ROOM}","event":"client-${half}","data":{"n":1e400,"t":"${half}","deep":${deep}},"user_id":"${sender.socketId}"}`);
    [sender, receiver].forEach((raw) => raw.drop());
  }));
});

describe('signed in means reachable', () => {
  for (const [count, shards] of [[1, 1], [1, 4], [3, 1], [3, 4]]) {
    test(`on ${count} node(s) of ${shards} shard(s), whatever the id, from signin_success on, and once`, () => withCluster(count, {
      args: ['--shards', `${shards}`],
    }, async ({ nodes }) => {
      const at = (i) => nodes[i % count];
      for (let i = 0; i < 20; ++i) {
        const id = i % 2 === 0 ? `u${i}` : i;
        const raw = await rawSignin(at(i), JSON.stringify({ id }));
        assert.equal(JSON.parse(JSON.parse((await raw.next('pusher:signin_success')).data).user_data).id, `${id}`);
        const send = (n) => server(at(i + 1)).sendToUser(`${id}`, 'note', { n });
        await send(1);
        assert.equal((await raw.next('note')).data, '{"n":1}', `${id} was not reached`);
        raw.send({ event: 'pusher:subscribe', data: { channel: `#server-to-user-${id}`, auth: '' } });
        await raw.next('pusher_internal:subscription_succeeded');
        await send(2);
        await send(3);
        assert.deepEqual([(await raw.next('note')).data, (await raw.next('note')).data], ['{"n":2}', '{"n":3}']);
        assert.deepEqual(raw.frames, []);
        raw.drop();
      }
    }));
  }

  test('pusher-js gets what is sent to a user whose id is a number', () => withCluster(2, {}, ({ nodes }) =>
    withClients([nodes[0]], async (pusher) => {
      const notes = [];
      pusher.user.bind('note', (data) => notes.push(data));
      pusher.signin();
      await waitFor('the sign-in', () => pusher.user.user_data?.id === '42');
      await server(nodes[1]).sendToUser('42', 'note', 'hello');
      await waitFor('the note', () => notes.length > 0);
      assert.deepEqual(notes, ['hello']);
    }, { userAuthentication: { customHandler: ({ socketId }, done) => {
      const data = '{"id":42}';
      const { token } = server(nodes[0]).config;
      done(null, { auth: `${APP.key}:${token.sign(`${socketId}::user::${data}`)}`, user_data: data });
    } } })));
});

/** All events but those of a number, for which the Rust SDK has no type. */
const TOLD = ['channel_occupied', 'channel_vacated', 'member_added', 'member_removed', 'client_event', 'cache_miss'];

/** What an SDK has read of the webhooks so far, but for Java's, which checks the signature and leaves the body to the application. */
async function readHooks(ask, backend, language) {
  const events = [];
  for (const { headers, body } of backend.requests) {
    const value = await ask({ do: 'webhook', headers, body });
    if (language === 'java') assert.equal(value, 'VALID');
    events.push(...(language === 'java' ? JSON.parse(body).events : value.events));
  }
  return events;
}

for (const language of Object.keys(LANGUAGES)) {
  const skip = FULL ? missing(language) : 'downloads an SDK: only with TULLE_TEST_FULL=1';
  test(`the SDK for ${language} publishes, reads, and is told in its own types`, { skip, timeout: 900_000 }, () => withBackend(3,
    { app: { id: NUMBERED.appId }, webhooks: (url) => [{ url, event_types: TOLD }] },
    ({ nodes }, backend) => withSdk(language, nodes[0], NUMBERED, (ask) => withUsers((enter) => withClients([nodes[2]], async (pusher) => {
      const view = await enter(nodes[1], 7);
      const heard = inbox(await subscribed(pusher, 'sdk-room'), 'hello');
      await ask({ do: 'trigger', channels: ['sdk-room', 'sdk-other'], event: 'hello', data: { text: 'é 😀 "\n' } });
      await waitFor('the event', () => heard.length === 1);
      assert.deepEqual(heard[0], { text: 'é 😀 "\n' });
      if (language !== 'rust') {
        await ask({ do: 'batch', channels: ['sdk-room', 'sdk-room'], event: 'hello', data: { n: 1 } });
        await waitFor('the batch', () => heard.length === 3);
      }
      const { channels } = await ask({ do: 'channels', prefix: 'presence-', info: 'user_count' });
      assert.deepEqual([Object.keys(channels), channels[ROOM].user_count], [[ROOM], 1]);
      const found = await ask({ do: 'channel', channel: ROOM, info: 'user_count,subscription_count' });
      assert.deepEqual([found.occupied, found.user_count, found.subscription_count], [true, 1, 1]);
      assert.deepEqual((await ask({ do: 'users', channel: ROOM })).users, [{ id: '7' }]);
      if (language === 'java') {
        const spaced = await ask({ do: 'get', path: `/channels/${ROOM}`, parameters: { info: 'user_count, subscription_count', a: 'b+c d' } });
        assert.equal(spaced.user_count, 1);
        assert.deepEqual(await ask({ do: 'post', path: '/users/auth0|5f7c/terminate_connections', body: '{}' }), {});
      }
      if (language === 'go' || language === 'python') {
        const raw = await rawSignin(nodes[1], '{"id":42}');
        await raw.next('pusher:signin_success');
        await ask({ do: 'send', user: '42', event: 'note', data: { n: 1 } });
        assert.equal((await raw.next('note')).data.replaceAll(' ', ''), '{"n":1}');
        if (language === 'python') {
          await assert.rejects(ask({ do: 'terminate', user: '42' }), /404/, 'the SDK leaves /apps/APP_ID out');
          await ask({ do: 'terminate by hand', user: '42' });
          assert.equal((await raw.end()).code, 4009);
        }
        raw.drop();
      }
      view.channel.trigger('client-e', { deep: { n: [1] } });
      await subscribed(pusher, 'cache-room');
      await waitFor('the webhooks', () => ['client_event', 'cache_miss', 'member_added'].every(
        (name) => backend.events.some((event) => event.name === name)));
      const events = await readHooks(ask, backend, language);
      const of = (name) => events.find((event) => event.name === name);
      assert.deepEqual([of('member_added').user_id, of('member_added').channel], ['7', ROOM]);
      assert.deepEqual([of('client_event').data, of('client_event').user_id, of('client_event').event], ['{"deep":{"n":[1]}}', '7', 'client-e']);
      assert.equal(events.length, backend.events.length);
    })))));
}
