// The Redis edge and Debian's redis-server, byte for byte: both are played the same scripts, and what they answer is compared.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  HELLO_3, OK, QUEUED, array, bulk, compare, corpus, expect, push, withBoth,
} from '../support/js/redis_compare.mjs';
import { IS_REDIS, noRedisServer, withRedisNodes } from '../support/js/redis_edge.mjs';
import { a, b, c } from '../support/js/resp_script.mjs';

const PASSWORD = 'a-password-of-20-bytes';
const BINARY = Buffer.from([0, 1, 10, 13, 36, 42, 127, 128, 255]);
const KINDS = ['', 'P', 'S'];
const { scripts, elsewhere, both, only, instead } = corpus();

// ---- subscribing ----
for (const k of KINDS) {
  both(`${k}SUBSCRIBE, one name`, [a(`${k}SUBSCRIBE c`)]);
  both(`${k}SUBSCRIBE, names twice`, [a(`${k}SUBSCRIBE c c d c`, 4), a(`${k}SUBSCRIBE d`)]);
  both(`${k}SUBSCRIBE, in any letter case`, [a(`${k.toLowerCase()}sUbScRiBe C`), a(`${k}unsubscribe c`), a(`${k}unSUBscribe C`)]);
  both(`${k}SUBSCRIBE without names`, [a(`${k}SUBSCRIBE`), a('PING')]);
  both(`${k}SUBSCRIBE, an empty name and a binary one`, [a([`${k}SUBSCRIBE`, '', BINARY], 2), a([`${k}UNSUBSCRIBE`, BINARY, ''], 2)]);
  both(`${k}UNSUBSCRIBE of one, of another again, of a stranger`, [a(`${k}SUBSCRIBE c d e`, 3), a(`${k}UNSUBSCRIBE d d x`, 3)]);
  both(`${k}UNSUBSCRIBE without names and subscriptions`, [a(`${k}UNSUBSCRIBE`), a(`${k}UNSUBSCRIBE`), a('PING')]);
  both(`${k}UNSUBSCRIBE of a stranger, without subscriptions`, [a(`${k}UNSUBSCRIBE x y`, 2), a('PING')]);
  both(`${k}UNSUBSCRIBE without names, of one`, [a(`${k}SUBSCRIBE c`), a(`${k}UNSUBSCRIBE`), a('PING')]);
  both(`${k}UNSUBSCRIBE without names, of three`, [a(`${k}SUBSCRIBE c d e`, 3), a(`${k}UNSUBSCRIBE`, 3), a(`${k}UNSUBSCRIBE`)], { normal: ['names'] });
}
both('counts of channels, patterns and shard channels', [
  a('SUBSCRIBE c'), a('PSUBSCRIBE c d*', 2), a('SSUBSCRIBE c e', 2), a('SUBSCRIBE d'), a('UNSUBSCRIBE c x', 2), a('SUNSUBSCRIBE e'),
  a('PUNSUBSCRIBE', 2), a('SUNSUBSCRIBE'), a('UNSUBSCRIBE'), a('SUNSUBSCRIBE'), a('PUNSUBSCRIBE'),
], { normal: ['names'] });
both('UNSUBSCRIBE without names leaves patterns and shard channels', [
  a('PSUBSCRIBE p'), a('SSUBSCRIBE s'), a('UNSUBSCRIBE'), a('SUNSUBSCRIBE x'), a('SUNSUBSCRIBE'), a('PUNSUBSCRIBE'),
]);
const hundred = Array.from({ length: 100 }, (_, i) => `c${i}`);
both('100 names in one SUBSCRIBE', [a(['SUBSCRIBE', ...hundred], 100)]);

