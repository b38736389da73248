// Files that a node reads again while it runs, exchanged for what never ends or never begins: a pipe without a writer.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { MESH_KEY, withCluster } from '../support/js/cluster.mjs';
import { withTls } from '../support/js/tls.mjs';
import { waitFor } from '../support/js/wait.mjs';

const exec = promisify(execFile);

/** Puts a pipe in the place of `file`, and answers how to take it back. */
async function pipeInPlaceOf(file) {
  await exec('mkfifo', ['-m', '600', `${file}.pipe`]);
  await fs.rename(file, `${file}.kept`);
  await fs.rename(`${file}.pipe`, file);
  return () => fs.rename(`${file}.kept`, file);
}

/** The node says so at SIGHUP, takes the next SIGHUP, and ends when it is told to. */
async function bearsPipe(node, file, said) {
  const restore = await pipeInPlaceOf(file);
  node.program.kill('SIGHUP');
  await waitFor(`the log to tell of ${file}`, () => said.test(node.log));
  await restore();
  const before = node.log.length;
  node.program.kill('SIGHUP');
  await waitFor('the next reload', () => node.log.slice(before).includes('the apps have been read again'));
}

test('a certificate or its key that is a pipe stops neither reloads nor the end of the node', () => withTls(1, async ({ nodes: [node], pair }) => {
  await bearsPipe(node, pair.cert, /localhost\.crt: is no regular file/);
  await bearsPipe(node, pair.key, /localhost\.key: is no regular file/);
  node.program.kill('SIGTERM');
  await node.gone();
}));

test('so does a file of apps_dir, of a secret, of the mesh key', () => withCluster(1, { start: false }, async ({ directory, nodes: [node] }) => {
  const at = (name) => path.join(directory, name);
  await fs.mkdir(at('apps'));
  await fs.writeFile(at('apps/one.toml'), 'id = "1"\nkey = "k"\nsecret_file = "../secret"\n');
  await fs.writeFile(at('secret'), 'secret-of-an-app');
  await fs.writeFile(at('node.toml'), `apps_dir = "apps"\nmesh_keys = ["${at('mesh.key')}"]\n`);
  node.keys = [];
  node.args = ['--config', at('node.toml')];
  node.launch();
  await node.ready();
  await bearsPipe(node, at('apps/one.toml'), /one\.toml: cannot be read: it is no regular file/);
  await bearsPipe(node, at('secret'), /secret cannot be read: it is no regular file/);
  await bearsPipe(node, at('mesh.key'), /mesh\.key is no regular file/);
  assert.ok(!node.log.includes(MESH_KEY.split(' ')[2]));
  node.program.kill('SIGTERM');
  await node.gone();
}));
