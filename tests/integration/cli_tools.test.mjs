// The commands of `tulle` for operators' tools: checks, completion, configuration, import, watching, pipes.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { subscribed, withClients } from '../support/js/clients.mjs';
import { withCluster } from '../support/js/cluster.mjs';
import { Program, binary, run } from '../support/js/process.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const ws = (node) => `ws://${node.ports.listen}`;
const ANY = ['--listen', '127.0.0.1:0', '--mesh', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');

let directory;
before(async () => { directory = await fs.mkdtemp(path.join(os.tmpdir(), 'tulle-test-')); });
after(() => fs.rm(directory, { recursive: true, force: true }));

/** Until `check` throws nothing. */
const until = (what, check) => waitFor(what, async () => {
  await check();
  return true;
});

async function file(name, text) {
  const full = path.join(directory, name);
  await fs.writeFile(full, text);
  return full;
}

/** Runs a command on a terminal of its own; what it shows, and how it ends. */
function onTerminal(words, options = {}) {
  const quoted = [binary('tulle'), ...words].map((word) => `'${word}'`).join(' ');
  return new Program('/usr/bin/script', ['-qec', quoted, '/dev/null'], { ...options, input: true });
}

test('an option that is none: the one that was meant', async () => {
  for (const [words, said] of [[['status', '--jsno'], /no option --jsno: is --json meant\? \(see tulle status --help\)/],
    [['bench', 'fanout', '--subscriber', '3'], /no option --subscriber: is --subscribers meant\?/],
    [['check', 'node', '--wran', '3'], /no option --wran: is --warn meant\?/]]) {
    const { code, stderr } = await run('tulle', words);
    assert.equal(code, words[0] === 'check' ? 3 : 2, stderr);
    assert.match(stderr, said);
  }
});

test('check node and check mesh speak as plugins of Nagios do', () => withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
  const check = (...words) => run('tulle', ['check', ...words, '--admin', n1.ports.admin]);
  const well = await check('node');
  assert.equal(well.code, 0, well.stdout + well.stderr);
  assert.match(well.stdout, /^TULLE OK - node: live, ready, connections [\d.]+% \(\d+ of \d+\).* \| connections=[\d.]+%;80;95.*\n$/);
  assert.equal((await check('node', '--warn', '0', '--crit', '100')).code, 1);
  const critical = await check('node', '--warn', '0', '--crit', '0', '--format', 'json');
  assert.equal(critical.code, 2);
  const report = JSON.parse(critical.stdout);
  assert.equal(report.state, 'CRITICAL');
  assert.equal(report.readings.find(({ name }) => name === 'connections').state, 'CRITICAL');
  assert.deepEqual(await check('node', '--warn', '90', '--crit', '80').then(({ code }) => code), 3);

  const mesh = await check('mesh', '--expect', '2');
  assert.equal(mesh.code, 0, mesh.stdout + mesh.stderr);
  assert.match(mesh.stdout, /^TULLE OK - mesh: 2 of 2 nodes serve.* \| nodes=2 missing=0;1;2 unmet_peers=0 gaps=0c\n$/);
  assert.equal((await check('mesh', '--expect', '3')).code, 1);
  assert.equal((await check('mesh', '--expect', '4')).code, 2);
  n2.kill('SIGKILL');
  await until('the loss to be critical', async () => {
    const lost = await check('mesh', '--crit', '1', '--format', 'text');
    assert.equal(lost.code, 2, lost.stdout);
    assert.match(lost.stdout, /CRITICAL {2}1 of 2 nodes serve; n2 /);
  });
}));

test('check of a node that does not answer is critical, and of one that is none unknown', async () => {
  const { code, stdout } = await run('tulle', ['check', 'node', '-s', '127.0.0.1:1']);
  assert.equal(code, 2);
  assert.match(stdout, /^TULLE CRITICAL - node: cannot reach a node at 127.0.0.1:1: /);
  await withCluster(1, {}, async ({ nodes: [n1] }) => {
    // The public port answers /live and /ready, but knows nothing of /metrics.
    for (const kind of ['node', 'mesh']) {
      const other = await run('tulle', ['check', kind, '-s', n1.ports.listen]);
      assert.equal(other.code, 3, other.stdout);
      assert.match(other.stdout, /^TULLE UNKNOWN - .*answered HTTP 404/);
    }
  });
});

