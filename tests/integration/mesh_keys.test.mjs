// Mesh keys: who may join, what strangers reach, and a change of the key under load.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { MESH_KEY, withCluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { Program, run } from '../support/js/process.mjs';
import { waitFor, within } from '../support/js/wait.mjs';
import { handshake, message } from '../support/js/zmtp.mjs';

const KEY_ID = MESH_KEY.split(' ')[1];

/** A new key in a file of the directory: { file, id, text }. */
async function keygen(directory, name) {
  const file = path.join(directory, name);
  const { code, stderr } = await run('tulle', ['keygen', '-o', file]);
  assert.equal(code, 0, stderr);
  const text = (await fs.readFile(file, 'utf8')).trim();
  return { file, text, id: text.split(' ')[1] };
}

const keysOf = async (node) => (await node.status()).self.keys;
const tulleKeys = (node, ...args) => run('tulle', ['keys', '-s', node.ports.admin, ...args], { ms: 40_000 });

/** Waits until all connections of a node, of so many each way, bear the key. A connection counts from its first message on. */
async function allUse(node, id, count) {
  const all = [{ server: id, client: id, inbound: count, outbound: count }];
  await waitFor(`every connection of ${node.name} to use ${id}`, async () => isDeepStrictEqual((await keysOf(node)).uses, all), { ms: 20_000 });
}

/** Gives a node other keys by its configuration file, and SIGHUP. */
async function give(node, files) {
  await fs.writeFile(node.config, `mesh_keys = [${files.map((file) => `"${file}"`).join(', ')}]\n`);
  node.program.kill('SIGHUP');
}

/** Nodes that read their keys from a file of their own. */
async function byFile(cluster, files) {
  for (const node of cluster.nodes) {
    node.config = path.join(cluster.directory, `${node.name}.toml`);
    await fs.writeFile(node.config, `mesh_keys = [${files.map((file) => `"${file}"`).join(', ')}]\n`);
    node.keys = [];
    node.args = [...node.args, '--config', node.config];
  }
}

describe('tulle keygen', () => {
  test('writes a file for its owner alone, never over another, and says nothing of the secret', async () => {
    await withCluster(1, { start: false }, async ({ directory }) => {
      const { file, text } = await keygen(directory, 'new.key');
      assert.match(text, /^tulle-mesh-1 [0-9a-f]{8} [A-Za-z0-9_-]{43}$/);
      assert.equal((await fs.stat(file)).mode & 0o777, 0o600);
      const again = await run('tulle', ['keygen', '-o', file]);
      assert.equal(again.code, 1);
      assert.match(again.stderr, /exists/);
      assert.equal((await fs.readFile(file, 'utf8')).trim(), text);
      const typo = await run('tulle', ['keys', '--accepted', 'NEW-ID']);
      assert.equal(typo.code, 2);
      assert.match(typo.stderr, /'NEW-ID' is no id of a key/);
      const out = await run('tulle', ['keygen', '-o', '-']);
      assert.match(out.stdout, /^tulle-mesh-1 [0-9a-f]{8} [A-Za-z0-9_-]{43}\n$/);
      assert.ok(!out.stderr.includes(out.stdout.trim().split(' ')[2]));
    });
  });
});