// ---- messages ----
both('a message', [a('SUBSCRIBE c'), b('PUBLISH c hello'), a.gets()]);
both('a message in a pattern', [a('PSUBSCRIBE c*'), b('PUBLISH cd hello'), a.gets()]);
both('a message in a shard channel', [a('SSUBSCRIBE c'), b('SPUBLISH c hello'), a.gets()]);
both('PUBLISH to nobody', [b('PUBLISH c hello'), b('SPUBLISH c hello')]);
both('PUBLISH and SPUBLISH are two worlds', [
  a('SUBSCRIBE c'), c('SSUBSCRIBE c'), b('SPUBLISH c 1'), c.gets(), b('PUBLISH c 2'), a.gets(),
  c('PSUBSCRIBE *'), b('SPUBLISH d 3'), b('PUBLISH d 4'), c.gets(),
]);
both('a channel and a pattern: two copies', [a('SUBSCRIBE c'), a('PSUBSCRIBE c'), b('PUBLISH c x'), a.gets(2)], { normal: ['order'] });
both('a channel before its patterns', [a('PSUBSCRIBE c'), a('SUBSCRIBE c'), b('PUBLISH c x'), a.gets(2)]);
both('one copy for each pattern that matches', [
  a('PSUBSCRIBE c* *d c?d [a-c]* x', 5), b('PUBLISH ced x'), a.gets(4),
], { normal: ['order'] });
both('the number of deliveries', [
  a('SUBSCRIBE c'), a('PSUBSCRIBE c* ?', 2), c('SUBSCRIBE c d', 2), c('PSUBSCRIBE *'), b('PUBLISH c x'), a.gets(3), c.gets(2),
  b('PUBLISH d x'), a.gets(1), c.gets(2),
], { normal: ['order'] });
both('empty and binary payloads and names', [
  a(['SUBSCRIBE', '', BINARY], 2), b(['PUBLISH', '', '']), b(['PUBLISH', BINARY, BINARY]), a.gets(2), b(['PUBLISH', BINARY, '']), a.gets(),
]);
both('a payload of 100,000 bytes', [a('SUBSCRIBE c'), b(['PUBLISH', 'c', 'x'.repeat(100_000)]), a.gets()]);
both('messages of one connection in order over channels', [
  a('SUBSCRIBE c d', 2), a('PSUBSCRIBE e*'), b.pipeline(Array.from({ length: 60 }, (_, i) => `PUBLISH ${'cde'[i % 3]} ${i}`)), a.gets(60),
]);
both('nothing after UNSUBSCRIBE', [
  a('SUBSCRIBE c d', 2), b('PUBLISH c 1'), a.gets(), a('UNSUBSCRIBE c'), b('PUBLISH c 2'), b('PUBLISH d 3'), a.gets(),
]);
const LARAVEL = "for i = 2, #ARGV do\n  redis.call('publish', ARGV[i], ARGV[1])\nend";
both("the script of Laravel's broadcaster", [
  a('SUBSCRIBE c d', 2), b(['EVAL', LARAVEL, '0', 'x', 'c', 'd', 'nobody']), a.gets(2), b(['eval', `\t${LARAVEL}\n`, '0', 'y', 'd']), a.gets(),
  b(['EVAL', LARAVEL, '0', 'x']), b(['EVAL', LARAVEL, '0']), b('MULTI'), b(['EVAL', LARAVEL, '0', 'z', 'c', 'd']), b('PING'), b('EXEC'), a.gets(2),
]);
only('the script of a subscriber', [a('SUBSCRIBE c'), a(['EVAL', LARAVEL, '0', 'x', 'c'])]);
both('arity of PUBLISH and SPUBLISH', [b('PUBLISH'), b('PUBLISH c'), b('PUBLISH c x y'), b('SPUBLISH c'), b('spublish c x y')]);
const GLOBS = {
  'c*': ['c', 'cc', 'dc', 'C', ''], '*': ['', 'c', 'c\nd'], '?': ['c', '', 'cc', '\xff'], '': ['', 'c'], 'h?llo': ['hello', 'hllo', 'heello'],
  'h[ae]llo': ['hallo', 'hello', 'hillo', 'h[llo'], 'h[^e]llo': ['hallo', 'hello', 'h^llo'], 'h[a-c]llo': ['hbllo', 'hdllo', 'h-llo'],
  'h[c-a]llo': ['hbllo', 'hdllo'], '\\*': ['*', '\\*', 'c'], '\\': ['\\', ''], 'c\\': ['c', 'c\\'], '[': ['[', ''], '[a': ['a', '[a'], 'a]': ['a]', 'a'],
  '[]': ['', '[]', 'x'], '[\\]]': [']', '\\'], '[^]': ['x', '^'], '[a-]': ['a', '-', 'b'], '[-a]': ['-', 'a', 'b'], '**c': ['c', 'bc', 'cb'],
  '*c*d*': ['cd', 'xcxdx', 'dc'], '*.*': ['a.b', '.', 'ab'], 'socket.io#/#*': ['socket.io#/#', 'socket.io#/#room#', 'socket.io-request#/#'],
  '\xff*': ['\xff\x00', '\xfe'], '[\x80-\xff]': ['\x90', 'a'], '***': ['', 'abc'], 'a*b?c': ['axxbxc', 'abc', 'abbc'],
};
for (const [glob, names] of Object.entries(GLOBS)) {
  const bytes = (text) => Buffer.from(text, 'latin1');
  only(`the pattern ${JSON.stringify(glob)}`, [a(['PSUBSCRIBE', bytes(glob)]),
    ...names.flatMap((name) => [b(['PUBLISH', bytes(name), 'x']), c(['SUBSCRIBE', bytes(name)])]),
    b(['PUBSUB', 'CHANNELS', bytes(glob)])], { normal: ['order'] });
}

// ---- RESP2 in subscribed mode, and RESP3 without it ----
const REFUSED = [
  'ECHO x', 'PUBLISH c x', 'SPUBLISH c x', 'PUBSUB NUMPAT', 'CLIENT GETNAME', 'CLIENT SETNAME x', 'AUTH x', 'SELECT 0', 'MULTI', 'EXEC', 'DISCARD',
  'CONFIG GET nosuch', 'client getname',
];
for (const k of KINDS) both(`commands after ${k}SUBSCRIBE`, [a(`${k}SUBSCRIBE s`), ...REFUSED.map((text) => a(text)), a(`${k}UNSUBSCRIBE s`), a('ECHO x')]);
only('HELLO after SUBSCRIBE (RESP2)', [a('SUBSCRIBE c'), a('HELLO'), a('HELLO 2'), a('HELLO 3'), a('HELLO 4')]);
only('HELLO 2 after SUBSCRIBE (RESP3)', [
  a('HELLO 3'), a('SUBSCRIBE c'), a('HELLO'), a('HELLO 2'), a('ECHO x'), a('PING'), b('PUBLISH c x'), a.gets(),
], { normal: ['hello'] });
both('unknown commands and arity after SUBSCRIBE', [
  a('SUBSCRIBE c'), a('FOO bar'), a('ECHO'), a('CLIENT FOO'), a('CLIENT'), a('PUBSUB FOO'), a('SUBSCRIBE'),
]);
both('PING after SUBSCRIBE', [
  a('SUBSCRIBE c'), a('PING'), a('PING x'), a(['PING', '']), a('PING x y'), a('UNSUBSCRIBE'), a('PING'), a('PING x'),
]);
both('RESET after SUBSCRIBE', [
  a('SUBSCRIBE c'), a('PSUBSCRIBE c'), a('SSUBSCRIBE c'), a('RESET'), a('ECHO x'), b('PUBLISH c x'), b('SPUBLISH c x'),
  a('SUBSCRIBE d'),
]);
both('QUIT after SUBSCRIBE', [a('SUBSCRIBE c'), a('QUIT'), a.closes(), b('PUBLISH c x')]);

