// The C++ client, by its examples, in the same channels as the official client and server kit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import PusherServer from 'pusher';
import { APP, client, inbox, server, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { withExamples } from '../support/js/examples.mjs';
import { parts } from '../support/js/http.mjs';
import { ROOM, users, withUsers } from '../support/js/presence.mjs';
import { run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const NOTES = 'private-encrypted-notes';
const MASTER_KEY = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';  // of the example
const OTHER_KEY = 'ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=';

const here = (me, ...others) => `here, with ${me} among them:${others.map((user) => ` ${user}`).join('')}`;
const named = (name) => `${name} {"name":"${name}"}`;

/** The server kit with a key for encrypted channels. */
function encrypting(node, encryptionMasterKeyBase64 = MASTER_KEY) {
  const { host, port } = parts(node.ports.listen);
  return new PusherServer({ ...APP, host, port: String(port), useTLS: false, encryptionMasterKeyBase64 });
}

/** pusher-js that is given the keys of encrypted channels. */
function decrypting(node) {
  return client(node, {
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, done) => done(null, encrypting(node).authorizeChannel(socketId, channelName)),
    },
  });
}

test('pubsub subscribes, publishes by HTTP and hears itself and others', () => withCluster(2, {}, ({ nodes: [n1, n2] }) =>
  withExamples(async (start) => {
    const pubsub = start('pubsub', [n1]);
    await pubsub.prints('news greeting {"text":"hello"}');
    assert.deepEqual(await pubsub.prints(/^published: /), ['published: accepted ']);
    await server(n2).trigger(['news', 'private-chat'], 'headline', { n: 1 });
    await pubsub.prints('news headline {"n":1}');
    await pubsub.prints('private-chat headline {"n":1}');
    pubsub.program.kill('SIGTERM');
    assert.equal((await pubsub.program.ended).code, 0);
  })));

test('presence: the C++ client and pusher-js see each other come and go, on two nodes', () => withCluster(2, {},
  ({ nodes: [n1, n2] }) => withUsers((enter) => withExamples(async (start) => {
    const seven = await enter(n2, 7, { n: 1.0 });
    const ann = start('chat', [n1], 'ann');
    const [list] = await ann.prints(/^here, with ann among them: /);
    assert.deepEqual(list.match(/7 {"n":1}|ann {"name":"ann"}/g).sort(), ['7 {"n":1}', 'ann {"name":"ann"}']);
    await waitFor('ann to be seen', () => seven.log.includes('+ann'));
    assert.deepEqual(seven.channel.members.get('ann'), { id: 'ann', info: { name: 'ann' } });

    const bob = await enter(n1, 'bob');
    await ann.prints('+ bob {"name":"user bob"}, now 3');
    bob.pusher.disconnect();
    await ann.prints('- bob, now 2');
    seven.pusher.unsubscribe(ROOM);
    await ann.prints('- 7, now 1');
    assert.deepEqual(await users(n2), [{ id: 'ann' }]);

    const watcher = await enter(n2, 'watcher');
    await ann.finish();
    await waitFor('ann to be gone', () => watcher.log.includes('-ann'));
    assert.deepEqual(watcher.log, ['-ann']);
  }))));

test('client events go both ways, with their sender, and not back to it', () => withCluster(2, {}, ({ nodes: [n1, n2] }) =>
  withUsers((enter) => withExamples(async (start) => {
    const ann = start('chat', [n1], 'ann');
    await ann.prints(here('ann', named('ann')));
    const bob = await enter(n2, 'bob');
    const heard = [];
    bob.channel.bind('client-said', (data, { user_id: from }) => heard.push([from, data]));
    ann.say('hello, "bob" \u20ac');
    await waitFor('bob to hear it', () => heard.length > 0);
    assert.deepEqual(heard, [['ann', 'hello, "bob" \u20ac']]);
    assert.ok(bob.channel.trigger('client-said', { text: 'hi' }));
    await ann.prints('bob: {"text":"hi"}');
    assert.ok(bob.channel.trigger('client-said', 'as text'));
    await ann.prints('bob: as text');
    assert.deepEqual(ann.lines.filter((line) => line.startsWith('ann: ')), []);
    await ann.finish();
  }))));

test('a rejected client event is an error of its code on its channel, and the connection goes on', () => withCluster(1, {},
  ({ nodes: [node] }) => withUsers((enter) => withExamples(async (start) => {
    const ann = start('chat', [node], 'ann');
    await ann.prints(/^here, /);
    for (let n = 0; n < 40; ++n) ann.say(String(n));
    await ann.prints(/^not said: /);
    const bob = await enter(node, 'bob');
    await ann.prints(/^\+ bob /);
    assert.ok(bob.channel.trigger('client-said', 'still there?'));
    await ann.prints('bob: still there?');
    assert.equal(ann.lines.filter((line) => line.startsWith('connected ')).length, 1);
    await ann.finish();
  }))));

