// The admin listener on a Unix socket: the mode of the file lets in its user alone, and every command speaks to it.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Cluster } from '../support/js/cluster.mjs';
import { request } from '../support/js/http.mjs';
import { binary, run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const TCP = { listen: '127.0.0.1:0', mesh: '127.0.0.1:0', mesh_data: '127.0.0.1:0' };
const json = { 'Content-Type': 'application/json' };

let cluster;
let node;
let socket;
let admin;
before(async () => {
  cluster = await Cluster.create(1, { under: ['sh', '-c', 'umask 0; exec "$@"', 'sh'] });
  [node] = cluster.nodes;
  socket = path.join(cluster.directory, 'admin.sock');
  admin = `unix:${socket}`;
  node.addresses = { ...TCP, admin };
  await cluster.start();
});
after(() => cluster?.stop());

const mode = async () => ((await fs.stat(socket)).mode & 0o777).toString(8);

test('has the mode 0600 whatever the umask, and the ports file and the log name it', async () => {
  assert.equal(await mode(), '600');
  assert.equal(node.ports.admin, admin);
  await node.says(`admin on ${admin}`);
});

test('serves everything without a token', async () => {
  for (const target of ['/up', '/live', '/ready', '/metrics', '/v1/status', '/v1/doctor?timeout_ms=100']) {
    assert.equal((await request(admin, target)).status, 200, target);
  }
  assert.equal((await request(admin, '/v1/reload', { method: 'POST', headers: json })).status, 200);
  const { stdout } = await promisify(execFile)('curl', ['-s', '--unix-socket', socket, 'http://localhost/ready']);
  assert.equal(stdout, 'ready\n');
  assert.equal((await request(admin, '/metrics', { headers: { Origin: 'https://evil.example' } })).status, 403, 'a proxy may lead a page there');
});

test('is closed to other users', { skip: process.getuid() !== 0 }, async () => {
  await fs.chmod(cluster.directory, 0o755);
  const asNobody = spawn('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'curl', '-s', '--unix-socket', socket, 'http://localhost/up']);
  const [code] = await once(asNobody, 'exit');
  assert.equal(code, 7, 'curl: could not connect');
});

describe('the commands', () => {
  const commands = [['status'], ['doctor'], ['trace', 'news'], ['reload']];
  test('speak to it, by flag and by TULLE_ADMIN, also in the form of a URL', async () => {
    for (const args of commands) {
      for (const at of [admin, `unix://${socket}`]) {
        const { code, stderr } = await run('tulle', [...args, '--admin', at]);
        assert.equal(code, 0, `${args} ${at} ${stderr}`);
        assert.equal((await run('tulle', args, { env: { TULLE_ADMIN: at } })).code, 0);
      }
    }
  });

  test('say so when nobody is there', async () => {
    for (const args of commands) {
      const { code, stderr } = await run('tulle', [...args, '--admin', `${admin}.none`]);
      assert.equal(code, 3);
      assert.match(stderr, /cannot connect to .*admin\.sock\.none: No such file or directory/);
      assert.equal((await run('tulle', [...args, '--admin', 'unix:relative'])).code, 2);
    }
  });
});

describe('the file', () => {
  const start = (at = admin) => run('tulled', [...Object.entries(TCP).flatMap(([role, to]) => [`--${role.replace('_', '-')}`, to]), '--admin', at]);

  test('of a node that runs is not taken away', async () => {
    const { code, stderr } = await start();
    assert.equal(code, 1);
    assert.match(stderr, /cannot listen on unix:.*admin\.sock: another process listens there/);
    assert.equal((await request(admin, '/ready')).status, 200);
  });

  test('is removed at the end; what a killed node leaves is replaced', async () => {
    await node.kill();
    await fs.stat(socket);
    await assert.rejects(request(admin, '/ready'), { code: 'ECONNREFUSED' });
    await node.restart();
    await node.ready();
    assert.equal(await mode(), '600');
    assert.equal((await request(admin, '/v1/status')).status, 200);
    node.program.kill('SIGTERM');
    await node.gone();
    const left = await fs.readdir(cluster.directory);
    assert.deepEqual(left.filter((name) => name.startsWith('admin')), []);
    await node.restart();
    await node.ready();
  });

  test('of two nodes that start at the same moment only one gets it', async () => {
    const at = `unix:${path.join(cluster.directory, 'race.sock')}`;
    const stale = net.createServer().listen(at.slice('unix:'.length));
    await once(stale, 'listening');
    await fs.link(at.slice('unix:'.length), `${at.slice('unix:'.length)}.kept`);
    await new Promise((resolve) => { stale.close(resolve); });
    await fs.rename(`${at.slice('unix:'.length)}.kept`, at.slice('unix:'.length));
    const args = [...Object.entries(TCP).flatMap(([role, to]) => [`--${role.replace('_', '-')}`, to]), '--admin', at];
    const all = Array.from({ length: 4 }, () => {
      const child = spawn(binary('tulled'), args, { env: {}, stdio: 'ignore' });
      child.ended = once(child, 'exit');
      return child;
    });
    try {
      const losers = () => all.filter((child) => child.exitCode !== null);
      await waitFor('three to give up', () => losers().length === 3, { ms: 30_000 });
      assert.deepEqual(losers().map((child) => child.exitCode), [1, 1, 1]);
      await waitFor('the one to serve', async () => (await request(at, '/ready')).status === 200, { ms: 30_000 });
    } finally {
      all.forEach((child) => child.kill('SIGKILL'));
      await Promise.all(all.map((child) => child.ended));
    }
  });

  test('may be nothing but a socket, in a directory that is there; --check-config says so too', async () => {
    const precious = path.join(cluster.directory, 'precious');
    await fs.writeFile(precious, 'text');
    for (const [at, said] of [
      [`unix:${precious}`, /admin: cannot listen on unix:.*precious: there is a file that is no socket/],
      [`unix:${cluster.directory}/none/admin.sock`, /none: No such file or directory/],
      [`unix:${precious}/admin.sock`, /precious: Not a directory/],
      ['unix:admin.sock', /is not unix:\/PATH with a path of at most 107 bytes/],
      [`unix:/${'x'.repeat(107)}`, /is not unix:\/PATH/],
    ]) {
      const started = await start(at);
      assert.equal(started.code, 2, started.stderr);
      assert.match(started.stderr, said);
      const checked = await run('tulled', [...Object.entries(TCP).flatMap(([role, to]) => [`--${role.replace('_', '-')}`, to]),
        '--admin', at, '--check-config']);
      assert.equal(checked.stderr, started.stderr);
    }
    assert.equal(await fs.readFile(precious, 'utf8'), 'text');
  });

  test('goes with no tokens', async () => {
    const tokens = path.join(cluster.directory, 'tokens');
    await fs.writeFile(tokens, `ops operate ${'x'.repeat(32)}\n`, { mode: 0o600 });
    const { code, stderr } = await run('tulled', ['--admin', `${admin}.other`, '--admin-token-file', tokens, '--check-config']);
    assert.equal(code, 2);
    assert.match(stderr, /admin_token_file: the admin listener is on a Unix socket, which asks for no tokens/);
  });
});