// ---- PUBSUB ----
both('PUBSUB without subscribers', [
  b('PUBSUB CHANNELS'), b('PUBSUB NUMSUB'), b('PUBSUB NUMSUB c'), b('PUBSUB NUMPAT'), b('PUBSUB SHARDCHANNELS'),
  b('PUBSUB SHARDNUMSUB'), b('PUBSUB SHARDNUMSUB c d'),
]);
both('PUBSUB CHANNELS', [
  a('SUBSCRIBE c d de', 3), a('PSUBSCRIBE p*'), a('SSUBSCRIBE s'), b('PUBSUB CHANNELS'), b('pubsub channels d*'),
  b('PUBSUB CHANNELS x'), b('PUBSUB SHARDCHANNELS'), b('PUBSUB SHARDCHANNELS x*'),
], { normal: ['order'] });
both('PUBSUB NUMSUB', [
  a('SUBSCRIBE c d', 2), c('SUBSCRIBE c'), c('PSUBSCRIBE c'), c('SSUBSCRIBE c'), b('PUBSUB NUMSUB c d e c'),
  b('PUBSUB SHARDNUMSUB c d'), b(['PUBSUB', 'NUMSUB', BINARY, '']),
]);
both('PUBSUB NUMPAT counts patterns once', [
  a('PSUBSCRIBE c d', 2), c('PSUBSCRIBE c'), b('PUBSUB NUMPAT'), a('PUNSUBSCRIBE c'), b('PUBSUB NUMPAT'), c('PUNSUBSCRIBE'),
  b('PUBSUB NUMPAT'),
]);
both('errors of PUBSUB', [
  b('PUBSUB'), b('PUBSUB FOO'), b('PUBSUB foo bar baz'), b('PUBSUB NUMPAT x'), b('PUBSUB CHANNELS x y'), b('PUBSUB SHARDCHANNELS x y'),
  b('PUBSUB HELP x'),
]);
both('PUBSUB HELP', [b('PUBSUB HELP')], { normal: ['help'] });

// ---- small commands and errors ----
both('PING and ECHO', [
  a('PING'), a('ping'), a('PING x'), a(['PING', '']), a(['PING', BINARY]), a('PING x y'), a('ECHO x'), a(['ECHO', BINARY]), a('ECHO'),
  a('ECHO x y'),
]);
both('unknown commands', [
  a('FOO'), a('FOO bar baz'), a('foo Bar'), a(['']), a([BINARY]), a(['FOO', BINARY]), a(['FOO', '']), a(['FOO BAR', 'a b']),
]);
both('unknown commands with much behind them', [
  a(['FOO', 'x'.repeat(200)]), a(['F'.repeat(200), 'y']), a(['FOO', ...Array(60).fill('abc')]), a(['FOO', 'x'.repeat(126), 'y', 'z']),
  a(['FOO', "it's", '%s', 'a\nb\0c']),
]);
both('errors of subcommands', [
  a('CLIENT'), a('CLIENT FOO'), a('client foo bar'), a('CLIENT ID x'), a('CLIENT SETNAME'), a('CLIENT GETNAME x'), a('CONFIG'),
  a('CONFIG FOO'), a('CONFIG GET'), a('COMMAND FOO'), a(['CLIENT', '']), a(['CLIENT', 'F'.repeat(200)]), a(['PUBSUB', 'a b']),
]);
both('SELECT', [
  a('SELECT 0'), a('SELECT 15'), a('SELECT 16'), a('SELECT -1'), a('SELECT x'), a(['SELECT', '']), a('SELECT'), a('SELECT 0 1'),
  a('SELECT 01'), a('SELECT 9999999999999999999999'),
]);
both('publishing does not care about SELECT', [a('SELECT 3'), a('SUBSCRIBE c'), b('PUBLISH c x'), a.gets()]);
both('CONFIG GET of nothing', [a('CONFIG GET nosuch'), a('config get nosuch')]);
both('COMMAND COUNT', [a('COMMAND COUNT')], { normal: ['number'] });
both('COMMAND DOCS of nothing', [a('COMMAND DOCS nosuch')]);
both('INFO', [a('INFO')], { normal: ['info'] });
both('INFO of one section', [a('info server')], { normal: ['info'] });
both('INFO of no section', [a('INFO nosuch'), a('PING')]);
both('CLUSTER', [a('CLUSTER INFO'), a('CLUSTER SLOTS'), a('CLUSTER SHARDS'), a('cluster nodes'), a('CLUSTER MYID')]);
both('QUIT', [a('QUIT'), a.closes()]);
both('QUIT with words, and what comes behind it', [a.pipeline(['PING', 'QUIT now', 'PING'], 2), a.closes()]);
both('RESET', [a('RESET'), a('PING'), a('RESET x'), a('reset'), a('HELLO 2')], { normal: ['hello'] });

