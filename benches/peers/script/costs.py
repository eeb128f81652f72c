"""What a load does not show: the first answer, memory with many visitors, instructions, trips, and the build."""

import re
import resource
import shutil
import subprocess
import time
from statistics import median

from load import HERE, pss_of, wrk, wrk_command
from targets import Server

MINIMAL = {"housekey": ("house", "minimal-house"), "axum-login and sqlx": ("sqlx", "minimal-axum-login")}


def cold(options, start):
    """From exec to the first authenticated answer; the program is in the page cache."""
    times = {target.name: [] for target in options.targets}
    for _ in range(options.rounds * 5):
        for target in options.targets:
            server = start(target)
            times[target.name].append(server.answered * 1000)
            server.stop()
    print("\n| target | first answer, ms | slowest |\n|---|---|---|")
    for name, found in times.items():
        print(f"| {name} | {median(found):.1f} | {max(found):.1f} |")


def memory(options, start):
    """The most while that many keep-alive visitors ask."""
    print("\n| target | clients | PSS MB |\n|---|---|---|")
    for target in options.targets:
        server = start(target)
        idle, most = pss_of(server.processes()), 0
        with subprocess.Popen(wrk_command(server, 1000, options.seconds), stdout=subprocess.DEVNULL) as load:
            while load.poll() is None:
                most = max(most, pss_of(server.processes()))
                time.sleep(0.1)
        server.stop()
        print(f"| {target.name} | 0 | {idle:.1f} |\n| {target.name} | 1000 | {most:.1f} |", flush=True)


def instructions(options, start):
    """Of the server, by callgrind, which runs one thread at a time: two runs, and what is between them."""
    print("\n| target | clients | kilo-instructions a request |\n|---|---|---|")
    for target in options.targets:
        if target.program == "django":
            continue
        for clients in options.connections:
            short, long = (callgrind(target, clients, seconds, start) for seconds in (options.seconds, options.seconds * 4))
            each = (long[0] - short[0]) / (long[1] - short[1]) / 1000
            print(f"| {target.name} | {clients} | {each:.1f} |", flush=True)


def callgrind(target, clients, seconds, start):
    server = start(target, ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"])
    requests = wrk(server, clients, seconds)["requests"]
    server.stop()
    with open(server.log.name) as log:
        return int(re.search(r"Collected : (\d+)", log.read())[1]), requests


def trips(options, start, postgres, folder):
    """Reads of the backends, by strace: it sees connections too that live for one request. It slows the database down."""
    print("\n| target | clients | reads a request |\n|---|---|---|")
    out = folder / "strace"
    for target in options.targets:
        if target.kind != "postgres" or target.program == "floor":
            continue
        for clients in options.connections:
            command = ["strace", "-f", "-qq", "-e", "trace=recvfrom", "-o", out, "-p", str(postgres.postmaster)]
            with subprocess.Popen(command) as strace:
                time.sleep(0.5)
                server = start(target)
                wrk(server, clients, 1)
                before = reads(out)
                requests = wrk(server, clients, options.seconds)["requests"]
                after = reads(out)
                server.stop()
                strace.terminate()
            print(f"| {target.name} | {clients} | {(after - before) / requests:.2f} |", flush=True)


def reads(path):
    with open(path) as lines:
        return sum(1 for line in lines if re.search(r"(recvfrom\(| recvfrom resumed>).* = [1-9]", line))


def build(folder, clean):
    """A clean build of the least app, by itself."""
    print("\n| minimal app with SQLite | crates | debug build, CPU s | release build, CPU s | stripped, MB |\n|---|---|---|---|---|")
    for name, (package, app) in MINIMAL.items():
        manifest = ["--locked", "--manifest-path", HERE / package / "Cargo.toml", "-p", app]
        tree = subprocess.run(["cargo", "tree", *manifest, "-e", "normal,build", "--prefix", "none", "-f", "{p}"],
                              check=True, stdout=subprocess.PIPE, text=True, env=clean).stdout
        # Itself is none of them, and `(*)` marks what was shown before.
        crates = {line.removesuffix(" (*)") for line in tree.splitlines() if line} - {""}
        seconds = []
        for profile in ["dev", "release"]:
            target = folder / "minimal"
            shutil.rmtree(target, ignore_errors=True)
            before = children_cpu()
            command = ["cargo", "build", "-q", "--offline", *manifest, "--profile", profile, "--target-dir", target]
            subprocess.run(command, check=True, env=clean)
            seconds.append(children_cpu() - before)
        binary = folder / "minimal" / "release" / app
        subprocess.run(["strip", binary], check=True)
        size = binary.stat().st_size / 1e6
        shutil.rmtree(folder / "minimal")
        print(f"| {name} | {len(crates) - 1} | {seconds[0]:.0f} | {seconds[1]:.0f} | {size:.1f} |", flush=True)


def children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
