"""What takes part: how each server is started, and on which rows."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from data import SECRET_KEY
from postgres import free_port

HERE = Path(__file__).resolve().parent.parent
CACHE_ENTRIES = "100000"


@dataclass
class Target:
    name: str
    program: str
    kind: str = "postgres"
    rows: str = "house"
    environment: dict = field(default_factory=dict)
    # It is asked with so few of the cookies: what is kept is kept because visitors come back.
    visitors: int = 0

    @property
    def package(self):
        return {"axum_login": "sqlx", "actix": "sqlx", "django": "django"}.get(self.program, "house")

    @property
    def base(self):
        """What its figures are a ratio to."""
        return "b4-pg" if self.kind == "postgres" else "inline-sqlite"


TARGETS = [
    Target("floor", "floor"),
    Target("b4-pg", "b4"),
    Target("gathered-pg", "gathered"),
    Target("ours-pg", "ours"),
    Target("ours-pg-cache", "ours", environment={"CACHE": CACHE_ENTRIES}, visitors=1000),
    Target("axum-login-pg", "axum_login", rows="tower"),
    Target("actix-pg", "actix", rows="actix"),
    Target("django-pg", "django", rows="django"),
    Target("django-pg-default", "django", rows="django", environment={"STARTPROJECT": "1"}),
    Target("inline-sqlite", "inline", "sqlite"),
    Target("b4-sqlite", "b4", "sqlite"),
    Target("ours-sqlite", "ours", "sqlite"),
    Target("ours-sqlite-cache", "ours", "sqlite", environment={"CACHE": CACHE_ENTRIES}, visitors=1000),
    Target("axum-login-sqlite", "axum_login", "sqlite", rows="tower"),
    Target("django-sqlite", "django", "sqlite", rows="django"),
]


class Programs:
    """Builds what the targets need, and knows how each is called."""

    def __init__(self, folder):
        self.folder = folder
        inherited = {name: value for name, value in os.environ.items() if name not in ("CACHE", "STARTPROJECT")}
        # Ours has a database of its own besides, as each app of a house; nobody asks it.
        self.clean = inherited | {"LOCAL": str(folder / "local.db")}

    def build(self, targets):
        for package in sorted({target.package for target in targets} - {"django"}):
            # The settings of a CARGO_TARGET_DIR around us would mix two lock files in one folder.
            command = ["cargo", "build", "--release", "--locked", "--manifest-path", HERE / package / "Cargo.toml",
                       "--target-dir", self.folder / package]
            subprocess.run(command, check=True, env=self.clean)
        if any(target.package == "django" for target in targets):
            self.make_python()

    @property
    def python(self):
        return str(self.folder / "venv" / "bin" / "python")

    def make_python(self):
        venv, wanted = self.folder / "venv", HERE / "django_app" / "requirements.txt"
        if (venv / "requirements.txt").exists() and (venv / "requirements.txt").read_text() == wanted.read_text():
            return
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([venv / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-r", wanted], check=True)
        (venv / "requirements.txt").write_text(wanted.read_text())

    def binary(self, program):
        package = "sqlx" if program in ("axum_login", "actix", "tower_rows") else "house"
        return self.folder / package / "release" / program

    def command(self, program, port):
        if program != "django":
            return [str(self.binary(program))]
        gunicorn = str(self.folder / "venv" / "bin" / "gunicorn")
        return [gunicorn, "-k", "gthread", "-w", "2", "--threads", "4", "-b", f"127.0.0.1:{port}", "--log-level", "error",
                "--keep-alive", "75", "--chdir", str(HERE / "django_app"), "app:application"]

    def migrators(self):
        django = [self.python, str(HERE / "django_app" / "app.py")]
        return {"house": ([str(self.binary("ours"))], self.clean), "django": (django, self.clean),
                "tower": ([str(self.binary("axum_login"))], self.clean)}


class Server:
    """A target that runs."""

    def __init__(self, target, programs, maker, postgres, wrapper=(), wait=60):
        self.target, self.port = target, free_port()
        rows = "tower" if target.rows == "actix" else target.rows
        if target.kind == "postgres":
            url = postgres.url(maker.name(rows))
        else:
            url = f"sqlite://{maker.sqlite(rows)}"
        environment = programs.clean | {"PORT": str(self.port), "DATABASE": url, "SECRET_KEY": SECRET_KEY}
        self.cookies = maker.cookies(target.rows, target.kind)
        self.log = open(maker.folder / f"{target.name}.log", "w")
        command = [*wrapper, *programs.command(target.program, self.port)]
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(command, env=environment | target.environment, stdout=self.log, stderr=self.log)
        self.cookie = self.some_cookies(1)[0][0] if self.cookies.exists() else ""
        if target.visitors:
            few = "".join(f"{cookie}\t{name}\n" for cookie, name in self.some_cookies(target.visitors))
            self.cookies = maker.folder / f"{target.name}.cookies"
            self.cookies.write_text(few)
        self.answered = self.wait(wait)

    def wait(self, seconds):
        """Until it answers rightly; how many seconds that took from the start."""
        while time.perf_counter() - self.begun < seconds:
            assert self.process.poll() is None, f"{self.target.name} has ended; see {self.log.name}"
            try:
                status, _ = self.ask(self.cookie)
            except OSError:
                time.sleep(0.0002)
                continue
            if status == 200 or not self.cookie:
                return time.perf_counter() - self.begun
            raise AssertionError(f"{self.target.name} answers {status} to a good cookie")
        raise AssertionError(f"{self.target.name} does not answer; see {self.log.name}")

    def ask(self, cookie, path="/whoami"):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            self.set_cookie = answer.getheader("Set-Cookie")
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def some_cookies(self, most):
        with open(self.cookies) as lines:
            return [line.rstrip("\n").split("\t") for _, line in zip(range(most), lines)]

    def prove(self):
        """It knows each of some cookies, and nobody without one."""
        if self.target.program == "floor":
            return
        for cookie, name in self.some_cookies(50):
            assert self.ask(cookie) == (200, name), f"{self.target.name} does not know {name}"
        assert self.ask("")[0] == 401, f"{self.target.name} knows a visitor without a cookie"

    def processes(self):
        """It and those that it has begun."""
        found, new = [], [self.process.pid]
        while new:
            found += new
            new = [int(child) for pid in new for task in tasks(pid)
                   for child in read(f"/proc/{pid}/task/{task}/children").split()]
        return found

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def tasks(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return []


def read(path):
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def make_actix_cookies(target, programs, maker, postgres):
    """Its session is its cookie, so it signs in as many users as there are cookies."""
    if maker.cookies(target.rows, target.kind).exists():
        return
    server = Server(target, programs, maker, postgres)
    lines = []
    connection = HTTPConnection("127.0.0.1", server.port)
    for number in range(50_000):
        user = 1 + number % maker.users
        connection.request("GET", f"/login/{user}")
        answer = connection.getresponse()
        answer.read()
        lines.append(f"{answer.getheader('Set-Cookie').split(';')[0]}\tuser{user}\n")
    server.stop()
    maker.cookies(target.rows, target.kind).write_text("".join(lines))
