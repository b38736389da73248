// The client libraries for Redis, unmodified, each behind the same few calls. Bytes of names and payloads are told as Latin-1 text.
import { createRequire } from 'node:module';
import { within } from './wait.mjs';

const require = createRequire(import.meta.url);
const CONNECT_MS = 10_000;
const text = (bytes) => (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes)).toString('latin1');

/**
 * A client: `inbox` grows by [channel, payload] as messages come; call() is any command; subscribe() and unsubscribe() take a kind ('',
 * 'p', 's') and names; pipeline() sends commands without waiting between them. Errors that the library emits are in `errors`.
 */
class Driver {
  inbox = [];
  errors = [];

  constructor(client) {
    this.client = client;
    client.on('error', (error) => this.errors.push(error));
  }

  pipeline(commands) { return Promise.all(commands.map((args) => this.call(...args))); }
  receive(channel, payload) { this.inbox.push([text(channel), text(payload)]); }
}

/** node-redis 3: callbacks, RESP2, no shard channels. */
class NodeRedis3 extends Driver {
  constructor(client) {
    super(client);
    client.on('message_buffer', (channel, payload) => this.receive(channel, payload));
    client.on('pmessage_buffer', (pattern, channel, payload) => this.receive(channel, payload));
  }

  static async open(module, place) {
    const driver = new NodeRedis3(require(module).createClient(place.url));
    await within(CONNECT_MS, `${module} to be ready`, new Promise((resolve) => { driver.client.once('ready', resolve); }));
    return driver;
  }

  promised(method, ...args) {
    return new Promise((resolve, reject) => {
      this.client[method](...args, (error, reply) => (error ? reject(error) : resolve(reply)));
    });
  }

  call(name, ...args) { return this.promised('send_command', name, args).then((reply) => (Buffer.isBuffer(reply) ? reply.toString() : reply)); }
  subscribe(kind, ...names) { return this.promised(`${kind}subscribe`, names); }
  unsubscribe(kind, ...names) { return this.promised(`${kind}unsubscribe`, names); }
  ping() { return this.promised('ping'); }

  pipeline(commands) {
    const batch = this.client.batch(commands.map(([name, ...args]) => [name, ...args]));
    return new Promise((resolve, reject) => { batch.exec((error, replies) => (error ? reject(error) : resolve(replies))); });
  }

  close() { return this.promised('quit'); }
  drop() { this.client.end(false); }
}

/** node-redis 4, 5 and 6: promises, one listener for each subscription. */
class NodeRedis extends Driver {
  static METHODS = {
    '': ['subscribe', 'unsubscribe'], p: ['pSubscribe', 'pUnsubscribe'], s: ['sSubscribe', 'sUnsubscribe'],
  };

  static async open(module, place, options) {
    const driver = new NodeRedis(require(module).createClient({ url: place.url, ...options }));
    await within(CONNECT_MS, `${module} to connect`, driver.client.connect());
    return driver;
  }

  call(...args) { return this.client.sendCommand(args.map((arg) => (Buffer.isBuffer(arg) ? arg : String(arg)))); }

  subscribe(kind, ...names) {
    return this.client[NodeRedis.METHODS[kind][0]](names, (payload, channel) => this.receive(channel, payload), true);
  }

  unsubscribe(kind, ...names) { return this.client[NodeRedis.METHODS[kind][1]](names.length ? names : undefined); }
  ping() { return this.client.ping(); }
  async close() { await (this.client.close ?? this.client.quit).call(this.client); }
  drop() { if (this.client.isOpen) (this.client.destroy ?? this.client.disconnect).call(this.client); }
}

class Ioredis extends Driver {
  constructor(client) {
    super(client);
    client.on('messageBuffer', (channel, payload) => this.receive(channel, payload));
    client.on('pmessageBuffer', (pattern, channel, payload) => this.receive(channel, payload));
    client.on('smessageBuffer', (channel, payload) => this.receive(channel, payload));
  }

  static async open(module, place, options) {
    const { Redis } = require(module);
    const driver = new Ioredis(new Redis(place.url, { ...options, lazyConnect: true }));
    await within(CONNECT_MS, `${module} to connect`, driver.client.connect());
    return driver;
  }

  call(...args) { return this.client.call(...args); }
  subscribe(kind, ...names) { return this.client[`${kind}subscribe`](...names); }
  unsubscribe(kind, ...names) { return this.client[`${kind}unsubscribe`](...names); }
  ping() { return this.client.ping(); }

  async pipeline(commands) {
    const pipeline = this.client.pipeline();
    for (const args of commands) pipeline.call(...args);
    return (await pipeline.exec()).map(([error, reply]) => { if (error) throw error; return reply; });
  }

  close() { return this.client.quit(); }
  drop() { this.client.disconnect(); }
}

/** `anyName`: the library takes names that are not UTF-8. `resp`: the version of the protocol that a connection comes to have. */
const library = (name, kind, module, { resp = 2, options = {}, shards = true, anyName = false } = {}) =>
  ({ name, resp, shards, anyName, open: (place, more = {}) => kind.open(module, place, { ...options, ...more }) });

const EVERY_LIBRARY = [
  library('node-redis 3', NodeRedis3, 'redis-3', { shards: false, anyName: true }),
  library('node-redis 4', NodeRedis, 'redis-4'),
  library('node-redis 5', NodeRedis, 'redis-5'),
  library('node-redis 5, RESP3', NodeRedis, 'redis-5', { resp: 3, options: { RESP: 3 } }),
  library('node-redis 6, RESP2', NodeRedis, 'redis-6', { options: { RESP: 2 } }),
  library('node-redis 6', NodeRedis, 'redis-6', { resp: 3 }),
  library('ioredis 5', Ioredis, 'ioredis-5', { anyName: true }),
  library('ioredis 6, RESP2', Ioredis, 'ioredis-6', { options: { protocol: 2 }, anyName: true }),
  library('ioredis 6', Ioredis, 'ioredis-6', { resp: 3, anyName: true }),
];
// The sixth versions need Node.js 20; Debian 12 has 18.
const NEWEST = Number(process.versions.node.split('.')[0]) >= 20;
export const LIBRARIES = EVERY_LIBRARY.filter(({ name }) => NEWEST || !/ 6/.test(name));

/** Runs `body` with one client of the library at each of the places, and drops them afterwards. */
export async function withDrivers(which, places, body) {
  const drivers = [];
  try {
    for (const place of places) drivers.push(await which.open(place));
    await body(...drivers);
  } finally {
    drivers.forEach((driver) => driver.drop());
  }
}
