"""The PostgreSQL of the comparison: a cluster of our own, or the one that PEERS_POSTGRES names."""

import os
import pwd
import socket
import subprocess
from pathlib import Path

# Nothing is written but what the book-keeping of a server writes: what costs time at a commit is off, and no vacuum
# runs by itself in the middle of a round.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "300",
    "shared_buffers": "1GB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Postgres:
    def __init__(self, folder):
        self.server = os.environ.get("PEERS_POSTGRES", "").rstrip("/")
        self.cluster = None
        if not self.server:
            self.cluster = Cluster(folder / "postgres")
            self.server = f"postgres://postgres@127.0.0.1:{self.cluster.start()}"
        self.port = int(self.server.rsplit(":", 1)[1])
        data = Path(self.ask("postgres", "SHOW data_directory"))
        self.postmaster = int((data / "postmaster.pid").read_text().split()[0])

    def url(self, database):
        return f"{self.server}/{database}"

    def psql_command(self, database):
        return ["psql", "-q", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url(database)]

    def psql(self, database, *arguments, **options):
        return subprocess.run([*self.psql_command(database), *arguments], check=True, **options)

    def ask(self, database, query):
        return self.psql(database, "-c", query, stdout=subprocess.PIPE, text=True).stdout.strip()

    def has(self, database):
        return self.ask("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{database}'") == "1"

    def make(self, database):
        if self.has(database):
            self.ask("postgres", f"DROP DATABASE {database}")
        self.ask("postgres", f"CREATE DATABASE {database}")

    def copy(self, database, table, rows):
        """Rows are lines as COPY reads them."""
        command = ["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", self.url(database), "-c", f"COPY {table} FROM STDIN"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as psql:
            psql.stdin.writelines(rows)
        assert psql.returncode == 0, f"COPY {table} failed"

    def stop(self):
        if self.cluster:
            self.cluster.stop()


class Cluster:
    """It stays on the disk with its rows, and runs only as long as the script does. PostgreSQL refuses root."""

    def __init__(self, folder):
        self.folder = folder
        self.bin = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda path: int(path.parent.name))
        assert self.bin, "PostgreSQL is not installed below /usr/lib/postgresql; or set PEERS_POSTGRES"
        self.somebody = None
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self.somebody = "postgres" if "postgres" in names else "nobody"

    def run(self, program, *arguments):
        user = ["runuser", "-u", self.somebody, "--"] if self.somebody else []
        command = [*user, str(self.bin / program), "-D", str(self.folder / "data"), *arguments]
        with open(self.folder / "log", "a") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, cwd="/")

    def start(self):
        self.folder.mkdir(exist_ok=True)
        if self.somebody:
            subprocess.run(["chown", self.somebody, str(self.folder)], check=True)
        if not (self.folder / "data" / "PG_VERSION").exists():
            self.run("initdb", "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C")
        port = free_port()
        options = "".join(f" -c {name}={value}" for name, value in SETTINGS.items())
        options += f" -p {port} -c unix_socket_directories={self.folder}"
        self.run("pg_ctl", "-w", "-s", "-l", str(self.folder / "server.log"), "-o", options, "start")
        return port

    def stop(self):
        self.run("pg_ctl", "-s", "-m", "fast", "stop")
