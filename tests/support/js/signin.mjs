// Clients that sign in as users, with pusher-js and with bare frames.
import { APP, RawClient, client, server } from './clients.mjs';
import { waitFor, within } from './wait.mjs';

const SIGN_IN_MS = 10_000;

/**
 * pusher-js at a node, signed in as this user and subscribed to the user's own channel. Its `seen` grows with +id and -id, as
 * its watchlist tells.
 */
export async function signedIn(node, user) {
  const pusher = client(node, {
    userAuthentication: {
      customHandler: ({ socketId }, done) => done(null, server(node).authenticateUser(socketId, user)),
    },
  });
  pusher.seen = [];
  pusher.user.watchlist.bind('online', ({ user_ids: ids }) => pusher.seen.push(...ids.map((id) => `+${id}`)));
  pusher.user.watchlist.bind('offline', ({ user_ids: ids }) => pusher.seen.push(...ids.map((id) => `-${id}`)));
  const success = new Promise((resolve) => {
    pusher.connection.bind('message', ({ event }) => { if (event === 'pusher:signin_success') resolve(); });
  });
  pusher.signin();
  await within(SIGN_IN_MS, `the sign-in of ${user.id}`, success);
  await waitFor('the channel of the user', () => pusher.user.serverToUserChannel?.subscribed);
  return pusher;
}

/** Runs `body` with a function that signs users in at nodes, and disconnects them afterwards. */
export async function withSignedIn(body) {
  const clients = [];
  const enter = async (node, id, watchlist) => {
    clients.push(await signedIn(node, watchlist ? { id, watchlist } : { id }));
    return clients.at(-1);
  };
  try {
    await body(enter);
  } finally {
    clients.forEach((pusher) => pusher.disconnect());
  }
}

/** A bare connection that has sent pusher:signin with this text, rightly signed unless `sign` says otherwise. */
export async function rawSignin(node, userData, sign = (text) => server(node).config.token.sign(text), raw = undefined) {
  const connection = raw ?? await new RawClient(node).open();
  const auth = `${APP.key}:${sign(`${connection.socketId}::user::${userData}`)}`;
  connection.send({ event: 'pusher:signin', data: { auth, user_data: userData } });
  return connection;
}

export const end = async (node, user) => (await server(node).terminateUserConnections(user)).json();
