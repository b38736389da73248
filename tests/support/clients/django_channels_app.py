"""A WebSocket consumer of Django Channels (Debian's python3-django-channels) in the group "room": django_channels_app.py FOLDER_OF_SETTINGS

Each line that it reads is a client's message, which it sends to the group. It prints what its client gets, a line each; "in" first.
"""
import asyncio
import os
import sys

sys.path.insert(0, sys.argv[1])
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

import django
from asgiref.testing import ApplicationCommunicator
from channels.generic.websocket import AsyncWebsocketConsumer

A_LONG_TIME_S = 600


class Room(AsyncWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def receive(self, text_data):
        await self.channel_layer.group_send("room", {"type": "said", "text": text_data})

    async def said(self, event):
        await self.send(event["text"])


async def client_messages(communicator):
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        await communicator.send_input({"type": "websocket.receive", "text": line.rstrip("\n")})


async def main():
    django.setup()
    communicator = ApplicationCommunicator(Room.as_asgi(), {"type": "websocket", "path": "/", "headers": [], "subprotocols": []})
    await communicator.send_input({"type": "websocket.connect"})
    assert (await communicator.receive_output(A_LONG_TIME_S))["type"] == "websocket.accept"
    print("in", flush=True)
    messages = asyncio.ensure_future(client_messages(communicator))
    while not messages.done():
        print((await communicator.receive_output(A_LONG_TIME_S))["text"], flush=True)


asyncio.run(main())
