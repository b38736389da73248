/** The port from `--port N` (default 0, any); anything else on the command line is an error. */
export function options(names) {
  const found = { port: '0' };
  const words = process.argv.slice(2);
  for (let i = 0; i < words.length; i += 2) {
    const name = words[i].replace(/^--/, '');
    if (!['port', ...names].includes(name) || words[i + 1] === undefined) {
      console.error(`error: '${words[i]}' is not understood`);
      process.exit(2);
    }
    found[name] = words[i + 1];
  }
  return found;
}

/** Says where the HTTP server listens, once it does. */
export function announce(server, port) {
  server.listen({ host: '127.0.0.1', port: Number(port), backlog: 4096 }, () => {
    console.log(`listening 127.0.0.1:${server.address().port}`);
  });
}
