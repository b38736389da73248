// The keys of the Redis edge and those of Debian's redis-server, byte for byte: both are played the same scripts, and what they answer is
// compared. Times in these scripts are multiples of 100 s, or moments in the year 3021, so that what has run off of them is known.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { RedisStore as RateLimitRedis } from 'rate-limit-redis';
import { OK, bulk, compare, corpus, expect, withBoth } from '../support/js/redis_compare.mjs';
import { IS_REDIS, STORE, noRedisServer, withRedisNodes } from '../support/js/redis_edge.mjs';
import { generator } from '../support/js/random.mjs';
import { split } from '../support/js/resp.mjs';
import { a, asked, b } from '../support/js/resp_script.mjs';
import { sockudoAsRedis, sockudoOtherwise } from '../support/js/sockudo.mjs';

const { RateLimiterRedis } = createRequire(import.meta.url)('rate-limiter-flexible');
const BINARY = Buffer.from([0, 1, 10, 13, 36, 42, 127, 128, 255]);
const MOMENT = 33177117420; // in seconds
const MOMENT_MS = MOMENT * 1000;
const MOST = '9223372036854775807';
const LEAST = '-9223372036854775808';
const MOST_SECONDS = '9223372036854776'; // too many: as milliseconds they are no integer of 64 bits
const { scripts, elsewhere, both, only, instead } = corpus();
const noRedis = (...args) => instead('not as Redis', ...args);
const left = { normal: ['left'] };
const moments = { normal: ['moments'] };
const times = { normal: ['moments', 'left'] };
const keys = { normal: ['keys'] };

/** Requests given as one text, each of which is answered before the next is written. */
const each = (text) => text.split(' | ').map((request) => a(request));
/** The same in one write. */
const piped = (text) => a.pipeline(text.split(' | '));
const range = (count, body) => Array.from({ length: count }, (_, i) => body(i)).flat();

// ---- values ----
both('GET and SET', each('GET k | SET k v | GET k | SET k w | GET k | get K | Set K x | gEt K | GET k'));
both('binary and empty names and values', [
  a(['SET', BINARY, BINARY]), a(['GET', BINARY]), a(['SET', '', '']), a(['GET', '']), a(['STRLEN', '']), a(['EXISTS', '', BINARY]),
  a(['SET', 'k', '']), a('GET k'), a(['MGET', BINARY, '', 'k', 'none']), a(['DEL', BINARY, '']), a(['GET', BINARY]), a(['GET', '']), a('DBSIZE'),
]);
both('values that look like the protocol', ['$-1\r\n', '+OK\r\n', '*2\r\n$1\r\n', '\r\n', '\n', '_\r\n', ' ', '%s%n']
  .flatMap((value) => [a(['SET', value, value]), a(['GET', value])]));
both('values of 100 KB', [
  a(['SET', 'k', 'x'.repeat(100_000)]), a('GET k'), a('STRLEN k'), a(['SET', 'l', Buffer.alloc(100_000, BINARY)]), a('MGET k l'),
  a(['APPEND', 'k', 'y'.repeat(100_000)]), a('GET k'), a(['GETSET', 'k', 'z'.repeat(100_000)]), a('GETDEL l'), ...each('STRLEN k | STRLEN l'),
]);
both('names of 2,000 bytes', [
  a(['SET', 'n'.repeat(2000), 'v']), a(['GET', 'n'.repeat(2000)]), a(['GET', 'n'.repeat(1999)]), a('KEYS n*'), a(['INCR', 'm'.repeat(2000)]),
]);
both('MGET and MSET', each('MSET a 1 b 2 c 3 | MGET a b c d a | MSET a 4 a 5 | GET a | MGET none | SET a 1 EX 100 | MSET a 6 | TTL a | MSET a | '
  + 'MSET a 1 b | MGET a b | MGET | MSET'), left);
const HUNDRED = range(100, (i) => `k${i}`);
both('100 names in one command', [
  a(['MSET', ...HUNDRED.flatMap((key) => [key, key])]),
  ...['MGET', 'EXISTS', 'TOUCH', 'DEL', 'EXISTS', 'UNLINK'].map((name) => a([name, ...HUNDRED])), a('DBSIZE'),
]);
both('SETNX', each('SETNX k v | SETNX k w | GET k | TTL k | DEL k | SETNX k x | GET k | SET k v EX 100 | SETNX k w | TTL k'), left);
both('GETSET', [...each('GETSET k v | GETSET k w | GET k | SET k v EX 100 | GETSET k w | TTL k'), a(['GETSET', 'k', BINARY]), a('GETSET k x')]);
both('GETDEL', each('GETDEL k | SET k v EX 100 | GETDEL k | GETDEL k | EXISTS k | SET k w | TTL k'));
both('DEL, UNLINK, EXISTS and TOUCH', each('MSET a 1 b 2 c 3 d 4 | EXISTS a | EXISTS a a none | TOUCH a b none | DEL a a none | EXISTS a b | '
  + 'UNLINK b b c | DEL none | UNLINK none | DBSIZE | TOUCH none | exists d'));
both('TYPE and STRLEN', [
  ...each('TYPE k | STRLEN k | SET k value | TYPE k | STRLEN k'), a(['SET', 'k', '']), ...each('TYPE k | STRLEN k | type K'),
]);
both('APPEND', [
  ...each('APPEND k a | APPEND k bc | GET k'), a(['APPEND', 'k', '']), a(['APPEND', 'l', '']), a('EXISTS l'), a(['APPEND', 'k', BINARY]),
  ...each('GET k | SET k v EX 100 | APPEND k w | TTL k | SET n 1 | APPEND n 0 | INCR n'),
], left);
both('a value stays what it was among reads', [a('SET k v'), piped('STRLEN k | TYPE k | TTL k | EXISTS k | TOUCH k | GETEX k | GET k')]);

