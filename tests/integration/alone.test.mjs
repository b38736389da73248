// A node says which of its configured peers it does not meet, and why; when it is alone; and when other nodes have other apps than it has.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCluster } from '../support/js/cluster.mjs';
import { request } from '../support/js/http.mjs';
import { run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

/** A port of loopback where nobody listens. */
async function closedPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => { server.once('listening', resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return `127.0.0.1:${port}`;
}

const doctor = async (node) => JSON.parse((await run('tulle', ['doctor', '--json', '-s', node.ports.admin])).stdout);
const unmet = async (node) => Object.fromEntries((await node.status()).self.peers.endpoints
  .filter(({ state }) => state === 'unmet').map((peer) => [peer.endpoint, peer]));

describe('peers that are not met', { concurrency: true }, () => {
  test('a closed port, the ports for data and for clients, and a name without an address: each with its reason', () =>
    withCluster(2, { start: false }, async ({ nodes: [n1, n2] }) => {
      n1.launch();
      await n1.ready();
      const closed = await closedPort();
      n2.launch([n1.ports.mesh, n1.ports.mesh_data, n1.ports.listen, closed, 'no-such-host.invalid:7001']);
      await n2.ready();
      await waitFor('a reason for each', async () => {
        const seen = await unmet(n2);
        return seen[closed]?.reason === 'closed' && seen['no-such-host.invalid:7001']?.reason === 'no-address' &&
          [n1.ports.mesh_data, n1.ports.listen].every((port) => seen[port]?.reason === 'wrong-port');
      }, { ms: 12_000 });
      const seen = await unmet(n2);
      assert.match(seen[n1.ports.mesh_data].text, /^is the port of n1 for data, and its mesh port is/);
      assert.match(seen[n1.ports.listen].text, /^is the port of n1 for clients, and its mesh port is/);
      assert.equal((await n2.status()).self.peers.met, 1);
      assert.equal(await n2.metric('tulle_mesh_peers_unmet{reason="closed"}'), 1);
      assert.equal(await n2.metric('tulle_mesh_peers_unmet{reason="no-address"}'), 1);
      assert.equal(await n1.metric('tulle_mesh_peers_unmet{reason="closed"}'), 0);
      // Said once for each cause, whatever the number of attempts.
      await n2.says('a configured peer is not met: ' + closed);
      await n2.says(/a configured peer is not met: no-such-host\.invalid:7001 \(the name has no address/);
      assert.equal(n2.log.match(/is not met: 127\.0\.0\.1:\d+ \(nobody listens there/g).length, 1);
      assert.ok((await unmet(n2))[closed].attempts > 3);
      const { findings } = await doctor(n1);
      const told = findings.filter(({ kind }) => kind === 'unmet').map(({ text }) => text).join('\n');
      assert.match(told, new RegExp(`has not met its configured peer ${closed} for \\d+ s: nobody listens there`));
    }));

  test('ready_min_members: /ready says how many nodes are missing, and says so again when one dies', () =>
    withCluster(3, { start: false, planned: true, args: ['--ready-min-members', '3'] }, async (cluster) => {
      const [n1, n2, n3] = cluster.nodes;
      const ready = async (node, role = 'listen') => {
        const { status, body } = await request(node.ports[role], '/ready');
        return `${status} ${body.trim()}`;
      };
      n1.launch();
      await n1.bound();
      await waitFor('n1 to serve', async () => (await n1.status()).ready);
      for (const role of ['listen', 'admin']) assert.equal(await ready(n1, role), '503 not ready: 1 of 3 members');
      assert.equal((await n1.status()).not_ready, '1 of 3 members');
      n2.launch([n1.ports.mesh]);
      n3.launch([n1.ports.mesh, n2.ports.mesh]);
      await cluster.whole();
      for (const role of ['listen', 'admin']) assert.equal(await ready(n1, role), '200 ready');
      await n3.kill();
      await waitFor('n1 to miss n3', async () => (await ready(n1)) === '503 not ready: 2 of 3 members');
      const { findings } = await doctor(n1);
      assert.ok(findings.some(({ kind, nodes, text }) => kind === 'not-ready' && nodes[0] === 'n1' && /2 of 3 members/.test(text)));
      n3.restart([n1.ports.mesh]);
      await waitFor('n1 to have all', async () => (await ready(n1)) === '200 ready');
    }));
});

test('doctor says which apps and which rules differ between which nodes', () =>
  withCluster(3, { start: false }, async (cluster) => {
    const configure = async (node, secret, limit, more = '') => {
      const file = path.join(cluster.directory, `${node.name}.toml`);
      await fs.writeFile(file, `[[apps]]\nid = "shop"\nkey = "shop-key"\nsecret = "${secret}"\nmax_connections = ${limit}\n${more}`);
      node.args = ['--config', file];
    };
    const [n1, n2, n3] = cluster.nodes;
    await configure(n1, 'the-secret-of-the-shop', 10);
    await configure(n2, 'the-secret-of-the-shop', 20);
    await configure(n3, 'another-secret', 10, '\n[[apps]]\nid = "more"\nkey = "more-key"\nsecret = "more-secret"\n');
    n3.args.push('--activity-timeout', '20');
    n1.launch();
    await n1.bound();
    n2.launch([n1.ports.mesh]);
    n3.launch([n1.ports.mesh]);
    await cluster.whole();
    const { findings } = await doctor(n2);
    const told = findings.map(({ nodes, text }) => `${nodes.join(' ')} ${text}`);
    for (const expected of [
      "n2 has other settings of the app 'shop' than n1, n3",
      "n3 has another key or secret for the app 'shop' than n1, n2",
      "n1 has no app 'more', unlike n3",
      "n2 has no app 'more', unlike n3",
      'n3 has activity_timeout = 20000 ms, unlike n1, n2',
    ]) assert.ok(told.includes(expected), `${expected} is not in\n${told.join('\n')}`);
    const status = JSON.stringify(await n1.status());
    assert.doesNotMatch(status, /the-secret-of-the-shop/);
  }));
