from project.routers import SharedRouter


class JoinedRouter(SharedRouter):
    def allow_relation(self, a, b, **hints):
        """An article may point to a user of the shared database: Django follows the id."""
        return True
