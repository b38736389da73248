// What a Laravel application does around Echo: it answers /broadcasting/auth, and broadcasts on behalf of requests.
import http from 'node:http';
import Echo from 'laravel-echo';
import { APP, PusherClient, server } from './clients.mjs';
import { parts } from './http.mjs';

/** Of the encrypted channels; any 32 bytes. */
export const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');
const KIT = { ...APP, encryptionMasterKeyBase64: MASTER_KEY };

async function textOf(request) {
  let text = '';
  for await (const part of request) text += part;
  return text;
}

/** Who asks: the token is the user's id. */
const userOf = (request) => /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];

/** What the server kit grants this user; nothing on channels whose name ends with ".secret". */
function granted(kit, user, form) {
  const [socketId, channel] = [form.get('socket_id'), form.get('channel_name')];
  if (!user || channel.endsWith('.secret')) return null;
  const member = channel.startsWith('presence-') ? { user_id: user, user_info: { id: user, name: `name of ${user}` } } : undefined;
  return kit.authorizeChannel(socketId, channel, member);
}

/** The application behind `nodes`: it publishes at the last of them, so that what it says has to cross the mesh. */
class Laravel {
  constructor(nodes) {
    this.kit = server(nodes.at(-1), KIT);
    this.http = http.createServer((request, answer) => this.handle(request, answer));
    this.echoes = [];
  }

  async handle(request, answer) {
    const grant = granted(this.kit, userOf(request), new URLSearchParams(await textOf(request)));
    answer.writeHead(grant ? 200 : 403, { 'Content-Type': 'application/json' });
    answer.end(JSON.stringify(grant ?? { message: 'forbidden' }));
  }

  /** Echo as a page of this user has it, connected to `node`. */
  echo(node, user, broadcaster, options = {}) {
    const { host, port } = parts(node.ports.listen);
    const echo = new Echo({
      broadcaster, Pusher: PusherClient, key: APP.key, wsHost: host, wsPort: port, forceTLS: false, enabledTransports: ['ws'],
      disableStats: true, withoutInterceptors: true, bearerToken: user,
      authEndpoint: `http://127.0.0.1:${this.http.address().port}/broadcasting/auth`,
      ...(broadcaster === 'pusher' ? { cluster: '' } : {}), ...options,
    });
    this.echoes.push(echo);
    return echo;
  }

  /** broadcast(new Event(...)) on these channels; `toOthers`: the Echo that sent the request is left out. */
  broadcast(channels, event, data, { toOthers } = {}) {
    return this.kit.trigger(channels, event, data, toOthers ? { socket_id: toOthers.socketId() } : {});
  }
}

/** Runs `body` with the application, and ends it and its Echos afterwards. */
export async function withLaravel(nodes, body) {
  const laravel = new Laravel(nodes);
  await new Promise((resolve) => { laravel.http.listen(0, '127.0.0.1', resolve); });
  try {
    await body(laravel);
  } finally {
    laravel.echoes.forEach((echo) => echo.disconnect());
    laravel.http.closeAllConnections();
    laravel.http.close();
  }
}