// ---- counting ----
both('INCR, DECR, INCRBY and DECRBY', each('INCR k | INCR k | DECR k | INCRBY k 10 | DECRBY k 20 | GET k | INCRBY k -5 | DECRBY k -5 | DECR l | '
  + 'DECRBY m 3 | INCRBY n 0 | EXISTS n | MGET k l m n | incr k'));
both('counting keeps the expiry', each('SET k 5 EX 100 | INCR k | TTL k | DECRBY k 2 | TTL k | PERSIST k | INCR k | TTL k'), left);
both('counting at the ends of the range', each(`SET k ${MOST} | INCR k | INCRBY k 1 | GET k | DECR k | INCR k | INCRBY k ${LEAST} | SET k ${LEAST} | `
  + `DECR k | DECRBY k 1 | GET k | INCRBY k ${MOST} | DECRBY k ${MOST} | DECRBY k ${LEAST} | DECRBY none ${LEAST} | EXISTS none | `
  + `INCRBY none ${LEAST} | INCRBY l ${MOST} | INCRBY l ${MOST} | DECRBY k -${MOST}`));
const NUMBERS = ['', ' 1', '1 ', '01', '+1', '-0', '1.0', '1e3', '0x10', 'x', '-', '--1', '1\0', '१', '9223372036854775808', '-9223372036854775809',
  '99999999999999999999999', '0', '-1', MOST, LEAST, '00', '-01'];
both('counting from values that may be no integers', NUMBERS.flatMap((value) => [
  a(['SET', 'k', value]), piped('INCR k | DECR k | INCRBY k 2 | GET k')]));
both('counting by what may be no integer', NUMBERS.map((value) =>
  a.pipeline([['INCRBY', 'k', value], ['DECRBY', 'k', value], ['INCRBY', 'none', value], ['DEL', 'none'], ['GET', 'k']])));
both('a number that has been appended to', each('SET k 1 | APPEND k 2 | INCR k | APPEND k x | INCR k | GET k'));

// ---- SET with options ----
const SET_OPTIONS = ['NX', 'XX', 'GET', 'KEEPTTL', 'EX 100', 'PX 200000', `EXAT ${MOMENT}`, `PXAT ${MOMENT_MS}`, 'FOO', 'EX', 'nx', 'px 300000'];
const kindOf = (option) => option.split(' ')[0].toUpperCase();
/** SET with these options of a key that is not there, of one without an expiry, and of one with an expiry, and what has become of it. */
const sets = (options) => piped(['', 'SET k old | ', 'SET k old EX 900 | '].map((before) =>
  `DEL k | ${before}SET k new${options && ` ${options}`} | GET k | ${options.includes('AT') ? 'EXPIRETIME k' : 'PTTL k'}`).join(' | '));
for (const option of ['', ...SET_OPTIONS]) both(`SET with ${option || 'nothing'}`, [sets(option)], times);
for (const first of SET_OPTIONS) {
  both(`SET with ${first} and another option`,
    SET_OPTIONS.filter((second) => kindOf(first) !== kindOf(second)).map((second) => sets(`${first} ${second}`)), times);
}
for (const options of ['GET NX EX 100', 'XX GET PX 100000', 'KEEPTTL GET XX', 'EX 100 NX GET', 'NX GET XX', 'GET KEEPTTL NX', 'KEEPTTL XX EX 100',
  'GET GET NX', 'XX XX KEEPTTL', 'NX NX EX 100']) both(`SET with ${options}`, [sets(options)], times);
const WRONG_TIMES = ['0', '-1', '-100', LEAST, 'x', '', '1.5', ' 1', '01', '9223372036854775808', `-${MOST_SECONDS}`];
for (const unit of ['EX', 'PX', 'EXAT', 'PXAT']) {
  both(`SET with ${unit} of wrong times`, [a('SET k v'), ...[...WRONG_TIMES, ...(unit.startsWith('EX') ? [MOST, MOST_SECONDS] : [])].map((time) =>
    a.pipeline([['SET', 'k', 'w', unit, time], ['SET', 'k', 'w', 'NX', unit, time], ['SET', 'k', 'w', 'GET', unit, time],
      ['SET', 'none', 'w', 'XX', unit, time]])), ...each('GET k | TTL k')]);
}
both('SET of moments in the past', each('SET k v | SET k w EXAT 1 | GET k | EXISTS k | SET k v PXAT 1000 | GET k | DBSIZE | SET k v | '
  + 'SET k w GET EXAT 1 | TTL k | SET k w NX'));
both('SETEX and PSETEX', [
  a('SETEX k 100 v'), piped('TTL k | PTTL k | GET k'), a('PSETEX k 200000 w'), piped('TTL k | PTTL k | GET k'), ...each('SET k x | TTL k'),
  a(['SETEX', 'k', '100', '']), a('GET k'), a(['psetex', BINARY, '100000', BINARY]), a(['PTTL', BINARY]),
], left);
both('SETEX and PSETEX of wrong times', WRONG_TIMES.map((time) =>
  a.pipeline([['SETEX', 'k', time, 'v'], ['PSETEX', 'k', time, 'v'], ['EXISTS', 'k']])));
both('GETEX', each('GETEX k | SET k v | GETEX k EX 100 | PTTL k | GETEX k | PTTL k | GETEX k PX 200000 | PTTL k | GETEX k PERSIST | TTL k | '
  + 'getex k persist | GETEX none PERSIST | GETEX none EX 100 | EXISTS none'), left);
both('GETEX with moments', each(`SET k v | GETEX k EXAT ${MOMENT} | EXPIRETIME k | GETEX k PXAT ${MOMENT_MS + 100_001} | EXPIRETIME k | `
  + 'GETEX k EXAT 1 | EXISTS k | SET k v | GETEX k PXAT 1 | GET k'));
both('GETEX with wrong options', [a('SET k v'), ...['FOO', 'EX', 'EX 100 PERSIST', 'PERSIST EX 100', 'EX 100 PX 100', 'NX', 'KEEPTTL', 'GET',
  'PERSIST FOO', 'EX x', 'EX 0', 'PX -1', 'EXAT 0', `EX ${MOST}`, 'EX 100 FOO'].map((options) => a(`GETEX k ${options}`)), ...each('TTL k | GET k')]);
