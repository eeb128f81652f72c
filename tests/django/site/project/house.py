"""What this app tells of itself: `housekey check --against http://this-app/housekey.json` compares it."""
import hashlib
import hmac
from importlib import import_module

import django
from django.conf import settings
from django.contrib.auth.hashers import get_hasher
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connections, router
from django.http import JsonResponse


def fingerprint(key):
    return hmac.new(key.encode(), b"housekey.fingerprint", hashlib.sha256).hexdigest()[:16]


def house():
    with connections[router.db_for_read(User)].cursor() as cursor:
        cursor.execute("SELECT value FROM housekey_setting WHERE name = 'HOUSE'")
        row = cursor.fetchone()
    return row and row[0]


def profile(request):
    hasher = get_hasher()
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    answer = {
        "made_by": f"Django {django.__version__}",
        "app": settings.APP_NAME,
        "house": house(),
        "keys": [fingerprint(key) for key in keys],
        "session_cookie": {
            "name": settings.SESSION_COOKIE_NAME,
            "domain": settings.SESSION_COOKIE_DOMAIN,
            "path": settings.SESSION_COOKIE_PATH,
            "secure": settings.SESSION_COOKIE_SECURE,
            "samesite": str(settings.SESSION_COOKIE_SAMESITE),
            "age": settings.SESSION_COOKIE_AGE,
        },
        "session_engine": settings.SESSION_ENGINE,
        "session_salt": import_module(settings.SESSION_ENGINE).SessionStore().key_salt,
        "databases": {"users": router.db_for_write(User), "sessions": router.db_for_write(Session)},
        "password_hasher": f"{hasher.algorithm}${getattr(hasher, 'iterations', '?')}",
        "public_url": getattr(settings, "PUBLIC_URL", None),
    }
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})
