// What the mesh tells of itself: tulle doctor, tulle trace, and the counters.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { RawClient, server, subscribed, withClients } from '../support/js/clients.mjs';
import { Cluster, withCluster } from '../support/js/cluster.mjs';
import { freeze } from '../support/js/freeze.mjs';
import { parts, request } from '../support/js/http.mjs';
import { plannedAddresses } from '../support/js/ports.mjs';
import { PROJECT, run } from '../support/js/process.mjs';
import { withTls } from '../support/js/tls.mjs';
import { waitFor } from '../support/js/wait.mjs';

const thaw = (node) => process.kill(node.program.pid, 'SIGCONT');

/** Runs `body` while the node is frozen. */
async function frozen(node, body) {
  await freeze(node.program.pid);
  try {
    await body();
  } finally {
    thaw(node);
  }
}

const doctor = (node, ...args) => run('tulle', ['doctor', '--admin', node.ports.admin, ...args]);

test('doctor finds a healthy mesh healthy, from any node', () => withCluster(3, {}, async ({ nodes }) => {
  await withClients([nodes[1]], async (pusher) => {
    await subscribed(pusher, 'news');
    for (const node of nodes) {
      const { code, stdout, stderr } = await doctor(node, '--expect', '3');
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /^NODE .*STATE .*VERSION .*INTEREST .*CLOCK/);
      assert.match(stdout, /FROM \\ TO +n1 +n2 +n3\n/);
      assert.match(stdout, /healthy: 3 nodes, 6 pairs\n$/);
    }
  });
}));

test('doctor --json tells of every node and of every pair in both directions', () => withCluster(3, {}, async ({ nodes: [n1] }) => {
  // Each of the three nodes measures the way to each peer by itself, and doctor leaves out what has not been measured yet.
  const { code, stdout } = await waitFor('every clock and every way to have been measured', async () => {
    const answer = await doctor(n1, '--json');
    const { nodes, pairs } = JSON.parse(answer.stdout);
    return nodes.every((node) => 'skew_us' in node) && pairs.every((pair) => 'rtt_us' in pair) && answer;
  });
  assert.equal(code, 0, stdout);
  const { verdict, nodes, pairs, findings } = JSON.parse(stdout);
  assert.equal(verdict, 'ok');
  assert.deepEqual(findings.filter(({ severity }) => severity === 'wrong'), []);
  assert.deepEqual(nodes.map(({ name }) => name), ['n1', 'n2', 'n3']);
  for (const node of nodes) {
    assert.equal(node.state, 'ready');
    assert.match(node.oid, /^[0-9a-f]{16}$/);
    // One machine, one clock: what differs is within the error that is stated.
    assert.ok(Math.abs(node.skew_us) <= nodes.reduce((sum, { skew_error_us: error }) => sum + error, 1_000), stdout);
  }
  assert.deepEqual(pairs.map(({ from, to }) => `${from} ${to}`), ['n1 n2', 'n1 n3', 'n2 n1', 'n2 n3', 'n3 n1', 'n3 n2']);
  for (const pair of pairs) {
    assert.deepEqual([pair.ok, pair.state, pair.session, pair.interest], [true, 'alive', true, 'equal']);
    assert.ok(pair.rtt_us > 0 && pair.rtt_us < 1_000_000);
    assert.ok(pair.data_silent_ms < 2_500);
    for (const key of ['gaps', 'repaired', 'sessions']) assert.equal(typeof pair[key], 'number', key);
  }
}));

