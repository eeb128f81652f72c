"""A real Django on the shared database, that does what a test tells it: one JSON object a line.

Started with the environment of an app of the house (SHARED_DATABASE_URL, SECRET_KEY). Answers each line
with one line, in ASCII. Most functions that have `cases` give an answer for each: what Django makes of it.
"""
import functools
import io
import json
import os
import re
import sys
import unicodedata
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import django
from django import conf
from django.conf import settings


def database():
    url = os.environ["SHARED_DATABASE_URL"]
    if url.startswith("sqlite:"):
        options = {"timeout": 20}
        if django.VERSION >= (5, 1):
            options["transaction_mode"] = "IMMEDIATE"
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": url.removeprefix("sqlite:"),
            "OPTIONS": options,
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
from django.contrib.auth.hashers import check_password, identify_hasher  # noqa: E402
from django.contrib.auth.password_validation import (  # noqa: E402
    CommonPasswordValidator,
    get_password_validators,
    validate_password,
)
from django.contrib.auth.tokens import default_token_generator  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core import signing  # noqa: E402
from django.core.exceptions import ValidationError  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpRequest  # noqa: E402
from django.middleware import csrf  # noqa: E402
from django.test.utils import override_settings  # noqa: E402
from django.utils.http import url_has_allowed_host_and_scheme  # noqa: E402


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


def set_password(username, password):
    user = auth.get_user_model().objects.get(username=username)
    user.set_password(password)
    user.save()


def has_perms(username, permissions):
    user = auth.get_user_model().objects.get(username=username)
    return [user.has_perm(permission) for permission in permissions]


def grant(username, codename, group=None):
    """Gives the user a permission, or the user's group one."""
    user = auth.get_user_model().objects.get(username=username)
    permission = auth.models.Permission.objects.get(codename=codename)
    if group is None:
        user.user_permissions.add(permission)
    else:
        user.groups.get(name=group).permissions.add(permission)


def check(password, encoded):
    return check_password(password, encoded)


def reset_link(username):
    from django.utils.encoding import force_bytes
    from django.utils.http import urlsafe_base64_encode

    user = auth.get_user_model().objects.get(username=username)
    token = default_token_generator.make_token(user)
    return [urlsafe_base64_encode(force_bytes(user.pk)), token]


def check_reset(uid, token):
    from django.utils.http import urlsafe_base64_decode

    user = auth.get_user_model().objects.get(pk=urlsafe_base64_decode(uid).decode())
    return default_token_generator.check_token(user, token)


def must_update(encoded):
    hasher = identify_hasher(encoded)
    return hasher.must_update(encoded)


def names_of_permissions(app_label, model):
    """What `migrate` would call the default permissions of a model."""
    from django.contrib.auth.management import _get_all_permissions
    from django.db import models

    meta = type("Meta", (), {"app_label": app_label})
    made = type(model, (models.Model,), {"__module__": "live", "Meta": meta})
    return dict(_get_all_permissions(made._meta))


def columns_that_go_with(model):
    """[table, column] whose rows Django deletes with one of `auth.User` or `auth.Group`."""
    from django.apps import apps
    from django.db.models import CASCADE
    from django.db.models.deletion import get_candidate_relations_to_delete as candidates

    relations = candidates(apps.get_model("auth", model)._meta)
    fields = [relation.field for relation in relations if relation.on_delete is CASCADE]
    return [[field.model._meta.db_table, field.column] for field in fields]


def migrate():
    """The steps that `migrate` would still take, and the changes that `makemigrations` would find."""
    plan, changes = io.StringIO(), io.StringIO()
    call_command("migrate", plan=True, stdout=plan)
    call_command("makemigrations", check_changes=True, dry_run=True, stdout=changes)
    return [plan.getvalue().strip().splitlines()[-1].strip(), changes.getvalue().strip()]


def make_tables():
    """What `migrate` says it has done."""
    output = io.StringIO()
    call_command("migrate", stdout=output)
    return output.getvalue()


@contextmanager
def at(now):
    """A time that stands still; null is the real one."""
    if now is None:
        yield
    else:
        with patch("time.time", return_value=now):
            yield


def signer(key, fallbacks, salt, now):
    kind = signing.Signer if now is None else signing.TimestampSigner
    return kind(key=key, salt=salt, fallback_keys=fallbacks)


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def sign(cases):
    """[key, salt, value, now]; the signature has no time when `now` is null."""
    answers = []
    for key, salt, value, now in cases:
        with at(now):
            answers.append(signer(key, [], salt, now).sign(value))
    return answers


