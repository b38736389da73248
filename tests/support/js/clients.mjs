// The official clients and server kit, unmodified, pointed at one node; and a bare WebSocket for what they would never send.
import crypto from 'node:crypto';
import PusherServer from 'pusher';
import WebSocket from 'ws';
import { parts } from './http.mjs';
import { waitFor, within } from './wait.mjs';

/** The versions of pusher-js under test; a suite is run with another than the current one by TULLE_TEST_PUSHER_JS. */
const VERSIONS = { current: 'pusher-js', 7: 'pusher-js-7' };
export const { default: PusherClient } = await import(VERSIONS[process.env.TULLE_TEST_PUSHER_JS ?? 'current']);

export const APP = { appId: 'app-id', key: 'app-key', secret: 'app-secret' };
const SUBSCRIBE_MS = 10_000;

/** The server kit, publishing at this node. */
export function server(node, app = APP) {
  const { host, port } = parts(node.ports.listen);
  return new PusherServer({ ...app, host, port: String(port), useTLS: false, timeout: 10_000 });
}

/** pusher-js, connected to this node. Private channels are signed with the app's secret. */
export function client(node, options = {}) {
  const { host, port } = parts(node.ports.listen);
  return new PusherClient(APP.key, {
    wsHost: host, wsPort: port, forceTLS: false, enabledTransports: ['ws'], cluster: '', disableStats: true,
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, done) => done(null, server(node).authorizeChannel(socketId, channelName)),
    },
    ...options,
  });
}

/** The channel, once pusher:subscription_succeeded has come. */
export function subscribed(pusher, name) {
  const channel = pusher.subscribe(name);
  return within(SUBSCRIBE_MS, `the subscription of ${name}`, new Promise((resolve, reject) => {
    channel.bind('pusher:subscription_succeeded', () => resolve(channel));
    channel.bind('pusher:subscription_error', (error) => reject(new Error(`refused: ${JSON.stringify(error)}`)));
  }));
}

/** What comes on a channel under this name: grows as it comes. */
export function inbox(channel, event) {
  const received = [];
  channel.bind(event, (data) => received.push(data));
  return received;
}

export async function connected(pusher) {
  await waitFor('the connection', () => pusher.connection.state === 'connected');
  return pusher.connection.socket_id;
}

/** Runs `body` with clients of the given nodes, and disconnects them afterwards. */
export async function withClients(nodes, body, options = {}) {
  const clients = nodes.map((node) => client(node, options));
  try {
    await body(...clients);
  } finally {
    clients.forEach((pusher) => pusher.disconnect());
  }
}

/** A WebSocket that keeps every frame, and how it was closed. */
export class RawClient {
  frames = [];

  constructor(node, target = `/app/${APP.key}?protocol=7&client=test&version=1.0`, options = {}) {
    this.socket = new WebSocket(this.constructor.url(node, target), { perMessageDeflate: false, ...options });
    this.socket.on('message', (bytes) => this.frames.push(JSON.parse(bytes.toString())));
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    this.socket.on('error', (error) => { this.error = error; });
  }

  static url(node, target) { return `ws://${node.ports.listen}${target}`; }

  send(message) { this.socket.send(typeof message === 'string' ? message : JSON.stringify(message)); }

  /** The first frame that has come, or comes, with this event; those before it are let go. */
  async next(event) {
    const isIt = (frame) => frame.event === event;
    await waitFor(`a frame ${event}`, () => this.frames.some(isIt));
    return this.frames.splice(0, this.frames.findIndex(isIt) + 1).at(-1);
  }

  async open() {
    const frame = await this.next('pusher:connection_established');
    this.socketId = JSON.parse(frame.data).socket_id;
    return this;
  }

  end() { return within(10_000, 'the end of the WebSocket', this.closed); }
  drop() { this.socket.terminate(); }
}

/** The beginning of a signed request: the body of any other is not read. */
export function signedPost() {
  const path = `/apps/${APP.appId}/events`;
  const query = `auth_key=${APP.key}&auth_timestamp=${Math.floor(Date.now() / 1000)}&auth_version=1.0&body_md5=${'0'.repeat(32)}`;
  const signature = crypto.createHmac('sha256', APP.secret).update(`POST\n${path}\n${query}`).digest('hex');
  return `POST ${path}?${query}&auth_signature=${signature} HTTP/1.1\r\nHost: a\r\n`;
}
