// HTTP as the programs speak it that people have: curl, ab, the clients of Java, Go and Python, nginx and HAProxy as they come.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { APP, RawClient, client, connected, inbox, server, subscribed, withClients } from '../support/js/clients.mjs';
import { Cluster, withCluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { isMissing, withProxy } from '../support/js/proxies.mjs';
import { waitFor } from '../support/js/wait.mjs';

const FULL = process.argv.includes('--full') || process.env.TULLE_TEST_FULL === '1';
const BODY = JSON.stringify({ name: 'e', channel: 'news', data: 'd'.repeat(2000) });
const CLIENTS = fileURLToPath(new URL('../support/clients/', import.meta.url));
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

let cluster;
let node;
before(async () => {
  cluster = await Cluster.create(1);
  [node] = cluster.nodes;
  await cluster.start();
});
after(() => cluster?.stop());

/** Why tests with this program are left out; false when they are not. */
function isAbsent(program, ...version) {
  const { error, status } = spawnSync(program, version.length ? version : ['--version'], { stdio: 'ignore' });
  return (error || status !== 0) && `${program} is not installed`;
}

function run(program, ...args) {
  const { error, stdout, stderr, status } = spawnSync(program, args, {
    encoding: 'utf8', timeout: 120_000, env: { ...process.env, GOFLAGS: '-mod=mod', GO111MODULE: 'off', no_proxy: '' },
  });
  assert.equal(error, undefined);
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** The whole URL of a signed publish of BODY. */
function publishUrl(address = node.ports.listen) {
  const path = `/apps/${APP.appId}/events`;
  const query = `auth_key=${APP.key}&auth_timestamp=${Math.floor(Date.now() / 1000)}&auth_version=1.0` +
    `&body_md5=${crypto.createHash('md5').update(BODY).digest('hex')}`;
  const signature = crypto.createHmac('sha256', APP.secret).update(`POST\n${path}\n${query}`).digest('hex');
  return `http://${address}${path}?${query}&auth_signature=${signature}`;
}

describe('curl', { skip: isAbsent('curl') }, () => {
  const curl = (...args) => run('curl', '-sS', '--max-time', '10', '-o', '/dev/null', '-w', '%{http_code}', ...args);

  test('--http2 offers h2c with every request, and is served on both ports', () => {
    for (const address of [node.ports.listen, node.ports.admin]) {
      assert.equal(curl('--http2', `http://${address}/up`), '200');
      assert.equal(curl('--http2', '--head', `http://${address}/ready`), '200');
    }
    assert.equal(curl('--http2', '-H', 'Content-Type: application/json', '-d', BODY, publishUrl()), '200');
    assert.equal(curl('--http2', '-H', 'Expect: 100-continue', '-d', BODY, publishUrl()), '200');
  });

  test('HTTP/1.0, chunks, and as if the node were a proxy', () => {
    assert.equal(curl('--http1.0', '-d', BODY, publishUrl()), '200');
    assert.equal(curl('-H', 'Transfer-Encoding: chunked', '-d', BODY, publishUrl()), '200');
    assert.equal(curl('--proxy', `http://${node.ports.listen}`, '--noproxy', '', '-d', BODY, publishUrl('tulle.example:6001')), '200');
    assert.equal(curl('-X', 'OPTIONS', '--request-target', '*', `http://${node.ports.listen}/`), '200');
  });
});

describe('ab', { skip: isAbsent('ab', '-V') }, () => {
  test('-k keeps its connections', () => {
    const said = run('ab', '-q', '-k', '-s', '10', '-n', '200', '-c', '4', `http://${node.ports.listen}/up`);
    assert.match(said, /Complete requests: +200\b/);
    assert.match(said, /Failed requests: +0\b/);
    assert.match(said, /Keep-Alive requests: +200\b/);
  });

  test('without it every connection ends', () => {
    assert.match(run('ab', '-q', '-s', '10', '-n', '50', '-c', '4', `http://${node.ports.admin}/up`), /Failed requests: +0\b/);
  });
});

test('the client of Java', { skip: isAbsent('java') }, () => {
  const said = run('java', `${CLIENTS}Client.java`, node.ports.listen, node.ports.admin, publishUrl(), BODY);
  assert.deepEqual(said.split('\n').slice(0, 6), ['up', 'ready', 'publish', 'publish', 'expecting', 'chunked'].map((what) => `${what} 200 HTTP_1_1`));
  assert.match(said, /^unsigned 401$/m);
  assert.match(said, /websocket pusher-channels-protocol-7 .*pusher:connection_established/);
});

test('the client of Go', { skip: isAbsent('go', 'version') }, () => {
  const said = run('go', 'run', `${CLIENTS}client.go`, node.ports.listen, node.ports.admin, publishUrl(), BODY).trim().split('\n');
  assert.deepEqual(said.map((line) => line.split(' ')[1]), Array(7).fill('200'));
  assert.ok(said.every((line) => line.endsWith('date: true')), said.join('\n'));
  assert.ok(said.filter((line) => line.includes('reused: true')).length >= 4, said.join('\n'));
});

test('the client of Python', { skip: isAbsent('python3') }, () => {
  assert.deepEqual(run('python3', `${CLIENTS}client.py`, node.ports.listen, node.ports.admin, publishUrl(), BODY).trim().split('\n'), [
    'GET /up 200 kept: True', 'HEAD /up 200 kept: True', 'OPTIONS * 200 kept: True', 'GET /up 200 kept: True',
    'chunked 200', 'publish 200', 'absolute 200', 'ready 200']);
});

/** A client that answers pings and says nothing else; it counts what pings it gets. */
async function quiet(at) {
  const raw = await new RawClient(at).open();
  raw.pings = 0;
  raw.socket.on('message', (bytes) => {
    if (JSON.parse(bytes).event !== 'pusher:ping') return;
    ++raw.pings;
    raw.send({ event: 'pusher:pong', data: {} });
  });
  return raw;
}

/** A client that says something every so often, and is told nothing. */
async function talker(at, every) {
  const raw = await quiet(at);
  const timer = setInterval(() => raw.socket.readyState === WebSocket.OPEN && raw.send({ event: 'pusher:pong', data: {} }), every);
  raw.socket.on('close', () => clearInterval(timer));
  return raw;
}

/** Clients of every kind through a proxy that ends what is quiet for `limit`: all live for three times as long. */
async function live(proxy, limit) {
  const official = client(proxy);
  const received = inbox(await subscribed(official, 'news'), 'tick');
  const all = [await quiet(proxy), await talker(proxy, limit / 4)];
  const socketId = await connected(official);
  await sleep(3 * limit);
  for (const raw of all) {
    assert.equal(raw.socket.readyState, WebSocket.OPEN);
    assert.ok(raw.pings >= 2, `${raw.pings} pings`);
  }
  assert.equal(official.connection.socket_id, socketId, 'pusher-js has never had to connect again');
  await server(proxy).trigger('news', 'tick', 1);
  await waitFor('the event', () => received.length === 1);
  all.forEach((raw) => raw.drop());
  official.disconnect();
}

const SHORT = { nginx: '3s', haproxy: '3000' };
for (const kind of ['nginx', 'haproxy']) {
  describe(`${kind} as it comes`, { skip: isMissing(kind), concurrency: true }, () => {
    const name = `${kind} as it comes`;

    test('quiet clients live, with all time-outs a twentieth of what they are', () =>
      withCluster(1, { args: ['--activity-timeout', '1', '--pong-timeout', '2'] }, ({ nodes }) =>
        withProxy(name, nodes, (proxy) => live(proxy, 3_000), { read: SHORT[kind] })));

    test('quiet clients live for minutes', { skip: !FULL && 'takes 3 minutes: --full' }, () => withCluster(1, {}, ({ nodes }) =>
      withProxy(name, nodes, (proxy) => live(proxy, 60_000))));

    test('requests through it over kept connections, with large cookies too', () => withProxy(name, [node], async (proxy) => {
      for (let i = 0; i < 20; ++i) assert.equal((await server(proxy).trigger('news', 'tick', i)).status, 200);
      const Cookie = 'x'.repeat(kind === 'nginx' ? 7_000 : 12_000);
      assert.equal((await request(proxy.ports.listen, '/up', { headers: { Cookie } })).status, 200);
      const raw = await new RawClient(proxy, undefined, { headers: { Cookie } }).open();
      raw.drop();
    }));
  });
}

for (const stop of [1, 2, 3]) {  // each hits the connections to the node in other moments
  test(`an ordered stop loses no publish behind HAProxy, as proxies.md configures it (${stop})`, { skip: isMissing('haproxy') }, () =>
    withCluster(2, {}, ({ nodes }) => withProxy('haproxy as proxies.md has it', nodes, async (proxy) => {
      const [leaving, staying] = nodes;
      await withClients([staying], async (listener) => {
        const heard = new Set();
        (await subscribed(listener, 'news')).bind('n', (n) => heard.add(n));
        const statuses = [];
        let isOver = false;
        const publish = async (own) => {
          for (let i = 0; !isOver; ++i) {
            const n = `${own}-${i}`;
            statuses.push([n, await server(proxy).trigger('news', 'n', n).then((answer) => answer.status, (error) => `${error} ${error.body}`)]);
          }
        };
        const publishers = [1, 2, 3, 4].map(publish);
        const more = (count, from = statuses.length) => waitFor('more publishes', () => statuses.length > from + count);
        try {
          await more(50 * stop);
          leaving.program.kill('SIGTERM');
          await leaving.gone();
          await more(200);
        } finally {
          isOver = true;  // whatever failed: otherwise the file would never end
          await Promise.all(publishers);
        }
        assert.deepEqual(statuses.filter(([, status]) => status !== 200), []);
        await waitFor('every event', () => statuses.every(([n]) => heard.has(n)));
      });
    })));
}

test('HAProxy\'s check as it comes finds the nodes well, and one that drains not', { skip: isMissing('haproxy') }, () =>
  withCluster(2, {}, ({ nodes }) => withProxy('haproxy as it comes', nodes, async (proxy) => {
    const states = async () => {
      const { body } = await request(proxy.ports.listen, '/haproxy-stats;csv');
      const [names, ...rows] = body.trim().split('\n').map((line) => line.split(','));
      const of = (row, name) => row[names.indexOf(name)];
      return rows.filter((row) => row[0] === 'nodes' && row[1].startsWith('n')).map((row) => `${row[1]} ${of(row, 'status')} ${of(row, 'check_status')} ${of(row, 'check_code')}`);
    };
    await waitFor('both nodes to be well', async () => (await states()).join() === 'n1 UP L7OK 200,n2 UP L7OK 200');
    nodes[0].program.kill('SIGTERM');
    await waitFor('the check to find it gone', async () => /^n1 DOWN .*,n2 UP L7OK 200$/.test((await states()).join()));
    await nodes[0].gone();
  })));

test('an agent of Node.js that keeps connections', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const { host, port } = parts(node.ports.listen);
  const ports = new Set();
  for (let i = 0; i < 5; ++i) {
    await new Promise((resolve, reject) => {
      http.get({ host, port, path: '/up', agent }, (answer) => {
        ports.add(answer.socket.localPort);
        answer.resume().on('end', resolve);
      }).on('error', reject);
    });
  }
  assert.equal(ports.size, 1);
  agent.destroy();
});
