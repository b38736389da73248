// What Sockudo 5.2.0 sends a Redis for its cache and its rate limiter: the texts of its scripts, which no package of npm brings, and byte scripts
// that use them. By the texts of sockudo-cache (redis_cache_manager.rs) and sockudo-rate-limiter (redis_window.rs).
import { createHash } from 'node:crypto';
import { OK, array } from './redis_compare.mjs';
import { generator } from './random.mjs';
import { a, b } from './resp_script.mjs';

const SWAP = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]); return 1 else return 0 end";
const REMOVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) else return 0 end";
const WINDOW = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, ARGV[1])

local count = redis.call('ZCARD', KEYS[1])
local limit = tonumber(ARGV[4])
local should_increment = ARGV[5] == '1'
local already_counted = should_increment and redis.call('ZSCORE', KEYS[1], ARGV[6]) ~= false
local allowed = 0

if already_counted then
  allowed = 1
elseif count < limit then
  allowed = 1
  if should_increment then
    redis.call('ZADD', KEYS[1], ARGV[2], ARGV[6])
    count = count + 1
  end
end

if count > 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end

return {allowed, math.max(0, limit - count)}
`;
const BINARY = Buffer.from([0, 1, 10, 13, 36, 42, 127, 128, 255]);
const NOW = 1_770_000_000_000;

const sha = (text) => createHash('sha1').update(text).digest('hex');
const request = (text, key, args) => ['EVAL', text, '1', key, ...args];
const byName = (text, key, args) => ['EVALSHA', sha(text), '1', key, ...args];
/** The arguments of the script of the window; `now` is the caller's clock, from NOW on. */
const hit = (member, { now = 0, begin, seconds = 100, limit = 2, counts = 1 } = {}) =>
  [begin ?? NOW + now - seconds * 1000, NOW + now, seconds, limit, counts].map(String).concat([member]);
const window = (member, options, key = 'k') => a(request(WINDOW, key, hit(member, options)));
const look = (options) => window('', { ...options, counts: 0 });
const piped = (text, on = a) => on.pipeline(text.split(' | '));

/** Hits and looks of callers whose clocks differ by up to 3 s, one pipeline after the other. */
function randomHits(seed) {
  const random = generator(seed);
  let now = 0;
  const one = () => {
    now += random(4000);
    const options = { begin: NOW + now - 100_000, now: now + random(3000), limit: [0, 3, 5, 20][random(4)], counts: random(5) && 1 };
    return request(WINDOW, `k${random(2)}`, hit(`m${random(20)}`, options));
  };
  return Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).pipeline(Array.from({ length: 30 }, one)));
}

/** Adds the byte scripts with which both servers do the same to a corpus. `left`: the normalisation of times. */
export function sockudoAsRedis({ only, both }, left) {
  both("Sockudo's script that swaps a value", [
    a(request(SWAP, 'k', ['v', 'w', '100'])), a('GET k'), a('SET k v EX 900'), a(byName(SWAP, 'k', ['other', 'w', '100'])), piped('GET k | PTTL k'),
    a(byName(SWAP, 'k', ['v', 'w', '200'])), piped('GET k | PTTL k'), a(byName(SWAP, 'k', ['v', 'w', '300'])), piped('GET k | PTTL k'),
    a(request(SWAP, 'k', ['other', 'w', 'x'])), a(request(SWAP, 'none', ['v', 'w', '0'])), a(['SET', 'k', BINARY]),
    a(request(SWAP, 'k', [BINARY, '', '100', 'more'])), piped('GET k | PTTL k'), a('MULTI'), a(byName(SWAP, 'k', ['', 'x', '100'])),
    a(byName(SWAP, 'k', ['', 'y', '100'])), a('EXEC'), a('GET k'), a(['SCRIPT', 'LOAD', SWAP]),
  ], left);
  both("Sockudo's script that removes a value", [
    a(request(REMOVE, 'k', ['v'])), a('SET k v EX 100'), a(byName(REMOVE, 'k', ['w'])), a('GET k'), a(byName(REMOVE, 'k', ['v'])), a('EXISTS k'),
    a(['SET', 'k', BINARY]), a('MULTI'), a(request(REMOVE, 'k', [BINARY])), a(request(REMOVE, 'k', [BINARY])), a('EXEC'),
    a(['SCRIPT', 'LOAD', REMOVE]),
  ]);
  both("Sockudo's sliding window", [
    look(), ...['m1', 'm1', 'm2', 'm3', 'm1'].map((member) => window(member)), look(), a('PTTL k'), a(byName(WINDOW, 'k', hit('m4', { limit: 5 }))),
    look({ limit: 5 }), window('m5', { limit: 0 }), window('m5', { limit: -3 }), look({ now: 99_999 }), look({ now: 100_000, limit: 9 }),
    window('m5', { now: 100_001 }), window('m6', { now: 100_001 }), window('m7', { now: 100_001 }), piped('PTTL k | EXISTS k'),
    a('DEL k'), window('m1', { limit: 0 }), a('EXISTS k'), a(['SCRIPT', 'LOAD', WINDOW]), a(['SCRIPT', 'EXISTS', sha(WINDOW)]),
  ], left);
  both("Sockudo's sliding window with other names, in MULTI and in another database", [
    window(BINARY, {}, BINARY), window(BINARY, {}, BINARY), window('', {}, ''), window('', {}, ''), a('MULTI'), window('x', {}, BINARY),
    window('y', {}, BINARY), a('EXEC'), a('SELECT 5'), window(BINARY, {}, BINARY), a(['PTTL', BINARY]),
  ], left);
  both("Sockudo's sliding window of no length", [
    window('m1', { seconds: 0 }), a('EXISTS k'), window('m1'), a('EXISTS k'), look({ seconds: 0, begin: 0 }), a('EXISTS k'),
    window('m1', { limit: 9 }), window('m1', { seconds: -1, begin: 0 }), a('EXISTS k'),
  ]);
  both("Sockudo's sliding window with a large limit", [
    ...[0, 1, 2, 3].map((part) => a.pipeline(Array.from({ length: 100 }, (_, i) =>
      request(WINDOW, 'k', hit(`m${100 * part + i}`, { now: 200 * part + i, limit: 350 }))))),
    look({ limit: 4_294_967_295 }), window('m349', { now: 700, limit: 350 }), look({ now: 100_800, limit: 350 }),
  ], left);
  for (let seed = 1; seed <= 5; ++seed) only(`600 random hits of Sockudo's sliding window, seed ${seed}`, randomHits(seed), left);
}