both('GETEX of no key with wrong words', each('GETEX none FOO | GETEX none EX | GETEX none EX 100 PERSIST'));
both('GETEX of no key with a wrong time', each('GETEX none EX x | GETEX none EX 0 | GETEX none PX -1 | EXISTS none'));

// ---- expiry ----
const EXPIRES = { EXPIRE: [100, 900], PEXPIRE: [100_000, 900_000], EXPIREAT: [MOMENT, MOMENT + 100], PEXPIREAT: [MOMENT_MS, MOMENT_MS + 100_000] };
for (const [name, [short, long]] of Object.entries(EXPIRES)) {
  const shows = name.endsWith('AT') ? 'EXPIRETIME k' : 'PTTL k';
  both(name, each(`${name} k ${short} | SET k v | ${name} k ${short} | ${shows} | ${name} k ${long} | ${shows} | ${name.toLowerCase()} k ${short} | `
    + `${shows} | ${name} k -1 | EXISTS k | SET k v | ${name} k 0 | GET k | DBSIZE | ${name} none 0 | ${name} none -1`), left);
  for (const options of ['NX', 'XX', 'GT', 'LT', 'XX GT', 'XX LT', 'xx Lt', 'NX NX']) {
    both(`${name} with ${options}`, each(`SET k v | ${name} k ${long} ${options} | ${shows} | ${name} k ${short} | ${name} k ${long} ${options} | `
      + `${shows} | ${name} k ${long} | ${name} k ${short} ${options} | ${shows} | ${name} none ${short} ${options} | SET k v | `
      + `${name} k 0 ${options} | EXISTS k | SET k v EX 1000 | ${name} k -1 ${options} | EXISTS k`), left);
  }
  both(`${name} with wrong words`, [a('SET k v'), ...['FOO', 'NX XX', 'NX GT', 'NX LT', 'GT LT', 'XX GT LT', 'NX FOO', 'FOO NX', 'EX', '100',
    'NX XX GT LT'].map((options) => a(`${name} k ${short} ${options}`)), a([name, 'k', String(short), '']), ...each(`${name} none ${short} FOO | `
    + `${name} none ${short} NX XX | TTL k | ${name} k x | ${name} k x NX | ${name} none x | ${name} k | ${name}`)]);
  both(`${name} of wrong times`, ['', 'x', '1.5', '01', ' 1', '9223372036854775808',
    `-${MOST_SECONDS}`, LEAST, ...(name === 'PEXPIREAT' ? [] : [MOST]), ...(name.startsWith('P') ? [] : [MOST_SECONDS])]
    .map((time) => a.pipeline([['SET', 'k', 'v'], [name, 'k', time], ['EXISTS', 'k'], ['TTL', 'k']])));
}
both('EXPIRE with a wrong time and wrong words: the words are told of', each(`SET k v | EXPIRE k x FOO | EXPIRE k x NX XX | PEXPIRE k x GT LT | `
  + `EXPIRE k ${MOST} NX GT | EXPIREAT none x FOO`));
both('the same moment again is neither later nor earlier', range(30, () => each(
  `SET k v | PEXPIREAT k ${MOMENT_MS + 7} | PEXPIREAT k ${MOMENT_MS + 7} GT | PEXPIREAT k ${MOMENT_MS + 7} LT | EXISTS k`)));
both('the same moment in one write, and later and earlier ones', range(30, () => piped(`SET k v | PEXPIREAT k ${MOMENT_MS + 7} | `
  + `PEXPIREAT k ${MOMENT_MS + 7} GT | PEXPIREAT k ${MOMENT_MS + 7} LT | PEXPIREAT k ${MOMENT_MS + 8} GT | PEXPIREAT k ${MOMENT_MS + 7} LT`)));
both('PEXPIRETIME is the moment that was said', range(30, (i) => [
  ...each(`SET k v PXAT ${MOMENT_MS + i} | PEXPIRETIME k | PEXPIREAT k ${MOMENT_MS + 400 + i}`), piped('PEXPIRETIME k | PEXPIRETIME k')]));
both('EXPIRETIME is the moment that was said', range(30, (i) => each(
  `SET k v EXAT ${MOMENT + i} | EXPIRETIME k | EXPIREAT k ${MOMENT + 1 + i} | EXPIRETIME k`)));
both('EXPIRETIME is rounded to the nearest second', each(
  `SET k v PXAT ${MOMENT_MS + 490} | EXPIRETIME k | PEXPIREAT k ${MOMENT_MS + 510} | EXPIRETIME k`));
both('PERSIST', each('PERSIST k | SET k v | PERSIST k | EXPIRE k 100 | PERSIST k | TTL k | PERSIST k | GET k'));
both('TTL and its kin of no key and of a key without an expiry',
  each('TTL k | PTTL k | EXPIRETIME k | PEXPIRETIME k | SET k v | TTL k | PTTL k | EXPIRETIME k | PEXPIRETIME k | ttl k'));
both('TTL and PTTL', [
  a('SET k v EX 100'), piped('TTL k | PTTL k'), a('PEXPIRE k 200000'), piped('TTL k | PTTL k'), a('SETEX l 300 v'), piped('PTTL l | TTL l'),
], left);
both('EXPIRETIME and PEXPIRETIME of what is to be left', [
  a('SET k v EX 100'), piped('EXPIRETIME k | PEXPIRETIME k'), a('PEXPIRE k 200000'), piped('EXPIRETIME k | PEXPIRETIME k'), a('GETEX k EX 300'),
  piped('EXPIRETIME k | PEXPIRETIME k'),
], moments);
both('what takes an expiry away', ['SET k w', 'MSET k w', 'GETSET k w', 'SET k w XX', 'SET k w GET', 'PERSIST k', 'GETEX k PERSIST']
  .map((request) => piped(`SET k v EX 100 | ${request} | TTL k`)));
