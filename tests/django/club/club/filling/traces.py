"""What visits leave: sessions, and the diary of the admin."""
import json
import string
from datetime import timedelta

from club.models import Article
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from .people import BORN

BACKEND = "django.contrib.auth.backends.ModelBackend"
LETTERS = string.ascii_lowercase + string.digits


def fill(dice, club):
    fill_sessions(dice, club)
    fill_log(dice, club)


def data(user_id, stamp, **more):
    return {
        "_auth_user_id": str(user_id),
        "_auth_user_backend": BACKEND,
        "_auth_user_hash": stamp,
        **more,
    }


def fill_sessions(dice, club):
    """Half of the users are signed in; a quarter was; some visitors are nobody, or nobody any more."""
    now = timezone.now()
    stamp = club.users[club.first].get_session_auth_hash()
    encode = SessionStore().encode
    users = [user for user in club.all() if user.is_active and user.has_usable_password()]

    def session(values, days):
        return Session(
            session_key="".join(dice.choices(LETTERS, k=32)),
            session_data=encode(values),
            expire_date=now + timedelta(days=days, seconds=dice.randrange(80_000)),
        )

    living = dice.sample(users, len(users) // 2)
    expired = dice.sample(users, len(users) // 4)
    rows = [session(data(user.id, stamp, seen=["é", 1.5]), dice.randint(0, 13)) for user in living]
    rows += [session(data(user.id, stamp), -dice.randint(2, 90)) for user in expired]
    rows += [session(data(user_id, stamp), 5) for user_id in club.ghosts[:10]]
    rows += [session({"cart": [1, 2]}, 5), session({}, 5), session({}, -5)]
    Session.objects.bulk_create(rows)
    for user in users[:5]:
        store = SessionStore()
        store.update(data(user.id, user.get_session_auth_hash()))
        store.create()


def fill_log(dice, club):
    """What the staff did to users, groups and articles; of some nobody knows any more what it was about."""
    kinds = ContentType.objects.get_for_models(User, Group, Article)
    groups, articles = list(Group.objects.all()), list(Article.objects.order_by("id")[:100])
    staff = [user for user in club.all() if user.is_staff]

    def made(number):
        model = [User, Group, Article][number % 3]
        row = dice.choice({User: club.all(), Group: groups, Article: articles}[model])
        return LogEntry(
            user_id=dice.choice(staff).id,
            action_time=BORN + timedelta(hours=number),
            content_type_id=None if number % 20 == 19 else kinds[model].id,
            object_id=None if number % 30 == 29 else str(row.id),
            object_repr=str(row),
            action_flag=dice.randint(1, 3),
            change_message=json.dumps([{"changed": {"fields": ["First name"]}}]),
        )

    LogEntry.objects.bulk_create(made(number) for number in range(len(club.users) // 5 + 5))
