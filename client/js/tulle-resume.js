// Use and limits: README.md.
export function resume(pusher, { storage, rewind } = {}) {
  const key = `tulle-resume ${pusher.key}`;
  // By channel: the socket id, and by node (the second half of an id) the latest id.
  const seen = JSON.parse((storage && storage.getItem(key)) || '{}');
  const note = (places, id) => {
    const node = id.slice(16);
    if (!(places[node] >= id)) places[node] = id;
  };
  const { send_event: send, unsubscribe } = pusher;
  pusher.unsubscribe = (channel) => {
    delete seen[channel];
    return unsubscribe.call(pusher, channel);
  };
  pusher.send_event = (event, data, channel) => {
    if (event === 'pusher:subscribe') {
      const { places, socket } = seen[data.channel] || {};
      data = { ...data, tulle: places ? { since: Object.values(places).join('~'), socket } : { rewind } };
    }
    return send.call(pusher, event, data, channel);
  };
  const take = ({ data: text }) => {
    if (typeof text !== 'string' || !/"id":"|tulle/.test(text)) return;
    const { event, channel, id, data } = JSON.parse(text);
    if (event === 'pusher_internal:subscription_succeeded') {
      const { at, recovered, replayed, reason } = JSON.parse(data).tulle || {};
      const there = pusher.channel(channel);
      delete seen[channel];
      if (!there) return;
      if (at) {
        const { places } = (seen[channel] = { socket: pusher.connection.socket_id, places: {} });
        at.split('~').forEach((one) => note(places, one));
      }
      if (recovered !== undefined) there.emit(recovered ? 'tulle:recovered' : 'tulle:unrecovered', { replayed, reason });
    } else if (id && seen[channel]) note(seen[channel].places, id);
  };
  // Behind pusher-js's own listener: an event counts once its handlers have run.
  const bind = () => pusher.connection.connection.transport.bind('message', take);
  pusher.connection.bind('connected', bind);
  if (pusher.connection.state === 'connected') bind();
  if (storage) addEventListener('pagehide', () => storage.setItem(key, JSON.stringify(seen)));
}
