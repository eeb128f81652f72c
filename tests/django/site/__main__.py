"""A Django app of the house: the same paths and answers as examples/house_app, by Django alone.

    python tests/django/site [--migrate]          serves; --migrate migrates both databases first
    python tests/django/site manage COMMAND ...   what manage.py does

Its settings come from the environment; project/settings.py reads them.
"""
import sys

from project.program import main

main("django_app", "project.settings", sys.argv[1:])
