// Apps in a directory: read at the start, and again when it changes or SIGHUP comes. Nobody is dropped but those concerned.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { RawClient, server } from '../support/js/clients.mjs';
import { Cluster } from '../support/js/cluster.mjs';
import { run } from '../support/js/process.mjs';
import { waitFor } from '../support/js/wait.mjs';

const QUICK_MS = 5_000;
const ANY = ['--listen', '127.0.0.1:0', '--mesh', '127.0.0.1:0', '--admin', '127.0.0.1:0'];

const target = (key) => `/app/${key}?protocol=7&client=test&version=1.0`;
const appText = (id, more = '') => `id = "${id}"\nkey = "key-${id}"\nsecret = "secret-${id}"\n${more}`;

/** A node with an empty directory of apps, and a main file with the app "main". */
async function withAppsDir(body) {
  const cluster = await Cluster.create(1);
  const [node] = cluster.nodes;
  const main = path.join(cluster.directory, 'node.toml');
  const apps = path.join(cluster.directory, 'apps');
  const place = {
    node, main, apps,
    file: (name) => path.join(apps, name),
    write: (name, text) => fs.writeFile(path.join(apps, name), text),
    writeMain: (more = '') => fs.writeFile(main, `apps_dir = "apps"\n[[apps]]\n${appText('main')}${more}`),
    served: (count) => waitFor(`${count} apps`, async () => await node.metric('tulle_apps') === count, { ms: QUICK_MS }),
    isGood: (value) => waitFor(`tulle_config_last_reload_successful ${value}`,
      async () => await node.metric('tulle_config_last_reload_successful') === value, { ms: QUICK_MS }),
  };
  await fs.mkdir(apps);
  await place.writeMain();
  node.args = ['--config', main];
  try {
    await cluster.start();
    await body(place);
  } catch (error) {
    console.error(cluster.logs());
    throw error;
  } finally {
    await cluster.stop();
  }
}

// The code with which a client is refused. A shard that has not been told of the reload yet lets the client in, and closes the
// client with the same code a moment later.
async function refusal(node, key) {
  const codes = new Set();
  await waitFor(`every shard refuses ${key}`, async () => {
    const raw = new RawClient(node, target(key));
    const { code } = await raw.end();
    codes.add(code);
    const [first] = raw.frames;
    return first.event === 'pusher:error' && first.data.code === code;
  }, { ms: QUICK_MS });
  assert.equal(codes.size, 1);
  return [...codes][0];
}

