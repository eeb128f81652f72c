"""Rows of the club's own tables. Each says in words whose it is: the id beside it must agree, whatever it is by then."""
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

from club.models import Article, Comment, Profile, Reading, Seat, Stamp, Tag, Vote
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType

from .people import BORN


def utc(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


# What is easily lost on the way to another kind of database; the first articles have it.
ODD = [
    {"text": "", "rating": 0.1 + 0.2, "price": Decimal("99999999.99")},
    {"text": "' \" ` \\ \\N $1 %s\ttabs\r\nlines\n", "rating": -0.0, "price": Decimal("-0.01")},
    {"text": "😀 e\u0301 \u200b \x01", "rating": 1e308, "created": utc(1, 1, 1)},
    {"text": "long " * 20_000, "created": utc(9999, 12, 31, 23, 59, 59, 999999)},
    {"extra": {"a": [1, 2.5, None, True, "ł"], "": {"deep": [[[]]]}}, "rating": 1 / 3},
    {"extra": [], "length": timedelta(days=-1, microseconds=1), "rating": 5e-324},
    {"extra": "text", "length": timedelta(days=99_999, hours=23, microseconds=999_999)},
    {"extra": 12345678901234567890, "at": time(23, 59, 59, 999999)},
    {"extra": None, "at": time(0, 0), "address": "::ffff:10.0.0.1"},
    {"address": "2001:db8::1", "created": utc(2024, 2, 29)},
]
TAGS = ["rust", "Rust", "żółw", "a tag with blanks", "'", "%s", "null"]
DAYS = [None, date(1, 1, 1), date(1970, 1, 1), date(2000, 2, 29), date(9999, 12, 31)]
PHOTOS = [None, b"", b"\x00\xff\\x", bytes(range(256)), b"GIF89a" * 400]


def fill(dice, club):
    users = club.all()
    fill_profiles(club)
    articles = fill_articles(dice, users)
    comments = fill_comments(dice, users, articles)
    fill_many_to_many(dice, users, articles)
    fill_votes(dice, users, articles)
    fill_readings(dice, users, articles)
    fill_stamps(dice, users, articles, comments)


def fill_profiles(club):
    Profile.objects.bulk_create(
        Profile(
            user_id=user.id,
            city=f"city of {user.username}",
            born=DAYS[number % len(DAYS)],
            photo=PHOTOS[number % len(PHOTOS)],
        )
        for number, user in club.users.items()
        if number % 6
    )
    Seat.objects.bulk_create(
        Seat(user_id=user.id, label=f"seat of {user.username}") for user in club.every(2)
    )


def article(dice, number, author, editor):
    usual = {
        "author_id": author.id,
        "editor_id": editor and editor.id,
        "title": f"{number:05} by {author.username}, {editor.username if editor else 'nobody'}",
        "text": "text",
        "created": BORN + timedelta(days=number, microseconds=number),
        "price": Decimal(dice.randrange(10**6)) / 100,
        "rating": dice.uniform(-10, 10),
        "is_public": number % 2 == 0,
        "uuid": UUID(int=dice.getrandbits(128)),
        "extra": {"number": number},
        "length": timedelta(seconds=number),
        "at": None if number % 3 else time(number % 24, 30),
        "address": None if number % 4 else f"10.0.{number // 256 % 256}.{number % 256}",
    }
    return Article(**usual | (ODD[number] if number < len(ODD) else {}))


def fill_articles(dice, users):
    """One for every second user; the first user has the first."""

    def made(number):
        author = dice.choice(users) if number else users[0]
        return article(dice, number, author, dice.choice(users) if number % 3 else None)

    many = max(len(users) // 2, len(ODD))
    return Article.objects.bulk_create([made(number) for number in range(many)])


def fill_comments(dice, users, articles):
    def made(author):
        text = f"by {author.username}"
        return Comment(article_id=dice.choice(articles).id, author_id=author.id, text=text)

    comments = Comment.objects.bulk_create([made(dice.choice(users)) for _ in users])
    answers = comments[::3]
    for answer in answers:
        # Perhaps one that came later.
        answer.parent_id = dice.choice(comments).id
    Comment.objects.bulk_update(answers, ["parent_id"], batch_size=200)
    judged = articles[::10]
    for article in judged:
        article.best_id = dice.choice(comments).id
    Article.objects.bulk_update(judged, ["best_id"], batch_size=200)
    return comments


def fill_many_to_many(dice, users, articles):
    tags = [Tag(name=name, order=-number) for number, name in enumerate(TAGS)]
    Tag.objects.bulk_create(tags, ignore_conflicts=True)
    Tagged, Fan = Article.tags.through, Article.fans.through
    Tagged.objects.bulk_create(
        Tagged(article_id=article.id, tag_id=name)
        for article in articles
        for name in dice.sample(TAGS, 2)
    )
    Fan.objects.bulk_create(
        Fan(article_id=article.id, user_id=user.id)
        for article in articles
        for user in dice.sample(users, min(2, len(users)))
    )


def fill_votes(dice, users, articles):
    Vote.objects.bulk_create(
        Vote(user_id=user.id, article_id=article.id, label=f"of {user.username}")
        for user in users
        for article in dice.sample(articles, 2)
    )


def fill_readings(dice, users, articles):
    def made(number):
        reader = dice.choice(users) if number % 10 else None
        return Reading(
            reader_id=reader.id if reader else 0,
            article_id=dice.choice(articles).id,
            label=f"by {reader.username if reader else 'a stranger'}",
        )

    Reading.objects.bulk_create(made(number) for number in range(len(users)))


def fill_stamps(dice, users, articles, comments):
    kinds = ContentType.objects.get_for_models(User, Article, Comment)

    def made(number):
        model, rows = [(User, users), (Article, articles), (Comment, comments)][number % 3]
        row = dice.choice(rows)
        says = {User: "username", Article: "title", Comment: "text"}[model]
        return Stamp(
            content_type_id=kinds[model].id,
            object_id=row.id,
            label=f"on {model.__name__} {getattr(row, says)}",
        )

    Stamp.objects.bulk_create(made(number) for number in range(max(len(users) // 4, 3)))
