"""The official Python SDK, driven by lines of JSON: one request on each line of the standard input, one answer on each of the output."""
import json
import sys

import pusher
from pusher.http import POST, Request


def run(client, command):
    do = command["do"]
    if do == "trigger":
        return client.trigger(command["channels"], command["event"], command["data"])
    if do == "batch":
        return client.trigger_batch([{"channel": channel, "name": command["event"], "data": command["data"]}
                                     for channel in command["channels"]])
    if do == "channels":
        return client.channels_info(command["prefix"], command["info"].split(","))
    if do == "channel":
        return client.channel_info(command["channel"], command["info"].split(","))
    if do == "users":
        return client.users_info(command["channel"])
    if do == "send":
        return client.send_to_user(command["user"], command["event"], command["data"])
    if do == "terminate":
        return client.terminate_user_connections(command["user"])
    if do == "terminate by hand":  # as node/doc/apps.md has it
        inner = client._pusher_client
        return inner.http.send_request(Request(inner, POST, f"/apps/{inner.app_id}/users/{command['user']}/terminate_connections", {}))
    if do == "webhook":
        headers = command["headers"]
        return client.validate_webhook(headers["x-pusher-key"], headers["x-pusher-signature"], command["body"])
    raise NotImplementedError(f"this SDK has nothing for {do}")


def main():
    host, app_id, key, secret = sys.argv[1:5]
    name, port = host.rsplit(":", 1)
    client = pusher.Pusher(app_id=app_id, key=key, secret=secret, host=name, port=int(port), ssl=False)
    for line in sys.stdin:
        try:
            answer = {"value": run(client, json.loads(line))}
        except Exception as error:  # whatever the SDK throws is its answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
