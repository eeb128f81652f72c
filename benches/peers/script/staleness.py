"""How long a cache still shows who was signed out elsewhere: by Django, and by psql."""

import random
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection

from data import SECRET_KEY
from load import wrk_command
from targets import HERE, TARGETS

SESSIONS = 500

KEEP = """
CREATE TEMP TABLE kept AS SELECT * FROM django_session WHERE session_key = ANY('{{{keys}}}');
CREATE TEMP TABLE owners AS SELECT * FROM housekey_session WHERE session_key = ANY('{{{keys}}}');
\\echo done
"""
BRING_BACK = """
INSERT INTO django_session SELECT * FROM kept ON CONFLICT DO NOTHING;
INSERT INTO housekey_session SELECT * FROM owners ON CONFLICT DO NOTHING;
\\echo done
"""


class Writer:
    """A program that does what it reads, and then says `done`."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def do(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()
        while (line := self.process.stdout.readline()) != "done\n":
            assert line, "the writer has ended"

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def staleness(options, start, postgres, programs, maker):
    cached = next(target for target in TARGETS if target.name == "ours-pg-cache")
    server = start(replace(cached, visitors=SESSIONS))
    house = maker.name("house")
    psql = Writer(postgres.psql_command(house))
    environment = programs.clean | {"DATABASE": postgres.url(house), "SECRET_KEY": SECRET_KEY}
    django = Writer([programs.python, str(HERE / "django_app" / "logout.py")], environment)
    cookies = [cookie for cookie, _ in server.some_cookies(SESSIONS)]
    psql.do(KEEP.format(keys=",".join(map(key_of, cookies))))
    by_psql = "DELETE FROM django_session WHERE session_key = '{}';\n\\echo done\n".format
    print("\n| signed out by | visitors meanwhile | half, ms | 95 %, ms | 99 %, ms | latest, ms |\n|---|---|---|---|---|---|")
    try:
        for clients in options.connections:
            for name, end in [("psql", lambda key: psql.do(by_psql(key))), ("Django", lambda key: django.do(key + "\n"))]:
                try:
                    with visitors(server, maker, clients):
                        late = sorted(shown_for(server, cookie, end) * 1000 for cookie in cookies)
                finally:
                    psql.do(BRING_BACK)
                part = [late[int(len(late) * share)] for share in (0.5, 0.95, 0.99)]
                print(f"| {name} | {clients} | " + " | ".join(f"{one:.0f}" for one in [*part, late[-1]]) + " |", flush=True)
    finally:
        psql.stop()
        django.stop()
        server.stop()


def key_of(cookie):
    return cookie.partition("=")[2]


def shown_for(server, cookie, end):
    """Seconds from the acknowledged end to the last answer that does not know of it."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)

    def status():
        connection.request("GET", "/whoami", headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    assert [status(), status()] == [200, 200]
    # Else each would end at the same distance from the last look.
    time.sleep(random.random() / 10)
    end(key_of(cookie))
    ended = last = time.perf_counter()
    while status() == 200:
        last = time.perf_counter()
    connection.close()
    return last - ended


@contextmanager
def visitors(server, maker, clients):
    command = wrk_command(server, clients, 600, maker.cookies("house", "postgres"))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as load:
        try:
            yield
        finally:
            load.terminate()