describe('a directory of apps', () => {
  test('the log tells of a reading that found something else, and of no other', () => withAppsDir(async (place) => {
    const { node } = place;
    const reloads = () => node.metric('tulle_config_reloads_total');
    await waitFor('the reading after the start', async () => await reloads() >= 1, { ms: QUICK_MS });
    assert.doesNotMatch(node.log, /have been read again/);
    await place.write('a.toml', appText('a'));
    await waitFor('the line', () => /have been read again: 2/.test(node.log), { ms: QUICK_MS });
    const before = await reloads();
    await place.write('a.toml', appText('a'));
    await waitFor('one more reading', async () => await reloads() > before, { ms: QUICK_MS });
    await place.write('a.toml', appText('a', 'cache_ttl = 7\n'));
    await waitFor('the second line', () => node.log.split('have been read again').length > 2, { ms: QUICK_MS });
    assert.equal(node.log.split('have been read again').length, 3);
  }));

  test('a new file is a new app, at once; its removal closes its clients with 4001 and nobody else', () => withAppsDir(async (place) => {
    const { node } = place;
    const main = await new RawClient(node, target('key-main')).open();
    assert.equal(await refusal(node, 'key-a'), 4001);
    await place.write('a.toml', appText('a'));
    await place.served(2);
    const client = await new RawClient(node, target('key-a')).open();
    client.send({ event: 'pusher:subscribe', data: { channel: 'news' } });
    await client.next('pusher_internal:subscription_succeeded');
    await server(node, { appId: 'a', key: 'key-a', secret: 'secret-a' }).trigger('news', 'hello', 'there');
    assert.equal((await client.next('hello')).data, 'there');
    await fs.rm(place.file('a.toml'));
    const { code } = await client.end();
    assert.equal(code, 4001);
    assert.equal((await client.next('pusher:error')).data.code, 4001);
    main.send({ event: 'pusher:ping' });
    await main.next('pusher:pong');
    main.drop();
  }));

  test('a changed limit holds for those who are connected', () => withAppsDir(async (place) => {
    const { node } = place;
    await place.write('a.toml', appText('a'));
    await place.served(2);
    const client = await new RawClient(node, target('key-a')).open();
    client.send({ event: 'pusher:subscribe', data: { channel: 'four' } });
    await client.next('pusher_internal:subscription_succeeded');
    await place.write('a.toml', appText('a', 'max_channel_name_length = 4\n'));
    await waitFor('the limit', async () => {
      client.send({ event: 'pusher:subscribe', data: { channel: `longer-${client.frames.length}` } });
      await waitFor('an answer', () => client.frames.length > 0);
      return client.frames.splice(0).some(({ event }) => event === 'pusher:subscription_error');
    });
    client.send({ event: 'pusher:subscribe', data: { channel: 'four' } });
    await client.next('pusher_internal:subscription_succeeded');
    client.drop();
  }));

  test('a larger message may come on connections that were open before', () => withAppsDir(async (place) => {
    const { node } = place;
    const more = 'client_events = true\nclient_events_per_second = 0\n';
    await place.write('a.toml', appText('a', more));
    await place.served(2);
    const client = await new RawClient(node, target('key-a')).open();
    await place.write('a.toml', appText('a', `${more}max_event_bytes = 600000\n`));
    await place.write('b.toml', appText('b'));
    await place.served(3);
    client.send({ event: 'client-big', channel: 'private-a', data: 'x'.repeat(500_000) });
    assert.equal((await client.next('pusher:error')).data.code, 4301, 'refused for want of a subscription, not closed with 1009');
    client.drop();
  }));

  test('another key closes with 4001, disabling with 4003', () => withAppsDir(async (place) => {
    const { node } = place;
    await place.write('a.toml', appText('a'));
    await place.write('b.toml', appText('b'));
    await place.served(3);
    const [a, b] = await Promise.all(['key-a', 'key-b'].map((key) => new RawClient(node, target(key)).open()));
    await place.write('a.toml', 'id = "a"\nkey = "other-key"\nsecret = "s"\n');
    assert.equal((await a.end()).code, 4001);
    await place.write('b.toml', appText('b', 'enabled = false\n'));
    assert.equal((await b.end()).code, 4003);
    assert.equal(await refusal(node, 'key-b'), 4003);
    (await new RawClient(node, target('other-key')).open()).drop();
    assert.ok(await node.metric('tulle_app_closes_total') === 2);
  }));

  test('a file that is wrong changes nothing: told with file and line, and by the gauge', () => withAppsDir(async (place) => {
    const { node } = place;
    await place.write('a.toml', appText('a'));
    await place.served(2);
    const client = await new RawClient(node, target('key-a')).open();
    await place.write('b.toml', `${appText('b')}colour = "red"\n`);
    await fs.rm(place.file('a.toml'));
    await place.isGood(0);
    await waitFor('the log', () => node.log.includes(`${place.file('b.toml')}:4`) && node.log.includes('colour'));
    assert.ok(await node.metric('tulle_config_reload_failures_total') >= 1);
    client.send({ event: 'pusher:ping' });
    await client.next('pusher:pong');
    await place.write('b.toml', appText('b'));
    await place.isGood(1);
    assert.equal((await client.end()).code, 4001);
    (await new RawClient(node, target('key-b')).open()).drop();
  }));

  test('a file that an editor renames into place counts, what it leaves behind does not', () => withAppsDir(async (place) => {
    const { node } = place;
    await place.write('.a.toml.swp', 'no app');
    await place.write('a.toml~', 'no app');
    await place.write('a.tmp', appText('a'));
    await fs.rename(place.file('a.tmp'), place.file('a.toml'));
    await place.served(2);
    await fs.rename(place.file('a.toml'), place.file('a.off'));
    await place.served(1);
    assert.equal(await node.metric('tulle_config_last_reload_successful'), 1);
  }));

  test('an id that comes twice, over files or with the main file, is refused', () => withAppsDir(async (place) => {
    await place.write('a.toml', 'id = "main"\nkey = "k"\nsecret = "s"\n');
    await place.isGood(0);
    await waitFor('the reason in the log', () => place.node.log.includes('has an id or a key that another app has too'));
    await fs.rm(place.file('a.toml'));
    await place.isGood(1);
  }));
});

describe('SIGHUP', () => {
  test('reads the main file again too, and drops nobody', () => withAppsDir(async (place) => {
    const { node } = place;
    const client = await new RawClient(node, target('key-main')).open();
    await place.writeMain(`[[apps]]\n${appText('second')}`);
    node.program.kill('SIGHUP');
    await place.served(2);
    (await new RawClient(node, target('key-second')).open()).drop();
    await fs.writeFile(place.main, 'apps_dir = \n');
    node.program.kill('SIGHUP');
    await place.isGood(0);
    await waitFor('the log', () => node.log.includes(`${place.main}:1`));
    client.send({ event: 'pusher:ping' });
    await client.next('pusher:pong');
    const reloads = await node.metric('tulle_config_reloads_total');
    await place.write('a.toml', appText('a'));
    await place.served(3);
    await waitFor('the reading to be counted', async () => await node.metric('tulle_config_reloads_total') > reloads);
    assert.equal(await node.metric('tulle_config_last_reload_successful'), 0, 'the main file is still wrong');
    await place.writeMain();
    await place.write('a.toml', appText('a', 'enabled = false\n'));
    await place.isGood(1);
    assert.equal(await node.metric('tulle_apps'), 3, 'the main file counts from the next SIGHUP on');
    node.program.kill('SIGHUP');
    await place.served(2);
    client.drop();
  }));

  test('that found a wrong file of an app is forgotten when that file is mended', () => withAppsDir(async (place) => {
    await place.write('a.toml', 'id = 1\n');
    await place.isGood(0);
    const failures = await place.node.metric('tulle_config_reload_failures_total');
    place.node.program.kill('SIGHUP');
    await waitFor('the refusal', async () => await place.node.metric('tulle_config_reload_failures_total') > failures);
    await place.write('a.toml', appText('a'));
    await place.isGood(1);
  }));
});

test('a wrong file at the start ends with exit code 2 and names it', () => withAppsDir(async (place) => {
  await place.write('bad.toml', `${appText('bad')}\nlimit = 1\n`);
  const { code, stderr } = await run('tulled', ['--config', place.main, ...ANY]);
  assert.equal(code, 2, stderr);
  assert.ok(stderr.includes(`${place.file('bad.toml')}:5`) && stderr.includes('limit'), stderr);
  await fs.rm(place.file('bad.toml'));
}));