both('what keeps an expiry', ['SET k 1 KEEPTTL', 'APPEND k 1', 'INCR k', 'DECRBY k 1', 'SETNX k w', 'SET k w NX', 'GETEX k', 'TOUCH k']
  .map((request) => piped(`SET k 1 EX 100 | ${request} | PTTL k`)), left);
const gone = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const expiring = [piped(gone.map((key) => `SET ${key} 7`).join(' | ')), piped(gone.map((key) => `PEXPIRE ${key} 20`).join(' | '))];
both('keys that have expired are not there', [...expiring, a('SET kept v')], {
  gone,
  later: [a('MGET a b c kept'), piped('TTL a | PTTL a | EXPIRETIME a | PEXPIRETIME a | TYPE a | STRLEN a | EXPIRE a 100 | PERSIST a | DEL a | '
    + 'GETDEL a | GETEX a EX 100 | SET a v XX | KEYS * | SCAN 0 COUNT 1000 | SETNX a v | INCR b | APPEND c v | GETSET d v | SET e v NX | '
    + 'SET f v GET | SET g v KEEPTTL | DECRBY h 2'), ...each('TTL g | MGET a b c d e f g h | DBSIZE')],
});
both('a session that is prolonged and ended', [
  a(['SET', 'sess:1', '{"cookie":{"originalMaxAge":86400000}}', 'EX', '86400']),
  ...each('GET sess:1 | EXPIRE sess:1 86400 | TTL sess:1 | DEL sess:1 | EXPIRE sess:1 86400 | GET sess:1'),
], left);

// ---- databases and lists of keys ----
const SOME_KEYS = 'MSET a 1 ab 2 abc 3 b 4 bc 5 user:1 6 user:2 7';
both('KEYS', [
  ...each(`KEYS * | ${SOME_KEYS}`), ...['*', 'a*', '?', 'user:*', 'user:[12]', 'user:[^1]', 'none', 'a?c', '*b*', '\\*', '[a-b]', 'A*', '']
    .map((glob) => a(['KEYS', glob])), a(['SET', BINARY, 'x']), a(['KEYS', Buffer.concat([BINARY.subarray(0, 3), Buffer.from('*')])]),
], keys);
both('KEYS among keys that have been deleted, and of another database', [
  a(['MSET', ...HUNDRED.flatMap((key) => [key, key])]), a(['DEL', ...HUNDRED.slice(5)]), a('KEYS *'), a('SELECT 1'),
  a(['MSET', ...HUNDRED.flatMap((key) => [key, key])]), a('SELECT 0'), a('KEYS *'), a('DBSIZE'),
], keys);
both('SCAN of all keys', [...each(`SCAN 0 | ${SOME_KEYS}`), ...['COUNT 1000', 'MATCH a* COUNT 1000', 'COUNT 1000 MATCH user:*',
  'count 1000 match none', 'TYPE string COUNT 1000', 'type STRING count 1000', 'TYPE hash COUNT 1000', 'TYPE list MATCH * COUNT 1000',
  'COUNT 1000 TYPE nosuch', 'COUNT 1000 COUNT 2000 MATCH x MATCH b*'].map((options) => a(`SCAN 0 ${options}`))], keys);
both('errors of SCAN', [
  ...each('SCAN x | SCAN 1x | SCAN 1.5 | SCAN 99999999999999999999 | SCAN'), a(['SCAN', ' 0']), ...['MATCH', 'COUNT', 'TYPE', 'FOO', 'FOO x',
    'COUNT x', 'COUNT 0', 'COUNT -1', 'COUNT 1.5', 'MATCH * COUNT', `COUNT 1${MOST}`].map((options) => a(`SCAN 0 ${options}`)),
]);
both('DBSIZE', each('DBSIZE | SET a 1 | SET a 2 | DBSIZE | MSET b 1 c 2 | DBSIZE | DEL a | DBSIZE | EXPIRE b -1 | DBSIZE | INCR n | GETDEL c | '
  + 'DBSIZE'));
both('databases are separate', [
  ...each('SET k zero | SELECT 1 | GET k | SET k one | INCR n | DBSIZE | SELECT 0'), piped('GET k | DBSIZE | EXISTS n | KEYS *'),
  ...each('SELECT 15 | SET k v EX 100 | SELECT 1'), piped('TTL k | GET k'), b('GET k'), b('SELECT 15'), b('DEL k'),
  ...each('SELECT 15 | EXISTS k | SELECT 16 | EXISTS k | SELECT 1 | RESET | GET k'),
], left);
both('FLUSHDB and FLUSHALL', [
  ...each(`${SOME_KEYS} | SELECT 1 | SET k one | FLUSHDB | GET k | DBSIZE | SELECT 0 | DBSIZE | SET a v | FLUSHDB ASYNC`),
  piped('DBSIZE | GET a | KEYS * | SCAN 0 COUNT 1000'), ...each('SET a v | GET a | SELECT 1 | SET k one | flushall sync | DBSIZE | SELECT 0 | '
    + 'DBSIZE | FLUSHDB | SETNX a v | INCR n | FLUSHALL | INCR n | TTL n'),
]);
both('errors of FLUSHDB and FLUSHALL', each('SET k v | FLUSHDB FOO | FLUSHALL FOO | FLUSHDB ASYNC SYNC | FLUSHALL ASYNC x | FLUSHDB 1 | GET k'));

// ---- transactions, pipelines, connections ----
both('MULTI and EXEC', [
  ...each('MULTI | SET k v | GET k | INCR n | SETNX k w | GET none | MGET k n'), b('GET k'), b('EXISTS n'), a('EXEC'), b('MGET k n'), a('GET k'),
]);
both('MULTI and DISCARD', each('SET k v | MULTI | SET k w | DEL k | INCR n | FLUSHALL | DISCARD | GET k | EXISTS n | EXEC | DISCARD'));
both('errors among the answers of EXEC',
  each('SET k v | MULTI | INCR k | SET l x | SET k w EX 0 | SET k w FOO | DECRBY l 1 | GET k | EXEC | MGET k l'));
