// Just enough of ZMTP 3.0 (NULL mechanism) to knock at a mesh port and send it what no node would.
import net from 'node:net';
import { parts } from './http.mjs';

const GREETING_BYTES = 64;

const greeting = () => {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.write('NULL', 12);
  return bytes;
};

function property(name, value) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), length, Buffer.from(value)]);
}

/** What a peer of this socket type says first. */
export function handshake(socketType) {
  const body = Buffer.concat([Buffer.from('\x05READY'), property('Socket-Type', socketType), property('Identity', '')]);
  return Buffer.concat([greeting(), Buffer.from([0x04, body.length]), body]);
}

/** A connection that has shaken hands as a peer of this socket type, and reads away what comes. */
export function peer(address, socketType) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(parts(address), () => socket.write(handshake(socketType)));
    let answered = 0;
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      answered += bytes.length;
      if (answered > GREETING_BYTES) resolve(socket);
    });
  });
}

/** One message of one part, of at most 255 bytes. */
export const message = (body) => Buffer.concat([Buffer.from([0x00, body.length]), body]);

/** The head of a message that claims to be so long. */
export function claimedLength(bytes) {
  const head = Buffer.alloc(9);
  head[0] = 0x02;
  head.writeBigUInt64BE(bytes, 1);
  return head;
}

/**
 * Listens as a ROUTER does, and answers the first message that a peer sends to it, as bytes of one part: what a node says to an
 * endpoint that it was told of. `server` is to be closed.
 */
export function firstMessage(server) {
  return new Promise((resolve) => {
    server.on('connection', (socket) => {
      socket.write(handshake('ROUTER'));
      socket.on('error', () => {});
      let bytes = Buffer.alloc(0);
      socket.on('data', (more) => {
        bytes = Buffer.concat([bytes, more]);
        for (let at = GREETING_BYTES; at + 2 <= bytes.length;) {
          const isLong = (bytes[at] & 2) !== 0;
          if (at + 9 > bytes.length) return;
          const begin = at + (isLong ? 9 : 2);
          const end = begin + (isLong ? Number(bytes.readBigUInt64BE(at + 1)) : bytes[at + 1]);
          if (end > bytes.length) return;
          if ((bytes[at] & 4) === 0) resolve(bytes.subarray(begin, end)); // else it is a command
          at = end;
        }
      });
    });
  });
}
