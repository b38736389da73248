// The protocol of Redis by hand: requests as bytes, replies cut into elements but otherwise left as the bytes that came.
import net from 'node:net';
import { within } from './wait.mjs';

const REPLY_MS = 5_000;
const AGGREGATES = { '*': 1, '>': 1, '~': 1, '%': 2 }; // elements for each that is counted

/** A request as clients send it: an array of bulk strings. */
export function command(...args) {
  const bulks = args.map((arg) => (Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg))));
  return Buffer.concat([Buffer.from(`*${bulks.length}\r\n`),
    ...bulks.flatMap((bulk) => [Buffer.from(`$${bulk.length}\r\n`), bulk, Buffer.from('\r\n')])]);
}

/** Where the element that begins at `at` ends; -1 when it is not whole yet. */
export function elementEnd(bytes, at) {
  const line = bytes.indexOf('\r\n', at);
  if (line < 0) return -1;
  const type = String.fromCharCode(bytes[at]);
  const length = Number(bytes.subarray(at + 1, line).toString());
  if (type === '$' || type === '=') {
    const end = length < 0 ? line + 2 : line + 2 + length + 2;
    return end <= bytes.length ? end : -1;
  }
  let end = line + 2;
  for (let left = length * (AGGREGATES[type] ?? 0); left > 0 && end >= 0; --left) end = elementEnd(bytes, end);
  return end;
}

/** The whole elements at the beginning of the bytes. Bytes after the last of them are left out. */
export function split(bytes) {
  const elements = [];
  for (let at = 0; at < bytes.length;) {
    const end = elementEnd(bytes, at);
    if (end < 0) break;
    elements.push(bytes.subarray(at, end));
    at = end;
  }
  return elements;
}

/** A connection to one place of redis_edge.mjs that keeps all that comes. */
export class RespSocket {
  chunks = [];
  isClosed = false;

  constructor({ host, port }) {
    this.socket = net.connect({ host, port, noDelay: true });
    this.socket.on('data', (chunk) => { this.chunks.push(chunk); this.onChange?.(); });
    this.socket.on('error', (error) => { this.error = error; });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => { this.isClosed = true; this.onChange?.(); resolve(); });
    });
  }

  get bytes() {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0] ?? Buffer.alloc(0);
  }

  write(bytes) { this.socket.write(bytes); }
  hangUp() { this.socket.end(); }
  drop() { this.socket.destroy(); }

  /** The elements that have come, once they are at least so many. */
  async elements(count) {
    await within(REPLY_MS, `${count} elements`, new Promise((resolve) => {
      this.onChange = () => { if (this.isClosed || split(this.bytes).length >= count) resolve(); };
      this.onChange();
    }));
    const all = split(this.bytes);
    if (all.length < count) throw new Error(`closed (${this.error?.message ?? 'by the server'}) before ${count} elements`);
    return all;
  }

  /** Until the other side has closed the connection. */
  end() { return within(REPLY_MS, 'the end of the connection', this.closed); }
}
