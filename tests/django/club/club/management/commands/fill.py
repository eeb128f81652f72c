"""Makes the tables, and fills them: the same rows for the same arguments, but for what depends on the hour."""
import json
import os
import random
from contextlib import ExitStack, contextmanager

from club.filling import damage, order, people, traces, works
from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import connections, transaction
from project.program import migrate


@contextmanager
def everywhere():
    """One transaction, in each of the databases."""
    with ExitStack() as stack:
        for alias in connections:
            stack.enter_context(transaction.atomic(using=alias))
        yield


def counts():
    models = apps.get_models(include_auto_created=True)
    return {model._meta.db_table: model.objects.count() for model in models}


class Command(BaseCommand):
    help = "Fills the tables of the club. FILL_PASSWORD is the password of everybody."

    def add_arguments(self, parser):
        def number(name, default, help):
            parser.add_argument(name, type=int, default=default, help=help)

        number("--users", 100, "how many")
        number("--start", 1, "the number of the first: user00001 is a superuser then")
        number("--seed", 1, "of the dice")
        number("--other-email", 0, "so many, from the first on, have another e-mail address")
        number("--orphans", 0, "so many rows of each sort point to users who are not there")
        parser.add_argument("--other-groups", action="store_true", help="with other permissions")
        parser.add_argument("--reorder", action="store_true", help="other ids of content types")
        parser.add_argument("--unknown-table", action="store_true", help="of which no app knows")

    def handle(self, *, users, start, seed, other_email, orphans, **options):
        password = os.environ.get("FILL_PASSWORD")
        if not password:
            raise CommandError("FILL_PASSWORD is not set")
        migrate()
        dice = random.Random(f"{seed} {start}")
        with everywhere():
            if options["reorder"]:
                order.shuffle(dice)
            club = people.fill(
                dice, range(start, start + users), people.hashed(password), other_email
            )
            people.fill_groups(club, options["other_groups"])
            works.fill(dice, club)
            traces.fill(dice, club)
            if options["unknown_table"]:
                damage.unknown_table(club)
        # Behind the transaction: in one, SQLite goes on looking at the foreign keys.
        if orphans:
            damage.orphans(club, orphans)
        self.stdout.write(json.dumps(counts()))
