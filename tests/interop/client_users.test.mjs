// The C++ client signed in as a user, by its example; with pusher-js and the official server kit at the other end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inbox, server, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { withConfigured } from '../support/js/configured.mjs';
import { withExamples } from '../support/js/examples.mjs';
import { end, withSignedIn } from '../support/js/signin.mjs';
import { waitFor } from '../support/js/wait.mjs';

const WATCHING = ['watchlist_events = true'];
const LOBBY = 'presence-lobby';
const WEATHER = 'cache-weather';

/** How many connections clients have opened to `nodes` so far: a state handler may miss the first "connecting" of its own client. */
async function attempts(nodes) {
  const opened = await Promise.all(nodes.map((node) => node.metric('tulle_clients_opened_total')));
  return opened.reduce((sum, count) => sum + count, 0);
}

test('signed in, it hears what is sent to its user at any node, and nothing that is sent to others', () => withCluster(2, {},
  ({ nodes: [n1, n2] }) => withExamples(async (start) => {
    const ann = start('users', [n1], 'ann', '');
    const again = start('users', [n2], 'ann', '');
    const bob = start('users', [n1], 'bob', '');
    for (const user of [ann, again, bob]) await user.prints(/^signed in as /);
    await server(n2).sendToUser('ann', 'greeting', { n: 1 });
    await server(n1).sendToUser('bob', 'greeting', 'text');
    for (const user of [ann, again]) await user.prints('to me: greeting {"n":1}');
    await bob.prints('to me: greeting text');
    for (const user of [ann, again, bob]) {
      assert.equal(user.lines.filter((line) => line.startsWith('to me: ')).length, 1);
      await user.finish();
    }
  })));

test('signed in, it joins a presence channel as its user, and pusher-js sees it there', () => withCluster(2, {},
  ({ nodes: [n1, n2] }) => withSignedIn((enter) => withExamples(async (start) => {
    const ann = start('users', [n1], 'ann', '');
    await ann.prints('in the lobby as ann');
    const lobby = await subscribed(await enter(n2, 'bob'), LOBBY);
    assert.deepEqual(Object.keys(lobby.members.members).sort(), ['ann', 'bob']);
    assert.equal(lobby.members.myID, 'bob');
    await ann.finish();
    await waitFor('ann to be gone', () => lobby.members.get('ann') === null);
  }))));

test('its watchlist tells it who of pusher-js comes online and goes, and theirs tell of it', () => withConfigured(2, WATCHING, {},
  ({ nodes: [n1, n2] }) => withSignedIn((enter) => withExamples(async (start) => {
    const ann = start('users', [n1], 'ann', 'bob,cleo');
    await ann.prints('signed in as ann');
    const bob = await enter(n2, 'bob', ['ann']);
    await ann.prints(/^online:.* bob/);
    await waitFor('bob to see ann', () => bob.seen.includes('+ann'));
    const before = ann.lines.filter((line) => /^offline:.* bob/.test(line)).length;
    bob.disconnect();
    await ann.prints(/^offline:.* bob/, before + 1);

    const cleo = await enter(n2, 'cleo', ['ann']);
    await ann.prints(/^online:.* cleo/);
    await waitFor('cleo to see ann', () => cleo.seen.at(-1) === '+ann');
    await ann.finish();
    await waitFor('cleo to see ann go', () => cleo.seen.at(-1) === '-ann');
  }))));

test('when its node is killed it signs in at another, before it joins the channels that need the user', () => withCluster(3, {},
  ({ nodes: [n1, n2, n3] }) => withExamples(async (start) => {
    const ann = start('users', [n1, n2, n3], 'ann', '');
    await ann.prints('in the lobby as ann');
    await ann.prints('signed in as ann');
    await n1.kill();
    await ann.prints('signed in as ann', 2);
    await ann.prints('in the lobby as ann', 2);
    await server(n3).sendToUser('ann', 'greeting', { n: 2 });
    await ann.prints('to me: greeting {"n":2}');
    assert.deepEqual(ann.lines.filter((line) => line.startsWith('not ')), []);
    await ann.finish();
  })));

test('when the application ends its connections it does not come back', () => withCluster(2, {}, ({ nodes }) =>
  withExamples(async (start) => {
    const ann = start('users', nodes, 'ann', '');
    await ann.prints('signed in as ann');
    assert.deepEqual(await end(nodes[1], 'ann'), {});
    await ann.prints(/^failed /);
    assert.equal(await attempts(nodes), 1);
  })));

test('a sign-in that the node does not believe is told, and not tried again', () => withCluster(1, {}, ({ nodes: [node] }) =>
  withExamples(async (start) => {
    const broken = start('users', [node], '"', '');
    await broken.prints(/^not signed in: /);
    await broken.prints(/^failed /);
    assert.equal(await attempts([node]), 1);
  })));

test('a cache channel gives its last event, or says that there is none', () => withCluster(2, {}, ({ nodes: [n1, n2] }) =>
  withExamples(async (start) => {
    const early = start('users', [n1], 'early', '');
    await early.prints('weather: nobody knows');
    await server(n1).trigger(WEATHER, 'now', { sky: 'blue' });
    await early.prints('weather: {"sky":"blue"}');
    await server(n2).trigger(WEATHER, 'now', { sky: 'grey' });
    await early.prints('weather: {"sky":"grey"}');
    const late = start('users', [n1], 'late', '');
    await late.prints('weather: {"sky":"grey"}');
    await late.prints('signed in as late');
    assert.deepEqual(late.lines.filter((line) => line.startsWith('weather: ')), ['weather: {"sky":"grey"}']);
    await early.finish();
    await late.finish();
  })));

test('where an app counts subscribers, pusher-js and the C++ client are told the same number', () => withConfigured(2,
  ['subscription_count = true'], {}, ({ nodes: [n1, n2] }) => withSignedIn((enter) => withExamples(async (start) => {
    const counts = inbox(await subscribed(await enter(n2, 'bob'), 'news'), 'pusher:subscription_count');
    await waitFor('the first count', () => counts.some((count) => count.subscription_count === 1));
    const pubsub = start('pubsub', [n1]);
    await pubsub.prints('news pusher:subscription_count {"subscription_count":2}');
    await waitFor('the second count', () => counts.at(-1).subscription_count === 2);
  }))));
