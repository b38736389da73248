// Clients and backends that share an address: what one does wrong is no reason to refuse what another does right.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import http from 'node:http';
import { test } from 'node:test';
import { APP, RawClient, client, connected, inbox, server, subscribed } from '../support/js/clients.mjs';
import { withConfigured } from '../support/js/configured.mjs';
import { parts } from '../support/js/http.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const BAD = 50;
const MOST = 10; // the default of auth_failures_per_minute
/** Loopback counts like a public address. */
const THROTTLED = { args: ['--throttle-private-addresses'] };
const WRONG = { auth: `${APP.key}:${'0'.repeat(64)}` };

/** pusher-js whose channels are signed wrongly while `isWrong` says so. */
function signer(node, isWrong, user = 'user') {
  return client(node, {
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, done) => {
        const data = channelName.startsWith('presence-') ? { user_id: user } : undefined;
        const right = server(node).authorizeChannel(socketId, channelName, data);
        done(null, isWrong(channelName) ? { ...right, ...WRONG } : right);
      },
    },
    userAuthentication: {
      customHandler: ({ socketId }, done) => done(null, server(node).authenticateUser(socketId, { id: user })),
    },
  });
}

/** Subscribes; the status of the error, or 200. */
const outcome = (pusher, name) => {
  const channel = pusher.subscribe(name);
  return within(10_000, `an answer about ${name}`, new Promise((resolve) => {
    channel.bind('pusher:subscription_succeeded', () => resolve(200));
    channel.bind('pusher:subscription_error', ({ status }) => resolve(status));
  }));
};

const names = (count, prefix = 'private-bad') => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
const among = (statuses, status) => statuses.filter((one) => one === status).length;

for (const shards of [1, 4]) {
  test(`a page with ${BAD} wrong subscriptions, its own right one and its neighbour's, ${shards} shards`, () => withConfigured(1, [],
    { args: [...THROTTLED.args, '--shards', `${shards}`] }, async ({ nodes: [node] }) => {
      let isBad = (name) => name.startsWith('private-bad');
      const page = signer(node, (name) => isBad(name));
      const neighbours = [];
      try {
        await connected(page);
        const half = BAD / 2;
        const refused = names(BAD).slice(0, half).map((name) => outcome(page, name));
        const own = outcome(page, 'private-good');
        refused.push(...names(BAD).slice(half).map((name) => outcome(page, name)));
        const statuses = await Promise.all(refused);
        assert.equal(await own, 200, 'the right one in their midst');
        assert.equal(among(statuses, 401), MOST);
        assert.equal(among(statuses, 429), BAD - MOST);
        // What comes from the address after that, on other connections and of every kind that is signed.
        for (let i = 0; i < 8; ++i) {
          const neighbour = signer(node, () => false, `user-${i}`);
          neighbours.push(neighbour);
          assert.equal(await outcome(neighbour, 'private-good'), 200);
          assert.equal(await outcome(neighbour, 'presence-room'), 200);
          const signedIn = new Promise((resolve) => {
            neighbour.connection.bind('message', ({ event }) => { if (event === 'pusher:signin_success') resolve(); });
          });
          neighbour.signin();
          await within(10_000, 'the sign-in', signedIn);
        }
        const heard = inbox(page.channel('private-good'), 'client-hello');
        neighbours[0].channel('private-good').trigger('client-hello', { said: 1 });
        await waitFor('the neighbour to be heard', () => heard.length === 1);
        assert.equal((await server(node).trigger('private-good', 'e', 'd')).status, 200);
        // pusher-js subscribes again to what was refused when it has a new connection. Who is right by then is let in.
        isBad = () => false;
        page.disconnect();
        page.connect();
        await waitFor('all its channels', () => page.allChannels().length === BAD + 1 && page.allChannels().every(({ subscribed: is }) => is));
      } finally {
        [page, ...neighbours].forEach((pusher) => pusher.disconnect());
      }
    }));
}

test('who signs in wrongly again and again is refused alone', () => withConfigured(1, [], THROTTLED, async ({ nodes: [node] }) => {
  for (let i = 0; i < 2 * MOST; ++i) {
    const raw = await new RawClient(node).open();
    raw.send({ event: 'pusher:signin', data: { user_data: '{"id":"u"}', ...WRONG } });
    assert.equal((await raw.end()).code, 4009);
  }
  const raw = await new RawClient(node).open();
  raw.send({ event: 'pusher:signin', data: server(node).authenticateUser(raw.socketId, { id: 'u' }) });
  await raw.next('pusher:signin_success');
  raw.drop();
}));

/** A request of the API through a kept connection; its status, or the error's code. */
function call(node, agent, method, secret) {
  const body = method === 'POST' ? '{"name":"e","channel":"c","data":"d"}' : '';
  const path = `/apps/${APP.appId}/${method === 'POST' ? 'events' : 'channels'}`;
  const md5 = body ? `&body_md5=${createHash('md5').update(body).digest('hex')}` : '';
  const query = `auth_key=${APP.key}&auth_timestamp=${Math.floor(Date.now() / 1000)}&auth_version=1.0${md5}`;
  const signature = createHmac('sha256', secret).update(`${method}\n${path}\n${query}`).digest('hex');
  return new Promise((resolve) => {
    const sent = http.request({ ...parts(node.ports.listen), agent, method, path: `${path}?${query}&auth_signature=${signature}` },
      (answer) => { answer.resume().on('end', () => resolve(answer.statusCode)); });
    sent.on('error', (error) => resolve(error.code));
    sent.end(body);
  });
}

test('wrong requests beside right ones of the same address, all at once', () => withConfigured(1, [], THROTTLED, async ({ nodes: [node] }) => {
  const kept = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const wrong = [];
  const right = [];
  for (let i = 0; i < 200; ++i) {
    wrong.push(call(node, false, i % 2 ? 'POST' : 'GET', 'no-secret'));
    right.push(call(node, kept, i % 2 ? 'POST' : 'GET', APP.secret));
  }
  assert.equal(among(await Promise.all(right), 200), right.length);
  const refused = await Promise.all(wrong);
  assert.equal(among(refused, 401), MOST);
  assert.equal(among(refused, 429), wrong.length - MOST);
  kept.destroy();
}));