both('MULTI with a command that is not queued',
  each('MULTI | SET k v | GET | SET l v | EXEC | EXISTS k l | MULTI | SET k v | NOSUCH x | EXEC | EXISTS k'));
both('MULTI of GET and PTTL, of SET and PTTL, of INCRBY and PTTL', [
  a('SET k 5 EX 100'), piped('MULTI | GET k | PTTL k | EXEC'), piped('MULTI | GET none | PTTL none | EXEC'),
  piped('MULTI | SET k 7 EX 200 | PTTL k | EXEC'), piped('MULTI | INCRBY n 3 | PTTL n | EXEC'),
], left);
both('MULTI of MSET and EXPIRE, and of SETEX', each('MULTI | MSET a 1 b 2 | EXPIRE a 100 | EXPIRE b 100 | EXEC | TTL a | TTL b | MGET a b | '
  + 'MULTI | SETEX a 200 x | SETEX b 200 y | EXEC | TTL a | MGET a b'), left);
both('MULTI over databases', each('MULTI | SET k zero | SELECT 2 | SET k two | GET k | EXEC | GET k | SELECT 0 | GET k | MULTI | FLUSHDB | DBSIZE | '
  + 'EXEC'));
both('MULTI with all kinds of commands', each('MULTI | SET k 1 | GET k | SETEX e 100 v | PSETEX p 100000 v | SETNX k 2 | GETSET k 3 | MSET a 1 b 2 | '
  + 'MGET a b c | DEL a | UNLINK b | EXISTS k a | TOUCH k | EXPIRE k 100 | PERSIST k | TTL k | TYPE k | STRLEN k | APPEND k 4 | INCR k | DECR k | '
  + 'INCRBY k 2 | DECRBY k 3 | DBSIZE | KEYS k | SCAN 0 MATCH k COUNT 1000 | GETEX k PERSIST | GETDEL k | SET k v NX GET | FLUSHDB | DBSIZE | PING | '
  + 'EXEC | DBSIZE'));
both('EXEC of 300 commands', [
  a('MULTI'), a.pipeline(range(300, (i) => (i % 3 ? 'INCR n' : `SET k${i % 7} ${i}`))), ...each('EXEC | MGET n k0 k3 k6'),
]);
both('RESET in MULTI leaves the keys', each('SET k v | MULTI | SET k w | RESET | GET k | EXEC'));
both('a pipeline of reads and writes', [
  a.pipeline(range(200, (i) => [`SET k${i % 4} ${i}`, `GET k${(i + 3) % 4}`, 'INCR n', `DEL k${(i + 1) % 4}`, 'GET n', `SET k${i % 4} x NX`][i % 6])),
]);
both('a pipeline with errors and other commands within', [piped('SET k v | GET | INCR k | NOSUCH | GET k | PING | SET k w XX | ECHO x | GETSET k y | '
  + 'PUBLISH c x | SELECT 3 | GET k | SETNX k z | SELECT 0 | GET k')]);
both('writes are read by another connection at once', range(10, (i) => [
  a(`SET k ${i}`), b('GET k'), b(`SET k -${i}`), a('GET k'), b('INCR n'), a('INCR n')]));
both('messages and keys', [a('SET k v'), b('SUBSCRIBE c'), piped('SET k w | PUBLISH c x | GET k'), b.gets(), b('UNSUBSCRIBE c'), b('GET k')]);
both('keys in subscribed mode', [...each('SUBSCRIBE c | GET k | SET k v | INCR k | EVALSHA x 1 k | FLUSHALL | GET'), b('EXISTS k')]);
both('QUIT behind a SET and behind an INCR', [
  a.pipeline(['SET k v', 'QUIT', 'SET k w'], 2), a.closes(), b.pipeline(['GET k', 'INCR n', 'QUIT'], 3), b.closes(),
]);
both('CLIENT REPLY OFF and SKIP', [
  a.pipeline(['CLIENT REPLY OFF', 'SET k v', 'INCR n', 'SETNX m 1', 'GET k', 'CLIENT REPLY ON', 'GET k', 'GET n', 'GET m'], 4),
  a.pipeline(['CLIENT REPLY SKIP', 'SET k w', 'GET k', 'CLIENT REPLY SKIP', 'INCR n', 'INCR n'], 2), b('MGET k n'),
]);
both('CLIENT REPLY OFF and MULTI', [a.pipeline(['CLIENT REPLY OFF', 'MULTI', 'SET k v', 'INCR n', 'EXEC', 'CLIENT REPLY ON', 'MGET k n'], 2)]);
both('CLIENT REPLY OFF and QUIT behind a SET', [a.pipeline(['PING', 'CLIENT REPLY OFF', 'SET k v', 'INCR n', 'QUIT'], 1), a.closes(), b('MGET k n')]);
const TAKES_NONE = ['dbsize', 'flushall', 'flushdb', 'time'];
const TAKES_ONE = ['decr', 'expiretime', 'get', 'getdel', 'incr', 'keys', 'persist', 'pexpiretime', 'pttl', 'strlen', 'ttl', 'type'];
const TAKES_MANY = ['del', 'exists', 'getex', 'mget', 'scan', 'script', 'touch', 'unlink'];
const TAKES_MORE = ['append', 'decrby', 'eval', 'evalsha', 'expire', 'expireat', 'getset', 'incrby', 'mset', 'pexpire', 'pexpireat', 'psetex', 'set',
  'setex', 'setnx'];
both('commands without arguments', [...TAKES_ONE, ...TAKES_MANY, ...TAKES_MORE].map((name) => a(name)));
both('commands with one argument', [...TAKES_MORE, 'dbsize', 'time'].map((name) => a(`${name} k`)));
both('commands with too many arguments', [...TAKES_NONE, ...TAKES_ONE, 'append', 'decrby', 'getset', 'incrby', 'psetex', 'setex', 'setnx']
  .map((name) => a(`${name.toUpperCase()} a b c d`)));
