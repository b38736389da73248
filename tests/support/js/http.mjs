// HTTP without a connection pool: each request has a connection of its own, so that none outlives the node it went to.
import http from 'node:http';
import https from 'node:https';

/** {host, port} of "host:port"; an IPv6 host stands in brackets. */
export function parts(address) {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}

/**
 * Answers {status, headers, body} of a request to "host:port" or "unix:/path". `from`: the address that the request comes from. `tls`: the
 * request goes over TLS, and the certificate is this one, or signed by it.
 */
export function request(address, path, { method = 'GET', headers = {}, body, ms = 5_000, from, tls } = {}) {
  const to = address.startsWith('unix:') ? { socketPath: address.slice('unix:'.length) } : parts(address);
  return new Promise((resolve, reject) => {
    const options = { ...to, path, method, headers, agent: false, timeout: ms, localAddress: from, ...(tls && { ca: tls }) };
    const sent = (tls ? https : http).request(options, (answer) => {
      const received = [];
      answer.on('data', (part) => received.push(part));
      answer.on('error', reject);
      answer.on('end', () => resolve({
        status: answer.statusCode, headers: answer.headers, body: Buffer.concat(received).toString(),
      }));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer to ${path} within ${ms} ms`)));
    sent.on('error', reject);
    sent.end(body);
  });
}
