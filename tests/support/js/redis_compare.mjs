// The same byte scripts for a real redis-server and for the Redis edge, and the comparison of what both answer.
import assert from 'node:assert/strict';
import { IS_REDIS, withRedisNodes, withRedisServer } from './redis_edge.mjs';
import { split } from './resp.mjs';
import { a, asked, b, c, play, untilEmpty } from './resp_script.mjs';
import { waitFor } from './wait.mjs';

const elementsOf = (text) => split(Buffer.from(text, 'latin1')).map((bytes) => bytes.toString('latin1'));

/** The scripts of keys say times that are multiples of 100 s, and nothing else that is one: so a time that has run on is known again. */
const WHOLE_MS = 100_000;
const MOST_SECONDS = 10_000; // a greater number is one of milliseconds

/** The whole time that a number of seconds or milliseconds was `late` ms ago or less; undefined when there is none. */
function wholeTime(number, isSeconds, late) {
  const whole = Math.ceil(number / (isSeconds ? WHOLE_MS / 1000 : WHOLE_MS)) * (isSeconds ? WHOLE_MS / 1000 : WHOLE_MS);
  // Seconds are rounded to the nearest.
  return (whole - number) * (isSeconds ? 1000 : 1) <= late + (isSeconds ? 500 : 0) ? whole : undefined;
}

/**
 * What may differ between two servers, each kind by its name; a script that needs one says so. Nothing else is let go. Each takes what came
 * on a connection, and when the script was played: {begin, end} in Unix milliseconds.
 */
