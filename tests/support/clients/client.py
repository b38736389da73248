"""Python's own HTTP client: client.py LISTEN ADMIN URL-OF-A-PUBLISH BODY"""
import http.client
import sys
import urllib.parse
import urllib.request


def main(listen, admin, publish, body):
    kept = http.client.HTTPConnection(listen, timeout=10)
    for method, target in (("GET", "/up"), ("HEAD", "/up"), ("OPTIONS", "*"), ("GET", "/up")):
        kept.request(method, target)
        answer = kept.getresponse()
        answer.read()
        print(method, target, answer.status, "kept:", kept.sock is not None)
    parts = urllib.parse.urlsplit(publish)
    kept.request("POST", f"{parts.path}?{parts.query}", iter([body[:5].encode(), body[5:].encode()]), {"Transfer-Encoding": "chunked"},
                 encode_chunked=True)
    print("chunked", kept.getresponse().status)
    print("publish", urllib.request.urlopen(publish, body.encode(), timeout=10).status)
    # As a proxy of the node's would be spoken to: the target is the whole URL.
    through = urllib.request.build_opener(urllib.request.ProxyHandler({"http": f"http://{listen}"}))
    print("absolute", through.open(publish, body.encode(), timeout=10).status)
    print("ready", urllib.request.urlopen(f"http://{admin}/ready", timeout=10).status)


main(*sys.argv[1:])
