// nginx and HAProxy by the files of tools/packaging: TLS, WebSockets, the stop of a node, slow clients, and the clients' addresses.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import fs from 'node:fs/promises';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import PusherServer from 'pusher';
import { CERTIFICATE, KEY } from '../support/js/certificate.mjs';
import { APP, RawClient } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { checkPackagedProxy, isMissing, withPackagedProxy } from '../support/js/proxies.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const TRUST = ['--trusted-proxies', '127.0.0.1'];
const PASSING = 'haproxy that passes TLS on';
let directory;
/** The arguments of the nodes behind each. */
const ARGS = {
  nginx: () => TRUST,
  haproxy: () => [...TRUST, '--proxy-protocol'],
  [PASSING]: () => [...TRUST, '--tls-proxy-protocol', '--tls-listen', '127.0.0.1:0',
    '--tls-cert-file', path.join(directory, 'certificate'), '--tls-key-file', path.join(directory, 'key')],
};

before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-test-'));
  await fs.writeFile(path.join(directory, 'certificate'), `${CERTIFICATE}\n`);
  await fs.writeFile(path.join(directory, 'key'), `${KEY}\n`, { mode: 0o600 });
});
after(() => fs.rm(directory, { recursive: true, force: true }));

/** The server kit, publishing through TLS. */
function kit(proxy) {
  const { host, port } = parts(proxy.ports.listen);
  return new PusherServer({ ...APP, host, port: String(port), useTLS: true, timeout: 10_000, agent: new https.Agent({ ca: CERTIFICATE }) });
}

/** A TLS connection to the proxy, from that address of this machine. */
const secure = (proxy, from) => tls.connect({ ...parts(proxy.ports.listen), ca: CERTIFICATE, localAddress: from });

/** A WebSocket through TLS. */
const wss = (proxy, from, headers = {}) => new RawClient(proxy, undefined, { createConnection: () => secure(proxy, from), headers });

/** Subscribes to a public channel. */
async function joined(raw, channel) {
  await raw.open();
  raw.send({ event: 'pusher:subscribe', data: { channel } });
  await raw.next('pusher_internal:subscription_succeeded');
  return raw;
}

/** Runs `body` with two nodes and the proxy before them. */
const withBoth = (kind, { args = [], ...options }, body) =>
  withCluster(2, { args: [...ARGS[kind](), ...args] }, ({ nodes }) => withPackagedProxy(kind, nodes, (proxy) => body(proxy, nodes), options));

const sum = async (nodes, name) => (await Promise.all(nodes.map((node) => node.metric(name)))).reduce((a, b) => a + b);

/** The status of a request that is signed with a wrong secret. */
async function guess(proxy, from, headers = {}) {
  const target = `/apps/${APP.appId}/channels`;
  const query = `auth_key=${APP.key}&auth_timestamp=${Math.floor(Date.now() / 1000)}&auth_version=1.0`;
  const signature = createHmac('sha256', 'wrong').update(`GET\n${target}\n${query}`).digest('hex');
  return (await request(proxy.ports.listen, `${target}?${query}&auth_signature=${signature}`, { tls: CERTIFICATE, from, headers })).status;
}