only('inline commands of keys', [a.raw('SET k "a b"\r\nGET k\r\nINCR n\nSET \'\' ""\r\nGET ""\r\n', 5)]);

// ---- scripts of limiters and caches ----
const WINDOW = new RateLimiterRedis({ points: 1, duration: 1, storeClient: { defineCommand() {} } })._incrTtlLuaScript;
const loaded = [];
await new RateLimitRedis({ sendCommand: (...request) => { loaded.push(request); return ''; } }).init({ windowMs: 1 });
const [HITS, READ_HITS] = loaded.map((request) => request[2]);
const HITS_AND_EXPIRE = `local totalHits = redis.call("INCR", KEYS[1])
local timeToExpire = redis.call("PTTL", KEYS[1])
if timeToExpire <= 0 or ARGV[1] == "1"
then
redis.call("PEXPIRE", KEYS[1], tonumber(ARGV[2]))
timeToExpire = tonumber(ARGV[2])
end
return { totalHits, timeToExpire }`;
const HITS_OR_RESTART = `local windowMs = tonumber(ARGV[2])
local resetOnChange = ARGV[1] == "1"
local timeToExpire = redis.call("PTTL", KEYS[1])
if timeToExpire <= 0 then
redis.call("SET", KEYS[1], 1, "PX", windowMs)
return { 1, windowMs }
end
local totalHits = redis.call("INCR", KEYS[1])
if resetOnChange then
redis.call("PEXPIRE", KEYS[1], windowMs)
timeToExpire = windowMs
end
return { totalHits, timeToExpire }`;
/** Laravel: RedisStore::add() and LuaScripts::releaseLock(). */
const ADD = "return redis.call('exists',KEYS[1])<1 and redis.call('setex',KEYS[1],ARGV[2],ARGV[1])";
const RELEASE = `if redis.call("get",KEYS[1]) == ARGV[1] then
    return redis.call("del",KEYS[1])
else
    return 0
end`;
const sha = (text) => createHash('sha1').update(text).digest('hex');
const evals = (text, key, args, on = a) => on(['EVAL', text, '1', key, ...args]);
const KNOWN = {
  'rate-limiter-flexible': [WINDOW, ['1', '100', '5', '100']],
  'rate-limit-redis 6': [HITS, ['100000']],
  'rate-limit-redis 4.2': [HITS_AND_EXPIRE, ['0', '100000']],
  'rate-limit-redis 4.3 to 5': [HITS_OR_RESTART, ['0', '100000']],
  'rate-limit-redis, which reads': [READ_HITS, []],
};
for (const [name, [text, args]] of Object.entries(KNOWN)) {
  const byName = (key, digest = sha(text)) => a(['EVALSHA', digest, '1', key, ...args]);
  both(`the script of ${name}`, [
    evals(text, 'k', args), piped('GET k | PTTL k'), evals(text, 'k', args), byName('k'), byName('k', sha(text).toUpperCase()), a('SET k 41'),
    evals(text, 'k', args), piped('GET k | PTTL k'), a('SET k 41 EX 900'), byName('k'), evals(text, 'k', [...args, 'more', '']),
    piped('GET k | PTTL k'), evals(text, BINARY, args), evals(text, '', args), a(['MGET', BINARY, '']),
  ], left);
  both(`the script of ${name}, loaded`, [
    a(['SCRIPT', 'LOAD', text]), a(['script', 'exists', sha(text), sha('')]), byName('k'), a(['SCRIPT', 'LOAD', text]), byName('k'), a('GET k'),
  ], left);
  both(`the script of ${name} in MULTI, in a pipeline and in another database`, [
    evals(text, 'k', args), a('MULTI'), evals(text, 'k', args), byName('k'), ...each('GET k | EXEC'),
    a.pipeline([['SET', 'k', '7'], ['EVALSHA', sha(text), '1', 'k', ...args], ['GET', 'k'], ['INCR', 'k']]), a('SELECT 5'), byName('k'),
    piped('GET k | PTTL k'),
  ], left);
}
both('counts of other sizes, and windows that begin anew', [
  ...['5', '0', '-2', '1000000'].map((points) => evals(WINDOW, 'k', [points, '100', '5', '100'])), a('GET k'),
  ...[HITS_AND_EXPIRE, HITS_OR_RESTART].flatMap((text) => [
    ...[['1', '100000'], ['0', '200000'], ['1', '300000'], ['x', '100000']].map((args) => evals(text, 'r', args)), piped('PTTL r | DEL r')]),
], left);
both("Laravel's script for adding", [
  evals(ADD, 'k', ['v', '100']), evals(ADD, 'k', ['w', '200']), piped('GET k | PTTL k'), a('DEL k'), evals(ADD, 'k', ['', '300']),
  piped('GET k | PTTL k'), evals(ADD, BINARY, [BINARY, '100']), a(['GET', BINARY]), a('MULTI'), evals(ADD, 'k', ['v', '100']),
  evals(ADD, 'l', ['v', '100']), a('EXEC'),
], left);
both("Laravel's script for the release of a lock", [
  evals(RELEASE, 'k', ['v']), a('SET k v EX 100'), evals(RELEASE, 'k', ['w']), a('GET k'), evals(RELEASE, 'k', ['v']), ...each('EXISTS k | SET k 1'),
  evals(RELEASE, 'k', ['1']), a(['SET', 'k', '']), evals(RELEASE, 'k', ['']), a('EXISTS k'), a(['SET', 'k', BINARY]), a('MULTI'),
  evals(RELEASE, 'k', [BINARY]), evals(RELEASE, 'k', [BINARY]), a('EXEC'),
]);
sockudoAsRedis({ only, both }, left);
const UNKNOWN = ['EVALSHA', sha('return 1'), '1', 'k'];
both('scripts that are not known', [
  a(UNKNOWN), a('EVALSHA x 0'), a(['EVALSHA', '', '1', 'k']), a(['EVALSHA', sha('return 1'), '0']), a(['SCRIPT', 'EXISTS', sha('return 1'), 'x', '']),
]);
both('a script that is not known in MULTI', [a('MULTI'), a(UNKNOWN), ...each('SET k v | EXEC | GET k')]);
both('SCRIPT', each('SCRIPT FLUSH | script flush sync | SCRIPT FLUSH ASYNC | SCRIPT FOO | SCRIPT LOAD | SCRIPT EXISTS | SCRIPT LOAD a b'));
both('errors of SCRIPT FLUSH', each('SCRIPT FLUSH FOO | SCRIPT FLUSH SYNC ASYNC'));
both('SCRIPT HELP', [a('SCRIPT HELP')], { normal: ['help'] });