def unsign(cases):
    """[key, fallbacks, salt, signed, now, max_age]: the value or {"bad": error}."""
    answers = []
    for key, fallbacks, salt, signed, now, max_age in cases:
        keep = {} if now is None else {"max_age": max_age}
        try:
            with at(now):
                answers.append(signer(key, fallbacks, salt, now).unsign(signed, **keep))
        except Exception as error:
            answers.append({"bad": type(error).__name__})
    return answers


def dumps(cases):
    """[key, salt, JSON text, now, compress]"""
    answers = []
    for key, salt, payload, now, compress in cases:
        with at(now):
            value = json.loads(payload)
            answers.append(signing.dumps(value, key=key, salt=salt, compress=compress))
    return answers


def loads(cases):
    """[key, fallbacks, salt, signed, now, max_age]: the payload as Python writes it, or the error."""
    answers = []
    for key, fallbacks, salt, signed, now, max_age in cases:
        options = {"key": key, "salt": salt, "max_age": max_age, "fallback_keys": fallbacks}
        try:
            with at(now):
                answers.append(compact(signing.loads(signed, **options)))
        except Exception as error:
            answers.append({"bad": type(error).__name__})
    return answers


def session_encode(cases):
    """[key, JSON text, now]"""
    answers = []
    for key, payload, now in cases:
        with override_settings(SECRET_KEY=key), at(now):
            answers.append(encode(json.loads(payload)))
    return answers


def session_decode(cases):
    """[key, fallbacks, session_data]: the payload as Python writes it; null when it is refused."""
    answers = []
    for key, fallbacks, data in cases:
        store = SessionStore()
        with override_settings(SECRET_KEY=key, SECRET_KEY_FALLBACKS=fallbacks):
            try:
                # `store.decode` is this, with {} for every error.
                payload = signing.loads(data, salt=store.key_salt, serializer=store.serializer)
                answers.append(compact(payload))
            except Exception:
                answers.append(None)
    return answers


def next_url(cases):
    """[url, hosts, require_https]"""
    return [url_has_allowed_host_and_scheme(url, hosts, https) for url, hosts, https in cases]


def csrf_match(cases):
    """[token, secret]: why the token has no right form, or null; and whether it is one of the secret."""
    answers = []
    for token, secret in cases:
        try:
            csrf._check_token_format(token)
        except csrf.InvalidTokenFormat as error:
            answers.append([error.reason, False])
        else:
            answers.append([None, csrf._does_token_match(token, secret)])
    return answers


@functools.cache
def validators():
    """Those of the settings that `startproject` writes."""
    template = Path(conf.__path__[0], "project_template/project_name/settings.py-tpl").read_text()
    names = re.findall("'NAME': '(.+)'", template)
    return get_password_validators([{"NAME": name} for name in names])


def weaknesses(cases):
    """[password, username, first_name, last_name, email]: the code of each, and to what it is similar.

    None where there is a letter that this Python's Unicode does not have: a later one may know its lower case.
    """
    answers = []
    for password, *values in cases:
        if any(unicodedata.category(c) == "Cn" for text in (password, *values) for c in text):
            answers.append(None)
            continue
        fields = ("username", "first_name", "last_name", "email")
        user = auth.get_user_model()(**dict(zip(fields, values)))
        try:
            validate_password(password, user, validators())
            answers.append([])
        except ValidationError as error:
            found = [(one.code, one.params) for one in error.error_list]
            answers.append([[code, (params or {}).get("verbose_name")] for code, params in found])
    return answers


def common_passwords():
    return sorted(CommonPasswordValidator().passwords)


def characters():
    """All that Python knows, but for the ideographs and syllables, which are letters all of them."""
    many = ("CJK UNIFIED", "CJK COMPAT", "HANGUL SYLLABLE", "TANGUT", "VARIATION", "<private")
    known = (character for character in map(chr, range(sys.maxunicode + 1)))
    known = (c for c in known if unicodedata.category(c) not in ("Cn", "Co", "Cs"))
    return "".join(c for c in known if not unicodedata.name(c, "").startswith(many))


def python():
    return list(sys.version_info[:2])


sys.stdin.reconfigure(encoding="utf-8")
for line in sys.stdin:
    order = json.loads(line)
    answer = globals()[order.pop("do")](**order)
    print(json.dumps(answer), flush=True)