/** Adds those with which Tulle does otherwise. */
export function sockudoOtherwise(noRedis) {
  const NOT_AN_INTEGER = '-ERR value is not an integer or out of range\r\n';
  const WRONG_TIME = "-ERR invalid expire time in 'set' command\r\n";
  noRedis("Sockudo's scripts are there before they are loaded", [
    a(['SCRIPT', 'EXISTS', ...[SWAP, REMOVE, WINDOW].map(sha)]), a('SCRIPT FLUSH'), a(byName(SWAP, 'k', ['v', 'w', '100'])),
    a(byName(REMOVE, 'k', ['v'])), a(byName(WINDOW, 'k', hit('m'))),
  ], { a: `*3\r\n${':1\r\n'.repeat(3)}${OK}:0\r\n:0\r\n${array(1, 1)}${OK}` });
  noRedis("errors of Sockudo's scripts name no line, and nothing has been done", [
    a('SET k v'), ...['x', '0', '-1'].map((seconds) => a(request(SWAP, 'k', ['v', 'w', seconds]))), window('m'), a('GET k'),
  ], { a: `${OK}${NOT_AN_INTEGER}${WRONG_TIME}${WRONG_TIME}-WRONGTYPE Operation against a key holding the wrong kind of value\r\n$1\r\nv\r\n${OK}` });
  noRedis("Sockudo's window is a string, and stays until it expires", [
    window('m'), a('TYPE k'), look({ now: 100_000 }), a('EXISTS k'),
  ], { a: `${array(1, 1)}+string\r\n${array(1, 2)}:1\r\n${OK}` });
}
