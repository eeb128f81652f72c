from django.apps import AppConfig
from django.db.backends.signals import connection_created


def write_ahead(connection, **_):
    """Readers and writers of several processes do not wait for each other."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")


class Diary(AppConfig):
    name = "diary"

    def ready(self):
        connection_created.connect(write_ahead)
