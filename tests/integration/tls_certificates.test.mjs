// The certificates of the TLS listener: which one a client is shown, what is refused at the start, and how they are replaced.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Authority } from '../support/js/authority.mjs';
import { server } from '../support/js/clients.mjs';
import { Cluster } from '../support/js/cluster.mjs';
import { run } from '../support/js/process.mjs';
import { SecureClient, shown, withTls } from '../support/js/tls.mjs';
import { waitFor } from '../support/js/wait.mjs';

const exec = promisify(execFile);

const isGood = (node, value) => waitFor(`tulle_tls_last_reload_successful ${value}`,
  async () => await node.metric('tulle_tls_last_reload_successful') === value);

describe('which certificate a client is shown', () => {
  test('by the names in the certificates, exact ones first; the default without a name or with an unknown one', async () => {
    const cluster = await Cluster.create(1);
    try {
      const authority = await Authority.create(path.join(cluster.directory, 'tls'));
      const directory = path.join(cluster.directory, 'certs');
      await fs.mkdir(directory);
      const pair = await authority.issue('default', ['localhost']);
      await authority.issue('one', ['one.example.org', 'also.example.org'], { directory });
      await authority.issue('wild', ['*.example.org'], { directory });
      await fs.writeFile(path.join(directory, 'README'), 'not a certificate');
      const [node] = cluster.nodes;
      node.args = ['--tls-listen', '127.0.0.1:0', '--tls-cert-file', pair.cert, '--tls-key-file', pair.key, '--tls-dir', directory];
      await cluster.start();
      for (const [servername, name] of [
        ['localhost', 'default'], ['', 'default'], ['elsewhere.example.com', 'default'], ['example.org', 'default'],
        ['one.example.org', 'one'], ['ALSO.Example.org', 'one'], ['two.example.org', 'wild'], ['a.two.example.org', 'default'],
      ]) {
        assert.equal((await shown(node, servername)).name, name, servername);
      }
    } finally {
      await cluster.stop();
    }
  });
});

describe('what the start refuses, with the file and the reason', () => {
  const start = (args) => run('tulled', ['--check-config', '--listen', '127.0.0.1:0', ...args]);
  const files = async (body) => {
    const cluster = await Cluster.create(0);
    try {
      const authority = await Authority.create(cluster.directory);
      await body(authority, (cert, key) => start(['--tls-listen', '127.0.0.1:0', '--tls-cert-file', cert, '--tls-key-file', key]));
    } finally {
      await cluster.stop();
    }
  };

  test('keys of the configuration that need each other', async () => {
    for (const [args, words] of [
      [['--tls-listen', '127.0.0.1:0'], /tls_listen needs tls_cert_file/],
      [['--tls-listen', '127.0.0.1:0', '--tls-cert-file', 'a.crt'], /tls_listen needs tls_key_file/],
      [['--tls-cert-file', 'a.crt', '--tls-key-file', 'a.key'], /do nothing without tls_listen/],
      [['--tls-listen', '127.0.0.1:6999', '--admin', '127.0.0.1:6999', '--tls-cert-file', 'a', '--tls-key-file', 'b'], /same port/],
      [['--tls-listen', '0.0.0.0:6443', '--tls-cert-file', 'a', '--tls-key-file', 'b'], /no app is configured/],
    ]) {
      const { code, stderr } = await start(args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, words);
    }
  });

  test('files that cannot be used', () => files(async (authority, check) => {
    const { directory } = authority;
    const good = await authority.issue('good', ['localhost']);
    const other = await authority.issue('other', ['localhost']);
    const at = (name) => path.join(directory, name);
    assert.equal((await check(good.cert, good.key)).code, 0);
    await fs.writeFile(at('garbage'), 'garbage', { mode: 0o600 });
    await fs.writeFile(at('torn.crt'), (await fs.readFile(good.cert, 'utf8')).slice(0, 300));
    await exec('openssl', ['pkey', '-in', good.key, '-aes256', '-passout', 'pass:secret', '-out', at('encrypted.key')]);
    await fs.chmod(at('encrypted.key'), 0o600);
    await fs.copyFile(good.key, at('open.key'));
    await fs.chmod(at('open.key'), 0o644);
    await exec('mkfifo', [at('pipe')]);
    for (const [cert, key, words] of [
      [at('missing.crt'), good.key, /missing\.crt: cannot be read: No such file/],
      [good.cert, at('missing.key'), /missing\.key: cannot be read: No such file/],
      [at('garbage'), good.key, /garbage: holds no certificate/],
      [good.key, good.key, /good\.key: holds no certificate/],
      [at('torn.crt'), good.key, /torn\.crt: certificate 1 cannot be read/],
      [good.cert, at('garbage'), /garbage: holds no private key/],
      [good.cert, at('encrypted.key'), /encrypted\.key: the key is encrypted/],
      [good.cert, at('open.key'), /open\.key: has the mode 0644, so that others can read or change a secret/],
      [at('pipe'), good.key, /pipe: is no regular file/],
      [good.cert, at('pipe'), /pipe: is no regular file/],
      [good.cert, other.key, /the key in .*other\.key does not belong to the \(first\) certificate in .*good\.crt/],
      [directory, good.key, /is no regular file/],
    ]) {
      const { code, stderr } = await check(cert, key);
      assert.equal(code, 2, `${cert} ${key}: ${stderr}`);
      assert.match(stderr, words);
    }
  }));

  test('an expired certificate is shown, with a warning', () => files(async (authority, check) => {
    const old = await authority.issue('old', ['localhost'], { days: -1 });
    const { code, stderr } = await check(old.cert, old.key);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /old\.crt: the certificate has expired at 20/);
  }));
});

