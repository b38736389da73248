"""Django's cache, and sessions in it, at two nodes: django_cache.py BACKEND CHECK,… URL URL. The last line is "all is well", or an exception says
what is not."""
import sys
import threading
import time

from django.conf import settings

DEADLINE_S = 10
COUNTS = 200
BACKEND, CHECKS, *URLS = sys.argv[1:]
settings.configure(CACHES={
    "default": {"BACKEND": BACKEND, "LOCATION": URLS[0]},
    "there": {"BACKEND": BACKEND, "LOCATION": URLS[1]},
    # What is written goes to the first, and what is read comes from the second.
    "both": {"BACKEND": BACKEND, "LOCATION": URLS},
})

from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402
from django.core.cache import caches  # noqa: E402

VALUES = [None, True, 7, -1, 2.5, "wéather 🌍", "", b"\x00\r\n\xff", [1, {"a": (2, None)}], "x" * 100_000]


def until(what, condition):
    """Asks again and again until the condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def raises(kind, action):
    try:
        action()
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}")


def values(here, there):
    for n, value in enumerate(VALUES):
        here.set(f"value-{n}", value)
        assert there.get(f"value-{n}", "nothing") == value
    assert there.get("none") is None and there.get("none", 5) == 5
    assert there.has_key("value-0") and "value-1" in there and not there.has_key("none")
    assert there.delete("value-2") is True and here.delete("value-2") is False
    assert here.get("value-2", "gone") == "gone"
    assert there.get_or_set("made", lambda: 3) == 3 and here.get_or_set("made", 4) == 3
    here.set("versioned", 1, version=2)
    assert there.get("versioned", version=2) == 1 and there.get("versioned") is None
    assert there.incr_version("versioned", version=2) == 3
    assert here.get("versioned", version=3) == 1 and here.get("versioned", version=2) is None


def add(here, there):
    for n in range(100):
        first, second = (here, there) if n % 2 else (there, here)
        assert first.add(f"add-{n}", n, timeout=100) is True
        assert second.add(f"add-{n}", "other", timeout=100) is False
        assert first.get(f"add-{n}") == n
    assert there.add("add-none", 1, timeout=0) is True and here.get("add-none") is None


def add_at_once(here, there):
    """Of those who add a key at the same time one has added it."""
    added = [0, 0]

    def work(which, cache):
        for n in range(COUNTS):
            added[which] += cache.add(f"race-{n}", which)

    both_at_once(work, here, there)
    assert sum(added) == COUNTS, added
    assert added[1] == sum(here.get(f"race-{n}") for n in range(COUNTS))


def both_at_once(work, here, there):
    threads = [threading.Thread(target=work, args=one) for one in ((0, here), (1, there))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def incr(here, there):
    here.set("count", 10, timeout=100)
    assert there.incr("count") == 11 and here.incr("count", 5) == 16 and there.decr("count", 2) == 14 and here.decr("count") == 13
    assert there.get("count") == 13
    raises(ValueError, lambda: there.incr("none"))
    raises(ValueError, lambda: here.decr("none"))


def incr_at_once(here, there):
    here.set("many", 0)
    answers = [[], []]
    both_at_once(lambda which, cache: answers[which].extend(cache.incr("many") for _ in range(COUNTS)), here, there)
    assert here.get("many") == there.get("many") == 2 * COUNTS, f"{here.get('many')} after {2 * COUNTS} counts"
    assert sorted(answers[0] + answers[1]) == list(range(1, 2 * COUNTS + 1))


def timeouts(here, there):
    here.set("short", 1, timeout=1)
    here.set("touched", 1, timeout=1)
    here.set("kept", 1, timeout=1)
    here.set("forever", 1, timeout=None)
    here.set_many({"many-a": 1, "many-b": 2}, timeout=1)
    assert there.touch("touched", 100) is True and there.touch("kept", None) is True and there.touch("none", 100) is False
    assert there.get_many(["short", "touched", "many-a", "none", "kept"]) == {"short": 1, "touched": 1, "many-a": 1, "kept": 1}
    until("keys to expire", lambda: not there.get_many(["short", "many-a", "many-b"]))
    assert here.get_many(["short", "touched", "kept", "forever", "many-a"]) == {"touched": 1, "kept": 1, "forever": 1}
    here.set("past", 1, timeout=0)
    assert there.get("past") is None
    there.set("touched", 1, timeout=-1)
    assert here.get("touched") is None


def many(here, there):
    data = {f"many-{n}": n for n in range(300)}
    here.set_many(data, timeout=100)
    assert there.get_many(data) == data
    there.delete_many(list(data)[:100])
    assert here.get_many(data) == dict(list(data.items())[100:])
    there.set_many({"alone": 1})
    assert here.get("alone") == 1


def written_and_read(here, there):
    both = caches["both"]
    for n in range(300):
        both.set("turn", n)
        assert both.get("turn") == n


def sessions(here, there):
    def session(key, alias):
        store = SessionStore(key)
        store._cache = caches[alias]
        return store

    for n in range(30):
        mine = session(None, "default")
        mine["user"] = n
        mine.create()
        theirs = session(mine.session_key, "there")
        assert theirs["user"] == n
        theirs["visits"] = 1
        theirs.save()
        again = session(mine.session_key, "default")
        assert again["visits"] == 1
        again.flush()
        assert not session(mine.session_key, "there").exists(mine.session_key)


def clear(here, there):
    here.set("left", 1)
    there.clear()
    assert here.get("left") is None and not here.get_many([f"many-{n}" for n in range(300)])
    here.set("after", 1)
    assert there.get("after") == 1


def django_redis(here, there):
    """What django-redis has besides."""
    there.clear()
    here.set_many({f"page:{n}": n for n in range(50)}, timeout=100)
    assert 99 <= there.ttl("page:1") <= 100 and there.ttl("none") == 0
    assert sorted(there.keys("page:4*")) == sorted(["page:4", *(f"page:4{n}" for n in range(10))])
    assert len(set(there.iter_keys("page:*"))) == 50
    assert there.delete_pattern("page:1*") == 11 and len(here.keys("*")) == 39
    assert there.persist("page:2") and here.ttl("page:2") is None
    assert there.expire("page:2", 50) and here.ttl("page:2") <= 50
    assert there.set("page:2", "other", nx=True) is False and here.set("new", 1, nx=True, timeout=5) is True


for name in CHECKS.split(","):
    globals()[name](caches["default"], caches["there"])
    print(name, flush=True)
print("all is well")
