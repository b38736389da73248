// How long a node takes by its defaults to be gone, which is what those who stop nodes have to leave them.
import assert from 'node:assert/strict';
import { run } from '../support/js/process.mjs';

/** Of closing the last clients, webhooks and leaving the mesh, once drain_grace and drain_duration are over. */
const LEAVING = 15;

export async function drainSeconds() {
  const { stdout } = await run('tulled', ['--help']);
  const seconds = (option) => {
    const found = new RegExp(`--${option} SECONDS .*\\(default: (\\d+)\\)`).exec(stdout);
    assert.ok(found, `the default of ${option} in ${stdout}`);
    return Number(found[1]);
  };
  return seconds('drain-grace') + seconds('drain-duration') + LEAVING;
}
