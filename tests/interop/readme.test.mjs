// What README.md has readers type on one machine, as it stands there: in a network of its own, where its ports are free.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { PROJECT, Program, binary } from '../support/js/process.mjs';
import { within } from '../support/js/wait.mjs';

// With processes of its own too, which end with the script.
const UNSHARE = ['unshare', '--user', '--map-root-user', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
const canUnshare = spawnSync(UNSHARE[0], [...UNSHARE.slice(1), 'true']).status === 0;
if (!canUnshare) console.error('SKIPPED: readme.test.mjs needs a network of its own (unshare --user --net)');

// SIOCSIFFLAGS with IFF_UP and IFF_RUNNING (linux/if.h).
const LOOPBACK_UP = "python3 -c 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack(\"16sh\", b\"lo\", 0x41))'";

/** The lines of the indented block below a text, without their comments; a line that goes on is one. */
function commands(readme, below) {
  const start = readme.indexOf(below);
  assert.ok(start >= 0, below);
  const [, block] = /\n\n((?: {4}.*\n)+)/.exec(readme.slice(start));
  return block.replace(/ *\\\n */g, ' ').split('\n').filter(Boolean).map((line) => line.trim().replace(/ {2,}# .*$/, ''));
}

/** The fenced block of JavaScript below a text. */
const javascript = (readme, below) => /```js\n([\s\S]*?)```/.exec(readme.slice(readme.indexOf(below)))[1];

test('three nodes start by the commands of the README, and everything that it has to try them works', { skip: !canUnshare, timeout: 120_000 }, async () => {
  const readme = await fs.readFile(path.join(PROJECT, 'README.md'), 'utf8');
  const start = commands(readme, 'On one machine (each node needs');
  assert.deepEqual(start.map((line) => /^tulled --name (\w+)/.exec(line)[1]), ['n1', 'n2', 'n3']);
  const attempts = commands(readme, 'Or from a shell:').map((line) => line.replace('build/release/bin/', ''));
  const [sub, pub, status, kill] = attempts;
  assert.deepEqual(attempts.map((line) => line.split(' ').slice(0, 2).join(' ')), ['tulle sub', 'tulle pub', 'tulle status', 'kill -9']);

  const here = await fs.mkdtemp(path.join(PROJECT, 'tests', 'readme-'));
  try {
    await fs.writeFile(path.join(here, 'page.mjs'), `globalThis.window = globalThis;\nconst { default: Pusher } = await import('pusher-js');\n${javascript(readme, 'With pusher-js:')}`);
    await fs.writeFile(path.join(here, 'server.mjs'), `import Pusher from 'pusher';\n${javascript(readme, 'and the server SDK:').replace("'hi'", "'from the server'")}`);
    const script = `
      set -eu
      ${LOOPBACK_UP}
      until_true() { until "$@" > last.txt 2>&1; do read -rt 0.1 _ <> <(:) || true; done; }
      ${start.map((line) => `${line} 2>> nodes.txt & pids="\${pids:-} $!"`).join('\n      ')}
      until_true tulle doctor --expect 3
      ${sub} > sub.txt 2>&1 &
      node page.mjs > page.txt 2>&1 &
      heard() { ${pub}; grep -q '"hi"' sub.txt && grep -q "text: 'hi'" page.txt; }
      until_true heard
      node server.mjs
      until_true grep -q 'from the server' page.txt
      ${status} > status.txt
      ${kill.replace('<the pid of a node>', '$(echo $pids | cut -d" " -f2)')}
      gone() { tulle status | grep -q 'n2 .*dead'; }
      until_true gone
      echo done`;
    const program = new Program('/bin/bash', ['-c', script], {
      cwd: here, under: UNSHARE, env: { PATH: `${path.dirname(binary('tulle'))}:${process.env.PATH}` },
    });
    try {
      await within(60_000, 'the script', program.ended);
      assert.equal(program.stdout, 'done\n', program.stderr);
    } catch (error) {
      for (const name of await fs.readdir(here)) console.error(`${name}:\n${await fs.readFile(path.join(here, name), 'utf8')}`);
      throw error;
    } finally {
      program.kill('SIGKILL');
      await program.ended;
    }
    for (const name of ['n1', 'n2', 'n3']) assert.match(await fs.readFile(path.join(here, 'status.txt'), 'utf8'), new RegExp(`\\b${name}\\b`));
  } finally {
    await fs.rm(here, { recursive: true });
  }
});
