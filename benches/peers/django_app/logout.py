"""Django ends the sessions whose keys it reads, line by line, and says so when it has."""

import sys

import app  # noqa: F401  (its settings)
from django.contrib.sessions.backends.db import SessionStore

for line in sys.stdin:
    SessionStore(line.strip()).delete()
    print("done", flush=True)
