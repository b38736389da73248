// Lists of names on a node on which nothing else happens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withRedisNodes } from '../support/js/redis_edge.mjs';
import { asked } from '../support/js/resp_script.mjs';

const LISTS = 40;
const HEARTBEAT_MS = 250; // the longest that a hub without work waits until its next turn

test('a list does not wait for the next heartbeat', () => withRedisNodes(1, {}, async ([place]) => {
  const begun = performance.now();
  for (let i = 0; i < LISTS; ++i) assert.equal(String(await asked(place, [['PUBSUB', 'CHANNELS']])), '*0\r\n');
  const took = performance.now() - begun;
  assert.ok(took < LISTS * HEARTBEAT_MS / 4, `${LISTS} lists, one after the other, took ${took.toFixed(0)} ms`);
}));
