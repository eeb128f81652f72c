"""What years of hand-made SQL leave in a database."""
from club.models import Article, Comment, Reading, Seat, Vote
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connections, router


def unknown_table(club):
    """No model, no primary key, and names that have to be quoted."""
    with connections[router.db_for_write(User)].cursor() as cursor:
        cursor.execute(
            'CREATE TABLE IF NOT EXISTS "Old ratings" '
            '("of user" integer NOT NULL REFERENCES auth_user (id), "stars" integer, "label" text)'
        )
        cursor.executemany(
            'INSERT INTO "Old ratings" VALUES (%s, %s, %s)',
            [(user.id, user.id % 6 or None, f"of {user.username}") for user in club.every(5)],
        )


def nobody(club, many):
    """The ids of users who are gone, and ids that nobody has had."""
    return [*club.ghosts[: (many + 1) // 2], *range(2_000_000_001, 2_000_000_001 + many)][:many]


def orphans(club, many):
    """Rows of nobody; where a constraint forbids them, on SQLite alone, as it can be talked into it."""
    gone = nobody(club, many)
    articles = list(Article.objects.order_by("id")[:many])
    first = articles[0].id
    connection = connections[router.db_for_write(User)]
    if connection.vendor == "sqlite":
        with connection.constraint_checks_disabled():
            constrained(gone, articles)
    Comment.objects.bulk_create(
        Comment(author_id=user_id, article_id=first, text="by nobody") for user_id in gone
    )
    Reading.objects.bulk_create(
        Reading(reader_id=user_id, article_id=first, label="by nobody") for user_id in gone
    )


def constrained(gone, articles):
    group = Group.objects.order_by("id").first()
    Member = User.groups.through
    Member.objects.bulk_create(Member(user_id=user_id, group_id=group.id) for user_id in gone)
    LogEntry.objects.bulk_create(
        LogEntry(user_id=user_id, object_repr="of nobody", action_flag=1) for user_id in gone
    )
    Seat.objects.bulk_create(Seat(user_id=user_id, label="of nobody") for user_id in gone)
    Vote.objects.bulk_create(
        Vote(user_id=user_id, article_id=articles[0].id, label="of nobody") for user_id in gone
    )
    for article, user_id in zip(articles, gone):
        Article.objects.filter(id=article.id).update(editor_id=user_id)