// ---- random commands ----
const RANDOM_WORDS = {
  key: ['a', 'b', 'c', 'd'], value: ['', 'x', '7', '-3', MOST], number: ['1', '-2', '50', 'x'], seconds: ['100', '500', '0', '-1'],
  condition: [[], ['NX'], ['XX'], ['GET'], ['XX', 'GET']], lifetime: [[], ['KEEPTTL'], ['EX', '100'], ['PX', '300000']], when: [[], ['NX'], ['XX']],
};
const RANDOM_SHAPES = ['SET key value condition lifetime', 'SET key value', 'GET key', 'MGET key key key', 'MSET key value key value', 'DEL key key',
  'EXPIRE key seconds when', 'PERSIST key', 'TTL key', 'PTTL key', 'INCR key', 'DECRBY key number', 'INCRBY key number', 'SETNX key value',
  'GETSET key value', 'GETDEL key', 'GETEX key', 'GETEX key PERSIST', 'GETEX key EX 100', 'APPEND key number', 'STRLEN key', 'EXISTS key key',
  'DBSIZE', 'SETEX key seconds value', 'TYPE key', 'UNLINK key', 'SELECT 1', 'SELECT 0', 'FLUSHDB', 'MULTI', 'EXEC', 'DISCARD'];
const randomCommand = (random) => RANDOM_SHAPES[random(RANDOM_SHAPES.length)].split(' ').flatMap((word) => {
  const choices = RANDOM_WORDS[word];
  return choices ? choices[random(choices.length)] : word;
});
for (let seed = 1; seed <= 10; ++seed) {
  const random = generator(seed);
  only(`300 random commands of seed ${seed}`, range(10, (i) => (i % 2 ? a : b).pipeline(range(30, () => [randomCommand(random)]))), left);
}

// ---- where a store does otherwise: scripts with what it must send ----
const NOT_AN_INTEGER = '-ERR value is not an integer or out of range\r\n';
const NIL = '$-1\r\n';
const wrongTimes = (...names) => names.map((name) => `-ERR invalid expire time in '${name}' command\r\n`).join('');
const LONG = 'n'.repeat(2049);
const LARGE = 'x'.repeat(128 << 10);
noRedis('the scripts of limiters are there before they are loaded', [
  a(['SCRIPT', 'EXISTS', ...Object.values(KNOWN).map(([text]) => sha(text))]), a('SCRIPT FLUSH'), a(['EVALSHA', sha(HITS), '1', 'k', '100000']),
], { a: `*5\r\n${':1\r\n'.repeat(5)}${OK}*2\r\n:1\r\n:100000\r\n${OK}` });
noRedis('the same scripts with other blanks are the same', [
  a(['EVAL', HITS.replaceAll('\n', '\n\t  '), '1', 'k', '100000']), a(['SCRIPT', 'LOAD', `${HITS}\n`]),
], { a: `*2\r\n:1\r\n:100000\r\n${bulk(sha(HITS))}${OK}` });
noRedis('errors of these scripts name no line, and nothing has been done', [
  a('SET s x'), evals(WINDOW, 's', ['1', '100']), evals(WINDOW, 'n', ['x', '100']), evals(WINDOW, 'n', ['1', '0']), evals(HITS, 's', ['0']),
  evals(ADD, 'n', ['v', '0']), a('GET n'),
], { a: OK + NOT_AN_INTEGER + NOT_AN_INTEGER + wrongTimes('set', 'set', 'setex') + NIL + OK });
sockudoOtherwise(noRedis);
noRedis('other scripts are refused by name, and WATCH', [
  a(['EVAL', 'return 1', '0']), a(['EVAL', 'return 1', '1', 'k']), a(['SCRIPT', 'LOAD', 'return 1']), a('WATCH k'),
], { a: ["EVAL', with args beginning with: 'return 1' '0'", "EVAL', with args beginning with: 'return 1' '1' 'k'",
  "SCRIPT', with args beginning with: 'LOAD' 'return 1'", "WATCH', with args beginning with: 'k'"]
  .map((what) => `-ERR unknown command '${what} (Tulle runs no scripts but those of known limiters, and watches no keys)\r\n`).join('') + OK });
noRedis('names of more than 2,048 bytes', [
  ...[['SET', LONG, 'v'], ['GET', LONG], ['INCR', LONG], ['MSET', 'k', 'v', LONG, 'v'], ['DEL', 'k', LONG]].map((request) => a(request)), a('GET k'),
  a(['SET', LONG.slice(1), 'v']),
], { a: `${'-ERR the key is too long: 2048 bytes at most\r\n'.repeat(5)}${NIL}${OK}${OK}` });
noRedis('commands of more than 128 KiB for the owner of their key', [
  a(['SET', 'k', LARGE]), a(['SET', 'l', LARGE, 'NX']), a(['APPEND', 'k', LARGE]), a(['GETSET', 'k', LARGE]), ...each('EXISTS l | STRLEN k'),
], { a: `${OK}${'-ERR the command is too long for the owner of its key: 131072 bytes at most\r\n'.repeat(3)}:0\r\n:131072\r\n${OK}` });
noRedis('lifetimes of more than 8,900 years', each(`SET k v PX ${2 ** 48} | SET k v EX 1000000000000 | EXPIRE k 1000000000000 | `
  + 'EXPIREAT k 1000000000000'),
{ a: OK + wrongTimes('set', 'expire', 'expireat') + OK });
noRedis('the same unit of time twice', each('SET k v EX 100 EX 200 | GETEX k PX 1 PX 2 | GETEX k PERSIST PERSIST | EXISTS k'),
  { a: `${'-ERR syntax error\r\n'.repeat(3)}:0\r\n${OK}` });
