// The client library and the programs of the command line over TLS: what they trust, and what they say when they do not.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { server } from '../support/js/clients.mjs';
import { parts } from '../support/js/http.mjs';
import { Program, run } from '../support/js/process.mjs';
import { shown, withTls } from '../support/js/tls.mjs';
import { waitFor } from '../support/js/wait.mjs';

const at = (node, host = '127.0.0.1') => `${host}:${parts(node.ports.tls_listen).port}`;

describe('the command line over TLS', () => {
  test('sub hears what pub publishes, by an address and by a name', () => withTls(2, async ({ nodes: [n1, n2], authority }) => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const sub = new Program('tulle', ['sub', '--url', `wss://${at(n1, host)}`, '--ca-file', authority.ca, '--count', '2', 'news', 'private-x']);
      try {
        await waitFor('the connection', () => sub.output.includes(`connected to wss://${at(n1, host)}`));
        const publish = (channel) => run('tulle', ['pub', '--url', `https://${at(n2, host)}`, channel, 'tick', '{"n":1}'],
          { env: { TULLE_CA_FILE: authority.ca } });
        await waitFor('the subscriptions', async () => (await (await server(n1).get({ path: '/channels' })).json()).channels['private-x']);
        for (const channel of ['news', 'private-x']) {
          const { code, stderr } = await publish(channel);
          assert.equal(code, 0, stderr);
        }
        assert.equal((await sub.ended).code, 0);
        assert.match(sub.stdout, /news tick \{"n":1\}[\s\S]*private-x tick/);
      } finally {
        sub.kill('SIGKILL');
      }
    }
  }));

  test('publishes many events over one kept connection', () => withTls(1, async ({ nodes: [node], authority }) => {
    const { code, stdout, stderr } = await run('tulle',
      ['pub', '--url', `wss://${at(node)}`, '--ca-file', authority.ca, '--count', '50', 'news', 'tick', 'x']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /published 50 events/);
    assert.equal(await node.metric('tulle_tls_handshakes_total'), 1);
  }));

  test('bench measures over TLS, by HTTP and by client events', () => withTls(2, async ({ nodes, authority }) => {
    const urls = nodes.flatMap((node) => ['--url', `wss://${at(node)}`]);
    for (const more of [['--via', 'http', '--rate', '50'], ['--via', 'client-events', '--rate', '5']]) {
      const { code, stdout, stderr } = await run('tulle', ['bench', 'fanout', ...urls, '--ca-file', authority.ca, '--subscribers', '20',
        '--seconds', '1', '--json', ...more], { ms: 30_000 });
      assert.equal(code, 0, stderr);
      const told = JSON.parse(stdout);
      assert.equal(told.connect.failed, 0);
    }
    const large = await run('tulle', ['bench', 'fanout', ...urls, '--ca-file', authority.ca, '--subscribers', '5', '--payload', '50000',
      '--rate', '20', '--seconds', '1', '--json', '--via', 'http'], { ms: 30_000 });
    assert.equal(large.code, 0, large.stderr);
    assert.ok(await nodes[0].metric('tulle_tls_handshakes_total') > 20);
  }));

  test('says why a server is not trusted', () => withTls(1, async ({ nodes: [node], authority, pair }) => {
    const pub = (url, ...args) => run('tulle', ['pub', '--url', url, ...args, 'news', 'tick', 'x']);
    const sub = (url, ...args) => run('tulle', ['sub', '--url', url, '--timeout', '1', ...args, 'news']);
    const storm = (url, ...args) => run('tulle', ['bench', 'storm', '--url', url, '--connections', '2', ...args]);
    const wrong = async (url, words, ...args) => {
      for (const program of [pub, sub, storm]) {
        const { code, stdout, stderr } = await program(url, ...args);
        assert.equal(code, 3, stderr);
        assert.match(stdout + stderr, words);
      }
    };
    await wrong(`wss://${at(node)}`, /certificate is not vouched for by an authority that is trusted here/);
    await wrong(`wss://${node.ports.listen}`, /the server does not speak TLS on this port/, '--ca-file', authority.ca);
    // The certificate of another server: for an address alone, so no name fits.
    const other = await authority.issue('other', ['elsewhere.example.org']);
    await fs.copyFile(other.key, pair.key);
    await fs.copyFile(other.cert, pair.cert);
    await waitFor('the other certificate', async () => (await shown(node, 'localhost')).name === 'other');
    const named = await pub(`https://${at(node, 'localhost')}`, '--ca-file', authority.ca);
    assert.equal(named.code, 3);
    assert.match(named.stderr, /the server's certificate is not for localhost/);
    const expired = await authority.issue('expired', ['localhost'], { days: -1 });
    await fs.copyFile(expired.key, pair.key);
    await fs.copyFile(expired.cert, pair.cert);
    await waitFor('the expired certificate', async () => {
      const { stderr } = await pub(`https://${at(node)}`, '--ca-file', authority.ca);
      return /the server's certificate is refused: certificate has expired/.test(stderr);
    }, { every: 200 });
    for (const file of [path.join(authority.directory, 'none'), pair.key]) {
      const { code, stderr } = await pub(`https://${at(node)}`, '--ca-file', file);
      assert.equal(code, 2, stderr);
      assert.ok(stderr.includes(file), stderr);
    }
  }));
});
