// The program `tulle` against real nodes.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { client, subscribed } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { plannedAddresses } from '../support/js/ports.mjs';
import { Program, run } from '../support/js/process.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const ws = (node) => `ws://${node.ports.listen}`;
const isRunning = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function freePort() { return parts((await plannedAddresses()).listen).port; }

/** Runs `body` with `tulle up` once it has announced its nodes; ends it afterwards. */
async function withUp(args, body) {
  const up = new Program('tulle', ['up', ...args, '--json']);
  try {
    await waitFor('tulle up to announce its nodes', () => {
      assert.ok(!up.hasEnded, up.stderr);
      return up.stdout.endsWith('\n');
    }, { ms: 20_000 });
    await body(JSON.parse(up.stdout), up);
  } catch (error) {
    console.error(up.stderr);
    throw error;
  } finally {
    up.kill('SIGTERM');
    await within(20_000, 'the end of tulle up', up.ended);
  }
}

test('status shows the members, as a table and as JSON', () => withCluster(2, {}, async ({ nodes: [n1] }) => {
  const table = await run('tulle', ['status', '-s', n1.ports.admin]);
  assert.equal(table.code, 0, table.stderr);
  assert.match(table.stdout, /^.*NAME.*STATE.*MESH.*LISTEN.*VERSION.*UPTIME.*CLIENTS.*CHANNELS.*RTT.*GAPS.*REPAIRED/);
  assert.match(table.stdout, /n1.*alive/);
  assert.match(table.stdout, /n2.*alive/);
  const { self, members } = JSON.parse((await run('tulle', ['status', '-s', n1.ports.admin, '--json'])).stdout);
  assert.equal(self.name, 'n1');
  for (const member of members) {
    assert.match(member.state, /^(alive|suspect|partial|dead|left)$/);
    for (const key of ['name', 'oid', 'state', 'rtt_us', 'gaps', 'repaired']) assert.ok(key in member, key);
  }
}));

test('status --expect exits 0 when so many are alive and 1 when fewer are', () => withCluster(2, {}, async ({ nodes: [n1] }) => {
  for (const [expected, code] of [[1, 0], [2, 0], [3, 1]]) {
    assert.equal((await run('tulle', ['status', '-s', n1.ports.admin, '--expect', String(expected)])).code, code);
  }
}));

test('status of a node that is not there exits 3 and says so', async () => {
  const answer = await run('tulle', ['status', '-s', `127.0.0.1:${await freePort()}`]);
  assert.equal(answer.code, 3);
  assert.match(answer.stderr, /cannot reach/);
});

test('redis shows the clients of Redis at all nodes, in a table and as JSON', () =>
  withCluster(2, { args: ['--redis-listen', '127.0.0.1:0'] }, async ({ nodes: [n1, n2] }) => {
    const table = await run('tulle', ['redis', '-s', n1.ports.admin]);
    assert.equal(table.code, 0, table.stderr);
    assert.match(table.stdout, /^REALM +NODE +CLIENTS +SUBSCRIPTIONS +PUBLISHES +DELIVERIES +CLOSES +KEYS\ndefault +n1 +0 .*\ndefault +n2 +0 .*\n$/);
    const { nodes, missing } = JSON.parse((await run('tulle', ['redis', '--admin', n1.ports.admin, '--json'])).stdout);
    assert.deepEqual(nodes.map(({ name, listen }) => [name, listen]), [['n1', n1.ports.redis], ['n2', n2.ports.redis]]);
    assert.deepEqual(missing, []);
  }));

test('redis exits 3 when no node is there, and 2 for wrong use', async () => {
  const { code, stderr } = await run('tulle', ['redis', '--admin', `127.0.0.1:${await freePort()}`]);
  assert.equal(code, 3, stderr);
  assert.match(stderr, /cannot reach/);
  for (const args of [['all'], ['--timeout', '60'], ['--admin', 'nowhere']]) assert.equal((await run('tulle', ['redis', ...args])).code, 2, args.join(' '));
});

test('wrong use exits 2', async () => {
  assert.equal((await run('tulle', [])).code, 2);
  assert.equal((await run('tulle', ['stauts'])).code, 2);
  assert.equal((await run('tulle', ['pub', 'news'])).code, 2);
  assert.equal((await run('tulle', ['up', 'many'])).code, 2);
});

test('what pub publishes at one node, sub prints at another', () => withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
  const sub = new Program('tulle', ['sub', 'news', 'private-news', '--url', ws(n1), '--count', '2', '--json']);
  await waitFor('both subscriptions', () => sub.stderr.includes('subscribed to news\n') &&
    sub.stderr.includes('subscribed to private-news\n'));
  for (const channel of ['news', 'private-news']) {
    const pub = await run('tulle', ['pub', channel, 'greeting', '{"text":"hello"}', '--url', `http://${n2.ports.listen}`]);
    assert.equal(pub.code, 0, pub.stderr);
  }
  assert.equal((await within(10_000, 'the end of sub', sub.ended)).code, 0);
  const lines = sub.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ channel, event, data }) => ({ channel, event, data })), [
    { channel: 'news', event: 'greeting', data: '{"text":"hello"}' },
    { channel: 'private-news', event: 'greeting', data: '{"text":"hello"}' },
  ]);
}));