// ---- HELLO and AUTH ----
both('HELLO', [a('HELLO'), a('PING'), a('HELLO')], { normal: ['hello'] });
both('HELLO 2', [a('HELLO 2'), a('CLIENT GETNAME')], { normal: ['hello'] });
both('HELLO 3', [a('HELLO 3'), a('CLIENT GETNAME'), a('hello 2'), a('CLIENT GETNAME')], { normal: ['hello'] });
both('HELLO of other versions', [
  a('HELLO 4'), a('HELLO 1'), a('HELLO 0'), a('HELLO -3'), a('HELLO x'), a(['HELLO', '']), a('HELLO 3x'),
  a('HELLO 9999999999999999999'), a('CLIENT GETNAME'),
]);
both('HELLO with a name', [
  a('HELLO 3 SETNAME me'), a('CLIENT GETNAME'), a('HELLO 2 setname you'), a('CLIENT GETNAME'), a(['HELLO', '3', 'SETNAME', '']),
  a('CLIENT GETNAME'),
], { normal: ['hello'] });
both('HELLO with a bad name', [
  a(['HELLO', '3', 'SETNAME', 'a b']), a('CLIENT GETNAME'), a(['HELLO', '3', 'SETNAME', 'a\n']), a(['HELLO', '2', 'SETNAME', '\xe9']),
  a('CLIENT GETNAME'),
], { normal: ['hello'] });
both('HELLO with words that it does not know', [
  a('HELLO 3 FOO'), a('HELLO 3 FOO bar'), a('HELLO 3 AUTH'), a('HELLO 3 AUTH x'), a('HELLO 3 SETNAME'), a('HELLO 3 SETNAME x FOO'),
  a('HELLO AUTH default x'), a('HELLO 4 FOO'), a('CLIENT GETNAME'),
]);
both('HELLO with the default user, who has no password', [
  a('HELLO 3 AUTH default x'), a('HELLO 2 AUTH default x SETNAME me'), a('HELLO 3 SETNAME me AUTH default x'), a('CLIENT GETNAME'),
], { normal: ['hello'] });
both('HELLO with a stranger', [a('HELLO 3 AUTH nobody x'), a('HELLO 2 AUTH nobody x SETNAME me'), a('CLIENT GETNAME'), a('PING')]);
both('AUTH without a password', [a('AUTH x'), a('AUTH default x'), a('AUTH nobody x'), a('AUTH'), a('AUTH a b c'), a('PING')]);
const locked = { password: true };
both('AUTH', [
  a(['AUTH', PASSWORD]), a('PING'), a('AUTH wrong'), a('PING'), a(['AUTH', 'default', PASSWORD]), a(['AUTH', 'nobody', PASSWORD]),
], locked);
only('before AUTH', [
  a('PING'), a('ECHO x'), a('PUBLISH c x'), a('SUBSCRIBE c'), a('UNSUBSCRIBE'), a('CLIENT GETNAME'), a('PUBSUB NUMPAT'), a('INFO'),
  a('MULTI'), a('EXEC'), a('SELECT 0'), a('COMMAND COUNT'),
], locked);
only('before AUTH: errors', [a('FOO bar'), a('ECHO'), a('CLIENT FOO'), a('AUTH'), a('AUTH a b c')], locked);
only('before AUTH: wrong passwords', [
  a('AUTH wrong'), a('AUTH default wrong'), a(['AUTH', 'nobody', PASSWORD]), a(['AUTH', '']), a(['AUTH', PASSWORD]), a('PING'),
], locked);
only('before AUTH: QUIT', [a('QUIT'), a.closes()], locked);
only('before AUTH: RESET', [a('RESET'), a('PING')], locked);
only('before AUTH: HELLO', [
  a('HELLO'), a('HELLO 2'), a('HELLO 3'), a('HELLO 4'), a('HELLO 3 SETNAME x'), a('HELLO 3 AUTH default wrong'),
  a(['HELLO', '3', 'AUTH', 'nobody', PASSWORD]), a('PING'),
], locked);
only('HELLO with AUTH', [
  a(['HELLO', '3', 'AUTH', 'default', PASSWORD, 'SETNAME', 'me']), a('CLIENT GETNAME'), a('HELLO 3 AUTH default wrong'),
  a('CLIENT GETNAME'),
], { ...locked, normal: ['hello'] });
only('RESET forgets AUTH', [a(['AUTH', PASSWORD]), a('PING'), a('RESET'), a('PING')], locked);
only('before AUTH: an argument too many', [a.raw(`*11\r\n${'$1\r\nx\r\n'.repeat(11)}`), a.closes()], locked);
only('before AUTH: ten arguments', [a(['FOO', ...Array(9).fill('x')])], locked);
only('before AUTH: an argument too long', [a.raw('*2\r\n$4\r\nAUTH\r\n$16385\r\n'), a.closes()], locked);
only('before AUTH: an argument just short enough', [a(['AUTH', 'x'.repeat(16_384)])], locked);
only('AUTH in a transaction', [a(['AUTH', PASSWORD]), a('MULTI'), a('AUTH wrong'), a('EXEC'), a('PING')], locked);

