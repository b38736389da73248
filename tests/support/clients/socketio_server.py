"""python-socketio (Debian's python3-socketio and python3-aiohttp): one server for each URL of Redis. Prints the ports, and runs until it is killed."""
import asyncio
import sys

import socketio
from aiohttp import web


async def serve(url):
    sio = socketio.AsyncServer(async_mode="aiohttp", client_manager=socketio.AsyncRedisManager(url))

    @sio.on("enter")
    async def enter(sid, room):
        sio.enter_room(sid, room)
        return "in"

    @sio.on("say")
    async def say(sid, room, what):
        await sio.emit("said", what, room=room)

    @sio.on("all")
    async def to_all(sid, what):
        await sio.emit("said", what)

    app = web.Application()
    sio.attach(app)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return site._server.sockets[0].getsockname()[1]


async def main():
    print("ports", *[await serve(url) for url in sys.argv[1:]], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