test('doctor names the pairs of a frozen node, and is content once it runs again', () => withCluster(3, {}, async ({ nodes: [n1, , n3] }) => {
  await frozen(n3, async () => {
    const { code, stdout } = await doctor(n1, '--timeout', '1');
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^wrong: n3 does not answer$/m);
    assert.match(stdout, /^wrong: n1 -> n3: /m);
    assert.match(stdout, /^wrong: n2 -> n3: /m);
    assert.doesNotMatch(stdout, /wrong: n[12] -> n[12]/);
    await waitFor('n3 to be dead', async () => (await n1.stateOf('n3')) === 'dead');
    const dead = JSON.parse((await doctor(n1, '--json', '--timeout', '1')).stdout);
    assert.equal(dead.verdict, 'wrong');
    const kinds = dead.findings.map(({ kind, nodes }) => `${kind} ${nodes.join(' ')}`);
    assert.ok(kinds.includes('dead n1 n3'), JSON.stringify(kinds));
    assert.equal((await doctor(n1, '--timeout', '1', '--expect', '2')).code, 0);
    assert.equal((await doctor(n1, '--timeout', '1', '--expect', '3')).code, 1);
  });
  await waitFor('the doctor to be content', async () => (await doctor(n1)).code === 0);
}));

test('doctor finds a mesh that is two meshes when it is told of both', async () => {
  await withCluster(1, {}, ({ nodes: [left] }) => withCluster(1, {}, async ({ nodes: [right] }) => {
    assert.equal((await doctor(left)).code, 0);
    const { code, stdout } = await doctor(left, '--admin', right.ports.admin);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /wrong: .* -> .*: is not known to the other side/);
  }));
});

test('doctor and trace exit 3 when no node is there, and 2 for wrong use', async () => {
  const { host, port } = parts((await plannedAddresses()).admin);
  for (const args of [['doctor'], ['trace', 'news']]) {
    const { code, stderr } = await run('tulle', [...args, '--admin', `${host}:${port}`]);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /cannot reach/);
  }
  for (const args of [['doctor', 'all'], ['doctor', '--timeout', '60'], ['doctor', '--admin', '127.0.0.1:1/x'], ['trace'],
    ['trace', 'a channel'], ['trace', 'news', '--app', 'a/b']]) {
    assert.equal((await run('tulle', args)).code, 2, args.join(' '));
  }
  for (const address of ['127.0.0.1', 'localhost', '[::1]', '127.0.0.1:', '']) {
    const { code, stderr } = await run('tulle', ['status', `--server=${address}`]);
    assert.equal(code, 2, address);
    if (address !== '') assert.ok(stderr.includes(`'${address}' is not HOST:PORT`), stderr);
  }
  const { stdout } = await run('tulle', ['--help']);
  assert.match(stdout, /doctor/);
  assert.match(stdout, /trace/);
});

test('trace shows who has got a message, and no client sees it', () => withCluster(3, {}, async ({ nodes: [n1, n2, n3] }) => {
  await withClients([n2], async (pusher) => {
    const channel = await subscribed(pusher, 'news');
    const seen = [];
    channel.bind_global((event) => seen.push(event));
    const { code, stdout, stderr } = await run('tulle', ['trace', 'news', '--admin', n1.ports.admin]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^n1 +sent it /m);
    assert.match(stdout, /^n2 +got it +direct /m);
    assert.match(stdout, /^n3 +no interest: nobody there is subscribed /m);
    const { channel: name, app, n, nodes } = JSON.parse(
      (await run('tulle', ['trace', 'news', '--admin', n3.ports.admin, '--json'])).stdout);
    assert.deepEqual([name, app, n], ['news', 'app-id', 1]);
    assert.deepEqual(nodes.map((node) => [node.name, node.fate]), [['n3', 'origin'], ['n1', 'no-subscriber'], ['n2', 'got']]);
    assert.equal(nodes[2].shards, 1);
    assert.equal(nodes[2].path, 'direct');
    assert.ok(nodes[2].reported_us > 0 && nodes[2].reported_us < 2_000_000);
    await server(n1).trigger('news', 'after', {});
    await waitFor('the message behind', () => seen.includes('after'));
    assert.deepEqual(seen, ['after']);
  });
}));