const NORMALISATIONS = {
  /** The numbers of clients; 0 and 1 are those of clients that have been found. */
  ids: (text) => elementsOf(text).map((element) => element.replace(/^:(\d\d+|[2-9])\r/, ':N\r')).join(''),
  /** HELLO: version and number of the client. */
  hello: (text) => text.replace(/\$7\r\nversion\r\n\$\d+\r\n[^\r]+/g, '$7\r\nversion\r\nVERSION').replace(/\$2\r\nid\r\n:\d+/g, '$2\r\nid\r\n:ID'),
  /** INFO: only the frame, and which of the keys that clients read are there. */
  info: (text) => text.replace(/([$=])\d+\r\n((?:txt:)?)(# [^]*?)\r\n(?=\+OK)/g, (_, type, txt, body) =>
    `${type}${txt}${['redis_version', 'redis_mode', 'process_id', 'tcp_port', 'uptime_in_seconds', 'loading', 'connected_clients', 'role']
      .filter((key) => new RegExp(`^${key}:.`, 'm').test(body)).join()}\r\n`),
  /** CLIENT LIST and INFO: only the fields that do not tell of the server's insides, and no lengths. */
  list: (text) => text.replace(/^((?:txt:)?)id=.*$/gm, (line, txt) =>
    txt + line.split(' ').filter((field) => /^(name|db|sub|psub|multi|resp)=/.test(field)).join(' '))
    .replace(/([$=])\d+\r\n(?=(?:txt:)?name=)/g, '$1'),
  /** HELP: only that there are lines. */
  help: (text) => text.replace(/\*\d+\r\n((?:\+.*\r\n)+)(?=\+OK)/g, '*HELP\r\n'),
  /** The answer to COMMAND COUNT. */
  number: (text) => elementsOf(text).map((element) => element.replace(/^:\d+\r/, ':N\r')).join(''),
  /** Names (one byte long) of what an UNSUBSCRIBE without names gives up: in any order. */
  names: (text) => {
    const pattern = /(unsubscribe\r\n\$1\r\n)(.)/g;
    const names = [...text.matchAll(pattern)].map((match) => match[2]).sort();
    return text.replace(pattern, (_, begin) => begin + names.shift());
  },
  /** Messages that one PUBLISH sends one connection, and arrays of names: in any order. */
  order: (text) => split(Buffer.from(text, 'latin1')).map((element) => {
    const [head, ...rest] = split(element.subarray(element.indexOf('\r\n') + 2)).map((part) => part.toString('latin1')).sort();
    return /^[*>]/.test(element) && head !== undefined && !/message/.test(element) ? [element[0], head, ...rest].join('') : element.toString('latin1');
  }).sort().join(''),
  /** Arrays of names: each in any order. What SCAN answers is such an array behind its cursor. */
  keys: (text) => elementsOf(text).map(function sorted(element) {
    if (!element.startsWith('*')) return element;
    const head = element.slice(0, element.indexOf('\r\n') + 2);
    const parts = elementsOf(element.slice(head.length)).map(sorted);
    return head + (parts.some((part) => part.startsWith('*')) ? parts : parts.sort()).join('');
  }).join(''),
  /** What is left of times: no more of them has run off than the script took. */
  left: (text, { begin, end }) => text.replace(/:(\d+)\r\n/g, (whole, digits) => {
    const time = wholeTime(Number(digits), Number(digits) < MOST_SECONDS, end - begin);
    return time === undefined ? whole : `:${time} LEFT\r\n`;
  }),
  /** Moments that the server has made of what was to be left: each as what was left while the script was played. */
  moments: (text, { begin, end }) => text.replace(/:(1\d{9}|1\d{12})\r\n/g, (whole, digits) => {
    const isSeconds = digits.length === 10;
    const time = wholeTime(Number(digits) * (isSeconds ? 1000 : 1) - end - (isSeconds ? 500 : 0), false, end - begin + (isSeconds ? 1000 : 0));
    return time === undefined ? whole : `:${time} AFTER NOW\r\n`;
  }),
};

/** The bytes of replies in RESP3. */
export const bulk = (text) => `$${text.length}\r\n${text}\r\n`;
export const push = (...parts) => `>${parts.length}\r\n${parts.map((part) => (Number.isInteger(part) ? `:${part}\r\n` : bulk(part))).join('')}`;
export const array = (...parts) => push(...parts).replace('>', '*');
export const OK = '+OK\r\n';
export const QUEUED = '+QUEUED\r\n';
/** The answer to HELLO 3, normalised. */
export const HELLO_3 = ['%7\r\n', bulk('server'), bulk('redis'), bulk('version'), 'VERSION\r\n', bulk('proto'), ':3\r\n', bulk('id'), ':ID\r\n',
  bulk('mode'), bulk('standalone'), bulk('role'), bulk('master'), bulk('modules'), '*0\r\n'].join('');

/** Those of the steps, with a HELLO 3 before the first that each connection writes. */
function inThird(steps) {
  const seen = new Set();
  return steps.flatMap((step) => {
    if (seen.has(step.on) || !step.bytes) return [step];
    seen.add(step.on);
    return [{ a, b, c }[step.on]('HELLO 3'), step];
  });
}

/**
 * A list of scripts, and how they are added to it. `scripts` are compared; `elsewhere` are played to the edge alone, which must send what
 * they expect. Options: `normal`, names of normalisations; `later`, steps for new connections once the keys `gone` have expired.
 */
export function corpus() {
  const scripts = [];
  const elsewhere = [];
  const only = (name, steps, options = {}) => scripts.push({ name, steps, ...options });
  /** A script for RESP2, and the same for RESP3, each connection of which begins with HELLO 3. */
  const both = (name, steps, options = {}) => {
    only(`${name} (RESP2)`, steps, options);
    only(`${name} (RESP3)`, inThird(steps), {
      ...options, ...(options.later && { later: inThird(options.later) }), normal: ['hello', ...(options.normal ?? [])],
    });
  };
  const instead = (why, name, steps, expected) => elsewhere.push({ name: `${why}: ${name}`, steps, normal: ['hello'], expected });
  return { scripts, elsewhere, both, only, instead };
}

/** What came on each connection, as text, without what may differ; and why the script did not come to its end. */
function normalised(answer, names = []) {
  const without = (bytes) => names.reduce((text, name) => NORMALISATIONS[name](text, answer.played), bytes.toString('latin1'));
  const texts = [...answer].map(([on, bytes]) => [on, without(bytes)]);
  return { ...Object.fromEntries(texts), ...(answer.failure && { failure: answer.failure }) };
}

async function played(place, steps, atLeast) {
  const begin = Date.now();
  const answer = await play(place, steps, atLeast);
  return Object.assign(answer, { played: { begin, end: Date.now() } });
}

const areGone = (place, keys) => waitFor(`${keys} to be gone`, async () => String(await asked(place, [['EXISTS', ...keys]])) === ':0\r\n');

export async function compare(redis, edge, { steps, normal, password, gone, later }) {
  for (const part of later ? [steps, later] : [steps]) {
    if (part === later) await Promise.all([redis, edge].map((place) => areGone(place, gone)));
    const wanted = await played(redis, part);
    const got = await played(edge, part, wanted);
    if (!password) await Promise.all([redis, edge].map(untilEmpty));
    assert.equal(wanted.failure, undefined, 'the script fails with the real redis-server');
    assert.deepEqual(normalised(got, normal), normalised(wanted, normal));
  }
}

/** Plays a script of `elsewhere` to the edge, or to a real redis-server in its place, which must not do the same. */
export async function expect(edge, { steps, normal, expected }) {
  const whole = (text) => Buffer.from(text.replace('VERSION', bulk('1').trim()), 'latin1');
  const atLeast = new Map(Object.entries(expected).map(([on, text]) => [on, whole(text)]));
  const got = normalised(await played(edge, steps, atLeast), normal);
  await untilEmpty(edge);
  if (IS_REDIS) assert.notDeepEqual(got, expected, 'Redis 7.0 does the same: the script belongs to those that are compared');
  else assert.deepEqual(got, expected);
}

export const withBoth = (options, body) => withRedisServer(options, (redis) => withRedisNodes(1, options, ([edge]) => body(redis, edge)));