describe('a mesh with keys', () => {
  test('takes the key from a file, the environment or a credential, and shows ids alone', () => withCluster(3, { start: false }, async (cluster) => {
    const [byFlag, byEnvironment, byCredential] = cluster.nodes;
    byEnvironment.keys = [];
    byEnvironment.env = { TULLE_MESH_KEYS: MESH_KEY };
    byCredential.keys = [];
    byCredential.env = { CREDENTIALS_DIRECTORY: cluster.directory };
    await cluster.start();
    for (const node of cluster.nodes) {
      const { ids, bound } = await keysOf(node);
      assert.deepEqual({ ids, bound }, { ids: [KEY_ID], bound: KEY_ID });
      await allUse(node, KEY_ID, 4);
    }
    const secret = MESH_KEY.split(' ')[2];
    for (const node of cluster.nodes) {
      assert.ok(!node.log.includes(secret));
      for (const place of ['/v1/status', '/v1/doctor', '/metrics']) {
        assert.ok(!(await request(node.ports.admin, place)).body.includes(secret), place);
      }
    }
    const { code, stdout } = await tulleKeys(byFlag);
    assert.equal(code, 0);
    assert.equal(stdout.split('\n').filter((line) => line.includes(KEY_ID)).length, 3);
  }));

  test('lets nothing of a stranger in: NULL, ZMTP 1.0, HTTP, TLS, random bytes, silence', () => withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
    await allUse(n1, KEY_ID, 2);
    const before = await keysOf(n1);
    const strangers = {
      'NULL of ZMTP 3': Buffer.concat([handshake('DEALER'), message(Buffer.from('hello'))]),
      'ZMTP 1.0': Buffer.concat([Buffer.from([1, 0]), Buffer.from([6, 0]), Buffer.from('hello')]),
      HTTP: Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello'),
      TLS: Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), Buffer.alloc(500, 0x78)]),
      'random bytes': randomBytes(4096),
    };
    let count = 0;
    for (const port of [n1.ports.mesh, n1.ports.mesh_data]) {
      for (const [what, bytes] of Object.entries(strangers)) {
        const socket = net.connect(parts(port), () => socket.write(bytes));
        await within(15_000, `the end of ${what}`, new Promise((resolve) => {
          socket.on('error', resolve).on('close', resolve).on('data', () => {});
        }));
        ++count;
      }
    }
    await waitFor('them to be counted', async () => (await n1.metric('tulle_mesh_inbound_refused_total')) >= count);
    assert.equal(await n1.metric('tulle_mesh_malformed_messages_total'), 0, 'nothing of theirs reached a decoder');
    assert.equal(await n1.metric('tulle_mesh_unknown_messages_total'), 0);
    assert.deepEqual(await keysOf(n1), before, 'no connection of the mesh has changed');
    assert.equal(await n1.stateOf(n2.name), 'alive');
    await n1.says(/refused \d+ connections to the mesh ports/);
  }));

  test('refuses a node with another key or none, on both sides, and takes it in once it has the key', () => withCluster(3, { start: false }, async (cluster) => {
    const [n1, n2, n3] = cluster.nodes;
    const other = await keygen(cluster.directory, 'other.key');
    await byFile({ nodes: [n2], directory: cluster.directory }, [other.file]);
    n3.keys = [];
    n1.launch();
    await n1.ready();
    n2.launch([n1.ports.mesh]);
    n3.launch([n1.ports.mesh]);
    for (const node of [n2, n3]) {
      await node.bound();
      await waitFor(`${node.name} to say that it is refused`, () => node.log.includes('for its key'));
      assert.match(node.log, node === n2 ? new RegExp(`none of this node's mesh keys \\(${other.id}\\).*not known`) : /this node has no mesh keys/);
      assert.equal((await request(node.ports.admin, '/ready')).status, 503, `${node.name} does not serve alone`);
      const doctor = await run('tulle', ['doctor', '-s', node.ports.admin]);
      assert.equal(doctor.code, 1);
      assert.match(doctor.stdout, /key/);
    }
    await waitFor('n1 to say so too', () => n1.log.includes("none of this node's mesh keys"));
    assert.deepEqual((await n1.status()).members, []);
    assert.equal((await request(n1.ports.admin, '/ready')).status, 200);
    await give(n2, [path.join(cluster.directory, 'mesh.key')]);
    await cluster.whole([n1, n2]);
    assert.equal((await keysOf(n2)).bound, KEY_ID);
  }));
});

describe('the configuration of keys', () => {
  const refused = async (args, env = {}) => {
    const { code, stderr } = await run('tulled', ['--check-config', ...args], { env });
    assert.equal(code, 2, stderr);
    return stderr;
  };
  test('is refused with the file and the reason, and never with the secret', () => withCluster(1, { start: false }, async ({ directory }) => {
    const { file, text } = await keygen(directory, 'a.key');
    const secret = text.split(' ')[2];
    await fs.chmod(file, 0o644);
    assert.match(await refused(['--mesh-keys', file]), /a\.key.*0644/);
    await fs.chmod(file, 0o600);
    assert.match(await refused(['--mesh-keys', `${file},${file}`]), /twice/);
    assert.match(await refused(['--mesh-keys', `${file},x,y`]), /at most 2/);
    assert.match(await refused(['--mesh-keys', path.join(directory, 'none')]), /none.*No such file/);
    for (const stderr of [await refused(['--mesh-keys', text]), await refused([], { TULLE_MESH_KEYS: `${text}x` })]) {
      assert.ok(!stderr.includes(secret), stderr);
    }
    assert.match(await refused(['--mesh', '0.0.0.0:7001', '--advertise', '10.0.0.1']), /keygen/);
    const config = path.join(directory, 'relative.toml');
    await fs.writeFile(config, 'mesh_keys = "a.key"\n');
    const relative = await run('tulled', ['--check-config', '--config', config]);
    assert.equal(relative.code, 0, relative.stderr);
    for (const key of [`["${text}"]`, `["a.key", " ${text}"]`, `"a.key, ${text}"`]) {
      await fs.writeFile(config, `mesh_keys = ${key}\n`);
      const stderr = await refused(['--config', config]);
      assert.match(stderr, /name a file/);
      assert.ok(!stderr.includes(secret), stderr);
    }
    const good = await run('tulled', ['--check-config', '--mesh', '0.0.0.0:7001', '--advertise', '10.0.0.1', '--mesh-keys', file]);
    assert.equal(good.code, 0, good.stderr);
  }));
});

