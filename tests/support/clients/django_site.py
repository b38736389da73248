"""A site of Django, with the settings.py of a folder, at the port that the environment names: django_site.py FOLDER

Who visits it logs in, is known by the session, counts in the cache, and logs out.
"""
import os
import runpy
import sys
from wsgiref.simple_server import make_server

from django.conf import settings

RECIPE = runpy.run_path(os.path.join(sys.argv[1], "settings.py"))
settings.configure(
    SECRET_KEY="of a test", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF="__main__",
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"], **{name: RECIPE[name] for name in RECIPE if name.isupper()},
)

from django.core.cache import cache  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402


def login(request, user):
    request.session["user"] = user
    return HttpResponse("welcome")


def home(request):
    return HttpResponse(request.session.get("user", "nobody"))


def logout(request):
    request.session.flush()
    return HttpResponse("bye")


def count(request, page):
    cache.add(page, 0, timeout=100)
    return HttpResponse(str(cache.incr(page)))


urlpatterns = [path("login/<user>", login), path("", home), path("logout", logout), path("count/<page>", count)]
make_server("127.0.0.1", int(os.environ["PORT"]), get_wsgi_application()).serve_forever()
