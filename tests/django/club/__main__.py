"""A Django app that has users of its own, in its one database; and what it is after it has joined a house.

    python tests/django/club [--migrate]                serves; --migrate migrates first
    python tests/django/club manage fill --users 100    makes the tables, and fills them
    python tests/django/club manage COMMAND ...         what manage.py does

Its settings come from the environment: DATABASE_URL alone, or SHARED_DATABASE_URL too once it has joined.
"""
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "site"))

from project.program import main  # noqa: E402

main("django_club", "club.settings", sys.argv[1:])
