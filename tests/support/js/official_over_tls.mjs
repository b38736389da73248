// The official client and server kit over TLS, each as it comes: node official_over_tls.mjs PORT, with NODE_EXTRA_CA_CERTS.
// Subscribes by wss, publishes by https, and prints what arrived as JSON.
import Pusher from 'pusher';
import { APP, PusherClient, inbox, subscribed } from './clients.mjs';
import { waitFor } from './wait.mjs';

const port = process.argv[2];
const kit = new Pusher({ ...APP, host: 'localhost', port, useTLS: true, timeout: 10_000 });
const client = new PusherClient(APP.key, {
  wsHost: 'localhost', wssPort: Number(port), forceTLS: true, enabledTransports: ['ws'], cluster: '', disableStats: true,
  channelAuthorization: { customHandler: ({ socketId, channelName }, done) => done(null, kit.authorizeChannel(socketId, channelName)) },
});
const heard = inbox(await subscribed(client, 'private-news'), 'tick');
await kit.trigger('private-news', 'tick', { n: 1 });
await waitFor('the event', () => heard.length > 0);
client.disconnect();
console.log(JSON.stringify(heard));