test('trace names the node that has not reported', () => withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
  await withClients([n2], async (pusher) => {
    await subscribed(pusher, 'news');
    await frozen(n2, async () => {
      const { code, stdout } = await run('tulle', ['trace', 'news', '--admin', n1.ports.admin, '--timeout', '0.2']);
      assert.equal(code, 1, stdout);
      assert.match(stdout, /^n2 +no report \(alive\) /m);
    });
  });
}));

test('trace of an app that the node does not have exits 1 and names it', () => withCluster(1, {}, async ({ nodes: [n1] }) => {
  const { code, stderr } = await run('tulle', ['trace', 'news', '--admin', n1.ports.admin, '--app', 'other']);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /no app "other"/);
}));

test('the admin listener answers bad questions with a reason', () => withCluster(1, {}, async ({ nodes: [n1] }) => {
  for (const [method, target, status] of [
    ['GET', '/v1/trace?app=app-id&channel=news', 405], ['POST', '/v1/doctor', 405],
    ['GET', '/v1/doctor?timeout_ms=0', 400], ['GET', '/v1/doctor?timeout_ms=10001', 400],
    ['GET', '/v1/doctor?timeout_ms=1x', 400], ['GET', '/v1/doctor?timeout_ms=%zz', 400],
    ['POST', '/v1/trace?app=app-id&channel=a%20b', 400], ['POST', '/v1/trace?app=app-id', 400],
    ['POST', '/v1/trace?app=nobody&channel=news', 404],
  ]) {
    const headers = { 'Content-Type': 'application/json' };
    assert.equal((await request(n1.ports.admin, target, { method, headers })).status, status, `${method} ${target}`);
  }
  for (const [method, target] of [['GET', '/v1/doctor'], ['POST', '/v1/trace?app=app-id&channel=news']]) {
    assert.equal((await request(n1.ports.listen, target, { method })).status, 404, `${target} in public`);
  }
  assert.equal((await doctor(n1)).code, 0);
}));

const COUNTERS = ['gaps', 'gaps_repaired', 'records_gone', 'duplicates_dropped', 'suspicions', 'false_suspicions', 'deaths', 'reconnects',
  'barrier_waits', 'late_turns'];