describe('a change of the key', () => {
  test('of five nodes under load loses and doubles nothing, and nobody is taken for dead', () => withCluster(5, { start: false }, async (cluster) => {
    const { nodes, directory } = cluster;
    const a = path.join(directory, 'mesh.key');
    const b = await keygen(directory, 'b.key');
    await byFile(cluster, [a]);
    await cluster.start();
    const urls = nodes.flatMap(({ ports }) => ['--url', `ws://${ports.listen}`]);
    const load = new Program('tulle', ['bench', 'relay', ...urls, '--subscribers', '8', '--channels', '4', '--rate', '5000', '--publishers', '4',
      '--http-batch', '10', '--seconds', '24', '--json'], { env: { TULLE_APP_SECRET: 'app-secret' } });
    try {
      await waitFor('messages to come', async () => (await nodes[4].metric('tulle_mesh_records_received_total')) > 100);
      await Promise.all(nodes.map((node) => give(node, [a, b.file])));
      const added = await tulleKeys(nodes[0], '--accepted', b.id, '--expect', '5', '--wait', '20');
      assert.equal(added.code, 0, added.stderr);
      const early = await tulleKeys(nodes[0], '--used', b.id);
      assert.equal(early.code, 1, 'not called done early');
      assert.match(early.stderr, new RegExp(`uses ${KEY_ID}`));
      await Promise.all(nodes.map((node) => give(node, [b.file, a])));
      const used = await tulleKeys(nodes[0], '--used', b.id, '--expect', '5', '--wait', '20');
      assert.equal(used.code, 0, used.stderr + used.stdout);
      await Promise.all(nodes.map((node) => give(node, [b.file])));
      await waitFor('the former key to be gone', async () => !(await tulleKeys(nodes[0])).stdout.includes(KEY_ID));
      const { code } = await within(60_000, 'the end of the load', load.ended);
      assert.equal(code, 0, load.output);
      const { sent, expected, received, missing, duplicates } = JSON.parse(load.stdout).run;
      assert.ok(sent > 50_000, load.stdout);
      assert.deepEqual({ received, missing, duplicates }, { received: expected, missing: 0, duplicates: 0 });
      for (const node of nodes) {
        assert.equal(await node.metric('tulle_mesh_deaths_total'), 0, node.log);
        assert.equal(await node.metric('tulle_mesh_records_gone_total'), 0);
        await allUse(node, b.id, 8);
      }
    } finally {
      load.kill('SIGKILL');
    }
  }));

  test('that one node was not told of: both sides name the keys of both, and the node comes back with the key', () => withCluster(3, { start: false }, async (cluster) => {
    const { nodes: [n1, n2, n3], directory } = cluster;
    const a = path.join(directory, 'mesh.key');
    const b = await keygen(directory, 'b.key');
    await byFile(cluster, [a]);
    await cluster.start();
    const told = [n1, n2];
    for (const [files, flag] of [[[a, b.file], '--accepted'], [[b.file, a], '--used'], [[b.file], '--used']]) {
      await Promise.all(told.map((node) => give(node, files)));
      await waitFor(`both to have ${files}`, async () => {
        const rings = await Promise.all(told.map(keysOf));
        return rings.every(({ ids, bound }) => ids.length === files.length && (flag === '--accepted' || bound === b.id));
      }, { ms: 20_000 });
    }
    const refusal = (own, other) => new RegExp(`refused by .*none of this node's mesh keys \\([^)]*${own}[^)]*\\).*heard last it had [^(]*${other}`);
    await waitFor('n3 to name both', () => refusal(KEY_ID, b.id).test(n3.log), { ms: 20_000 });
    for (const node of told) await waitFor(`${node.name} to name both`, () => refusal(b.id, KEY_ID).test(node.log), { ms: 20_000 });
    await give(n3, [b.file]);
    await cluster.whole([n1, n2, n3]);
    // n3 binds its ports with the new key a moment after it has the key.
    await allUse(n3, b.id, 4);
  }));
});