test('bash completes commands, options, values and files', async () => {
  await file('some.key', '');
  const script = await file('completion.bash', (await run('tulle', ['completion', 'bash'])).stdout);
  /** What bash offers for the last of the words. */
  async function offered(...words) {
    const { code, stdout, stderr } = await run('/bin/bash', ['--norc', '-c', `
      set -u
      source "$1"; shift
      complete -p tulle > /dev/null || exit 9
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}
      _tulle
      printf '%s\\n' "\${COMPREPLY[@]}"`, 'bash', script, 'tulle', ...words], { cwd: directory });
    assert.equal(code, 0, stderr);
    return stdout.split('\n').filter((word) => word !== '');
  }
  assert.deepEqual(await offered('sta'), ['status']);
  assert.ok((await offered('')).includes('completion'));
  assert.deepEqual(await offered('bench', 'f'), ['fanout']);
  assert.deepEqual(await offered('check', ''), ['node', 'mesh', '-h', '--help'].filter((word) => !word.startsWith('-'))
    .concat((await offered('check', '-'))));
  assert.deepEqual((await offered('status', '--e')), ['--expect']);
  assert.deepEqual(await offered('bench', 'fanout', '--via', ''), ['client-events', 'http']);
  assert.deepEqual(await offered('bench', 'fanout', '--via', '=', 'h'), ['http']);
  assert.deepEqual(await offered('check', 'node', '--format', 'j'), ['json']);
  assert.deepEqual(await offered('completion', 'z'), ['zsh']);
  assert.deepEqual(await offered('import', 's'), ['some.key', 'soketi', 'sockudo']);
  assert.deepEqual(await offered('keygen', '-o', 'so'), ['some.key']);
  assert.deepEqual(await offered('status', '--admin', ''), []);
  assert.deepEqual(await offered('status', '--watch', '--js'), ['--json']);
  // Bash itself finds nothing wrong in the script.
  assert.equal((await run('/bin/bash', ['-n', script])).stderr, '');
});

