"""The settings of the site beside it, with one database for everything until the app joins a house."""
import os

JOINED = bool(os.environ.get("SHARED_DATABASE_URL"))
if not JOINED:
    os.environ["SHARED_DATABASE_URL"] = os.environ.get("DATABASE_URL", "")

from project.settings import *  # noqa: E402, F403
from project.settings import DATABASES, INSTALLED_APPS  # noqa: E402

if JOINED:
    DATABASE_ROUTERS = ["project.routers.SharedRouter"]
else:
    DATABASES = {"default": DATABASES["default"]}
    DATABASE_ROUTERS = []

INSTALLED_APPS = [*INSTALLED_APPS[:-1], "club.apps.Club"]
ROOT_URLCONF = "club.urls"
