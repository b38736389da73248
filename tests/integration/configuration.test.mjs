// Flags, environment, file, exit codes.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RawClient } from '../support/js/clients.mjs';
import { Cluster, TulleNode, withCluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { plannedAddresses } from '../support/js/ports.mjs';
import { run } from '../support/js/process.mjs';

const ANY = ['--listen', '127.0.0.1:0', '--mesh', '127.0.0.1:0', '--admin', '127.0.0.1:0'];

let directory;
before(async () => { directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-test-')); });
after(() => fs.rm(directory, { recursive: true, force: true }));

async function file(name, text) {
  const full = path.join(directory, name);
  await fs.writeFile(full, text);
  return full;
}

async function refused(args, options = {}) {
  const { code, stderr } = await run('tulled', args, options);
  assert.equal(code, 2, stderr);
  return stderr;
}

describe('wrong configuration ends with exit code 2 and says what is wrong', () => {
  test('an unknown flag', async () => {
    assert.match(await refused(['--lisen', '127.0.0.1:0']), /--lisen/);
  });

  test('a flag without its value, and one with a value that is none', async () => {
    assert.match(await refused(['--listen']), /--listen/);
    assert.match(await refused(['--listen', 'nowhere']), /--listen.*nowhere/);
    assert.match(await refused(['--listen', '127.0.0.1:65536']), /--listen.*65536/);
  });

  test('an unknown TULLE_ variable', async () => {
    assert.match(await refused(ANY, { env: { TULLE_LISEN: '127.0.0.1:0' } }), /TULLE_LISEN/);
  });

  test('a TULLE_ variable with a value that is none', async () => {
    assert.match(await refused(ANY, { env: { TULLE_SHARDS: 'many' } }), /TULLE_SHARDS.*many/);
  });

  test('an unknown key of the file: file, line and key', async () => {
    const config = await file('unknown.toml', '# a node\nname = "n1"\nlisen = "127.0.0.1:0"\n');
    const said = await refused(['--config', config]);
    assert.ok(said.includes(`${config}:3`) && said.includes('lisen'), said);
  });

  test('an unknown key of an app: file, line and key', async () => {
    const config = await file('app.toml', 'name = "n1"\n\n[[apps]]\nid = "a"\nkey = "k"\nsecret = "s"\ncolour = "red"\n');
    const said = await refused(['--config', config]);
    assert.ok(said.includes(`${config}:7`) && said.includes('colour'), said);
  });

  test('a file that is no TOML: file and line', async () => {
    const config = await file('broken.toml', 'name = "n1"\nlisten = \n');
    assert.ok((await refused(['--config', config])).includes(`${config}:2`));
  });

  test('a file that is not there', async () => {
    assert.match(await refused(['--config', path.join(directory, 'missing.toml')]), /missing\.toml/);
  });
});

describe('what would expose an unprotected node is refused', () => {
  test('the default app off loopback', async () => {
    assert.match(await refused(['--listen', '0.0.0.0:0', '--mesh', '127.0.0.1:0', '--check-config']), /app/);
  });

  for (const flag of ['--mesh', '--mesh-data', '--admin']) {
    test(`${flag} off loopback, unless --insecure-mesh allows it`, async () => {
      assert.match(await refused([...ANY.filter((_, i) => ANY[i - (i % 2)] !== flag), flag, '0.0.0.0:0', '--check-config']),
        /--insecure-mesh/);
      const { code } = await run('tulled', ['--listen', '127.0.0.1:0', flag, '0.0.0.0:0', '--insecure-mesh', '--check-config']);
      assert.equal(code, 0);
    });
  }

  test('a configured app may be served off loopback', async () => {
    const config = await file('exposed.toml', 'listen = "0.0.0.0:0"\n[[apps]]\nid = "a"\nkey = "k"\nsecret = "s"\n');
    assert.equal((await run('tulled', ['--config', config, '--check-config'])).code, 0);
  });
});

test('--check-config opens nothing', async () => {
  const ports = path.join(directory, 'checked.json');
  assert.equal((await run('tulled', [...ANY, '--ports-file', ports, '--check-config'])).code, 0);
  await assert.rejects(fs.access(ports));
});

test('--version and --help end with exit code 0', async () => {
  assert.match((await run('tulled', ['--version'])).stdout, /^tulled \d+\.\d+\.\d+\n$/);
  assert.match((await run('tulled', ['--help'])).stdout, /--ports-file/);
});

test('the ports file names what is bound, and is there whole or not at all', () => withCluster(1, {}, async ({ nodes: [node] }) => {
  assert.deepEqual(Object.keys(node.ports).sort(), ['admin', 'listen', 'mesh', 'mesh_data']);
  for (const address of Object.values(node.ports)) assert.match(address, /^127\.0\.0\.1:[1-9]\d*$/);
  assert.equal((await request(node.ports.listen, '/up')).status, 200);
  assert.equal((await request(node.ports.admin, '/up')).status, 200);
  assert.deepEqual(await fs.readdir(node.directory), [path.basename(node.portsFile)]);
}));

test('mesh_data is the port after mesh unless it is named', async () => {
  const { mesh_data: _, ...addresses } = await plannedAddresses();
  const node = new TulleNode('n1', directory, { addresses });
  node.launch();
  try {
    await node.bound();
    assert.equal(parts(node.ports.mesh_data).port, parts(addresses.mesh).port + 1);
  } finally {
    node.program.kill();
    await node.gone();
  }
});

test('a flag precedes the environment, which precedes the file, which precedes the default', async () => {
  const config = await file('precedence.toml', 'activity_timeout = 100\n');
  const steps = [
    { args: [], env: {}, expected: 30 },
    { args: ['--config', config], env: {}, expected: 100 },
    { args: ['--config', config], env: { TULLE_ACTIVITY_TIMEOUT: '90' }, expected: 90 },
    { args: ['--config', config, '--activity-timeout', '80'], env: { TULLE_ACTIVITY_TIMEOUT: '90' }, expected: 80 },
  ];
  for (const { expected, ...options } of steps) {
    await withCluster(1, options, async ({ nodes: [node] }) => {
      const raw = new RawClient(node);
      const hello = JSON.parse((await raw.next('pusher:connection_established')).data);
      raw.drop();
      assert.equal(hello.activity_timeout, expected);
    });
  }
});

describe('an address that is taken ends with exit code 1 and is named', () => {
  const roles = ['listen', 'mesh', 'mesh_data', 'admin'];
  for (const role of roles) {
    test(`${role}, taken by another program`, async () => {
      const addresses = await plannedAddresses();
      const holder = net.createServer();
      await new Promise((resolve) => { holder.listen(parts(addresses[role]), resolve); });
      const node = new TulleNode('n1', directory, { addresses });
      node.launch();
      try {
        await node.gone();
        assert.equal(node.program.child.exitCode, 1, node.log);
        assert.ok(node.log.includes(addresses[role]), node.log);
      } finally {
        node.program.kill('SIGKILL');
        holder.close();
      }
    });

    test(`${role}, taken by another node`, () => withCluster(1, {}, async ({ nodes: [holder] }) => {
      const addresses = { ...await plannedAddresses(), [role]: holder.ports[role] };
      const node = new TulleNode('n2', directory, { addresses });
      node.launch();
      try {
        await node.gone();
        assert.equal(node.program.child.exitCode, 1, node.log);
        assert.ok(node.log.includes(addresses[role]), node.log);
      } finally {
        node.program.kill('SIGKILL');
      }
      assert.equal((await request(holder.ports.admin, '/ready')).status, 200);
    }));
  }
});

test('no secret is ever in the logs or on a status page', async () => {
  const secret = 'correct-horse-battery-staple';
  const config = await file('secret.toml',
    `log_level = "trace"\n[[apps]]\nid = "a"\nkey = "app-key"\nsecret = "${secret}"\nclient_events = true\n`);
  const cluster = await Cluster.create(1, { args: ['--config', config] });
  try {
    await cluster.start();
    const [node] = cluster.nodes;
    const raw = await new RawClient(node).open();
    raw.send({ event: 'pusher:subscribe', data: { channel: 'private-a', auth: 'app-key:00' } });
    await raw.next('pusher:subscription_error');
    raw.drop();
    const { body } = await request(node.ports.admin, '/v1/status');
    const metrics = await request(node.ports.admin, '/metrics');
    assert.ok(!`${node.log}${body}${metrics.body}`.includes(secret));
  } finally {
    await cluster.stop();
  }
});
