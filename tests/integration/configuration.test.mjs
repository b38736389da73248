// Flags, environment, file, exit codes.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { RawClient } from '../support/js/clients.mjs';
import { Cluster, MESH_KEY, TulleNode, withCluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { plannedAddresses } from '../support/js/ports.mjs';
import { PROJECT, binary, run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

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

  for (const flag of ['--mesh', '--mesh-data']) {
    test(`${flag} off loopback, unless --insecure-mesh allows it`, async () => {
      assert.match(await refused([...ANY.filter((_, i) => ANY[i - (i % 2)] !== flag), flag, '0.0.0.0:0', '--check-config']),
        /--insecure-mesh/);
      const { code } = await run('tulled', ['--listen', '127.0.0.1:0', flag, '0.0.0.0:0', '--insecure-mesh', '--advertise', '127.0.0.1',
        '--check-config']);
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
  assert.deepEqual((await fs.readdir(node.directory)).filter((name) => name !== 'mesh.key'), [path.basename(node.portsFile)]);
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

describe('--check-config refuses what the start refuses, with the same words', () => {
  const wrong = [
    ['a mesh on every address that names none to the others', ['--mesh', '0.0.0.0:0', '--insecure-mesh'], /advertise/],
    ['the same, written otherwise', ['--mesh', '[::0]:0', '--insecure-mesh'], /mesh: cannot listen on .*advertise/],
    ['a host name that is none', ['--listen', 'no-such-host.invalid:0', '--config', 'APP'], /listen: cannot listen on no-such-host\.invalid:0: /],
    ['the same of the mesh', ['--mesh', 'no-such-host.invalid:0', '--insecure-mesh'], /mesh: cannot listen on /],
    ['an address of another machine', ['--admin', '192.0.2.1:0', '--admin-token-file', 'TOKENS'], /admin: cannot listen on 192\.0\.2\.1:0: Cannot assign/],
    ['one port for two things', ['--listen', '127.0.0.1:29999', '--admin', '127.0.0.1:29999'], /listen .*and admin .*same port/],
    ['a ports file in no directory', ['--ports-file', '/no/such/directory/p.json'], /ports_file: .*No such file or directory/],
    ['a ports file that is a directory', ['--ports-file', os.tmpdir()], /ports_file: .* cannot be written: Is a directory/],
    ['the same, written otherwise', ['--ports-file', `${os.tmpdir()}/new/`], /ports_file: .* cannot be written: Is a directory/],
    ['a ports file whose directory is a file', ['--ports-file', '/etc/hostname/p.json'], /ports_file: .*: Not a directory/],
    ['a ports file where nothing can be made', ['--ports-file', '/proc/p.json'], /ports_file: .* cannot be written: \/proc: /],
    ['a ports file with a name that is too long', ['--ports-file', `/tmp/${'p'.repeat(250)}`], /ports_file: .*File name too long/],
    ['one port for two names of one address', ['--listen', '127.1:29999', '--admin', '127.0.0.1:29999', '--config', 'APP'],
      /listen .*and admin .*same address and port/],
    ['the same in two families', ['--listen', '[::0]:29999', '--admin', '127.0.0.1:29999', '--config', 'APP'],
      /listen .*and admin .*same address and port/],
    ['an address to advertise that is none', ['--advertise', 'n1:7001'], /--advertise: 'n1:7001' is not a host/],
    ['a directory of apps that is not there', ['--apps-dir', '/no/such/apps'], /\/no\/such\/apps: cannot be read: No such file or directory/],
    ['a file that may not be read', ['--config', '/proc/self/mem'], /\/proc\/self\/mem: cannot be read: Input\/output error/],
  ];
  for (const [what, args, said] of wrong) {
    test(what, async () => {
      const app = await file('an-app.toml', '[[apps]]\nid = "a"\nkey = "k"\nsecret = "s"\n');
      const tokens = await file('tokens', `ops operate ${'x'.repeat(32)}\n`);
      await fs.chmod(tokens, 0o600);
      const flags = args.map((arg) => ({ APP: app, TOKENS: tokens }[arg] ?? arg));
      const all = [...ANY.filter((_, i) => !flags.includes(ANY[i - (i % 2)])), ...flags];
      const started = await refused(all);
      assert.match(started, said);
      assert.equal(await refused([...all, '--check-config']), started);
    });
  }
});

test('--check-config refuses ports for which the user lacks the right, as the start does', { skip: process.getuid() !== 0 }, async () => {
  const program = path.join(directory, 'tulled');
  await fs.copyFile(binary('tulled'), program);
  await fs.chmod(directory, 0o755);
  const under = (args) => promisify(execFile)('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', program, ...args],
    { env: {}, timeout: 10_000 }).then(() => ({ code: 0 }), (error) => error);
  for (const key of ['--listen', '--mesh', '--mesh-data', '--admin']) {
    const args = [...ANY.filter((_, i) => ANY[i - (i % 2)] !== key), key, '127.0.0.1:81'];
    const started = await under(args);
    assert.equal(started.code, 2, started.stderr);
    assert.match(started.stderr, /: cannot listen on 127\.0\.0\.1:81: Permission denied: ports below 1024 need the right CAP_NET_BIND_SERVICE/);
    assert.equal((await under([...args, '--check-config'])).stderr, started.stderr);
    assert.equal((await run('tulled', [...args, '--check-config'])).code, 0, 'root has the right');
  }
});

describe('the environment belongs to others too', () => {
  const OF_A_SERVICE = {
    TULLE_PORT: 'tcp://10.0.0.1:6001', TULLE_SERVICE_HOST: '10.0.0.1', TULLE_SERVICE_PORT: '6001', TULLE_SERVICE_PORT_WS: '6001',
    TULLE_PORT_6001_TCP: 'tcp://10.0.0.1:6001', TULLE_PORT_6001_TCP_PROTO: 'tcp', TULLE_PORT_6001_TCP_PORT: '6001',
    TULLE_PORT_6001_TCP_ADDR: '10.0.0.1', TULLE_MESH_SERVICE_HOST: '10.0.0.2', TULLE_LISTEN: '',
  };

  test('what Kubernetes sets for a Service named tulle is ignored, with a warning that names it', () =>
    withCluster(1, { env: OF_A_SERVICE }, async ({ nodes: [node] }) => {
      const line = await waitFor('the warning', () => /environment variables that are no setting of tulled are ignored.*/.exec(node.log)?.[0]);
      for (const name of Object.keys(OF_A_SERVICE).filter((key) => key !== 'TULLE_LISTEN')) assert.ok(line.includes(name), `${name}: ${line}`);
      assert.ok(!line.includes('TULLE_LISTEN'), line);
    }));

  test('a near miss of a key is an error that names the key', async () => {
    assert.match(await refused(ANY, { env: { TULLE_PEER: '127.0.0.1:1' } }), /TULLE_PEER: is TULLE_PEERS meant\?/);
  });

  test('TULLE_APP_ID, TULLE_APP_KEY and TULLE_APP_SECRET are the app, and the public one is not served', () => {
    const env = { TULLE_APP_ID: 'shop', TULLE_APP_KEY: 'shop-key', TULLE_APP_SECRET: 'shop-secret' };
    return withCluster(1, { env }, async ({ nodes: [node] }) => {
      const raw = await new RawClient(node, '/app/shop-key?protocol=7').open();
      raw.drop();
      const stranger = new RawClient(node);
      assert.equal((await stranger.end()).code, 4001);
      const { code, stderr } = await run('tulle', ['pub', 'news', 'e', '{}', '--url', `http://${node.ports.listen}`], { env });
      assert.equal(code, 0, stderr);
    });
  });

  test('one of the three alone is an error', async () => {
    assert.match(await refused(ANY, { env: { TULLE_APP_ID: 'shop' } }), /TULLE_APP_KEY, TULLE_APP_SECRET are not set/);
  });

  test('one TULLE_ADMIN serves tulled and tulle', async () => {
    const { admin, listen, mesh } = await plannedAddresses();
    for (const value of [admin, `http://${admin}`]) {
      const env = { TULLE_ADMIN: value };
      const node = new TulleNode('n1', directory, { addresses: { listen, mesh }, env });
      await node.restart();
      try {
        await node.ready();
        assert.equal(node.ports.admin, admin);
        const { code, stderr } = await run('tulle', ['status'], { env });
        assert.equal(code, 0, stderr);
      } finally {
        node.program.kill('SIGTERM');
        await node.gone();
        await fs.rm(node.portsFile, { force: true });
      }
    }
  });
});

test('SIGHUP tells which changed settings hold only after a restart, and changes the log level', async () => {
  const config = await file('reloaded.toml', 'shards = 1\nlog_level = "info"\nactivity_timeout = 100\n[[apps]]\nid = "a"\nkey = "k"\nsecret = "s"\n');
  const cluster = await Cluster.create(1, { args: ['--config', config] });
  try {
    await cluster.start();
    const [node] = cluster.nodes;
    const reloaded = (count) => waitFor('the reload', () => node.log.split('the apps have been read again').length === count + 1);
    node.program.kill('SIGHUP');
    await reloaded(1);
    assert.doesNotMatch(node.log, /only after a restart/);
    await fs.writeFile(config, 'shards = 2\nlog_level = "warn"\n[webhooks]\ntimeout = "1s"\n[[apps]]\nid = "a"\nkey = "k"\nsecret = "s"\n');
    node.program.kill('SIGHUP');
    const line = await waitFor('the line', () => /these settings have changed.*/.exec(node.log)?.[0]);
    await node.says(/log_level is now warn/);
    assert.match(line, /hold only after a restart: shards, activity_timeout, \[webhooks\]/);
    const before = await node.metric('tulle_config_reloads_total');
    node.program.kill('SIGHUP');
    await waitFor('one more reload', async () => (await node.metric('tulle_config_reloads_total')) === before + 1);
    assert.equal(node.log.split('the apps have been read again').length, 3, 'the level is warn by now');
  } finally {
    await cluster.stop();
  }
});

test('SIGHUP says nothing of a default that is written out, nor of the same value in other words', async () => {
  const app = '[[apps]]\nid = "a"\nkey = "k"\nsecret = "s"\n';
  const config = await file('same.toml', `shards = 2\npeers = ["localhost:1", "127.0.0.1:2"]\n${app}`);
  const cluster = await Cluster.create(1, { args: ['--config', config] });
  try {
    await cluster.start();
    const [node] = cluster.nodes;
    const reloaded = (count) => waitFor('the reload', () => node.log.split('the apps have been read again').length === count + 1);
    await fs.writeFile(config, 'activity_timeout = 30\nhub = "auto"\ncluster = "tulle"\ninsecure_mesh = false\nshards = 2\n' +
      `max_connections_per_address = 0\noutbox_bytes = 1048576\npeers = "localhost:1,  127.0.0.1:2"\n${app}`);
    node.program.kill('SIGHUP');
    await reloaded(1);
    assert.doesNotMatch(node.log, /only after a restart/);
    await fs.writeFile(config, `activity_timeout = 31\nshards = 1\npeers = []\n${app}`);
    node.program.kill('SIGHUP');
    await reloaded(2);
    const line = await waitFor('the line', () => /these settings have changed.*/.exec(node.log)?.[0]);
    assert.match(line, /hold only after a restart: peers, shards, activity_timeout("|$)/);
  } finally {
    await cluster.stop();
  }
});

test('two signals within a moment are one wish to end', () => withCluster(2, {}, async ({ nodes: [node] }) => {
  const raw = await new RawClient(node).open();
  node.program.kill('SIGTERM');
  node.program.kill('SIGINT');
  node.program.kill('SIGTERM');
  assert.equal((await raw.end()).code, 4200);
  await node.gone();
  assert.equal(node.program.child.exitCode, 0, node.log);
  assert.doesNotMatch(node.log, /haste/);
}));

test("the README's example for several machines starts", async () => {
  const readme = await fs.readFile(path.join(PROJECT, 'README.md'), 'utf8');
  const lines = readme.slice(readme.indexOf('# /etc/tulle/node.toml')).split('\n');
  const example = lines.slice(0, lines.findIndex((line) => line !== '' && !/^ {4}|^#/.test(line) || line.includes('tulled --config')));
  const { listen, mesh, mesh_data: data } = await plannedAddresses();
  const [port, meshPort, dataPort] = [listen, mesh, data].map((address) => parts(address).port);
  const key = await file('readme.key', `${MESH_KEY}\n`);
  await fs.chmod(key, 0o600);
  const nodes = [1, 2, 3].map((i) => new TulleNode(`n${i}`, directory, { addresses: { admin: '127.0.0.1:0' } }));
  try {
    for (const [i, node] of nodes.entries()) {
      const own = i + 1;
      const text = example.map((line) => line.replace(/^ {4}/, '')).join('\n')
        .replace('"n1"', `"n${own}"`)
        .replace('/etc/tulle/mesh.key', key)
        .replace('0.0.0.0:6001', `127.0.2.${own}:${port}`)
        .replace('10.0.0.1:7001', `127.0.2.${own}:${meshPort}`)
        .replace('10.0.0.1:7002', `127.0.2.${own}:${dataPort}`)
        .replace(/10\.0\.0\.\d:7001/g, (peer) => (peer.includes(`.${own}:`) ? '10.0.0.1:7001' : peer))
        .replace(/10\.0\.0\.(\d):7001/g, `127.0.2.$1:${meshPort}`);
      node.args = ['--config', await file(`readme-${own}.toml`, text)];
    }
    for (const node of nodes) await node.restart();
    await new Cluster(nodes, directory).whole();
  } finally {
    nodes.forEach((node) => node.program?.kill('SIGKILL'));
  }
});