test('config print shows values with their origins, and a file with variables', async () => {
  const config = await file('node.toml', 'cluster = "${CLUSTER:-west}"\n[[apps]]\nid = "1"\nkey = "k"\nsecret = "${SECRET}"\n');
  const missing = await run('tulle', ['config', 'print', '--config', config]);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /node\.toml:5: apps\.secret: the environment variable SECRET is not set/);
  const { code, stdout, stderr } = await run('tulle', ['config', 'print', '--config', config], {
    env: { SECRET: 'not to be seen', CLUSTER: 'east', TULLE_LOG_LEVEL: 'warn' },
  });
  assert.equal(code, 2, stdout);
  assert.match(stderr, /secret or secret_file must give 1 to 256 visible characters/);
  assert.doesNotMatch(stderr, /not to be seen/);
  const good = await run('tulle', ['config', 'print', '--config', config], { env: { SECRET: 'hidden', TULLE_LOG_LEVEL: 'warn' } });
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /^cluster = "west" {2}# .*node\.toml:1$/m);
  assert.match(good.stdout, /^log_level = "warn" {2}# environment variable TULLE_LOG_LEVEL$/m);
  assert.match(good.stdout, /^listen = "127\.0\.0\.1:6001" {2}# default$/m);
  assert.match(good.stdout, /^\[\[apps\]\] {2}# .*node\.toml:2$/m);
  assert.doesNotMatch(good.stdout, /hidden/);
});

test('import writes what tulled accepts', async () => {
  const soketi = await file('soketi.json', JSON.stringify({
    port: 6009,
    appManager: { array: { apps: [{ id: 'a', key: 'k', secret: 's', enableClientMessages: true, webhooks: [{ url: 'https://h.example/', event_types: ['member_added'] }] }] } },
    database: { mysql: { password: 'hunter2' } },
  }));
  const sockudo = await file('sockudo.toml', '[[app_manager.array.apps]]\nid = "a"\nkey = "k"\nsecret = "s"\n[presence]\nmax_members_per_channel = 5000\n');
  const reverb = await file('reverb.php', "<?php return ['apps' => ['apps' => [['key' => env('REVERB_APP_KEY'), 'secret' => env('REVERB_APP_SECRET'), 'app_id' => 1]]]];");
  const env = await file('reverb.env', 'REVERB_APP_ID=1\nREVERB_APP_KEY=k\nREVERB_APP_SECRET="s"\n');
  for (const [server, source] of [['soketi', soketi], ['sockudo', sockudo], ['reverb', reverb], ['reverb', env]]) {
    const { code, stdout, stderr } = await run('tulle', ['import', server, source]);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stdout, /hunter2/);
    const made = await file('made.toml', stdout);
    // The addresses of the file would meet other tests.
    const checked = await run('tulled', ['--config', made, '--check-config', ...ANY], { env: { REVERB_APP_KEY: 'k', REVERB_APP_SECRET: 's' } });
    assert.equal(checked.code, 0, checked.stderr + stdout);
  }
  for (const [words, code, said] of [[['soketi', sockudo], 1, /no line SOKETI_NAME=value/], [['soketi', '/none'], 1, /cannot read \/none/],
    [['pushpin', soketi], 2, /pushpin/]]) {
    const refused = await run('tulle', ['import', ...words]);
    assert.equal(refused.code, code);
    assert.match(refused.stderr, said);
  }
});

test('--watch prints block after block, and redraws on a terminal until q', () => withCluster(1, {}, async ({ nodes: [n1] }) => {
  const plain = new Program('tulle', ['status', '-s', n1.ports.admin, '--watch', '0.1']);
  await until('three looks', () => assert.ok(plain.stdout.split('NAME').length > 3, plain.output));
  plain.kill('SIGINT');
  assert.deepEqual(await within(5_000, 'its end', plain.ended), { code: 0, signal: null });
  assert.doesNotMatch(plain.stdout, /\x1b/);

  const json = new Program('tulle', ['redis', '-s', n1.ports.admin, '--watch', '0.1', '--json']);
  await until('two looks', () => assert.ok(json.stdout.split('\n').length > 2, json.output));
  json.kill('SIGTERM');
  await within(5_000, 'its end', json.ended);
  json.stdout.trim().split('\n').forEach((line) => assert.ok(Array.isArray(JSON.parse(line).nodes)));

  const nobody = new Program('tulle', ['redis', '-s', '127.0.0.1:1', '--watch', '0.1', '--json']);
  await until('two complaints', () => assert.match(nobody.stderr, /cannot reach[^]*cannot reach/));
  nobody.kill('SIGINT');
  assert.deepEqual(await within(5_000, 'its end', nobody.ended), { code: 3, signal: null });
  assert.equal(nobody.stdout, '');

  const shown = onTerminal(['doctor', '-s', n1.ports.admin, '--watch']);
  await until('a look', () => assert.match(shown.stdout, /\x1b\[H.*\(q ends\)[^]*healthy: 1 node/));
  shown.child.stdin.write('q');
  assert.deepEqual(await within(5_000, 'its end', shown.ended), { code: 0, signal: null });
}));

test('a table fits its terminal, and is whole elsewhere', () => withCluster(1, {}, async ({ nodes: [n1] }) => {
  const narrow = onTerminal(['status', '-s', n1.ports.admin], { env: { COLUMNS: '70' } });
  await within(5_000, 'its end', narrow.ended);
  const table = narrow.stdout.split(/\r?\n/).filter((line) => /NAME|n1/.test(line));
  assert.equal(table.length, 2);
  assert.match(table[1], /…/);
  table.forEach((line) => assert.ok([...line].length <= 90, line));
  const whole = await run('tulle', ['status', '-s', n1.ports.admin], { env: { COLUMNS: '70' } });
  assert.doesNotMatch(whole.stdout, /…/);
  assert.ok(whole.stdout.includes(n1.ports.listen));
}));

test('events go from sub to pub by pipes, presence and encrypted channels too', () => withCluster(2, {}, async ({ nodes: [n1, n2] }) => {
  const env = { TULLE_ENCRYPTION_KEY: MASTER_KEY };
  const sub = new Program('tulle', ['sub', 'news', 'private-encrypted-mail', 'presence-room', '--url', ws(n1), '--user-id', 'ada', '--json'], { env });
  await until('the subscriptions', () => {
    assert.match(sub.stderr, /subscribed to news\n/);
    assert.match(sub.stderr, /subscribed to private-encrypted-mail\n/);
    assert.match(sub.stderr, /subscribed to presence-room, users: ada\n/);
  });
  const lines = new Program('tulle', ['pub', '-', '--url', ws(n2)], { env, input: true });
  lines.say(JSON.stringify({ channel: 'news', event: 'e', data: { a: 1 } }));
  lines.say('');
  lines.say(JSON.stringify({ channel: 'private-encrypted-mail', event: 'm', data: 'secret' }));
  lines.endInput();
  assert.equal((await lines.ended).code, 0, lines.stderr);
  assert.equal(lines.stdout, 'published 2 events\n');
  const plain = new Program('tulle', ['pub', 'presence-room', 'said', '-', '--url', ws(n2)], { input: true });
  plain.say('one');
  plain.say('two');
  plain.endInput();
  assert.equal((await plain.ended).code, 0, plain.stderr);
  await until('all events', () => assert.equal(sub.stdout.split('\n').length, 5, sub.output));
  const events = sub.stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(events.map(({ channel, event, data }) => [channel, event, data]), [['news', 'e', '{"a":1}'],
    ['private-encrypted-mail', 'm', 'secret'], ['presence-room', 'said', 'one'], ['presence-room', 'said', 'two']]);
  sub.kill('SIGINT');
  await sub.ended;
  // What sub has printed, pub takes.
  const again = new Program('tulle', ['pub', '-', '--url', ws(n1)], { env, input: true });
  again.say(sub.stdout);
  again.endInput();
  assert.equal((await again.ended).code, 0, again.stderr);
  assert.equal(again.stdout, 'published 4 events\n');
}));

test('pub says which line of its input is no event', () => withCluster(1, {}, async ({ nodes: [n1] }) => {
  const pub = new Program('tulle', ['pub', '-', '--url', ws(n1)], { input: true });
  pub.say(JSON.stringify({ channel: 'c', event: 'e' }));
  pub.say('not JSON');
  pub.endInput();
  assert.equal((await pub.ended).code, 2);
  assert.match(pub.stderr, /line 2 of standard input is no JSON object/);
  for (const words of [['c'], ['c', 'e'], ['-', 'e'], ['c', 'e', '-', '--count', '2']]) {
    assert.equal((await run('tulle', ['pub', ...words, '--url', ws(n1)])).code, 2, words.join(' '));
  }
  assert.equal((await run('tulle', ['sub', '--url', ws(n1)])).code, 2);
}));

test('sub --prefix finds channels on all nodes, and those that come later', () => withCluster(2, {}, ({ nodes: [n1, n2] }) => withClients([n2], async (other) => {
  await subscribed(other, 'room-1');
  const sub = new Program('tulle', ['sub', '--prefix', 'room-', '--url', ws(n1), '--count', '2']);
  await until('room-1', () => assert.match(sub.stderr, /subscribed to room-1\n/));
  await subscribed(other, 'room-2');
  await subscribed(other, 'other');
  await until('room-2', () => assert.match(sub.stderr, /subscribed to room-2\n/));
  for (const room of ['room-1', 'other', 'room-2']) {
    assert.equal((await run('tulle', ['pub', room, 'e', room, '--url', ws(n2)])).code, 0);
  }
  assert.deepEqual(await within(5_000, 'its end', sub.ended), { code: 0, signal: null });
  assert.match(sub.stdout, /room-1 e room-1\n.*room-2 e room-2\n$/);
})));
