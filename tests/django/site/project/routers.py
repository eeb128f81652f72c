import os

SHARED = {"auth", "contenttypes", "sessions", "admin"}
# The mistake of a test.
SHARED -= set(os.environ.get("NOT_SHARED", "").split())


class SharedRouter:
    """Answers for every model: without an answer Django follows the user to the shared database."""

    def db_for_read(self, model, **hints):
        return "shared" if model._meta.app_label in SHARED else "default"

    db_for_write = db_for_read

    def allow_relation(self, a, b, **hints):
        """An article may point to a user of the shared database: Django follows the id."""
        return True

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return (db == "shared") == (app_label in SHARED)