// ---- MULTI ----
both('MULTI and EXEC of nothing', [a('MULTI'), a('EXEC'), a('PING')]);
both('EXEC and DISCARD without MULTI', [a('EXEC'), a('DISCARD'), a('PING')]);
both('MULTI in MULTI', [a('MULTI'), a('MULTI'), a('PING'), a('EXEC')]);
both('PUBLISH in MULTI waits for EXEC', [
  a('SUBSCRIBE c'), b('MULTI'), b('PUBLISH c 1'), b('PUBLISH c 2'), b('PUBLISH d 3'), c('PUBLISH c 0'), a.gets(), b('EXEC'), a.gets(2),
]);
both('PUBLISH in MULTI and DISCARD', [a('SUBSCRIBE c'), b('MULTI'), b('PUBLISH c 1'), b('DISCARD'), b('EXEC'), b('PUBLISH c 2'), a.gets()]);
both('MULTI with answers of all kinds', [
  a('MULTI'), a('PING'), a('PING x'), a('ECHO x'), a('PUBSUB NUMSUB c'), a('CLIENT GETNAME'), a('CLIENT SETNAME me'),
  a('CLIENT GETNAME'), a('SELECT 16'), a('SELECT 1'), a('SPUBLISH c x'), a('CONFIG GET nosuch'), a('EXEC'), a('PING'),
]);
both('MULTI with a command that is not known', [a('MULTI'), a('PING'), a('FOO x'), a('PING'), a('EXEC'), a('EXEC'), a('PING')]);
both('MULTI with a command of the wrong length', [
  a('MULTI'), a('ECHO'), a('EXEC'), a('PING'), a('MULTI'), a('CLIENT FOO'), a('EXEC'), a('MULTI'), a('ECHO'), a('DISCARD'), a('PING'),
]);
both('MULTI, EXEC, DISCARD with words', [a('MULTI x'), a('PING'), a('MULTI'), a('EXEC x'), a('DISCARD x'), a('EXEC'), a('PING')]);
both('SUBSCRIBE in MULTI', [
  a('MULTI'), a('SUBSCRIBE c'), a('PSUBSCRIBE d'), a('SSUBSCRIBE e'), a('EXEC'), a('PING'), a('ECHO x'), b('PUBLISH c x'), a.gets(),
]);
both('UNSUBSCRIBE in MULTI', [a('MULTI'), a('UNSUBSCRIBE'), a('UNSUBSCRIBE x'), a('EXEC'), a('PING')]);
both('RESET in MULTI', [a('MULTI'), a('PUBLISH c x'), a('RESET'), a('PING'), a('EXEC')]);
both('QUIT in MULTI', [a('MULTI'), a('PING'), a('QUIT'), a.closes()]);
both('HELLO in MULTI', [a('MULTI'), a('HELLO 3'), a('CLIENT GETNAME'), a('EXEC'), a('CLIENT GETNAME')], { normal: ['hello'] });
both('a pipeline of MULTI to EXEC', [a('SUBSCRIBE c'), b.pipeline(['MULTI', 'PUBLISH c 1', 'PUBLISH c 2', 'EXEC', 'PING']), a.gets(2)]);

