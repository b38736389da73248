// A node whose log nobody reads, or that was started without standard descriptors, serves and ends like any other.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inbox, server, subscribed, withClients } from '../support/js/clients.mjs';
import { TulleNode } from '../support/js/cluster.mjs';
import { PROJECT } from '../support/js/process.mjs';
import { waitFor, within } from '../support/js/wait.mjs';

const BIN = process.env.TULLE_BIN_DIR ?? path.join(PROJECT, 'build/release/bin');

let directory;
before(() => { directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tulle-test-')); });
after(() => fs.rmSync(directory, { recursive: true, force: true }));

/** A pipe that is full, and that nobody reads: its one descriptor. */
function fullPipe(name) {
  const file = path.join(directory, name);
  execFileSync('mkfifo', [file]);
  const pipe = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  assert.throws(() => { for (;;) fs.writeSync(pipe, Buffer.alloc(4096, '\n')); }, { code: 'EAGAIN' });
  fs.closeSync(fs.openSync(file, fs.constants.O_RDWR)); // whoever opens it next waits in its writes
  return { forChild: fs.openSync(file, fs.constants.O_RDWR), drain: pipe };
}

/** Launches a node by `start`, which is given its arguments. */
class OtherwiseStarted extends TulleNode {
  constructor(name, start) {
    super(name, directory);
    this.start = start;
  }

  launch() {
    const child = this.start(['--name', this.name, '--ports-file', this.portsFile, '--hub', this.hub, '--log-level', 'debug',
      ...Object.entries(this.addresses).flatMap(([role, at]) => [`--${role.replace('_', '-')}`, at])]);
    process.on('exit', () => child.kill('SIGKILL'));
    this.program = {
      child, output: '', ended: once(child, 'exit'), kill: (signal) => child.kill(signal),
      get pid() { return child.pid; },
      get hasEnded() { return child.exitCode !== null || child.signalCode !== null; },
    };
  }
}

/** Clients come and go, and each is given what is published. */
async function serves(node) {
  for (let round = 0; round < 5; ++round) {
    await withClients(Array(10).fill(node), async (...clients) => {
      const inboxes = await Promise.all(clients.map(async (one) => inbox(await subscribed(one, 'news'), 'tick')));
      await server(node).trigger('news', 'tick', { round });
      await waitFor('the event', () => inboxes.every((received) => received.length === 1));
    });
  }
}

async function endsWith(node, code) {
  node.program.kill('SIGTERM');
  assert.deepEqual(await within(10_000, 'the end of the node', node.program.ended), [code, null]);
}

for (const name of ['log1', 'log2']) { // the hub in a shard, and in a thread of its own
  test(`a node whose stderr is a full pipe serves, and ends when told to (${name})`, async () => {
    const pipe = fullPipe(`${name}.fifo`);
    const node = new OtherwiseStarted(name, (args) => spawn(path.join(BIN, 'tulled'), args, { stdio: ['ignore', 'ignore', pipe.forChild] }));
    try {
      node.launch();
      await node.ready();
      await serves(node);
      assert.equal(await node.metric('tulle_log_dropped_total'), 0, 'what waits is kept');
      await endsWith(node, 0);
    } finally {
      node.program.kill('SIGKILL');
      fs.closeSync(pipe.forChild);
      fs.closeSync(pipe.drain);
    }
  });
}

test('a node whose stderr was closed at the other end serves and counts its lines as dropped', async () => {
  const node = new OtherwiseStarted('log3', (args) => {
    const child = spawn(path.join(BIN, 'tulled'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.destroy();
    return child;
  });
  try {
    node.launch();
    await node.ready();
    await serves(node);
    assert.ok(await node.metric('tulle_log_dropped_total') > 0);
    await endsWith(node, 0);
  } finally {
    node.program.kill('SIGKILL');
  }
});

describe('without standard descriptors', () => {
  const withoutThem = (program, args) => spawn('/bin/sh', ['-c', `exec "$0" "$@" <&- >&- 2>&-`, path.join(BIN, program), ...args], { stdio: 'ignore' });

  test('a node has /dev/null in their place', async () => {
    const node = new OtherwiseStarted('log4', (args) => withoutThem('tulled', args));
    try {
      node.launch();
      await node.ready();
      for (const standard of [0, 1, 2]) assert.equal(fs.readlinkSync(`/proc/${node.program.pid}/fd/${standard}`), '/dev/null');
      await serves(node);
      await endsWith(node, 0);
    } finally {
      node.program.kill('SIGKILL');
    }
  });

  test('a command talks to nobody else than its node', async () => {
    const node = new OtherwiseStarted('log5', (args) => spawn(path.join(BIN, 'tulled'), args, { stdio: 'ignore' }));
    try {
      node.launch();
      await node.ready();
      const [code] = await within(10_000, 'the end of tulle', once(withoutThem('tulle', ['status', '--server', node.ports.admin]), 'exit'));
      assert.equal(code, 0);
      await serves(node);
      await endsWith(node, 0);
    } finally {
      node.program.kill('SIGKILL');
    }
  });
});
