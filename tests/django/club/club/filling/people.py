"""Users, as a house meets them: by their number it is known what is odd about each."""
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.core.management.base import CommandError

BORN = datetime(2020, 2, 29, 12, 0, 0, 123456, tzinfo=timezone.utc)
# What each group may do, everywhere the same.
GROUPS = {
    "readers": ["view_article"],
    "editors": ["view_article", "change_article", "delete_comment"],
    "Editors": ["add_article"],
    "empty": [],
}


@dataclass
class People:
    """Those of one filling, by their numbers; and the ids of those who are gone again."""

    first: int
    users: dict
    ghosts: list

    def all(self):
        return list(self.users.values())

    def every(self, step, rest=0):
        return [user for number, user in self.users.items() if number % step == rest]


def name(number):
    match number % 40:
        case 12:  # its neighbour's, but for the case
            return f"USER{number - 1:05}"
        case 21:
            return f"zo\u00eb{number:05}"
        case 22:  # its neighbour's, but for the Unicode form
            return f"zoe\u0308{number - 1:05}"
    return f"user{number:05}"


def hashed(password):
    """One hash for everybody: it has to be made only once."""
    return make_password(password, salt="clubclubclubclubclubclub")


def person(number, password):
    return User(
        username=name(number),
        email="" if number % 10 == 3 else f"user{number:05}@example.org",
        password="!nobodyhasthispassword0123456789abcdefghi" if number % 29 == 7 else password,
        first_name=["Ada", "Łucja", "", "Ægir", "名"][number % 5],
        last_name=["Lovelace", "O'Neil", ""][number % 3],
        is_active=number % 17 != 5,
        is_staff=number % 25 == 0,
        date_joined=BORN + timedelta(minutes=number),
        last_login=None if number % 4 == 0 else BORN + timedelta(days=number % 900),
    )


def ghost(number):
    return User(username=f"ghost{number:05}", password="!", date_joined=BORN)


def fill(dice, numbers, password, other_email):
    if not numbers:
        raise CommandError("--users must be 1 or more")
    named = {number: person(number, password) for number in numbers}
    for number in numbers[:other_email]:
        named[number].email = f"other{number:05}@example.org"
    first = named[numbers[0]]
    first.is_superuser = first.is_staff = first.is_active = True
    first.password = password
    taken = User.objects.filter(username__in=[first.username, named[numbers[-1]].username])
    if taken.exists():
        raise CommandError("users of these numbers are there; --start names another number")

    # Who came first is not who has the lowest number; who is gone has left a gap, the last one too.
    made = dice.sample(list(named.values()), len(named))
    for place in range(len(made), 0, -13):
        made.insert(place, ghost(place))
    User.objects.bulk_create(made)
    gone = User.objects.filter(username__startswith="ghost")
    ghosts = list(gone.order_by("id").values_list("id", flat=True))
    gone._raw_delete(gone.db)
    return People(numbers[0], named, ghosts)


def fill_groups(club, other):
    groups = {name: Group.objects.get_or_create(name=name)[0] for name in GROUPS}
    own = Group.objects.create(name=f"those of {club.first:05}")
    for name, codenames in GROUPS.items():
        if other and name == "editors":
            codenames = codenames[:-1]
        groups[name].permissions.set(Permission.objects.filter(codename__in=codenames))
    own.permissions.set(Permission.objects.filter(codename="add_vote"))

    Member = User.groups.through
    members = [(groups["readers"], 3), (groups["editors"], 7), (groups["Editors"], 50), (own, 9)]
    Member.objects.bulk_create(
        Member(user_id=user.id, group_id=group.id)
        for group, step in members
        for user in club.every(step)
    )
    Grant = User.user_permissions.through
    granted = Permission.objects.filter(codename__in=["add_comment", "view_user"])
    Grant.objects.bulk_create(
        Grant(user_id=user.id, permission_id=permission.id)
        for permission in granted
        for user in club.every(11)
    )