// ---- CLIENT ----
both('CLIENT ID', [a('CLIENT ID'), a('client id')], { normal: ['ids'] });
both('CLIENT SETNAME and GETNAME', [
  a('CLIENT GETNAME'), a('CLIENT SETNAME me'), a('CLIENT GETNAME'), a(['CLIENT', 'SETNAME', '']), a('CLIENT GETNAME'),
]);
both('CLIENT SETNAME with bad names', [
  a('CLIENT SETNAME me'), a(['CLIENT', 'SETNAME', 'a b']), a(['CLIENT', 'SETNAME', 'a\n']), a(['CLIENT', 'SETNAME', BINARY]),
  a(['CLIENT', 'SETNAME', '~!']), a('CLIENT GETNAME'),
]);
both('RESET forgets the name', [a('CLIENT SETNAME me'), a('RESET'), a('CLIENT GETNAME')]);
both('CLIENT REPLY', [a('CLIENT REPLY ON'), a('CLIENT REPLY FOO'), a('CLIENT REPLY'), a('PING')]);
both('CLIENT REPLY OFF', [a.pipeline(['CLIENT REPLY OFF', 'PING', 'FOO', 'CLIENT REPLY SKIP', 'PING', 'CLIENT REPLY ON', 'PING'], 2)]);
both('CLIENT REPLY SKIP', [
  a.pipeline(['CLIENT REPLY SKIP', 'PING', 'ECHO x', 'CLIENT REPLY SKIP', 'CLIENT REPLY SKIP', 'PING', 'ECHO y'], 2),
]);
both('CLIENT REPLY OFF and RESET', [a.pipeline(['CLIENT REPLY OFF', 'PING', 'RESET', 'PING'], 2)]);
both('CLIENT REPLY OFF and QUIT', [a.pipeline(['PING', 'CLIENT REPLY OFF', 'PING', 'QUIT'], 1), a.closes()]);
both('CLIENT REPLY OFF of one who publishes', [
  a('SUBSCRIBE c'), b.pipeline(['CLIENT REPLY OFF', 'PUBLISH c 1', 'PUBLISH c 2', 'CLIENT REPLY ON'], 1), a.gets(2),
]);
both('CLIENT REPLY OFF of a subscriber', [
  a.pipeline(['CLIENT REPLY OFF', 'PING', 'SUBSCRIBE c'], 1), b('PUBLISH c x'), a.gets(), a('UNSUBSCRIBE'), a('CLIENT REPLY ON'),
]);
both('CLIENT with what neither knows', [a('CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type external-ip')]);
both('CLIENT NO-EVICT', [
  a('CLIENT NO-EVICT ON'), a('client no-evict off'), a('CLIENT NO-EVICT FOO'), a('CLIENT NO-EVICT'), a('CLIENT NO-EVICT ON x'),
]);
both('CLIENT INFO', [a('CLIENT SETNAME me'), a('SELECT 3'), a('CLIENT INFO')], { normal: ['list'] });
only('CLIENT INFO with subscriptions (RESP3)', [
  a('HELLO 3'), a('SUBSCRIBE c d', 2), a('PSUBSCRIBE c'), a('CLIENT INFO'),
], { normal: ['hello', 'list'] });
both('CLIENT LIST', [
  a('CLIENT SETNAME me'), b('CLIENT ID'), a(['CLIENT', 'LIST', 'ID', '<b>']), a('CLIENT LIST ID 999999999'),
], { normal: ['ids', 'list'] });
both('CLIENT LIST by type', [
  a('SUBSCRIBE c'), b('CLIENT LIST TYPE pubsub'), b('CLIENT LIST TYPE master'), b('CLIENT LIST TYPE FOO'),
], { normal: ['list'] });
both('errors of CLIENT LIST', [
  a('CLIENT LIST FOO'), a('CLIENT LIST ID'), a('CLIENT LIST ID x'), a('CLIENT LIST TYPE'), a('CLIENT INFO x'),
]);
both('CLIENT KILL of nobody', [
  a('CLIENT KILL 127.0.0.1:1'), a('CLIENT KILL ID 999999999'), a('CLIENT KILL ADDR 127.0.0.1:1'),
  a('CLIENT KILL ID 999999999 TYPE pubsub'), a('CLIENT KILL USER default ID 999999999'),
]);
both('errors of CLIENT KILL', [
  a('CLIENT KILL'), a('CLIENT KILL ID'), a('CLIENT KILL ID x'), a('CLIENT KILL ID 0'), a('CLIENT KILL FOO bar'),
  a('CLIENT KILL TYPE foo'), a('CLIENT KILL USER nobody'), a('CLIENT KILL ID 1 SKIPME foo'),
]);
both('CLIENT KILL of another', [
  b('CLIENT ID'), a(['CLIENT', 'KILL', 'ID', '<b>']), b.closes(), a(['CLIENT', 'KILL', 'ID', '<b>']),
], { normal: ['ids'] });
both('CLIENT KILL of subscribers', [
  b('SUBSCRIBE c'), c('PSUBSCRIBE c'), a('CLIENT KILL TYPE pubsub'), b.closes(), c.closes(), a('PUBLISH c x'),
]);
both('CLIENT KILL of oneself', [
  b('CLIENT ID'), b(['CLIENT', 'KILL', 'ID', '<b>', 'SKIPME', 'yes']), b(['CLIENT', 'KILL', 'ID', '<b>', 'SKIPME', 'no']), b.closes(),
], { normal: ['ids'] });