describe('certificates are replaced while the node runs', () => {
  test('under load: nobody is dropped, newcomers see the new one, and a broken pair keeps the old one',
    () => withTls(1, async ({ nodes: [node], authority, pair, ca }) => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => new SecureClient(node, ca).open()));
      for (const client of clients) {
        client.send({ event: 'pusher:subscribe', data: { channel: 'news' } });
        await client.next('pusher_internal:subscription_succeeded');
      }
      let sent = 0;
      let isOver = false;
      const load = (async () => {
        while (!isOver) {
          await server(node).trigger('news', 'tick', ++sent);
        }
      })();
      const before = await shown(node, 'localhost');
      const expires = await node.metric('tulle_tls_certificate_not_after_seconds');
      await authority.issue('localhost', ['localhost'], { days: 60 });
      await waitFor('the new certificate', async () => (await shown(node, 'localhost')).serialNumber !== before.serialNumber);
      const after = await shown(node, 'localhost');
      assert.ok(await node.metric('tulle_tls_certificate_not_after_seconds') > expires + 29 * 86_400);

      const other = await authority.issue('other', ['localhost']);
      await fs.copyFile(other.key, pair.key);
      await isGood(node, 0);
      await waitFor('the log to say so', () => /the certificates stay as they were: the key in .*localhost\.key/.test(node.log));
      assert.deepEqual(await shown(node, 'localhost'), after);
      const reload = await run('tulle', ['reload', '--admin', node.ports.admin]);
      assert.equal(reload.code, 1, reload.stdout);
      assert.match(reload.stderr, /^tulle: the certificates stay as they were: the key in /);
      await fs.copyFile(other.cert, pair.cert);
      await isGood(node, 1);
      await waitFor('the other certificate', async () => (await shown(node, 'localhost')).name === 'other');

      isOver = true;
      await load;
      const ticks = (client) => client.frames.filter(({ event }) => event === 'tick').map(({ data }) => Number(data));
      await waitFor('every event at every client', () => clients.every((client) => ticks(client).length === sent));
      for (const client of clients) {
        assert.deepEqual(ticks(client), Array.from({ length: sent }, (_, i) => i + 1));
        assert.equal(client.socket.readyState, 1);
        client.drop();
      }
    }));

  test('links that are replaced, as certbot and Kubernetes do, and other files by SIGHUP', async () => {
    const cluster = await Cluster.create(1);
    try {
      const authority = await Authority.create(path.join(cluster.directory, 'tls'));
      const at = (name) => path.join(cluster.directory, name);
      for (const name of ['v1', 'v2', 'v3']) {
        await fs.mkdir(at(name));
        const { cert, key } = await authority.issue(name, ['localhost']);
        await fs.rename(cert, path.join(at(name), 'tls.crt'));
        await fs.rename(key, path.join(at(name), 'tls.key'));
      }
      // A mount of Kubernetes: tls.crt -> ..data/tls.crt, ..data -> the version.
      await fs.mkdir(at('mount'));
      await fs.symlink(at('v1'), at('mount/..data'));
      for (const file of ['tls.crt', 'tls.key']) await fs.symlink(`..data/${file}`, at(`mount/${file}`));
      const configure = (directory) => fs.writeFile(at('node.toml'),
        `tls_listen = "127.0.0.1:0"\ntls_cert_file = "${directory}/tls.crt"\ntls_key_file = "${directory}/tls.key"\n`);
      await configure('mount'); // relative to the file
      const [node] = cluster.nodes;
      node.args = ['--config', at('node.toml')];
      await cluster.start();
      assert.equal((await shown(node, 'localhost')).name, 'v1');
      await fs.symlink(at('v2'), at('mount/..new'));
      await fs.rename(at('mount/..new'), at('mount/..data'));
      await waitFor('the second version', async () => (await shown(node, 'localhost')).name === 'v2');
      await configure('v3');
      node.program.kill('SIGHUP');
      await waitFor('the third', async () => (await shown(node, 'localhost')).name === 'v3');
      assert.doesNotMatch(node.log, /only after a restart/);
    } finally {
      await cluster.stop();
    }
  });
});
