// A page with pusher-js in it as its makers ship it for browsers, and the application that serves the page and grants channels.
import fs from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { APP, server } from './clients.mjs';
import { parts } from './http.mjs';
import { PROJECT } from './process.mjs';

const SCRIPT = 'dist/web/pusher-with-encryption.js';
const KIT = { ...APP, encryptionMasterKeyBase64: Buffer.alloc(32, 3).toString('base64') };
export const ROOM = 'presence-page';
export const VAULT = 'private-encrypted-page';

/** What runs in the page. It writes into the document what it sees, and a click on `send` says what stands in `input`. */
function script(options, user, room, vault) {
  const byId = (id) => document.getElementById(id);
  const line = (id, text) => byId(id).appendChild(Object.assign(document.createElement('li'), { textContent: text }));
  const pusher = new window.Pusher(options.key, {
    ...options, channelAuthorization: { endpoint: '/pusher/auth', transport: 'ajax', params: { user } },
  });
  pusher.connection.bind('state_change', ({ current }) => {
    byId('state').textContent = current;
    line('states', current);
  });
  const channel = pusher.subscribe(room);
  const show = () => { byId('members').textContent = Object.keys(channel.members.members).sort().join(' '); };
  for (const event of ['pusher:subscription_succeeded', 'pusher:member_added', 'pusher:member_removed']) channel.bind(event, show);
  channel.bind('pusher:member_added', ({ id }) => line('log', `+${id}`));
  channel.bind('pusher:member_removed', ({ id }) => line('log', `-${id}`));
  channel.bind('client-said', ({ text }, { user_id: from }) => line('log', `${from}: ${text}`));
  pusher.subscribe(vault).bind('opened', (data) => line('log', `opened: ${data}`));
  byId('send').addEventListener('click', () => channel.trigger('client-said', { text: byId('input').value }));
}

const html = (node, user) => {
  const { host, port } = parts(node.ports.listen);
  const options = { key: APP.key, wsHost: host, wsPort: port, forceTLS: false, enabledTransports: ['ws'], cluster: '', enableStats: false };
  return `<!doctype html><meta charset="utf-8"><title>page</title><link rel="icon" href="data:,">
<p id="state"></p><p id="members"></p><ul id="states"></ul><ul id="log"></ul><input id="input"><button id="send">send</button>
<script src="/pusher.js"></script>
<script>(${script})(${[options, user, ROOM, VAULT].map((value) => JSON.stringify(value)).join(', ')})</script>`;
};

class Page {
  constructor(version) {
    this.script = fs.readFile(path.join(PROJECT, 'tests/node_modules', version, SCRIPT));
    this.kit = null;
    this.served = new Map();
    this.http = http.createServer((request, answer) => this.handle(request, answer));
  }

  /** The address of a page whose pusher-js connects to `node` as `user`. `kit` signs for all pages. */
  url(node, user, host = '127.0.0.1') {
    this.kit ??= server(node, KIT);
    this.served.set(`/${user}`, html(node, user));
    return `http://${host}:${this.http.address().port}/${user}`;
  }

  get origin() { return `http://127.0.0.1:${this.http.address().port}`; }

  async handle(request, answer) {
    if (request.method === 'POST') {
      let text = '';
      for await (const part of request) text += part;
      const form = new URLSearchParams(text);
      const channel = form.get('channel_name');
      const member = channel === ROOM ? { user_id: form.get('user') } : undefined;
      answer.setHeader('Content-Type', 'application/json');
      answer.end(JSON.stringify(this.kit.authorizeChannel(form.get('socket_id'), channel, member)));
    } else if (request.url === '/pusher.js') {
      answer.setHeader('Content-Type', 'text/javascript');
      answer.end(await this.script);
    } else {
      answer.statusCode = this.served.has(request.url) ? 200 : 404;
      answer.setHeader('Content-Type', 'text/html');
      answer.end(this.served.get(request.url));
    }
  }
}

/** The kit of the application, publishing at `node`. */
export const kitAt = (node) => server(node, KIT);

/** Runs `body` with the application; `version`: the package of pusher-js. */
export async function withPage(version, body) {
  const page = new Page(version);
  await new Promise((resolve) => { page.http.listen(0, resolve); });
  try {
    await body(page);
  } finally {
    page.http.closeAllConnections();
    page.http.close();
  }
}