// ---- requests as bytes ----
both('inline commands', [
  a.raw('PING\r\n'), a.raw('PING\n'), a.raw('  ping \t x  \r\n'), a.raw('\r\n', 0), a.raw('\n \r\n', 0), a.raw('ECHO x\r\n'),
]);
both('inline commands with quotes', [
  a.raw('ECHO "a b"\r\n'), a.raw("ECHO 'a b'\r\n"), a.raw('ECHO ""\r\n'), a.raw("ECHO ''\n"),
  a.raw('ECHO "\\x41\\x00\\n\\r\\t\\b\\a\\\\\\"\\q"\r\n'), a.raw("ECHO 'it\\'s \\n'\r\n"), a.raw('"PING" "x"\r\n'),
  a.raw('ECHO a"b"\r\n'), a.raw('ECHO "\\xZZ"\r\n'),
]);
for (const [name, line] of Object.entries({
  'a " left open': 'ECHO "a', "a ' left open": "ECHO 'a", 'something behind a "': 'ECHO "a"b', "something behind a '": "ECHO 'a'b",
  'a quote within a word': 'ECHO a"b',
})) {
  only(`inline: ${name}`, [a.raw(`PING\r\n${line}\r\nPING\r\n`, 2), a.closes()]);
}
only('inline: bytes that are no text', [a.raw('ECHO \xff\xfe\r\n'), a.raw('FOO \x01\r\n'), a.raw('ECHO a\rb\r\n')]);
only('inline: a line without an end', [a.raw('x'.repeat(70_000)), a.closes()]);
only('inline and arrays in one write', [a.raw('PING\r\n*1\r\n$4\r\nPING\r\n\r\nECHO x\r\n*2\r\n$4\r\nECHO\r\n$1\r\ny\r\n', 4)]);
only('inline: SUBSCRIBE and UNSUBSCRIBE', [
  a.raw('SUBSCRIBE c d\r\n', 2), b.raw('PUBLISH c "hello there"\r\n'), a.gets(), a.raw('UNSUBSCRIBE c\n'),
]);
only('a request in single bytes', [
  ...Array.from('*2\r\n$4\r\nECHO\r\n$5\r\na\r\nbc\r\n').slice(0, -1).map((byte) => a.raw(byte, 0)), a.raw('\n', 1),
]);
only('a pipeline cut anywhere', [
  a.raw('*1\r\n$4\r\nPING\r\n*2\r', 1), a.raw('\n$4\r\nECHO\r\n$', 0), a.raw('3\r\nab', 0), a.raw('c\r\n*1\r\n$4\r\nPI', 1),
  a.raw('NG\r\n', 1),
]);
only('a pipeline of 200', [a.pipeline(Array.from({ length: 200 }, (_, i) => (i % 2 ? `ECHO ${i}` : 'PING')))]);
only('arrays of nothing and of less', [a.raw('*0\r\n', 0), a.raw('*-1\r\n', 0), a.raw('*-10\r\n', 0), a('PING')]);
only('numbers with signs and zeros', [a.raw('*01\r\n$04\r\nPING\r\n'), a.closes()]);
only('what follows a bulk is not looked at', [a.raw('*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n', 2)]);
for (const [name, bytes] of Object.entries({
  'an array of a word': '*x\r\n', 'an array of nothing said': '*\r\n', 'an array of a fraction': '*1.5\r\n', 'an array too long': '*2147483648\r\n',
  'an array of 20 digits': '*99999999999999999999\r\n', 'an array with a blank': '* 1\r\n', 'an array with a plus': '*+1\r\n',
  'a word for a bulk': '*1\r\nfoo\r\n', 'a number for a bulk': '*1\r\n:1\r\n', 'an array for a bulk': '*1\r\n*1\r\n$4\r\nPING\r\n',
  'an empty line for a bulk': '*1\r\n\r\n',
  'a bulk of a word': '*1\r\n$x\r\n', 'a bulk of nothing said': '*1\r\n$\r\n', 'a bulk of less than nothing': '*1\r\n$-1\r\n',
  'a bulk too long': '*1\r\n$536870913\r\n', 'a bulk of 20 digits': '*1\r\n$99999999999999999999\r\n',
  'a bulk with a blank': '*1\r\n$4 \r\nPING\r\n', 'bytes that are no text for a bulk': '*1\r\n\xff\r\n',
  'a length without an end': `*${'1'.repeat(70_000)}`, 'the length of a bulk without an end': `*1\r\n$${'1'.repeat(70_000)}`,
})) only(`protocol error: ${name}`, [a.raw(`*1\r\n$4\r\nPING\r\n${bytes}`, 2), a.closes()]);
only('a protocol error of a subscriber', [a('SUBSCRIBE c'), a.raw('*x\r\n'), a.closes(), b('PUBLISH c x')]);
only('a protocol error in MULTI', [a('MULTI'), a('PUBLISH c x'), a.raw('*1\r\n$x\r\n'), a.closes()]);
only('the end of a request that is not whole', [a('PING'), a.raw('*2\r\n$4\r\nECHO\r\n$5\r\nab', 0), a.hangsUp()]);
for (const line of ['POST / HTTP/1.1', 'post x', 'Host: localhost', 'HOST: x']) only(`HTTP: ${line}`, [a('PING'), a.raw(`${line}\r\nPING\r\n`, 0), a.closes()]);
only('HTTP: GET with a Host', [a.raw('FOO / HTTP/1.1\r\n'), a.raw('Host: x\r\nPING\r\n', 0), a.closes()]);
only('HTTP: POST as an array', [a('POST x', 0), a.closes()]);

// ---- where the edge does as Redis 7.2, or is no Redis: scripts with what the edge must send ----
const as72 = (...args) => instead('as Redis 7.2', ...args);
const noRedis = (...args) => instead('not as Redis', ...args);

as72('the answer to PUBLISH comes before the message to oneself', [a('HELLO 3'), a('SUBSCRIBE c'), a('PUBLISH c x', 2)],
  { a: HELLO_3 + push('subscribe', 'c', 1) + ':1\r\n' + push('message', 'c', 'x') + OK });
as72('the same in a pattern', [a('HELLO 3'), a('PSUBSCRIBE c*'), a('PUBLISH c x', 2)],
  { a: HELLO_3 + push('psubscribe', 'c*', 1) + ':1\r\n' + push('pmessage', 'c*', 'c', 'x') + OK });
as72('the same in a shard channel', [a('HELLO 3'), a('SSUBSCRIBE c'), a('SPUBLISH c x', 2)],
  { a: HELLO_3 + push('ssubscribe', 'c', 1) + ':1\r\n' + push('smessage', 'c', 'x') + OK });
