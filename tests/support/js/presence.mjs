// Users of one presence channel, with pusher-js.
import { client, server, subscribed } from './clients.mjs';

export const ROOM = 'presence-room';

/** pusher-js at a node, signed in to presence channels as this user. */
export function userAt(node, userId, info = { name: `user ${userId}` }) {
  return client(node, {
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, done) => done(null,
        server(node).authorizeChannel(socketId, channelName, { user_id: userId, user_info: info })),
    },
  });
}

/** What a subscriber sees of a room: `log` grows, `ids` is its list now. */
export class View {
  log = [];

  constructor(pusher, channel) {
    Object.assign(this, { pusher, channel });
    channel.bind('pusher:member_added', ({ id }) => this.log.push(`+${id}`));
    channel.bind('pusher:member_removed', ({ id }) => this.log.push(`-${id}`));
  }

  get ids() { return Object.keys(this.channel.members.members).sort(); }
  get count() { return this.channel.members.count; }
}

/** Runs `body` with a function that opens a view of the room as a user at a node. */
export async function withUsers(body) {
  const clients = [];
  const enter = async (node, userId, info) => {
    const pusher = userAt(node, userId, info);
    clients.push(pusher);
    return new View(pusher, await subscribed(pusher, ROOM));
  };
  try {
    await body(enter);
  } finally {
    clients.forEach((pusher) => pusher.disconnect());
  }
}

export const users = async (node) => (await (await server(node).get({ path: `/channels/${ROOM}/users` })).json()).users;
export const info = async (node) => (await server(node).get({ path: `/channels/${ROOM}`, params: { info: 'user_count' } })).json();
