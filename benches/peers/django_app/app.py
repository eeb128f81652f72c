"""Django in one file: who is this? `app.py migrate` makes its tables."""

import os
import sys
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

# As `startproject` leaves a project, and as somebody sets it up who wants it fast.
AS_STARTED = "STARTPROJECT" in os.environ
NEEDED = ["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware"]
ALL = [
    "django.middleware.security.SecurityMiddleware",
    NEEDED[0],
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    NEEDED[1],
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def database():
    url = urlsplit(os.environ["DATABASE"])
    life = {} if AS_STARTED else {"CONN_MAX_AGE": None}
    if url.scheme == "sqlite":
        return life | {"ENGINE": "django.db.backends.sqlite3", "NAME": url.path}
    place = {"NAME": url.path[1:], "USER": url.username, "HOST": url.hostname, "PORT": url.port}
    return life | {"ENGINE": "django.db.backends.postgresql"} | place


settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": database()},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages"],
    MIDDLEWARE=ALL if AS_STARTED else NEEDED,
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()


def whoami(request):
    if request.user.is_authenticated:
        return HttpResponse(request.user.username)
    return HttpResponse(status=401)


urlpatterns = [path("whoami", whoami)]
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