as72('the same in a channel and a pattern', [a('HELLO 3'), a('PSUBSCRIBE c'), a('SUBSCRIBE c'), a('PUBLISH c x', 3)],
  { a: HELLO_3 + push('psubscribe', 'c', 1) + push('subscribe', 'c', 2) + ':2\r\n' + push('message', 'c', 'x') + push('pmessage', 'c', 'c', 'x') + OK });
as72('the message to oneself comes before the answer to the next command', [a('HELLO 3'), a.pipeline(['SUBSCRIBE c', 'PUBLISH c x', 'PING', 'PUBLISH c y'], 6)],
  { a: HELLO_3 + push('subscribe', 'c', 1) + ':1\r\n' + push('message', 'c', 'x') + '+PONG\r\n:1\r\n' + push('message', 'c', 'y') + OK });
as72('messages to oneself come after EXEC (RESP3)', [a('HELLO 3'), a('SUBSCRIBE c'), a('MULTI'), a('PUBLISH c x'), a('PUBLISH c y'), a('EXEC', 3)],
  { a: HELLO_3 + push('subscribe', 'c', 1) + OK + QUEUED + QUEUED + '*2\r\n:1\r\n:1\r\n' + push('message', 'c', 'x') + push('message', 'c', 'y') + OK });
as72('messages to oneself come after EXEC (RESP2)', [a('MULTI'), a('SUBSCRIBE c'), a('PUBLISH c x'), a('EXEC', 2)],
  { a: OK + QUEUED + QUEUED + '*2\r\n' + array('subscribe', 'c', 1) + ':1\r\n' + array('message', 'c', 'x') + OK });
as72('CLIENT SETINFO', [a('CLIENT SETINFO LIB-NAME x'), a('client setinfo lib-ver 1.2'), a(['CLIENT', 'SETINFO', 'LIB-NAME', '']), a('CLIENT SETINFO')],
  { a: OK + OK + OK + "-ERR wrong number of arguments for 'client|setinfo' command\r\n" + OK });
as72('CLIENT SETINFO of what is not known', [a('CLIENT SETINFO FOO x'), a(['CLIENT', 'SETINFO', 'lib-name', 'a b'])],
  { a: "-ERR Unrecognized option 'FOO'\r\n-ERR lib-name cannot contain spaces, newlines or special characters.\r\n" + OK });
as72('CLIENT NO-TOUCH', [a('CLIENT NO-TOUCH ON'), a('client no-touch off')], { a: OK + OK + OK });

const NO_KEYS = '(Tulle keeps keys with string values only, in a realm with redis_store_bytes)';
const NO_SCRIPTS = '(Tulle runs no scripts but those of known limiters, and watches no keys)';
noRedis('commands of data are not known, and the error says what to use instead', [
  a('GET k'), a('SET k v'), a('WATCH k'), a('XADD s * f v'), a('LPUSH l x'), a('EVAL x 0'), a('FLUSHALL'),
], {
  a: [`'GET', with args beginning with: 'k' ${NO_KEYS}`, `'SET', with args beginning with: 'k' 'v' ${NO_KEYS}`,
    `'WATCH', with args beginning with: 'k' ${NO_SCRIPTS}`,
    "'XADD', with args beginning with: 's' '*' 'f' 'v' (Tulle keeps no streams: use @socket.io/redis-adapter instead of the streams adapter)",
    "'LPUSH', with args beginning with: 'l' 'x' (Tulle keeps no lists: queues need a Redis of their own, or the driver for no queue)",
    `'EVAL', with args beginning with: 'x' '0' ${NO_SCRIPTS}`,
    `'FLUSHALL', with args beginning with: ${NO_KEYS}`]
    .map((what) => `-ERR unknown command ${what}\r\n`).join('') + OK,
});
noRedis('there is no configuration', [a('CONFIG GET save'), a('CONFIG GET *'), a('HELLO 3'), a('CONFIG GET save')], { a: `*0\r\n*0\r\n${HELLO_3}%0\r\n${OK}` });
noRedis('arrays of more than 16,384', [a.raw('*16385\r\n$4\r\nPING\r\n'), a.closes()], { a: '-ERR Protocol error: invalid multibulk length\r\n' });
noRedis('a billion arguments', [a.raw('*1000000000\r\n'), a.closes()], { a: '-ERR Protocol error: invalid multibulk length\r\n' });
noRedis('a bulk of more than a mebibyte', [a.raw('*2\r\n$4\r\nECHO\r\n$1048577\r\n'), a.closes()], { a: '-ERR Protocol error: invalid bulk length\r\n' });

describe('as Debian\'s redis-server', { skip: noRedisServer }, () => {
  test(`${scripts.length} scripts are more than 120`, () => assert.ok(scripts.length > 120));

  test('without a password', (t) => withBoth({}, async (redis, edge) => {
    for (const script of scripts.filter(({ password }) => !password)) await t.test(script.name, () => compare(redis, edge, script));
  }));

  test('with a password', (t) => withBoth({ password: PASSWORD }, async (redis, edge) => {
    for (const script of scripts.filter(({ password }) => password)) await t.test(script.name, () => compare(redis, edge, script));
  }));
});

describe('otherwise than Debian\'s redis-server', { skip: IS_REDIS && noRedisServer }, () => {
  test('with the bytes that are meant', (t) => withRedisNodes(1, {}, async ([edge]) => {
    for (const script of elsewhere) await t.test(script.name, () => expect(edge, script));
  }));
});