test('documents name metrics as /metrics does, with their prefix', () => withTls(2, async ({ nodes: [node] }) => {
  const { body } = await request(node.ports.admin, '/metrics');
  const metrics = new Set([...body.matchAll(/^(?:# HELP )?(tulle_\w+)/gm)].map(([, name]) => name));
  const keys = new Set((await run('tulled', ['--help'])).stdout.match(/--[a-z-]+/g).map((flag) => flag.slice(2).replaceAll('-', '_')));
  const wrong = [];
  const folders = await Promise.all(['.github', 'node/doc'].map(async (folder) => (await fs.readdir(path.join(PROJECT, folder)))
    .filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`)));
  for (const file of ['README.md', 'node/README.md', 'mesh/README.md', 'tools/chaos/README.md', 'tests/README.md', ...folders.flat()]) {
    const text = await fs.readFile(path.join(PROJECT, file), 'utf8');
    for (const [, name] of text.matchAll(/`([a-z][a-z_]*_[a-z_]+)[`{]/g)) {
      const isBare = metrics.has(`tulle_${name}`) && !keys.has(name);
      if (isBare || (name.startsWith('tulle_') && !metrics.has(name))) wrong.push(`${file}: ${name}`);
    }
  }
  assert.deepEqual(wrong, []);
}, { args: ['--redis-listen', '127.0.0.1:0'] }));

test('the counters of the mesh are in /metrics and in status, and move when a node is frozen',
  () => withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
    for (const name of COUNTERS) assert.ok((await n1.metric(`tulle_mesh_${name}_total`)) >= 0, name);
    const table = await run('tulle', ['status', '-s', n1.ports.admin]);
    assert.match(table.stdout, new RegExp('^Since it started: gaps \\d+, repaired \\d+, gone \\d+, duplicates dropped \\d+, ' +
      'suspicions \\d+, false suspicions \\d+, deaths \\d+, reconnects \\d+, barrier waits \\d+, late turns \\d+$', 'm'));
    const before = await n1.metric('tulle_mesh_suspicions_total');
    await frozen(n2, () => waitFor('n1 to suspect n2', async () => (await n1.metric('tulle_mesh_suspicions_total')) > before));
    await waitFor('n1 to hear n2 again', async () => (await n1.metric('tulle_mesh_false_suspicions_total')) > 0);
    assert.ok((await n2.metric('tulle_mesh_late_turns_total')) > 0);
    const status = await run('tulle', ['status', '-s', n1.ports.admin]);
    assert.match(status.stdout, /suspicions [1-9]\d*, false suspicions [1-9]/);
  }));

/** Whether this machine lets us reset its TCP connections. */
async function reset(ports) {
  const filter = ports.map((port) => `sport = :${port}`).join(' or ');
  const { stdout } = await promisify(execFile)('/usr/bin/ss', ['-K', '-H', '-t', '-n', `( ${filter} )`]);
  return stdout.trim() !== '';
}

test('a connection that is reset and comes back is counted, and the session stays', (t) => withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
  const before = (await n1.status()).members[0].sessions;
  const mesh = [n1, n2].map((node) => parts(node.ports.mesh).port);
  if (!await reset(mesh).catch(() => false)) {
    t.skip('ss -K is not permitted here');
    return;
  }
  await waitFor('the connection to be back', async () => {
    const counted = await Promise.all([n1, n2].map((node) => node.metric('tulle_mesh_reconnects_total')));
    return counted.some((count) => count > 0);
  });
  assert.equal((await n1.status()).members[0].sessions, before);
  await waitFor('the doctor to be content', async () => (await doctor(n1)).code === 0);
}));

/** What comes at once after a thaw must not make the client too slow. */
const CONFIG = `
outbox_bytes = 268435456

[[apps]]
id = "lenient"
key = "lenient-key"
secret = "lenient-secret"
max_event_bytes = 1024000

[[apps]]
id = "strict"
key = "strict-key"
secret = "strict-secret"
max_event_bytes = 1024000
on_gap = "close"
`;

test('what a frozen node has missed for good is told to its clients, or closes them where the app wants it', async () => {
  const args = [];
  const cluster = await Cluster.create(2, { args });
  const config = path.join(cluster.directory, 'node.toml');
  await fs.writeFile(config, CONFIG);
  args.push('--config', config);
  try {
    await cluster.start();
    const [n1, n2] = cluster.nodes;
    const join = async (app) => {
      const raw = await new RawClient(n2, `/app/${app}-key?protocol=7`).open();
      raw.send({ event: 'pusher:subscribe', data: { channel: 'news' } });
      await raw.next('pusher_internal:subscription_succeeded');
      return raw;
    };
    const lenient = await join('lenient');
    const strict = await join('strict');
    const publish = (app) => server(n1, { appId: app, key: `${app}-key`, secret: `${app}-secret` });
    await frozen(n2, async () => {
      // 16 MiB are under way to a node that does not answer, the ring holds the last 64 MiB: what is between is lost.
      const large = 'x'.repeat(1_000_000);
      for (let i = 0; i < 120; ++i) {
        if (i === 30) await publish('strict').trigger('news', 'small', 'lost');
        await publish('lenient').trigger('news', 'large', large);
      }
    });
    const gap = await lenient.next('tulle:gap');
    assert.ok(JSON.parse(gap.data).missing > 0 && JSON.parse(gap.data).missing < 120, gap.data);
    assert.equal((await strict.end()).code, 4200);
    assert.ok((await n1.metric('tulle_mesh_records_gone_total')) > 0);
    assert.equal(await n2.metric('tulle_gap_closes_total'), 1);
    lenient.drop();
  } catch (error) {
    console.error(cluster.logs());
    throw error;
  } finally {
    await cluster.stop();
  }
});
