// Who may use the admin listener: tokens with names and scopes, off loopback needed, read again without a restart, and never told.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Cluster } from '../support/js/cluster.mjs';
import { parts, request } from '../support/js/http.mjs';
import { freePort } from '../support/js/ports.mjs';
import { run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const secret = () => randomBytes(24).toString('base64url');
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const json = { 'Content-Type': 'application/json' };
const OPEN = ['/up', '/live', '/ready', '/', '/page.css', '/page.js', '/tables.js']; // the page asks for a token itself
const READ = ['/metrics', '/v1/status', '/v1/doctor?timeout_ms=100', '/v1/conns', '/v1/channels', '/v1/presence?app=app-id&channel=presence-room', '/v1/events'];
const TRACE = '/v1/trace?app=app-id&channel=news&timeout_ms=100';
const PROMETHEUS = process.env.TULLE_PROMETHEUS ?? '/usr/bin/prometheus';

const tokens = { prometheus: secret(), ops: secret() };
let cluster;
let node;
let file;

async function write(lines, mode = 0o600) {
  await fs.writeFile(file, `${lines.join('\n')}\n`);
  await fs.chmod(file, mode);
}
const usual = () => write(['# who looks', `prometheus read ${tokens.prometheus}`, '', `ops operate ${tokens.ops}`]);
const ask = (target, token, options = {}) =>
  request(node.ports.admin, target, { ...options, headers: { ...(token ? bearer(token) : {}), ...options.headers } });
const status = async (target, token, options) => (await ask(target, token, options)).status;
const reload = (token) => ask('/v1/reload', token, { method: 'POST', headers: json });

before(async () => {
  cluster = await Cluster.create(1, { args: ['--log-level', 'trace'] });
  [node] = cluster.nodes;
  file = path.join(cluster.directory, 'admin.tokens');
  await usual();
  node.addresses = { ...node.addresses, admin: '0.0.0.0:0' };
  node.args = [...node.args, '--admin-token-file', file];
  node.adminHeaders = bearer(tokens.ops);
  await cluster.start();
  node.ports.admin = node.ports.admin.replace('0.0.0.0', '127.0.0.1');
});
after(() => cluster?.stop());

describe('what a token opens', () => {
  test('health checks and the files of the page need none; everything else does, whether it exists or not', async () => {
    for (const target of OPEN) assert.equal(await status(target), 200, target);
    for (const target of [...READ, '/v1/none', '/page', '/page/']) {
      const { status: got, headers, body } = await ask(target);
      assert.equal(got, 401, target);
      if (got === 401) {
        assert.equal(headers['www-authenticate'], 'Bearer realm="tulle admin"');
        assert.equal(headers.connection, 'close');
        assert.match(body, /^\{"error":"a token is needed/);
      }
    }
    assert.equal(await status(TRACE, undefined, { method: 'POST', headers: json }), 401);
    assert.equal((await reload()).status, 401);
  });

  test('read opens what looks, operate also what changes', async () => {
    for (const token of Object.values(tokens)) {
      for (const target of READ) assert.equal(await status(target, token), 200, target);
      assert.equal(await status(TRACE, token, { method: 'POST', headers: json }), 200);
    }
    const refused = await reload(tokens.prometheus);
    assert.equal(refused.status, 403);
    assert.match(refused.headers['www-authenticate'], /insufficient_scope.*scope="operate"/);
    const { status: got, body } = await reload(tokens.ops);
    assert.deepEqual([got, JSON.parse(body)], [200, { apps: 1 }]);
    await waitFor('the log to name who asked', () => /\/v1\/reload has been asked for with the token ops/.test(node.log));
    assert.ok(await node.metric('tulle_admin_scope_refused_total') >= 1);
    const { body: metrics } = await ask('/metrics', tokens.prometheus);
    assert.match(metrics, /^tulle_admin_token_uses_total\{token="prometheus"\} [1-9]/m);
  });

  test('a page with a token it should not have is refused all the same', async () => {
    for (const headers of [{ Origin: 'https://evil.example' }, { Host: 'evil.example' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
      for (const target of [...OPEN, ...READ]) assert.equal(await status(target, tokens.ops, { headers }), 403, target);
    }
  });
});

test('ten wrong tokens a minute, then 429 for wrong ones alone', async () => {
  const before = await node.metric('tulle_admin_auth_failures_total');
  const answers = [];
  for (let i = 0; i < 15; ++i) answers.push(await ask('/metrics', secret()));
  assert.deepEqual(answers.map((one) => one.status), [...Array(10).fill(401), ...Array(5).fill(429)]);
  const wait = Number(answers[14].headers['retry-after']);
  assert.ok(wait > 0 && wait <= 60, `${wait}`);
  assert.equal(await status('/metrics', tokens.prometheus), 200, 'nobody is locked out');
  assert.equal(await node.metric('tulle_admin_auth_failures_total'), before + 10);
  assert.equal(await node.metric('tulle_admin_auth_throttled_total'), 5);
  for (const target of OPEN) assert.equal(await status(target), 200, target);
});

describe('tokens are read again', () => {
  const hangUp = async (done) => {
    node.program.kill('SIGHUP');
    await waitFor('the reload', done);
  };
  after(async () => {
    await usual();
    await hangUp(async () => (await status('/metrics', tokens.ops)) === 200);
  });

  test('at SIGHUP: the new one opens, the old one does not', async () => {
    const fresh = secret();
    await write([`prometheus read ${fresh}`, `ops operate ${tokens.ops}`]);
    await hangUp(async () => (await status('/metrics', fresh)) === 200);
    assert.notEqual(await status('/metrics', tokens.prometheus), 200);
    assert.equal(await status('/metrics', tokens.ops), 200);
  });

  test('a bad file keeps the old ones, is logged and counted', async () => {
    await usual();
    await hangUp(async () => (await status('/metrics', tokens.prometheus)) === 200);
    const bad = [
      [() => write([`ops operate ${tokens.ops}`, `x read ${secret()} ${secret()}`]), /admin\.tokens:2: a line must be NAME SCOPE TOKEN/],
      [() => write([]), /admin\.tokens holds no token/],
      [() => write([`ops operate ${tokens.ops}`], 0o644), /admin\.tokens has the mode 0644/],
      [() => fs.rm(file), /admin\.tokens cannot be read: No such file/],
    ];
    for (const [spoil, said] of bad) {
      await spoil();
      const failures = await node.metric('tulle_config_reload_failures_total');
      const { status: got, body } = await reload(tokens.ops);
      assert.equal(got, 422);
      assert.match(JSON.parse(body).error, said);
      assert.equal(await node.metric('tulle_config_reload_failures_total'), failures + 1);
      assert.equal(await node.metric('tulle_config_last_reload_successful'), 0);
      await waitFor('the log to tell', () => said.test(node.log));
      for (const token of Object.values(tokens)) assert.equal(await status('/metrics', token), 200);
    }
  });

  test('of a mounted Secret, whose links are exchanged', async () => {
    const versions = [secret(), secret()];
    for (const [i, token] of versions.entries()) {
      const directory = path.join(cluster.directory, `..${i}`);
      await fs.mkdir(directory);
      await fs.writeFile(path.join(directory, 'admin.tokens'), `ops operate ${token}\n`, { mode: 0o440 });
    }
    const data = path.join(cluster.directory, '..data');
    await fs.symlink('..0', data);
    await fs.rm(file, { force: true });
    await fs.symlink('..data/admin.tokens', file);
    await hangUp(async () => (await status('/metrics', versions[0])) === 200);
    await fs.symlink('..1', `${data}.new`);
    await fs.rename(`${data}.new`, data);
    await hangUp(async () => (await status('/metrics', versions[1])) === 200);
    assert.notEqual(await status('/metrics', versions[0]), 200);
    await fs.rm(file);
  });
});

describe('the commands', () => {
  const commands = [['status'], ['doctor'], ['trace', 'news']];
  const at = (args, env = {}) => run('tulle', [...args, '--admin', node.ports.admin], { env });
  let bare;
  before(async () => {
    bare = path.join(cluster.directory, 'bare');
    await fs.writeFile(bare, `${tokens.prometheus}\n`, { mode: 0o600 });
  });

  test('take the token from a file: the node\'s own, or one with the token alone', async () => {
    for (const args of commands) {
      for (const from of [file, bare]) {
        const { code, stderr } = await at(args, { TULLE_ADMIN_TOKEN_FILE: from });
        assert.equal(code, 0, `${args} ${stderr}`);
        assert.equal((await at([...args, '--admin-token-file', from])).code, 0);
      }
    }
    const { code, stdout } = await at(['reload'], { TULLE_ADMIN_TOKEN_FILE: file });
    assert.deepEqual([code, stdout], [0, 'the configuration has been read again, apps: 1\n']);
  });

  test('say what is wrong with it', async () => {
    const other = path.join(cluster.directory, 'other');
    const theirs = secret();
    await fs.writeFile(other, theirs, { mode: 0o600 });
    for (const args of [...commands, ['reload']]) {
      const none = await at(args);
      assert.equal(none.code, 3);
      assert.match(none.stderr, /wants a token: name a file that holds one by TULLE_ADMIN_TOKEN_FILE or --token-file/);
      const wrong = await at(args, { TULLE_ADMIN_TOKEN_FILE: other });
      assert.equal(wrong.code, 3);
      assert.match(wrong.stderr, /does not know the token/);
      assert.ok(!wrong.stderr.includes(theirs));
      const missing = await at(args, { TULLE_ADMIN_TOKEN_FILE: `${other}.none` });
      assert.equal(missing.code, 2);
      assert.match(missing.stderr, /other\.none, cannot be read: No such file/);
    }
    const weak = await at(['reload'], { TULLE_ADMIN_TOKEN_FILE: bare });
    assert.equal(weak.code, 3);
    assert.match(weak.stderr, /refuses: the token lacks the scope operate/);
    await fs.chmod(other, 0o644);
    assert.match((await at(['status'], { TULLE_ADMIN_TOKEN_FILE: other })).stderr, /has the mode 0644/);
    await fs.writeFile(other, 'two words-that-are-long-enough', { mode: 0o600 });
    await fs.chmod(other, 0o600);
    assert.match((await at(['status'], { TULLE_ADMIN_TOKEN_FILE: other })).stderr, /holds neither a token alone nor lines/);
  });

  test('tulle reload tells why a reload has failed', async () => {
    await write([`ops operate ${tokens.ops}`, 'nonsense']);
    const { code, stderr } = await at(['reload'], { TULLE_ADMIN_TOKEN_FILE: file });
    await usual();
    assert.equal(code, 2, 'the same file is bad for the command too');
    assert.match(stderr, /holds neither/);
    const own = path.join(cluster.directory, 'own');
    await fs.writeFile(own, tokens.ops, { mode: 0o600 });
    await write([`ops operate ${tokens.ops}`, 'nonsense']);
    const failed = await at(['reload'], { TULLE_ADMIN_TOKEN_FILE: own });
    await usual();
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /the configuration stays as it was: admin_token_file: .*admin\.tokens:2: a line must be/);
    assert.equal((await at(['reload'], { TULLE_ADMIN_TOKEN_FILE: own })).code, 0);
  });
});

describe('Prometheus', () => {
  test('scrapes with the token', { skip: existsSync(PROMETHEUS) ? false : `no ${PROMETHEUS}` }, async () => {
    const directory = path.join(cluster.directory, 'prometheus');
    await fs.mkdir(directory);
    await fs.writeFile(path.join(directory, 'token'), tokens.prometheus, { mode: 0o600 });
    const config = path.join(directory, 'prometheus.yml');
    await fs.writeFile(config, `global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: tulle\n    authorization:\n` +
      `      credentials_file: ${directory}/token\n    static_configs:\n      - targets: ['${node.ports.admin}']\n`);
    const port = await freePort();
    const prometheus = spawn(PROMETHEUS, [`--config.file=${config}`, `--storage.tsdb.path=${directory}/data`,
      `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
    try {
      const target = await waitFor('a scrape', async () => {
        const { body } = await request(`127.0.0.1:${port}`, '/api/v1/targets');
        const [active] = JSON.parse(body).data.activeTargets;
        return active?.health !== 'unknown' ? active : undefined;
      }, { ms: 30_000 });
      assert.deepEqual([target.health, target.lastError], ['up', '']);
      const up = await waitFor('the value', async () => {
        const { body } = await request(`127.0.0.1:${port}`, '/api/v1/query?query=tulle_ready');
        return JSON.parse(body).data.result[0]?.value[1];
      });
      assert.equal(up, '1');
    } finally {
      prometheus.kill('SIGKILL');
    }
  });
});

describe('the start refuses', () => {
  const ANY = ['--listen', '127.0.0.1:0', '--mesh', '127.0.0.1:0'];
  const started = async (args) => {
    const check = await run('tulled', [...ANY, ...args, '--check-config']);
    if (check.code === 0) return check;
    const real = await run('tulled', [...ANY, ...args]);
    assert.deepEqual([real.code, real.stderr], [check.code, check.stderr], 'the start says the same');
    return real;
  };

  test('an admin address off loopback without tokens, whatever else is allowed', async () => {
    for (const more of [[], ['--insecure-mesh']]) {
      const { code, stderr } = await started(['--admin', '0.0.0.0:0', ...more]);
      assert.equal(code, 2);
      assert.match(stderr, /^tulled: the admin address 0\.0\.0\.0:0 is not on loopback, and no token protects it: name a file/);
    }
    assert.equal((await started(['--admin', '0.0.0.0:0', '--admin-token-file', file])).code, 0);
    assert.equal((await started(['--admin', '127.0.0.1:0', '--admin-token-file', file])).code, 0);
  });

  test('a file that is no file of tokens, without a word of it', async () => {
    const bad = path.join(cluster.directory, 'bad');
    const token = secret();
    for (const [text, mode, said] of [
      [`prometheus ${token} read`, 0o600, /bad:1: a line must be NAME SCOPE TOKEN/],
      [token, 0o600, /bad:1: a line must be NAME SCOPE TOKEN/],
      [`a read ${token.slice(0, 15)}`, 0o600, /bad:1: the token must have 16 to 256 characters/],
      [`a read ${token}`, 0o604, /bad has the mode 0604, so that others can read or change a secret/],
    ]) {
      await fs.writeFile(bad, text);
      await fs.chmod(bad, mode);
      const { code, stderr } = await started(['--admin', '127.0.0.1:0', '--admin-token-file', bad]);
      assert.equal(code, 2);
      assert.match(stderr, said);
      assert.ok(!stderr.includes(token.slice(0, 15)), stderr);
    }
  });

  test('nothing that systemd hands over as a credential', async () => {
    const credentials = path.join(cluster.directory, 'credentials');
    await fs.mkdir(credentials, { mode: 0o500 });
    await fs.writeFile(path.join(credentials, 'admin.tokens'), `ops operate ${secret()}\n`, { mode: 0o440 });
    const { code, stderr } = await run('tulled', [...ANY, '--admin', '0.0.0.0:0', '--check-config'],
      { env: { CREDENTIALS_DIRECTORY: credentials, TULLE_ADMIN_TOKEN_FILE: `${credentials}/admin.tokens` } });
    assert.equal(code, 0, stderr);
  });
});

test('a file that names no tokens any more does not open a listener that has had tokens', async () => {
  const config = path.join(cluster.directory, 'node.toml');
  const own = await Cluster.create(1, { args: ['--config', config] });
  try {
    const [second] = own.nodes;
    await fs.writeFile(config, `admin = "0.0.0.0:0"\nadmin_token_file = "admin.tokens"\n`);
    second.addresses = { listen: '127.0.0.1:0', mesh: '127.0.0.1:0', mesh_data: '127.0.0.1:0' };
    second.adminHeaders = bearer(tokens.ops);
    await own.start();
    const admin = second.ports.admin.replace('0.0.0.0', '127.0.0.1');
    assert.equal((await request(admin, '/metrics')).status, 401);
    await fs.writeFile(config, 'admin = "127.0.0.1:0"\n');
    const { status: got } = await request(admin, '/v1/reload', { method: 'POST', headers: { ...json, ...bearer(tokens.ops) } });
    assert.equal(got, 200);
    await waitFor('the log to tell', () => /changed and hold only after a restart: admin, admin_token_file/.test(second.log));
    assert.equal((await request(admin, '/metrics')).status, 401);
    assert.equal((await request(admin, '/metrics', { headers: bearer(tokens.prometheus) })).status, 200);
  } finally {
    await own.stop();
  }
});

test('strangers who come and go in crowds, say nothing, say half, or hold what was answered keep nobody from /ready and /metrics', async () => {
  const HEAD = 'Host: 127.0.0.1\r\n';
  const held = new Set();
  const connect = (bytes) => {
    const socket = net.connect(parts(node.ports.admin), () => socket.write(bytes)).pause();
    socket.on('error', () => {}).on('close', () => held.delete(socket));
    held.add(socket);
  };
  const kinds = ['', 'GET /re', `GET /ready HTTP/1.1\r\n${HEAD}\r\n`, `GET /metrics HTTP/1.1\r\n${HEAD}\r\n`];
  let goesOn = true;
  const crowd = (async () => {
    for (let i = 0; goesOn && i < 20_000; ++i) {
      connect(kinds[i % kinds.length]);
      if (held.size > 200) [...held].slice(0, 50).forEach((socket) => socket.destroy());
      if (i % 20 === 0) await new Promise((resolve) => { setImmediate(resolve); });
    }
  })();
  try {
    for (let i = 0; i < 20; ++i) {
      assert.equal(await status('/ready'), 200);
      assert.equal(await status('/metrics', tokens.prometheus), 200);
      assert.equal(await status('/v1/status', tokens.ops), 200);
    }
  } finally {
    goesOn = false;
    await crowd;
    held.forEach((socket) => socket.destroy());
  }
  assert.ok(await node.metric('tulle_admin_connections_ended_total') > 0);
});

test('no secret is in the log, the status, the metrics, an error or a list of processes', async () => {
  const told = [node.log];
  for (const target of [...OPEN, ...READ, '/v1/none']) told.push(JSON.stringify(await ask(target, tokens.ops)));
  told.push(JSON.stringify(await reload(tokens.prometheus)));
  for (const name of ['cmdline', 'environ']) told.push(await fs.readFile(`/proc/${node.program.pid}/${name}`, 'utf8'));
  for (const token of Object.values(tokens)) assert.ok(!told.join('\n').includes(token));
  assert.ok(told.join('\n').includes('prometheus'), 'names are told');
});
