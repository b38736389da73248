// What has happened at a node: GET /v1/events, `tulle events`, and the refusals of clients that `tulle log` asks for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APP, RawClient } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { freeze } from '../support/js/freeze.mjs';
import { request } from '../support/js/http.mjs';
import { Program, run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const ask = async (node, query) => {
  const { status, body } = await request(node.ports.admin, `/v1/events?${query}`);
  return { status, ...JSON.parse(body) };
};

test('what happens to other nodes is remembered, and whoever waits is told at once', () =>
  withCluster(2, { planned: true }, async ({ nodes: [n1, n2] }) => {
    const begun = await ask(n1, 'kind=session');
    assert.equal(begun.status, 200);
    assert.match(begun.events.at(-1).text, /^session with n2 \([0-9a-f]{16}\)/);
    assert.ok(Math.abs(Date.now() - begun.events.at(-1).at_ms) < 60_000);
    assert.equal(begun.lost, 0);

    const [now, follower] = [(await ask(n1, 'limit=1000')).next, new Program('tulle', ['events', '-f', '--json', '-s', n1.ports.admin])];
    const [dead] = await Promise.all([ask(n1, `since=${now}&kind=dead&wait_ms=10000`), n2.kill()]);
    assert.equal(dead.events.length, 1);
    assert.match(dead.events[0].text, /^n2 \([0-9a-f]{16}\) is dead: /);
    await waitFor('the follower to print the death', () => /"kind":"dead"/.test(follower.output));
    follower.kill('SIGTERM');

    const shown = await run('tulle', ['events', '--kind', 'dead', '-s', n1.ports.admin]);
    assert.equal(shown.code, 0);
    assert.match(shown.stdout, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z dead {8}n2 \([0-9a-f]{16}\) is dead/);

    const none = await ask(n1, `since=${dead.next}&kind=left&wait_ms=200`);
    assert.deepEqual(none.events, []);
    const early = await ask(n1, 'limit=1');
    assert.equal(early.events.length, 1);
    assert.equal(early.next, early.events[0].seq);
  }));

test('a drain, a reload and clients beyond a limit are events; wrong questions get a reason', () =>
  withCluster(1, { args: ['--max-connections-per-address', '1'] }, async ({ nodes: [node] }) => {
    const client = await new RawClient(node).open();
    await request(node.ports.listen, '/up').catch(() => {});
    await waitFor('an event of the limit', async () => (await ask(node, 'kind=limit')).events.some(({ text }) => /max_connections_per_address/.test(text)));
    client.drop();
    assert.equal((await run('tulle', ['drain', '-s', node.ports.admin])).code, 0);
    await waitFor('the drain', async () => (await ask(node, 'kind=drain')).events.length > 0);
    assert.match((await ask(node, 'kind=drain')).events[0].text, /^announcing: \d+ clients/);
    assert.equal((await run('tulle', ['undrain', '-s', node.ports.admin])).code, 0);

    for (const [query, reason] of [
      ['kind=nothing', /kind must be one of other session suspect/],
      ['limit=0', /limit a number from 1 to 1000/],
      ['since=-1', /since must be a number/],
      ['wait_ms=10001', /wait_ms a number from 0 to 10000/],
      ['since=1&since=2', /a parameter comes twice/],
    ]) {
      const { status, error } = await ask(node, query);
      assert.equal(status, 400, query);
      assert.match(error, reason);
    }
    assert.equal((await run('tulle', ['events', '--kind', 'nothing', '-s', node.ports.admin])).code, 2);
    assert.equal((await run('tulle', ['events', '-s', '127.0.0.1:1'])).code, 3);
  }));

test('the latest events of all nodes, from any of them, and who has not answered', () =>
  withCluster(3, {}, async ({ nodes: [n1, n2, n3] }) => {
    const all = await ask(n2, 'all=yes&limit=200');
    assert.equal(all.status, 200);
    assert.deepEqual(all.missing, []);
    assert.deepEqual(new Set(all.events.map(({ node }) => node)), new Set(['n1', 'n2', 'n3']));
    assert.deepEqual(all.events.map(({ at_ms: at }) => at), all.events.map(({ at_ms: at }) => at).sort((a, b) => a - b));
    assert.equal((await ask(n1, 'all=yes&limit=2&kind=session')).events.length, 2);
    for (const query of ['all=no', 'all=yes&since=0', 'all=yes&wait_ms=1', 'all=yes&limit=201']) assert.equal((await ask(n1, query)).status, 400, query);
    const told = await run('tulle', ['events', '--all', '--kind', 'session', '-s', n1.ports.admin]);
    assert.equal(told.code, 0, told.stderr);
    for (const name of ['n1', 'n2', 'n3']) assert.match(told.stdout, new RegExp(`^\\d{4}-\\S+Z ${name} session `, 'm'));
    assert.equal((await run('tulle', ['events', '--all', '--follow', '-s', n1.ports.admin])).code, 2);
    await freeze(n3.program.child.pid);
    const part = await run('tulle', ['events', '--all', '-s', n1.ports.admin]);
    process.kill(n3.program.child.pid, 'SIGCONT');
    assert.deepEqual([part.code, part.stderr], [1, 'tulle: n3 has not answered\n']);
  }));

test('requests that wait for events are bounded, and leave room for others', () =>
  withCluster(1, {}, async ({ nodes: [node] }) => {
    const { next } = await ask(node, 'limit=1000');
    const waiting = Array.from({ length: 8 }, () => ask(node, `since=${next}&kind=dead&wait_ms=1500`));
    await waitFor('one more to be refused', async () => (await ask(node, `since=${next}&kind=dead&wait_ms=1`)).status === 503);
    assert.equal((await request(node.ports.admin, '/ready')).status, 200);
    for (const answer of await Promise.all(waiting)) assert.deepEqual([answer.status, answer.events], [200, []]);
  }));

test('tulle log: who is refused and why, for the app that is asked about', () =>
  withCluster(1, {}, async ({ nodes: [node] }) => {
    await request(node.ports.listen, `/apps/${APP.appId}/channels?auth_key=${APP.key}&auth_version=1.0&auth_timestamp=1&auth_signature=${'0'.repeat(64)}`);
    assert.deepEqual((await ask(node, 'kind=client')).events, [], 'nobody has asked');
    const log = new Program('tulle', ['log', '--app', APP.appId, '--for', '30', '-s', node.ports.admin]);
    const now = Math.floor(Date.now() / 1000);
    const wrong = `/apps/${APP.appId}/channels?auth_key=${APP.key}&auth_version=1.0&auth_timestamp=${now}&auth_signature=${'0'.repeat(64)}`;
    await waitFor('a wrong signature to be told', async () => {
      await request(node.ports.listen, wrong);
      return log.output.includes('auth_signature does not match');
    });
    assert.match(log.output, new RegExp(`refused 127\\.0\\.0\\.1 \\(app ${APP.appId}\\): 401 GET /apps/${APP.appId}/channels: `));
    assert.ok(log.output.includes(`GET\\n/apps/${APP.appId}/channels\\nauth_key=${APP.key}&auth_timestamp=${now}&auth_version=1.0`) ||
      log.output.includes(`GET\\\\n/apps/${APP.appId}/channels`), 'the text to sign is told');
    assert.ok(!log.output.includes(APP.secret), 'the secret is not');

    await request(node.ports.listen, wrong.replace(`auth_timestamp=${now}`, 'auth_timestamp=1000'));
    await waitFor('the wrong clock to be told', () => /auth_timestamp .* is not within \d+ seconds/.test(log.output));
    const client = await new RawClient(node).open();
    client.send({ event: 'pusher:subscribe', data: { channel: 'private-a', auth: `${APP.key}:${'0'.repeat(64)}` } });
    await waitFor('a refused subscription to be told', () => /subscription_error.*private-a/.test(log.output));
    client.drop();
    log.kill('SIGTERM');
    await log.ended;

    for (const [query, reason] of [['address=nowhere', /IP address/], ['for_s=0', /1 to 3600/]]) {
      const { status, body } = await request(node.ports.admin, `/v1/log?${query}`, { method: 'POST', headers: { 'content-type': 'application/json' } });
      assert.equal(status, 400);
      assert.match(JSON.parse(body).error, reason);
    }
  }));
