// The load balancers that people have, as processes: nginx and HAProxy, in front of nodes of which the first is preferred.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CERTIFICATE, KEY } from './certificate.mjs';
import { request } from './http.mjs';
import { plannedAddresses } from './ports.mjs';
import { PROJECT } from './process.mjs';
import { waitFor, within } from './wait.mjs';

const temporaryPaths = (directory) =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${directory}/${kind};`).join('\n  ');

/** What both configurations of nginx begin with: one process in the foreground, with its files in `directory`. */
const nginxHead = (directory) => `daemon off;
${process.getuid() === 0 ? 'user root;' : ''}
pid ${directory}/pid;
error_log stderr warn;
events {}
http {
  access_log off;
  ${temporaryPaths(directory)}
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
`;

const nginx = (address, [first, ...others], directory) => `
${nginxHead(directory)}  upstream nodes {
    server ${first.ports.listen} max_fails=1 fail_timeout=1s;
    ${others.map((node) => `server ${node.ports.listen} backup;`).join('\n    ')}
  }
  server {
    listen ${address};
    location / {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_connect_timeout 1s;
      proxy_read_timeout 1h;
    }
  }
}
`;

const haproxy = (address, [first, ...others]) => `
defaults
  mode http
  timeout connect 1s
  timeout client 1m
  timeout server 1m
  timeout tunnel 1h
  retries 3
  option redispatch 1
frontend clients
  bind ${address}
  default_backend nodes
backend nodes
  option httpchk GET /ready
  default-server inter 200ms fall 2 rise 1
  server ${first.name} ${first.ports.listen} check
  ${others.map((node) => `server ${node.name} ${node.ports.listen} check backup`).join('\n  ')}
`;

/** As people have them: what the documentation shows for WebSockets, and every time-out, size and check as it comes. */
const nginxAsItComes = (address, nodes, directory, { read = '' }) => `
${nginxHead(directory)}  upstream nodes {
    ${nodes.map((node) => `server ${node.ports.listen};`).join('\n    ')}
    keepalive 8;
  }
  server {
    listen ${address};
    ${read && `proxy_read_timeout ${read};`}
    location / {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }
  }
}
`;

/** The time-outs are those of Debian's haproxy.cfg, which has none for tunnels; the check is HAProxy's own, sooner. */
const haproxyAsItComes = (address, nodes, _, { read = '50000' }) => `
defaults
  mode http
  timeout connect 5000
  timeout client ${read}
  timeout server ${read}
frontend clients
  bind ${address}
  stats enable
  stats uri /haproxy-stats
  default_backend nodes
backend nodes
  option httpchk
  default-server inter 100ms fall 2 rise 2
  ${nodes.map((node) => `server ${node.name} ${node.ports.listen} check`).join('\n  ')}
`;

/** The lines of the backend in node/doc/proxies.md, with these nodes in place of its own; time-outs are those of Debian's haproxy.cfg. */
const haproxyOfDocument = (address, nodes) => {
  const document = fs.readFileSync(path.join(PROJECT, 'node/doc/proxies.md'), 'utf8');
  const lines = /^ {4}backend tulle\n(?: {8}.*\n)+/m.exec(document)[0].split('\n').map((line) => line.trim());
  const [example] = lines.filter((line) => line.startsWith('server n1'));
  return `
defaults
  mode http
  timeout connect 5000
  timeout client 50000
  timeout server 50000
frontend clients
  bind ${address}
  default_backend tulle
${lines.filter((line) => !line.startsWith('server ')).join('\n  ')}
  ${nodes.map((node) => example.replace('n1', node.name).replace('10.0.0.1:6001', node.ports.listen)).join('\n  ')}
`;
};

/** What tools/packaging has for nginx, without TLS and for thousands of clients. */
const nginxForMany = (address, nodes, directory) => `
${nginxHead(directory).replace('events {}', 'events { worker_connections 15000; }')}  upstream nodes {
    zone nodes 64k;
    least_conn;
    ${nodes.map((node) => `server ${node.ports.listen} max_fails=1 fail_timeout=2s;`).join('\n    ')}
    keepalive 32;
  }
  server {
    listen ${address} backlog=4096;
    location / {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_connect_timeout 2s;
      proxy_read_timeout 150s;
      proxy_next_upstream error timeout http_503;
    }
  }
}
`;

/** The same for HAProxy. */
const haproxyForMany = (address, nodes) => `
global
  maxconn 7500
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout tunnel 1h
  option http-no-delay
frontend clients
  bind ${address} backlog 4096
  default_backend nodes
backend nodes
  balance leastconn
  retries 3
  option redispatch 1
  option httpchk
  http-check send meth GET uri /ready
  default-server check inter 1s fall 2 rise 1
  ${nodes.map((node) => `server ${node.name} ${node.ports.listen}`).join('\n  ')}
