// A visitor of sites, who keeps a cookie.
import { request } from './http.mjs';

/** Each answer is "status body"; `cookie` is the last one that a server has set. */
export class Visitor {
  async #send(method, address, path) {
    const { status, headers, body } = await request(address, path, { method, headers: this.cookie ? { cookie: this.cookie } : {} });
    if (headers['set-cookie']) this.cookie = headers['set-cookie'][0].split(';')[0];
    return `${status} ${body}`;
  }

  get(address, path) { return this.#send('GET', address, path); }
  post(address, path) { return this.#send('POST', address, path); }
  /** The key of the session that express-session's cookie names. */
  get key() { return `sess:${decodeURIComponent(this.cookie.split('=')[1]).slice(2).split('.')[0]}`; }
}