test('encrypted: each side reads what the other publishes, and nobody without the key reads any', () => withCluster(2, {},
  ({ nodes: [n1, n2] }) => withExamples(async (start) => {
    const notes = start('encrypted', [n1]);
    await notes.prints('subscribed');
    const pusher = decrypting(n2);
    const spy = client(n2, { channelAuthorization: { customHandler: ({ socketId, channelName }, done) => done(null, {
      ...encrypting(n2).authorizeChannel(socketId, channelName), shared_secret: Buffer.alloc(32).toString('base64') }) } });
    try {
      const read = inbox(await subscribed(pusher, NOTES), 'note');
      const unread = inbox(await subscribed(spy, NOTES), 'note');
      notes.say('{"text":"hello \u20ac"}');
      await notes.prints('published: accepted ');
      await waitFor('pusher-js to read it', () => read.length > 0);
      assert.deepEqual(read, [{ text: 'hello \u20ac' }]);
      await notes.prints('note: {"text":"hello \u20ac"}');

      await encrypting(n2).trigger(NOTES, 'note', { from: 'the kit' });
      await notes.prints('note: {"from":"the kit"}');
      await encrypting(n2).trigger(NOTES, 'note', 'just text');
      await notes.prints('note: "just text"');
      await waitFor('pusher-js to read them', () => read.length === 3);
      assert.deepEqual(unread, []);
    } finally {
      pusher.disconnect();
      spy.disconnect();
    }
    await notes.finish();
  })));

test('encrypted: an event of another key is an error on the channel, and the next ones are read', () => withCluster(1, {},
  ({ nodes: [node] }) => withExamples(async (start) => {
    const notes = start('encrypted', [node]);
    await notes.prints('subscribed');
    await encrypting(node, OTHER_KEY).trigger(NOTES, 'note', 'lost');
    await server(node).post({ path: '/events', body: { name: 'note', channels: [NOTES], data: 'in the clear' } });
    await encrypting(node).trigger(NOTES, 'note', 'read');
    await notes.prints('note: "read"');
    assert.deepEqual(notes.lines.filter((line) => line.startsWith('error: ')), [
      'error: event "note" is lost: it does not open with the channel\'s new key either',
      'error: event "note" is lost: it is not encrypted as it should be',
    ]);
    await notes.finish();
  })));

for (const [how, end] of [['killed', (node) => node.kill()], ['told to stop', (node) => node.program.kill('SIGTERM')]]) {
  test(`when its node is ${how} it goes on at another, in every channel`, () => withCluster(3, {},
    ({ nodes }) => withUsers((enter) => withExamples(async (start) => {
      const [n1, n2, n3] = nodes;
      const ann = start('chat', [n1, n2, n3], 'ann');
      await ann.prints(here('ann', named('ann')));
      const notes = start('encrypted', [n1, n2, n3]);
      await notes.prints('subscribed');
      const bob = await enter(n3, 'bob');
      await ann.prints(/^\+ bob /);
      const heard = [];
      bob.channel.bind('client-said', (data) => heard.push(data));

      await end(n1);
      await ann.prints(/^here, with ann among them:.*bob/);
      await notes.prints('subscribed', 2);
      assert.equal((await ann.prints(/^connected /, 2)).at(-1).trim(), `connected ws://${n2.ports.listen}`);
      ann.say('still here');
      await waitFor('bob to hear it', () => heard.includes('still here'));
      assert.ok(bob.channel.trigger('client-said', 'so am I'));
      await ann.prints('bob: so am I');
      await encrypting(n3).trigger(NOTES, 'note', 'after the end');
      await notes.prints('note: "after the end"');
      await ann.finish();
      await notes.finish();
    }))));
}

test('a channel that is refused is an error on the channel, and the connection goes on', () => withCluster(1, {},
  ({ nodes: [node] }) => withExamples(async (start) => {
    const nobody = start('chat', [node], '');
    await nobody.prints(/^not here: /);
    assert.equal(nobody.lines.filter((line) => line.startsWith('connected ')).length, 1);
    await nobody.finish();
  })));

test('the examples tell how they are used', async () => {
  for (const [name, ...args] of [['pubsub', '--help'], ['encrypted', '--help'], ['chat', '--help'], ['users', '-h'],
    ['pubsub', '127.0.0.1:6001'], ['chat', 'ann', 'localhost']]) {
    const { code, stderr } = await run(`tulle_example_${name}`, args);
    assert.equal(code, 2, name);
    assert.match(stderr, /^usage: \S+ .*\[ws:\/\/HOST:PORT \.\.\.\]$/m);
  }
});