`;

const NGINX = { binary: process.env.TULLE_NGINX ?? '/usr/sbin/nginx', args: (file) => ['-e', 'stderr', '-c', file], check: '-t' };
const HAPROXY = { binary: process.env.TULLE_HAPROXY ?? '/usr/sbin/haproxy', args: (file) => ['-f', file], check: '-c' };
const KINDS = {
  nginx: { ...NGINX, configuration: nginx },
  haproxy: { ...HAPROXY, configuration: haproxy },
  'nginx as it comes': { ...NGINX, configuration: nginxAsItComes },
  'haproxy as proxies.md has it': { ...HAPROXY, configuration: haproxyOfDocument },
  'nginx for many': { ...NGINX, configuration: nginxForMany },
  'haproxy for many': { ...HAPROXY, configuration: haproxyForMany },
  'haproxy as it comes': { ...HAPROXY, configuration: haproxyAsItComes },
};

/** Why tests with this one are left out; false when they are not. */
export const isMissing = (kind) => {
  const { binary } = KINDS[kind] ?? PACKAGED[kind];
  return !fs.existsSync(binary) && `${binary} is not installed`;
};

/** The files of tools/packaging as they are, with the addresses, files and time-outs of a test in place of their own. */
const PACKAGED = {
  nginx: {
    ...NGINX,
    file: 'nginx.conf',
    changes: (address, nodes, directory, { slow = 10 }) => [
      [/^user .*\n/m, process.getuid() === 0 ? 'user root;\n' : ''],
      [/^worker_processes .*;/m, 'worker_processes 2;\ndaemon off;'],
      [/^worker_rlimit_nofile .*\n/m, ''],
      [/worker_connections .*;/, 'worker_connections 500;'],
      [/\/run\/nginx.pid/, `${directory}/pid`],
      [/\/var\/log\/nginx\/error.log/, 'stderr'],
      [/^http \{/m, `http {\n  ${temporaryPaths(directory)}`],
      [/listen 443 ssl/, `listen ${address} ssl`],
      [/\/etc\/ssl\/tulle\/fullchain.pem/, `${directory}/certificate`],
      [/\/etc\/ssl\/tulle\/privkey.pem/, `${directory}/key`],
      [/client_(header|body)_timeout( *) 10s/g, `client_$1_timeout$2 ${slow}s`],
    ],
  },
  haproxy: {
    ...HAPROXY,
    file: 'haproxy.cfg',
    changes: (address, nodes, directory, { slow = 10 }) => [
      [/^ *(user|group|log) .*\n/gm, ''],
      [/maxconn 50000/, 'maxconn 500'],
      [/bind :443 /, `bind ${address} `],
      [/\/etc\/haproxy\/tulle.pem/, `${directory}/both`],
      [/timeout http-request 10s/, `timeout http-request ${slow}s`],
    ],
  },
  'haproxy that passes TLS on': {
    ...HAPROXY,
    file: 'haproxy-passthrough.cfg',
    port: 6443,
    role: 'tls_listen',
    changes: (address) => [
      [/^ *(user|group|log) .*\n/gm, ''],
      [/maxconn 50000/, 'maxconn 500'],
      [/bind :443/, `bind ${address}`],
    ],
  },
};

/** What runs a proxy by the file of tools/packaging; its certificate, if it has one, is that of certificate.mjs. */
function packaged(kind) {
  const { file, changes, port = 6001, role = 'listen', ...program } = PACKAGED[kind];
  return {
    ...program,
    configuration: (address, nodes, directory, options) => {
      for (const [name, text] of [['certificate', CERTIFICATE], ['key', KEY], ['both', `${CERTIFICATE}\n${KEY}`]]) {
        fs.writeFileSync(path.join(directory, name), `${text}\n`);
      }
      const original = fs.readFileSync(path.join(PROJECT, 'tools/packaging', file), 'utf8');
      const all = [...changes(address, nodes, directory, options), ...nodes.map(({ ports }, i) => [`10.0.0.${i + 1}:${port}`, ports[role]])];
      return all.reduce((text, [from, to]) => {
        if (typeof from === 'string' ? !text.includes(from) : text.search(from) < 0) throw new Error(`${file} has no ${from}`);
        return text.replace(from, to);
      }, original);
    },
  };
}

/** Runs `body` with the proxy, which has `ports.listen` like a node. `options.read`: another time-out for what is quiet. */
export const withProxy = (kind, nodes, body, options = {}) =>
  runProxy(kind, KINDS[kind], (at) => request(at, '/up'), nodes, body, options);

/**
 * Runs `body` with nginx or HAProxy as tools/packaging configures it, for exactly two nodes. `options.slow`: seconds that a head may
 * take.
 */
export const withPackagedProxy = (kind, nodes, body, options = {}) =>
  runProxy(kind, packaged(kind), (at) => request(at, '/up', { tls: CERTIFICATE }), nodes, body, options);

/** The exit code of `nginx -t` or `haproxy -c` for that file, and what the program says. */
export function checkPackagedProxy(kind, nodes) {
  const { binary, configuration, args, check } = packaged(kind);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), `tulle-${kind.split(' ')[0]}-`));
  try {
    const file = path.join(directory, 'configuration');
    fs.writeFileSync(file, configuration('127.0.0.1:1', nodes, directory, {}));
    const { status, stdout, stderr } = spawnSync(binary, [check, ...args(file)], { encoding: 'utf8' });
    return { status, said: stdout + stderr };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

async function runProxy(kind, { binary, configuration, args }, ask, nodes, body, options) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), `tulle-${kind.split(' ')[0]}-`));
  const { listen } = await plannedAddresses();
  const file = path.join(directory, 'configuration');
  fs.writeFileSync(file, configuration(listen, nodes, directory, options));
  const child = spawn(binary, args(file), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { said += text; });
  const ended = once(child, 'close');
  try {
    await waitFor(`${kind} to pass requests on`, async () => (await ask(listen)).status === 200);
    await body({ ports: { listen } });
  } catch (error) {
    console.error(said);
    throw error;
  } finally {
    child.kill('SIGTERM');
    await within(10_000, `the end of ${kind}`, ended);
    fs.rmSync(directory, { recursive: true, force: true });
  }
}
