"""redis-py (Debian's python3-redis) at two nodes: redis_client.py URL URL. The last line is "all is well", or an exception says what is not."""
import asyncio
import sys
import time

import redis
import redis.asyncio

DEADLINE_S = 10
BINARY = bytes([0, 10, 13, 36, 42, 127, 128, 195, 255])


def until(what, condition):
    """Asks again and again until the condition holds, and answers what it said."""
    deadline = time.monotonic() + DEADLINE_S
    while not (answer := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.005)
    return answer


def take(pubsub, count):
    """So many messages or answers to subscriptions, as (type, channel, data)."""
    taken = []

    def more():
        message = pubsub.get_message(timeout=0.1)
        if message is not None:
            taken.append((message["type"], message["channel"], message["data"]))
        return len(taken) >= count

    until(f"{count} messages, after {taken}", more)
    return taken


def channels_and_patterns(here, there):
    with here.pubsub() as pubsub:
        pubsub.subscribe("news", BINARY)
        pubsub.psubscribe("sport.*")
        assert [kind for kind, _, _ in take(pubsub, 3)] == ["subscribe", "subscribe", "psubscribe"]
        there.publish("news", "one")
        there.publish(BINARY, BINARY)
        there.publish("sport.chess", "")
        assert take(pubsub, 3) == [("message", b"news", b"one"), ("message", BINARY, BINARY), ("pmessage", b"sport.chess", b"")]
        pubsub.ping()
        assert take(pubsub, 1)[0][0] == "pong"
        until("the number of deliveries", lambda: there.publish("news", "x") == 1)
        assert there.pubsub_numsub("news", "none") == [(b"news", 1), (b"none", 0)]
        assert there.pubsub_channels("new*") == [b"news"]
        assert there.pubsub_numpat() == 1
        pubsub.unsubscribe()
        pubsub.punsubscribe()
        until("no subscriptions", lambda: [pubsub.get_message(timeout=0.1), pubsub.subscribed][-1] is False)


def order(here, there):
    with here.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("left", "right")
        until("the subscriptions", lambda: dict(there.pubsub_numsub("left", "right")) == {b"left": 1, b"right": 1})
        for begin in range(0, 1000, 50):
            pipeline = there.pipeline(transaction=begin % 100 == 0)
            for n in range(begin, begin + 50):
                pipeline.publish("left" if n % 3 else "right", n)
            assert len(pipeline.execute()) == 50
        found = take(pubsub, 1000)
        assert [(channel, int(data)) for _, channel, data in found] == [(b"left" if n % 3 else b"right", n) for n in range(1000)]


def reconnects(here, there):
    with here.pubsub() as pubsub:
        pubsub.subscribe("kept")
        take(pubsub, 1)
        assert here.client_kill_filter(_type="pubsub") >= 1

        def again():
            there.publish("kept", "again")
            try:
                message = pubsub.get_message(timeout=0.1)
            except redis.ConnectionError:
                return False
            return message is not None and message["type"] == "message"

        until("a message after the connection was closed", again)


def small_commands(here, url):
    assert here.ping() is True
    assert here.echo("a b") == b"a b"
    assert here.client_setname("me") and here.client_getname() in ("me", b"me")
    assert isinstance(here.client_id(), int)
    assert "redis_version" in here.info()
    assert redis.Redis.from_url(f"{url}/3", client_name="other", health_check_interval=1).ping() is True
    try:
        here.execute_command("FOO", "bar")
    except redis.ResponseError as error:
        assert str(error).startswith("unknown command 'FOO', with args beginning with: 'bar'"), error
    else:
        raise AssertionError("FOO is known")


async def asynchronous(here_url, there_url):
    async with redis.asyncio.from_url(here_url) as here, redis.asyncio.from_url(there_url) as there:
        async with here.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe("news")
            deadline = time.monotonic() + DEADLINE_S
            while await there.publish("news", "hello") != 1:
                assert time.monotonic() < deadline
            while (message := await pubsub.get_message(timeout=0.1)) is None:
                assert time.monotonic() < deadline
            assert (message["channel"], message["data"]) == (b"news", b"hello")


def main():
    here_url, there_url = sys.argv[1:]
    here, there = redis.Redis.from_url(here_url), redis.Redis.from_url(there_url)
    channels_and_patterns(here, there)
    order(here, there)
    reconnects(here, there)
    small_commands(here, here_url)
    asyncio.run(asynchronous(here_url, there_url))
    print("all is well")


main()
