"""A Django project that joins the house: two databases, a router, one key, one cost of passwords."""
import json
import os
from urllib.parse import parse_qsl, unquote, urlsplit

import django
from django.core.exceptions import ImproperlyConfigured


def required(name):
    value = os.environ.get(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set")
    return value


def flag(name):
    return os.environ.get(name, "").lower() in ("true", "1", "yes", "on")


def secret_key():
    path = os.environ.get("SECRET_KEY_FILE")
    if not path:
        return required("SECRET_KEY")
    with open(path, encoding="utf-8") as file:
        return file.read().rstrip("\r\n")


def database(url):
    """The forms of URLs that the Rust apps take: postgres://..., sqlite:PATH or a path."""
    if url.startswith(("postgres://", "postgresql://")):
        parts = urlsplit(url)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path[1:]),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": parts.port or "",
            "OPTIONS": dict(parse_qsl(parts.query)),
        }
    scheme, colon, path = url.partition(":")
    if not colon or scheme not in ("sqlite", "file"):
        path = url
    elif path.startswith("///"):
        path = "/" + path.lstrip("/")
    elif path.startswith("//"):
        path = path[2:]
    options = {"timeout": 20}
    if django.VERSION >= (5, 1):
        options["transaction_mode"] = "IMMEDIATE"
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": path, "OPTIONS": options}


APP_NAME = os.environ.get("APP_NAME", "django_app")
PUBLIC_URL = os.environ.get("PUBLIC_URL")

DATABASES = {
    "default": database(required("DATABASE_URL")),
    "shared": database(required("SHARED_DATABASE_URL")),
}
DATABASE_ROUTERS = ["project.routers.SharedRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Texts of time in SQLite are in UTC for everybody only so.
USE_TZ = True
TIME_ZONE = "UTC"

SECRET_KEY = secret_key()
SECRET_KEY_FALLBACKS = json.loads(os.environ.get("SECRET_KEY_FALLBACKS") or "[]")

AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "project.hashers.Pinned",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
# The house's one cost, whatever this Django's own is: each other cost is re-hashed at a login.
PASSWORD_ITERATIONS = int(os.environ.get("PASSWORD_ITERATIONS") or 1_000_000)

SESSION_ENGINE = os.environ.get("SESSION_ENGINE") or "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = os.environ.get("SESSION_COOKIE_NAME") or "sessionid"
SESSION_COOKIE_DOMAIN = os.environ.get("SESSION_COOKIE_DOMAIN") or None
SESSION_COOKIE_AGE = int(os.environ.get("SESSION_COOKIE_AGE") or 1_209_600)
SESSION_COOKIE_SECURE = flag("SESSION_COOKIE_SECURE")
SESSION_SAVE_EVERY_REQUEST = flag("SESSION_SAVE_EVERY_REQUEST")
SESSION_EXPIRE_AT_BROWSER_CLOSE = flag("SESSION_EXPIRE_AT_BROWSER_CLOSE")
CSRF_COOKIE_NAME = os.environ.get("CSRF_COOKIE_NAME") or "csrftoken"
CSRF_TRUSTED_ORIGINS = json.loads(os.environ.get("CSRF_TRUSTED_ORIGINS") or "[]")
CSRF_FAILURE_VIEW = "diary.answers.foreign"

ALLOWED_HOSTS = ["*"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
APPEND_SLASH = False
ROOT_URLCONF = "project.urls"
STATIC_URL = "static/"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "diary.apps.Diary",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        "django": {"handlers": ["console"], "level": "ERROR"},
        "django.server": {"handlers": ["console"], "level": "ERROR", "propagate": False},
    },
}