test('options may stand before the words of the command, and between them and other options', () =>
  withCluster(1, {}, async ({ nodes: [n1] }) => {
    const sub = new Program('tulle', ['sub', '--url', ws(n1), 'news', 'more', '--count', '1']);
    await waitFor('both subscriptions', () => sub.stderr.includes('subscribed to news\n') && sub.stderr.includes('subscribed to more\n'));
    const pub = await run('tulle', ['pub', '--url', ws(n1), 'more', 'greeting', 'hello', '--count', '1']);
    assert.equal(pub.code, 0, pub.stderr);
    assert.equal((await within(10_000, 'the end of sub', sub.ended)).code, 0);
  }));

test('pub with a wrong secret is refused', () => withCluster(1, {}, async ({ nodes: [n1] }) => {
  const pub = await run('tulle', ['pub', 'news', 'a', 'b', '--url', ws(n1), '--app-secret', 'wrong']);
  assert.equal(pub.code, 3);
  assert.match(pub.stderr, /401|signature/i);
}));

test('sub goes on at another node when its own dies', () => withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
  const sub = new Program('tulle', ['sub', 'news', '--url', ws(n1), '--url', ws(n2), '--count', '1']);
  const subscriptions = () => sub.stderr.split('subscribed to news\n').length - 1;
  await waitFor('the subscription', () => subscriptions() === 1);
  await (sub.stderr.includes(`connected to ${ws(n1)}`) ? n1 : n2).kill();
  const other = sub.stderr.includes(`connected to ${ws(n1)}`) ? n2 : n1;
  await waitFor('the subscription elsewhere', () => subscriptions() === 2);
  const pub = await run('tulle', ['pub', 'news', 'greeting', 'hello', '--url', ws(other)]);
  assert.equal(pub.code, 0, pub.stderr);
  assert.equal((await within(10_000, 'the end of sub', sub.ended)).code, 0);
  assert.match(sub.stdout, / news greeting hello\n$/);
}));

test('up starts nodes that form a mesh, and ends them at SIGTERM', async () => {
  let pids;
  await withUp(['3'], async ({ nodes }, up) => {
    pids = nodes.map((node) => node.pid);
    assert.deepEqual(nodes.map((node) => node.name), ['n1', 'n2', 'n3']);
    const whole = await run('tulle', ['status', '-s', nodes[0].admin, '--expect', '3', '--wait', '5']);
    assert.equal(whole.code, 0, whole.stderr);
    const pusher = client({ ports: nodes[2] });
    await subscribed(pusher, 'news');
    pusher.disconnect();
    up.kill('SIGTERM');
    assert.equal((await within(15_000, 'the end of tulle up', up.ended)).code, 0);
  });
  assert.deepEqual(pids.filter(isRunning), []);
});

test('up goes on without a node that dies, and says so', () => withUp(['2'], async ({ nodes: [n1, n2] }, up) => {
  process.kill(n2.pid, 'SIGKILL');
  await waitFor('the word on it', () => /n2.*(signal|killed)/i.test(up.stderr));
  assert.equal((await request(n1.admin, '/ready')).status, 200);
}));

test('nodes do not outlive an up that is killed', () => withUp(['2'], async ({ nodes }, up) => {
  up.kill('SIGKILL');
  await waitFor('its nodes to be gone', () => !nodes.some((node) => isRunning(node.pid)));
}));

test('up with a port that is taken exits 1 and names it', async () => {
  const port = await freePort();
  const holder = net.createServer();
  await new Promise((resolve) => { holder.listen({ host: '127.0.0.1', port }, resolve); });
  const up = await run('tulle', ['up', '1', '--port', String(port)]);
  holder.close();
  assert.equal(up.code, 1);
  assert.ok(up.stderr.includes(String(port)), up.stderr);
});

test('a subcommand that is none: the one that was meant', async () => {
  for (const [words, said] of [[['stauts'], /no subcommand stauts: is status meant\?/], [['bench', 'fanuot'], /fanuot: is fanout meant\?/],
    [['--admin', '127.0.0.1:1', 'stauts'], /no subcommand stauts: is status meant\?/],
    [['--admin=127.0.0.1:1', '-j', 'stauts'], /no subcommand stauts: is status meant\?/],
    [['bench', '--seconds', '1', 'fanuot'], /no subcommand fanuot: is fanout meant\?/],
    [['--admin', '127.0.0.1:1', 'status'], /--admin is an option of a subcommand and stands behind it: tulle status --admin/],
    [['frobnicate'], /no subcommand frobnicate \(see --help\)/]]) {
    const { code, stderr } = await run('tulle', words);
    assert.equal(code, 2);
    assert.match(stderr, said);
  }
  assert.match((await run('tulle', [])).stderr, /subcommand is required/);
});

test('bench fanout and relay work on the default app with their default load', () => withCluster(2, {}, async ({ nodes }) => {
  for (const kind of ['fanout', 'relay']) {
    const { code, stdout, stderr } = await run('tulle', ['bench', kind, '--url', ws(nodes[0]), '--url', ws(nodes[1]), '--subscribers', '20',
      '--seconds', '2', '--json'], { ms: 30_000 });
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).lost ?? 0, 0, stdout);
  }
}));
