// Byte scripts for a server of Redis' protocol: what several connections write, in order, and how many replies are waited for before the
// next of them writes. A script is data; the same one is played to two servers, and what came on each connection is compared.
import { RespSocket, command, split } from './resp.mjs';
import { waitFor } from './wait.mjs';

const QUIT = command('QUIT');

function connection(on) {
  /** Writes a request, given as words or as a list of arguments, and waits for so many further elements on its connection. */
  const step = (request, wait = 1) => ({ on, wait, bytes: command(...(Array.isArray(request) ? request : request.split(' '))) });
  return Object.assign(step, {
    /** The same with bytes as they are. */
    raw: (bytes, wait = 1) => ({ on, wait, bytes: Buffer.from(bytes, 'latin1') }),
    /** Several requests in one write. */
    pipeline: (requests, wait = requests.length) => ({ on, wait, bytes: Buffer.concat(requests.map((request) => step(request).bytes)) }),
    /** Waits for so many further elements. */
    gets: (wait = 1) => ({ on, wait }),
    /** Waits until the server has closed the connection. */
    closes: () => ({ on, closes: true }),
    /** Closes the connection, without a QUIT: the server is in the middle of a request. */
    hangsUp: () => ({ on, hangsUp: true }),
  });
}

export const [a, b, c] = ['a', 'b', 'c'].map(connection);

/** With each `<x>` replaced by the first integer that connection x was answered, which is how a script says the id of a client. */
function filledIn(bytes, sockets) {
  const text = bytes.toString('latin1');
  const marker = /\$\d+\r\n<([abc])>\r\n/g;
  return Buffer.from(text.replace(marker, (_, name) => {
    const number = split(sockets.get(name).bytes).map(String).find((element) => element.startsWith(':')).slice(1, -2);
    return `$${number.length}\r\n${number}\r\n`;
  }), 'latin1');
}

async function perform(step, socket, sockets, due) {
  if (step.hangsUp) socket.hangUp();
  if (step.bytes) socket.write(filledIn(step.bytes, sockets));
  if (step.closes || step.hangsUp) {
    await socket.end();
    socket.isOver = true;
    return;
  }
  due.set(step.on, (due.get(step.on) ?? 0) + step.wait);
  await socket.elements(due.get(step.on));
}

/**
 * Plays the steps, ends each connection that is left with QUIT, and answers what came: a Map of the connection's name and its bytes.
 * `atLeast`: such an answer of another server; so many elements are waited for before QUIT, as messages may come later than the answers
 * to those who publish. What does not come in time is an error in the answer's `failure`, not thrown.
 */
export async function play(place, steps, atLeast = new Map()) {
  const sockets = new Map();
  const due = new Map();
  const answer = new Map();
  try {
    for (const step of steps) {
      if (!sockets.has(step.on)) sockets.set(step.on, new RespSocket(place));
      await perform(step, sockets.get(step.on), sockets, due);
    }
    for (const [name, socket] of sockets) {
      if (socket.isOver) continue;
      await socket.elements(split(atLeast.get(name) ?? Buffer.alloc(0)).length - 1);
      socket.write(QUIT);
      await socket.end();
    }
  } catch (error) {
    answer.failure = error.message;
  }
  for (const [name, socket] of sockets) {
    answer.set(name, socket.bytes);
    socket.drop();
  }
  return answer;
}

const askers = new Map(); // of each place, the connection that asks beside the scripts

/** What the server answers to these requests, on a connection beside those of scripts. */
export async function asked(place, requests) {
  if (!askers.has(place)) askers.set(place, new RespSocket(place));
  const socket = askers.get(place);
  socket.chunks = [];
  socket.write(Buffer.concat(requests.map((request) => command(...request))));
  return socket.elements(requests.length);
}

/** Until the server knows of no subscription any more: those of one script must not be counted in the next. */
export async function untilEmpty(place) {
  await waitFor('no subscriptions to be left', async () => {
    const answers = await asked(place, [['PUBSUB', 'CHANNELS'], ['PUBSUB', 'SHARDCHANNELS'], ['PUBSUB', 'NUMPAT']]);
    return String(Buffer.concat(answers)) === '*0\r\n*0\r\n:0\r\n';
  });
}
