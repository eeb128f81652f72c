"""A real Django on the shared database, that does what a test tells it: one JSON object a line.

Started with the environment of an app of the house (SHARED_DATABASE_URL, SECRET_KEY). Answers each line
with one line.
"""
import json
import os
import sys
from urllib.parse import urlsplit

import django
from django.conf import settings


def database():
    url = os.environ["SHARED_DATABASE_URL"]
    if url.startswith("sqlite:"):
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": url.removeprefix("sqlite:"),
            "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
        }
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username,
        "HOST": parts.hostname,
        "PORT": parts.port,
    }


settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    DATABASES={"default": database()},
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    USE_TZ=True,
    TIME_ZONE="UTC",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib import auth  # noqa: E402
from django.contrib.auth.hashers import check_password  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpRequest  # noqa: E402


def request(cookie):
    request = HttpRequest()
    request.META["HTTP_HOST"] = "localhost"
    request.session = SessionStore(cookie)
    request.user = auth.get_user(request)
    return request


def decode(data):
    return dict(SessionStore().decode(data))


def encode(payload):
    return SessionStore().encode(payload)


def load(cookie):
    store = SessionStore(cookie)
    return dict(store.items())


def whoami(cookie):
    return request(cookie).user.username


def login(username, cookie=None, **values):
    """Signs in without a password, as a view does after `authenticate`; returns the cookie."""
    visit = request(cookie)
    user = auth.get_user_model().objects.get(username=username)
    auth.login(visit, user, backend="django.contrib.auth.backends.ModelBackend")
    visit.session.update(values)
    visit.session.save()
    return visit.session.session_key


def logout(cookie):
    auth.logout(request(cookie))


def create_user(username, password):
    return auth.get_user_model().objects.create_user(username, password=password).pk


def check(password, encoded):
    return check_password(password, encoded)


def names_of_permissions(app_label, model):
    """What `migrate` would call the default permissions of a model."""
    from django.contrib.auth.management import _get_all_permissions
    from django.db import models

    meta = type("Meta", (), {"app_label": app_label})
    made = type(model, (models.Model,), {"__module__": "live", "Meta": meta})
    return dict(_get_all_permissions(made._meta))


def migrate():
    """The steps that `migrate` would still take, and the changes that `makemigrations` would find."""
    import io

    plan, changes = io.StringIO(), io.StringIO()
    call_command("migrate", plan=True, stdout=plan)
    call_command("makemigrations", check_changes=True, dry_run=True, stdout=changes)
    return [plan.getvalue().strip().splitlines()[-1].strip(), changes.getvalue().strip()]


def make_tables():
    call_command("migrate", verbosity=0)


for line in sys.stdin:
    order = json.loads(line)
    answer = globals()[order.pop("do")](**order)
    print(json.dumps(answer), flush=True)
