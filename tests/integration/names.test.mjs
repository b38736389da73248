// Peers that are given by names: the system's resolver, with a hosts file of the test's own in place of the machine's.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { inbox, subscribed, withClients } from '../support/js/clients.mjs';
import { MESH_KEY, TulleNode } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { plannedAddresses } from '../support/js/ports.mjs';
import { PROJECT, run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
if (!canMount) console.error('SKIPPED: names.test.mjs needs root, for a hosts file of its own (unshare --mount)');

let directory;
before(async () => { directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-test-')); });
after(() => fs.rm(directory, { recursive: true, force: true }));

let files = 0;
/** A hosts file: lines of "ADDRESS NAME". It is written in place, as a node looks at it by a mount. */
async function hostsFile(...lines) {
  const full = path.join(directory, `hosts-${++files}`);
  await fs.writeFile(full, `127.0.0.1 localhost\n${lines.join('\n')}\n`);
  return full;
}

/** Ports for nodes that differ in their addresses alone, as the pods of a headless Service do. */
async function ports() {
  const { mesh, mesh_data: data, listen } = await plannedAddresses();
  return { mesh: parts(mesh).port, data: parts(data).port, listen: parts(listen).port };
}

function nodeAt(name, address, port, hosts, args = []) {
  const addresses = { listen: `127.0.0.1:0`, mesh: `${address}:${port.mesh}`, mesh_data: `${address}:${port.data}`, admin: '127.0.0.1:0' };
  const under = ['unshare', '--mount', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$@"`, 'sh'];
  return new TulleNode(name, directory, { addresses, args, under });
}

async function withNodes(nodes, body) {
  try {
    await body();
  } catch (error) {
    for (const node of nodes) console.error(node.log);
    throw error;
  } finally {
    for (const node of nodes) node.program?.kill('SIGKILL');
    for (const node of nodes) if (node.program) await node.gone();
  }
}

const sees = (observer, name, ms = 20_000) =>
  waitFor(`${observer.name} to see ${name} alive`, async () => (await observer.stateOf(name)) === 'alive', { ms });

test('one name for all peers, the node itself among them: all meet, whatever the order of their addresses', { skip: !canMount }, async () => {
  const port = await ports();
  const hosts = await hostsFile('127.0.1.1 mesh.test', '::1 mesh.test', '127.0.1.3 mesh.test', '127.0.1.2 mesh.test', '127.0.1.9 mesh.test');
  const nodes = [1, 2, 3].map((i) => nodeAt(`n${i}`, `127.0.1.${i}`, port, hosts));
  await withNodes(nodes, async () => {
    for (const node of nodes) await node.restart([`mesh.test:${port.mesh}`]);
    await Promise.all(nodes.map((node) => node.ready()));
    for (const node of nodes) for (const other of nodes) if (node !== other) await sees(node, other.name);
  });
});

test('a name that gets an address later is looked up again', { skip: !canMount }, async () => {
  const port = await ports();
  const first = await hostsFile('127.0.1.1 mesh.test');
  const alone = await hostsFile('127.0.1.2 mesh.test');
  const nodes = [nodeAt('n1', '127.0.1.1', port, first), nodeAt('n2', '127.0.1.2', port, alone)];
  await withNodes(nodes, async () => {
    for (const node of nodes) await node.restart([`mesh.test:${port.mesh}`]);
    await Promise.all(nodes.map((node) => node.ready()));
    assert.deepEqual((await nodes[0].status()).members, []);
    await fs.appendFile(first, '127.0.1.2 mesh.test\n');
    await sees(nodes[0], 'n2');
    await sees(nodes[1], 'n1');
  });
});

test('a node that advertises a name is reached by whichever of its addresses leads there', { skip: !canMount }, async () => {
  const port = await ports();
  const hosts = await hostsFile('::1 n2.test', '127.0.1.8 n2.test', '127.0.1.2 n2.test', '127.0.1.1 n1.test');
  const nodes = [nodeAt('n1', '127.0.1.1', port, hosts, ['--advertise', 'n1.test']),
    nodeAt('n2', '127.0.1.2', port, hosts, ['--advertise', 'n2.test'])];
  await withNodes(nodes, async () => {
    for (const node of nodes) await node.restart([`n1.test:${port.mesh}`]);
    await Promise.all(nodes.map((node) => node.ready()));
    await sees(nodes[0], 'n2');
    await sees(nodes[1], 'n1');
    await withClients([nodes[0]], async (there) => {
      const said = inbox(await subscribed(there, 'news'), 'said');
      const { code, stderr } = await run('tulle', ['pub', 'news', 'said', '{"n":1}', '--url', `http://${nodes[1].ports.listen}`]);
      assert.equal(code, 0, stderr);
      await waitFor('the event', () => said.length === 1);
    });
  });
});

test("the README's variables for containers make a mesh, by one name for all and every address of the machine", { skip: !canMount }, async () => {
  const readme = await fs.readFile(path.join(PROJECT, 'README.md'), 'utf8');
  const start = readme.indexOf('### In containers');
  const block = readme.slice(start, readme.indexOf('\n#', start));
  const lines = [...block.matchAll(/^ {4}(TULLE_\w+)=(\S+)/gm)].map(([, name, value]) => [name, value]);
  assert.deepEqual(lines.map(([name]) => name).sort(), ['ADVERTISE', 'APP_ID', 'APP_KEY', 'APP_SECRET', 'LISTEN', 'MESH',
    'MESH_KEYS', 'PEERS'].map((name) => `TULLE_${name}`));
  const hosts = await hostsFile('127.0.3.1 tulle-mesh', '127.0.3.2 tulle-mesh');
  const key = path.join(directory, 'readme.key');
  await fs.writeFile(key, `${MESH_KEY}\n`, { mode: 0o600 });
  const places = [await ports(), await ports()];
  const nodes = places.map((port, i) => {  // one machine has each port once: the mesh's own differ, and that of the first is the name's
    const env = Object.fromEntries(lines.map(([name, value]) => [name, value.replace('10.1.2.3', `127.0.3.${i + 1}`).replace('/run/secrets/mesh.key', key).replace(':6001', `:${port.listen}`)
      .replace(':7001', name === 'TULLE_PEERS' ? `:${places[0].mesh}` : `:${port.mesh}`)]));
    const node = nodeAt(`n${i + 1}`, '', port, hosts);
    return Object.assign(node, { addresses: { admin: '127.0.0.1:0' }, env });
  });
  await withNodes(nodes, async () => {
    for (const node of nodes) await node.restart();
    await Promise.all(nodes.map((node) => node.ready()));
    await sees(nodes[0], 'n2');
    await sees(nodes[1], 'n1');
    const { members } = await nodes[1].status();
    assert.ok(JSON.stringify(members).includes(`"127.0.3.1:${places[0].listen}"`), JSON.stringify(members));
    const { TULLE_APP_ID, TULLE_APP_KEY, TULLE_APP_SECRET } = nodes[0].env;
    const app = { TULLE_APP_ID, TULLE_APP_KEY, TULLE_APP_SECRET };
    const { code, stderr } = await run('tulle', ['pub', 'news', 'e', '{}', '--url', `http://127.0.3.2:${places[1].listen}`], { env: app });
    assert.equal(code, 0, stderr);
  });
});

test('a node whose peers are given with other ports of theirs is asked whether these are the mesh ports', async () => {
  const silent = net.createServer();
  await new Promise((resolve) => { silent.listen({ host: '127.0.0.1', port: 0 }, resolve); });
  const other = new TulleNode('n2', directory, {});
  const node = new TulleNode('n1', directory, {});
  try {
    await withNodes([other, node], async () => {
      await other.restart();
      await other.ready();
      const wrong = [other.ports.mesh_data, other.ports.listen, other.ports.admin, `127.0.0.1:${silent.address().port}`];
      await node.restart(wrong);
      const line = await waitFor('the log to tell that it is alone', () => /this node is alone.*/.exec(node.log)?.[0], { ms: 15_000 });
      for (const address of wrong) {
        const isTold = line.includes(`${address} (takes connections and speaks no mesh protocol: is this the mesh port?)`);
        // The data port speaks the nodes' protocol, and ends the handshake without a reason, as for a key that it does not know.
        assert.ok(isTold || (address === other.ports.mesh_data && line.includes(`${address} (refuses this node, for its key)`)), line);
      }
    });
  } finally {
    silent.close();
  }
});

test('a node that finds none of its peers says so, with each reason, and serves all the same', async () => {
  const { mesh } = await plannedAddresses();
  const node = new TulleNode('n1', directory, {});
  await withNodes([node], async () => {
    await node.restart([mesh, 'no-such-host.invalid:7001']);
    await node.ready();
    const line = await waitFor('the log to tell that it is alone', () => /this node is alone.*/.exec(node.log)?.[0], { ms: 15_000 });
    assert.match(line, /without any of its 2 configured peers/);
    assert.ok(line.includes(`${mesh} (nobody listens there)`), line);
    assert.match(line, /no-such-host\.invalid:7001 \(the name has no address: /);
    assert.equal((await request(node.ports.admin, '/ready')).status, 200);
    assert.equal(await node.metric('tulle_mesh_peers_configured'), 2);
    assert.equal(await node.metric('tulle_mesh_peers_met'), 0);
  });
});
