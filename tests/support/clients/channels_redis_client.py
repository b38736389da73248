"""channels_redis' pubsub layer (Debian's python3-channels-redis), an application at each of two nodes: channels_redis_client.py URL URL"""
import asyncio
import sys

from channels_redis.pubsub import RedisPubSubChannelLayer

DEADLINE_S = 10


def received(layer, channel):
    return asyncio.wait_for(layer.receive(channel), DEADLINE_S)


async def reaches(sender, layers, channels, group):
    """Sends to the group until all of the channels have been reached: the layer does not wait for its own subscriptions."""
    for attempt in range(200):
        await sender.group_send(group, {"type": "probe", "n": attempt})
        try:
            for layer, channel in zip(layers, channels):
                await asyncio.wait_for(layer.receive(channel), 0.2)
            break
        except asyncio.TimeoutError:
            continue
    else:
        raise AssertionError("the group was never reached")
    await sender.group_send(group, {"type": "end"})
    for layer, channel in zip(layers, channels):
        while (await received(layer, channel))["type"] != "end":
            pass


async def main(here_url, there_url):
    here, there = RedisPubSubChannelLayer(hosts=[here_url]), RedisPubSubChannelLayer(hosts=[there_url])
    channels = [await here.new_channel(), await there.new_channel()]
    layers = [here, there]
    for layer, channel in zip(layers, channels):
        await layer.group_add("room", channel)
    await reaches(here, layers, channels, "room")
    await reaches(there, layers, channels, "room")
    for n in range(200):
        await here.group_send("room", {"type": "tick", "n": n, "bytes": b"\x00\xff"})
    for layer, channel in zip(layers, channels):
        assert [(await received(layer, channel))["n"] for _ in range(200)] == list(range(200))
    await there.send(channels[0], {"type": "alone"})
    assert (await received(here, channels[0]))["type"] == "alone"
    await here.group_discard("room", channels[0])
    await there.group_send("room", {"type": "left"})
    assert (await received(there, channels[1]))["type"] == "left"
    await there.send(channels[0], {"type": "after"})
    assert (await received(here, channels[0]))["type"] == "after", "a message of a group that was left"
    await here.flush()
    await there.flush()
    print("all is well")


asyncio.run(main(*sys.argv[1:]))
