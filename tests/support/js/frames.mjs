// WebSocket frames written by hand, for what no client would send.
import net from 'node:net';
import { parts } from './http.mjs';
import { within } from './wait.mjs';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** A masked frame (the mask is zero). `length` and `lengthBytes` may lie about the payload. */
export function frame({ first = 0x81, payload = '', masked = true, length, lengthBytes } = {}) {
  const body = Buffer.from(payload);
  const size = BigInt(length ?? body.length);
  const wide = lengthBytes ?? (size < 126n ? 0 : size < 65_536n ? 2 : 8);
  const head = Buffer.alloc(2 + wide);
  head[0] = first;
  head[1] = (masked ? 0x80 : 0) | (wide === 0 ? Number(size) : wide === 2 ? 126 : 127);
  if (wide === 2) head.writeUInt16BE(Number(size), 2);
  if (wide === 8) head.writeBigUInt64BE(size, 2);
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), body]);
}

/** The head of an upgrade; `fields` replaces fields, null leaves one out, an array repeats one. */
export function upgrade(target = '/app/app-key?protocol=7', fields = {}, requestLine = `GET ${target} HTTP/1.1`) {
  const all = {
    Host: 'a', Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': KEY, ...fields,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== null)
    .flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`));
  return `${[requestLine, ...lines].join('\r\n')}\r\n\r\n`;
}

/** A socket on which a WebSocket has been opened; reads text frames and the code of the Close frame. `fields`: of the upgrade. */
export class FrameSocket {
  bytes = Buffer.alloc(0);
  texts = [];
  code = null;

  constructor(node, fields = {}) {
    this.socket = net.connect(parts(node.ports.listen), () => this.socket.write(upgrade(undefined, fields)));
    this.socket.on('error', () => {});
    this.socket.on('data', (part) => this.take(part));
    this.ended = new Promise((resolve) => { this.socket.on('close', resolve); });
    this.opened = new Promise((resolve) => { this.onText = resolve; });
  }

  take(part) {
    this.bytes = Buffer.concat([this.bytes, part]);
    if (!this.isOpen) {
      const end = this.bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.head = this.bytes.subarray(0, end).toString();
      this.bytes = this.bytes.subarray(end + 4);
      this.isOpen = true;
    }
    for (;;) {
      const wide = (this.bytes[1] & 0x7f) === 126 ? 2 : 0;
      if (this.bytes.length < 2 + wide) return;
      const size = wide ? this.bytes.readUInt16BE(2) : this.bytes[1] & 0x7f;
      if (this.bytes.length < 2 + wide + size) return;
      const payload = this.bytes.subarray(2 + wide, 2 + wide + size);
      if ((this.bytes[0] & 0x0f) === 8) this.code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      if ((this.bytes[0] & 0x0f) === 1) this.texts.push(JSON.parse(payload.toString()));
      this.bytes = this.bytes.subarray(2 + wide + size);
      this.onText();
    }
  }

  async open() {
    await within(5_000, 'the greeting', this.opened);
    return this;
  }

  write(...frames) { this.socket.write(Buffer.concat(frames)); }
  /** The code of the Close frame (null for none), once the node has ended the connection. */
  async end(ms = 10_000) {
    await within(ms, 'the end of the connection', this.ended);
    return this.code;
  }
  drop() { this.socket.destroy(); }
}