noRedis('cursors are written as they are answered', [a(['SCAN', '']), ...each('SCAN -1 | SCAN 00')],
  { a: `${'-ERR invalid cursor\r\n'.repeat(3)}${OK}` });
noRedis('parts of values, and moving keys', each('GETRANGE k 0 1 | RENAME k l | MSETNX k v'), {
  a: ["GETRANGE', with args beginning with: 'k' '0' '1'", "RENAME', with args beginning with: 'k' 'l'", "MSETNX', with args beginning with: 'k' 'v'"]
    .map((what) => `-ERR unknown command '${what} (Tulle keeps keys with string values only, in a realm with redis_store_bytes)\r\n`).join('') + OK,
});

/** Each server is as new: no keys, no scripts. */
const emptied = (place) => asked(place, [['FLUSHALL'], ['SCRIPT', 'FLUSH']]);

/** The names that SCAN answers until its cursor is 0 again; `meanwhile` is called between two calls. */
async function scanned(place, options, meanwhile = () => {}) {
  const names = [];
  let cursor = '0';
  do {
    const [reply] = await asked(place, [['SCAN', cursor, ...options]]);
    const [first, list] = split(reply.subarray(4));
    cursor = String(first).split('\r\n')[1];
    names.push(...split(list.subarray(list.indexOf('\r\n') + 2)).map((name) => String(name).split('\r\n')[1]));
    await meanwhile();
  } while (cursor !== '0');
  return names;
}

/** SCAN in many steps: whatever is there from the beginning to the end is answered, though other keys come and go. */
async function scansInSteps(place) {
  const kept = range(1000, (i) => `kept:${i}`);
  await asked(place, [['MSET', ...kept.flatMap((name) => [name, '1'])], ['MSET', ...range(300, (i) => [`other:${i}`, '1'])]]);
  for (const count of ['1', '10', '1000', '5000']) {
    const names = await scanned(place, ['COUNT', count]);
    assert.deepEqual([...new Set(names)].sort(), [...kept, ...range(300, (i) => `other:${i}`)].sort());
  }
  assert.deepEqual([...new Set(await scanned(place, ['MATCH', 'other:?', 'COUNT', '50']))].sort(), range(10, (i) => `other:${i}`));
  assert.deepEqual(await scanned(place, ['MATCH', 'none', 'COUNT', '50']), []);
  let step = 0;
  const names = await scanned(place, ['COUNT', '20'], () => asked(place, [['DEL', `other:${step}`], ['SET', `new:${step++}`, '1']]));
  assert.deepEqual([...new Set(names)].filter((name) => name.startsWith('kept:')).sort(), [...kept].sort());
  assert.ok(step > 10, 'the cursor took some steps');
}

describe('as Debian\'s redis-server', { skip: noRedisServer }, () => {
  test(`${scripts.length} scripts are more than 300`, () => assert.ok(scripts.length > 300));

  test('one node with a store', (t) => withBoth(STORE, async (redis, edge) => {
    for (const script of scripts) {
      await Promise.all([redis, edge].map(emptied));
      await t.test(script.name, () => compare(redis, edge, script));
    }
    await Promise.all([redis, edge].map(emptied));
    await t.test('SCAN in many steps', () => Promise.all([redis, edge].map(scansInSteps)));
  }));
});

describe('otherwise than Debian\'s redis-server', { skip: IS_REDIS && noRedisServer }, () => {
  test('with the bytes that are meant', (t) => withRedisNodes(1, STORE, async ([edge]) => {
    for (const script of elsewhere) {
      await emptied(edge);
      await t.test(script.name, () => expect(edge, script));
    }
  }));

  test('a full store', { skip: IS_REDIS && 'Redis counts its memory otherwise' }, (t) =>
    withRedisNodes(1, { args: ['--redis-store-bytes', String(1 << 20)] }, async ([edge]) => {
      const half = 'x'.repeat(600 << 10);
      const full = "-OOM command not allowed when used memory > 'maxmemory'.";
      /** What each request is answered, its first line. */
      const answers = async (...requests) => (await asked(edge, requests)).map((reply) => String(reply.subarray(0, reply.indexOf('\r'))));
      await t.test('takes no more, and goes on when keys have gone', async () => {
        assert.deepEqual(await answers(['SET', 'k', half], ['SET', 'l', half], ['GET', 'l'], ['SET', 'k', half], ['EXPIRE', 'k', '100'],
          ['INCR', 'n'], ['DBSIZE']), ['+OK', full, '$-1', '+OK', ':1', ':1', ':2']);
        assert.deepEqual(await answers(['MULTI'], ['SET', 'l', half], ['EXEC'], ['GET', 'k']), ['+OK', '+QUEUED', '*1', `$${half.length}`]);
        assert.deepEqual(await answers(['DEL', 'k'], ['SET', 'l', half], ['FLUSHALL'], ['SET', 'k', half], ['DBSIZE']),
          [':1', '+OK', '+OK', '+OK', ':1']);
      });
      await t.test('does an MSET that it has no room for not at all', async () => {
        await emptied(edge);
        assert.deepEqual(await answers(['SET', 'a', 'before'], ['MSET', 'a', 'x', 'b', half, 'c', half.slice(130 << 10)], ['STRLEN', 'a'],
          ['EXISTS', 'b', 'c']), ['+OK', full, ':6', ':0']);
      });
    }));
});
