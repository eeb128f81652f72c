"""Users and sessions, as each of the servers would have written them, and the cookies that lead to them."""

import base64
import hashlib
import hmac
import json
import random
import sqlite3
import subprocess
import time
import zlib
from pathlib import Path

SECRET_KEY = hashlib.sha256(b"benches/peers").hexdigest()
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BEGIN, END = "2026-11-01 10:00:00", "2099-01-01 00:00:00"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
COOKIES = 50_000

USER = ["id", "password", "last_login", "is_superuser", "username", "first_name", "last_name", "email", "is_staff",
        "is_active", "date_joined"]
SESSION = ["session_key", "session_data", "expire_date"]
OWNER = ["session_key", "user_id", "app", "created", "address", "agent", "last_seen"]
# A peer that is not Django has a table of users too; the same one is fair.
USERS = """CREATE TABLE auth_user (id integer PRIMARY KEY, password varchar(128) NOT NULL, last_login {time},
    is_superuser {bool} NOT NULL, username varchar(150) NOT NULL UNIQUE, first_name varchar(150) NOT NULL,
    last_name varchar(150) NOT NULL, email varchar(254) NOT NULL, is_staff {bool} NOT NULL, is_active {bool} NOT NULL,
    date_joined {time} NOT NULL)"""


def mac(key, text):
    return hmac.digest(key, text.encode(), "sha256")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base36(digest, digits):
    """The last digits of the number that the first 16 bytes are, the lowest first (`session/key.rs`)."""
    number, text = int.from_bytes(digest[:16]), ""
    for _ in range(digits):
        number, digit = divmod(number, 36)
        text += ALPHABET[digit]
    return text


class Writer:
    """Session keys, session data and stamps, as `src/session` and Django write them."""

    def __init__(self):
        secret = SECRET_KEY.encode()
        self.mark = base36(mac(secret, "housekey.session-key.id"), 2)
        self.prover = mac(secret, "housekey.session-key.proof")
        self.signer = hashlib.sha256(b"django.contrib.sessions.SessionStoresigner" + secret).digest()
        salt = b"django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        self.stamper = hashlib.sha256(salt + secret).digest()
        self.now = self.base62(int(time.time()))
        self.chance = random.Random(9)

    @staticmethod
    def base62(number):
        text = ""
        while number:
            number, digit = divmod(number, 62)
            text = BASE62[digit] + text
        return text

    def stem(self, length):
        return "".join(self.chance.choices(ALPHABET, k=length))

    def our_key(self):
        key = self.stem(25) + self.mark
        return key + base36(mac(self.prover, key), 13)

    def djangos_key(self):
        return self.stem(32)

    def stamp(self, password):
        return mac(self.stamper, password).hex()

    def data(self, user, stamp, packed):
        content = {"_auth_user_id": str(user), "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
                   "_auth_user_hash": stamp}
        plain = json.dumps(content, separators=(",", ":")).encode()
        value = base64url(plain)
        if packed and len(zlib.compress(plain)) < len(plain) - 1:
            value = "." + base64url(zlib.compress(plain))
        value = f"{value}:{self.now}"
        return f"{value}:{base64url(mac(self.signer, value))}"


def password_of(user):
    """It has the form and the length of a real one, and nobody knows a password for it."""
    digest = hashlib.sha256(f"peers {user}".encode()).digest()
    return f"pbkdf2_sha256$1000000${digest.hex()[:22]}${base64.b64encode(digest).decode()}"


def name_of(user):
    return f"user{user}"