for (const kind of ['nginx', 'haproxy', PASSING]) {
  describe(`${kind} by tools/packaging`, { skip: isMissing(kind), concurrency: true }, () => {
    test('the program finds nothing to object to in the file', () => {
      const nodes = [2, 3].map((port) => ({ ports: { listen: `127.0.0.1:${port}`, tls_listen: `127.0.0.1:${port}` } }));
      const { status, said } = checkPackagedProxy(kind, nodes);
      assert.equal(status, 0, said);
      assert.doesNotMatch(said, /warn|alert/i);
    });

    test('WebSockets and the API through TLS, while checks go on', () => withBoth(kind, {}, async (proxy, nodes) => {
      const raws = await Promise.all(Array.from({ length: 4 }, () => joined(wss(proxy), 'news')));
      assert.equal((await kit(proxy).trigger('news', 'tick', { n: 1 })).status, 200);
      for (const raw of raws) assert.equal(JSON.parse((await raw.next('tick')).data).n, 1);
      assert.equal((await request(proxy.ports.listen, '/ready', { tls: CERTIFICATE })).status, 200);
      if (kind !== 'nginx') {
        const before = await sum(nodes, 'tulle_http_requests_total');
        await waitFor('three more checks of each node', async () => await sum(nodes, 'tulle_http_requests_total') >= before + 6);
        assert.equal((await request(proxy.ports.listen, '/up', { tls: CERTIFICATE })).status, 200, 'the checks have found the nodes well');
      }
      assert.equal(await sum(nodes, 'tulle_proxy_headers_refused_total'), 0);
      raws.forEach((raw) => raw.drop());
    }));

    const testOfRequests = kind === PASSING ? () => {} : test;  // a proxy that passes TLS on sees no requests

    testOfRequests('the stop of a node loses no publish, and its clients are on the other node at once', () => withBoth(kind, {}, async (proxy, nodes) => {
      const [leaving, staying] = nodes;
      const heard = new Set();
      const raws = await Promise.all(Array.from({ length: 6 }, () => wss(proxy).open()));
      const hear = async (raw) => {
        await joined(raw, 'news');
        raw.socket.on('message', (bytes) => {
          const frame = JSON.parse(bytes.toString());
          if (frame.event === 'n') heard.add(JSON.parse(frame.data).n);
        });
        return raw;
      };
      const hearers = await Promise.all([hear(wss(proxy)), hear(wss(proxy)), hear(wss(proxy)), hear(wss(proxy))]);
      assert.ok(await leaving.metric('tulle_clients') > 0 && await staying.metric('tulle_clients') > 0, 'the proxy spreads clients');
      const statuses = [];
      let isOver = false;
      const publish = async (own) => {
        for (let i = 0; !isOver; ++i) {
          const n = `${own}-${i}`;
          statuses.push([n, await kit(proxy).trigger('news', 'n', { n }).then((answer) => answer.status, (error) => `${error} ${error.body}`)]);
        }
      };
      const publishers = [1, 2, 3].map(publish);
      const more = (count, from = statuses.length) => waitFor('more publishes', () => statuses.length > from + count, { ms: 30_000 });
      try {
        await more(30);
        leaving.program.kill('SIGTERM');
        await leaving.gone();
        await more(60);
      } finally {
        isOver = true;
        await Promise.all(publishers);
      }
      assert.deepEqual(statuses.filter(([, status]) => status !== 200), []);
      await waitFor('every event', () => statuses.every(([n]) => heard.has(n)));
      const ended = [...raws, ...hearers].filter((raw) => raw.socket.readyState === raw.socket.CLOSED);
      assert.ok(ended.length > 0);
      for (const raw of ended) assert.equal((await raw.end()).code, 4200);
      const back = await Promise.all(ended.map(() => wss(proxy).open()));
      [...raws, ...hearers, ...back].forEach((raw) => raw.drop());
    }));

    test('the client\'s own address arrives: for wrong signatures, connections and the log', () => withBoth(kind, {
      args: ['--throttle-private-addresses', '--auth-failures-per-minute', '3', '--max-connections-per-address', '2'],
    }, async (proxy, nodes) => {
      const lies = { 'X-Forwarded-For': '198.51.100.9', Forwarded: 'for=198.51.100.9' };
      const shut = () => nodes.every((node) => /127\.0\.0\.2 has sent too many wrong signatures/.test(node.log));
      await waitFor('both nodes to name the address in their logs', async () => [401, 429].includes(await guess(proxy, '127.0.0.2', lies)) && shut());
      assert.equal(await guess(proxy, '127.0.0.2', { 'X-Forwarded-For': '198.51.100.10' }), 429);
      assert.equal(await guess(proxy, '127.0.0.3', lies), 401, 'nobody else is shut');

      const raws = [];
      const refused = async () => await sum(nodes, 'tulle_address_capped_total') > 0;
      for (let i = 0; i < 8 && !await refused(); ++i) {
        const raw = wss(proxy, '127.0.0.2', lies);
        await Promise.race([raw.open(), raw.closed]);
        raws.push(raw);
      }
      assert.ok(raws.length > 2 && await refused(), `${raws.length} connections`);
      assert.equal(await sum(nodes, 'tulle_forwarded_missing_total'), 0);
      await (await wss(proxy, '127.0.0.3', lies).open()).drop();
      raws.forEach((raw) => raw.drop());
    }));

    testOfRequests('a head that does not end is the proxy\'s affair', () => withBoth(kind, { slow: 1 }, async (proxy, nodes) => {
      const errors = await sum(nodes, 'tulle_http_errors_total');
      const socket = secure(proxy);
      let said = '';
      socket.on('data', (bytes) => { said += bytes; });
      socket.on('error', () => {});
      const closed = new Promise((resolve) => { socket.on('close', resolve); });
      socket.write('GET /up HTTP/1.1\r\nHost: a\r\nX-Slow: ');
      await within(10_000, 'the end of the connection', closed);
      assert.match(said, kind === 'haproxy' ? /^HTTP\/1.1 408 / : /^$/);
      assert.equal(await sum(nodes, 'tulle_http_errors_total'), errors, 'no node has heard of it');
      assert.equal((await request(proxy.ports.listen, '/up', { tls: CERTIFICATE })).status, 200);
    }));

    test('a client that takes nothing is closed by its node, and nobody else waits', () => withBoth(kind, {
      args: ['--outbox-bytes', '131072'],
    }, async (proxy, nodes) => {
      const slow = await joined(wss(proxy), 'news');
      const well = await joined(wss(proxy), 'news');
      slow.socket.pause();
      let count = 0;
      well.socket.on('message', (bytes) => { count += JSON.parse(bytes.toString()).event === 'big' ? 1 : 0; });
      let sent = 0;
      while (sent < 600 && await sum(nodes, 'tulle_slow_clients_total') === 0) {
        assert.equal((await kit(proxy).trigger('news', 'big', 'x'.repeat(90_000))).status, 200);
        ++sent;
        await waitFor('the other client to have it', () => count === sent);
      }
      assert.equal(await sum(nodes, 'tulle_slow_clients_total'), 1, `after ${sent} events`);
      assert.equal(well.socket.readyState, well.socket.OPEN);
      [slow, well].forEach((raw) => raw.drop());
    }));
  });
}
