// A start with hardly any descriptors: an error that says so, at whichever step they run out.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { withCluster } from '../support/js/cluster.mjs';
import { run } from '../support/js/process.mjs';

// From 20 on libzmq itself can start. A node needs some 60; --check-config does not get so far.
const FEW = [20, 24, 28, 30, 32, 34, 36, 38, 40, 44];

test('too few descriptors are named, and never taken for a mesh that lets strangers in', () => withCluster(1, { start: false }, async ({ directory }) => {
  const any = ['--listen', '--mesh', '--mesh-data', '--admin'].flatMap((flag) => [flag, '127.0.0.1:0']);
  await Promise.all(FEW.map(async (count) => {
    const { code, stderr } = await run('tulled', ['--mesh-keys', path.join(directory, 'mesh.key'), ...any], { descriptors: count, ms: 30_000 });
    assert.equal(code, 1, `${count}: ${stderr}`);
    assert.match(stderr, /Too many open files|has not ended in time/, `${count}`);
    assert.doesNotMatch(stderr, /would let in/, `${count}`);
  }));
}));