class Maker:
    """Makes what is not there yet, in both kinds of database."""

    def __init__(self, folder, users, sessions, programs):
        self.folder, self.users, self.sessions, self.programs = folder, users, sessions, programs
        self.size = f"{users}_{sessions}"

    def name(self, which):
        return f"peers_{which}_{self.size}"

    def sqlite(self, which):
        return self.folder / f"{self.name(which)}.db"

    def cookies(self, which, kind):
        return self.folder / f"{self.name(which)}.{kind}.cookies"

    def make(self, which, kind, postgres):
        """Its cookies are written last: where they are, all is there. Tables that came since are added each time."""
        database = Postgres(postgres, self.name(which)) if kind == "postgres" else Sqlite(self.sqlite(which))
        if self.cookies(which, kind).exists() and database.is_there():
            self.migrate(which, database.url)
            return
        print(f"making {self.sessions} sessions of {self.users} users: {which}, {kind}", flush=True)
        database.begin()
        self.migrate(which, database.url)
        if which == "tower":
            database.run(USERS.format(**database.types))
        database.insert("auth_user", USER, self.user_rows(database))
        cookies = getattr(self, f"fill_{which}")(database)
        database.end()
        chosen = random.Random(9).sample(cookies, min(COOKIES, len(cookies)))
        self.cookies(which, kind).write_text("".join(f"{cookie}\t{name_of(user)}\n" for cookie, user in chosen))

    def migrate(self, which, url):
        program, environment = self.programs[which]
        subprocess.run([*program, "migrate"], check=True, stdout=subprocess.DEVNULL,
                       env=environment | {"DATABASE": url, "SECRET_KEY": SECRET_KEY})

    def user_rows(self, database):
        for user in range(1, self.users + 1):
            yield (user, password_of(user), database.time(BEGIN), False, name_of(user), f"First{user}", f"Last{user}",
                   f"user{user}@example.org", False, True, database.time(BEGIN))

    def owners(self):
        return (1 + number % self.users for number in range(self.sessions))

    def fill_house(self, database):
        return self.fill_django_tables(database, Writer.our_key, packed=False, owners=True)

    def fill_django(self, database):
        return self.fill_django_tables(database, Writer.djangos_key, packed=True, owners=False)

    def fill_django_tables(self, database, make_key, packed, owners):
        writer = Writer()
        stamps = [""] + [writer.stamp(password_of(user)) for user in range(1, self.users + 1)]
        keys = [make_key(writer) for _ in range(self.sessions)]
        data = (writer.data(user, stamps[user], packed) for user in self.owners())
        end = database.time(END)
        database.insert("django_session", SESSION, ((key, text, end) for key, text in zip(keys, data)))
        if owners:
            now = database.time(time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()))
            rows = ((key, user, "peers", now, "127.0.0.1", AGENT, now) for key, user in zip(keys, self.owners()))
            database.insert("housekey_session", OWNER, rows)
        return [(f"sessionid={key}", user) for key, user in zip(keys, self.owners())]

    def fill_tower(self, database):
        program = Path(self.programs["tower"][0][0]).with_name("tower_rows")
        asked = self.folder / "tower.asked"
        asked.write_text("".join(f"{user}\t{password_of(user)}\n" for user in self.owners()))
        with open(asked) as lines, subprocess.Popen([program], stdin=lines, stdout=subprocess.PIPE, text=True) as rows:
            found = [line.rstrip("\n").split("\t") for line in rows.stdout]
        asked.unlink()
        end = database.end_of_tower()
        rows = ((key, database.bytes(data), end) for key, data in found)
        database.insert(database.tower_table, ["id", "data", "expiry_date"], rows)
        return [(f"id={key}", user) for (key, _), user in zip(found, self.owners())]


class Postgres:
    types = {"time": "timestamptz", "bool": "boolean"}
    tower_table = "tower_sessions.session"

    def __init__(self, postgres, name):
        self.postgres, self.name, self.url = postgres, name, postgres.url(name)

    def is_there(self):
        return self.postgres.has(self.name)

    def begin(self):
        self.postgres.make(self.name)

    def run(self, statement):
        self.postgres.ask(self.name, statement)

    def insert(self, table, columns, rows):
        lines = ("\t".join(map(str, row)) + "\n" for row in rows)
        self.postgres.copy(self.name, f"{table} ({', '.join(columns)})", lines)

    def end(self):
        self.run("VACUUM ANALYZE")
        self.run("CHECKPOINT")

    def time(self, text):
        return f"{text}+00"

    def bytes(self, digits):
        return f"\\\\x{digits}"

    def end_of_tower(self):
        return self.time(END)


class Sqlite:
    types = {"time": "datetime", "bool": "bool"}
    tower_table = "tower_sessions"

    def __init__(self, path):
        self.path, self.url = path, f"sqlite://{path}"

    def is_there(self):
        return self.path.exists()

    def begin(self):
        for ending in ["", "-wal", "-shm"]:
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        self.path.touch()

    def connect(self):
        database = sqlite3.connect(self.path)
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -1000000")
        return database

    def run(self, statement):
        with self.connect() as database:
            database.execute(statement)
        database.close()

    def insert(self, table, columns, rows):
        with self.connect() as database:
            places = ", ".join("?" * len(columns))
            database.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)
        database.close()

    def end(self):
        """No statistics: SQLite would then plan each statement anew for each value that is bound, and no house has them."""

    def time(self, text):
        return text

    def bytes(self, digits):
        return bytes.fromhex(digits)

    def end_of_tower(self):
        """Text, as sqlx writes a time."""
        return "2099-01-01T00:00:00Z"
