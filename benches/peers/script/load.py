"""Rounds of load, one target after the other, and what is measured meanwhile."""

import os
import re
import subprocess
from statistics import median

from targets import HERE, read

TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """Seconds that a process has used, with those of its children that have ended."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICK if fields else 0.0


def pss_of(pids):
    """Memory in MB, with what is shared divided by those who share it; without the pages of a mapped database file, which
    the system takes back when it needs them."""
    maps = "".join(read(f"/proc/{pid}/smaps") for pid in pids)
    found = re.findall(r"^[0-9a-f]+-[0-9a-f]+ .*?(\S*)\n(?:(?![0-9a-f]+-).*\n)*?Pss:\s+(\d+)", maps, re.M)
    return sum(int(kilobytes) for path, kilobytes in found if not path.endswith(".db")) / 1024


class Backends:
    """The database's side: its processes, and what its sockets have received."""

    def __init__(self, postgres):
        self.postgres = postgres

    def processes(self):
        pid = self.postgres.postmaster
        return [pid, *map(int, read(f"/proc/{pid}/task/{pid}/children").split())]

    def cpu(self):
        return sum(map(cpu_of, self.processes()))

    def received(self):
        """Segments with data, by connection: a question that waits for its answer is one of them."""
        command = ["ss", "-tinH", "state", "established", f"( sport = :{self.postgres.port} )"]
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        found = {}
        for address, facts in zip(lines[::2], lines[1::2]):
            segments = re.search(r"data_segs_in:(\d+)", facts)
            found[address.split()[3]] = int(segments[1]) if segments else 0
        return found


def trips(before, after):
    return sum(count - before.get(connection, 0) for connection, count in after.items())


def wrk_command(server, clients, seconds, cookies=None):
    return ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "10s", "-s", HERE / "cookies.lua",
            f"http://127.0.0.1:{server.port}", cookies or server.cookies]


def wrk(server, clients, seconds):
    answer = subprocess.run(wrk_command(server, clients, seconds), check=True, stdout=subprocess.PIPE, text=True).stdout
    figures = re.search(r"^figures (.*)$", answer, re.M)
    assert figures, answer
    requests, microseconds, refused, broken, p50, p99 = map(int, figures[1].split())
    name = server.target.name
    assert refused == 0, f"{name}: {refused} of {requests} answers were no 200"
    assert broken == 0, f"{name}: {broken} connections broke, or waited too long"
    return {"requests": requests, "rate": requests * 1e6 / microseconds, "p50": p50 / 1000, "p99": p99 / 1000}


def measure(server, clients, seconds, backends):
    processes = server.processes()
    before = sum(map(cpu_of, processes)), backends and (backends.cpu(), backends.received())
    figures = wrk(server, clients, seconds)
    requests = max(figures["requests"], 1)
    figures["server"] = (sum(map(cpu_of, processes)) - before[0]) * 1e6 / requests
    figures["database"] = figures["trips"] = None
    if backends and server.target.kind == "postgres":
        figures["database"] = (backends.cpu() - before[1][0]) * 1e6 / requests
        # A connection that is gone takes its count along.
        if "STARTPROJECT" not in server.target.environment:
            figures["trips"] = trips(before[1][1], backends.received()) / requests
    figures["pss"] = pss_of(server.processes())
    return figures


def rounds(servers, options, backends):
    """`{clients: {target: [figures, ...]}}`; who begins changes from round to round."""
    results = {clients: {server.target.name: [] for server in servers} for clients in options.connections}
    for server in servers:
        wrk(server, 8, 1)
    for number in range(options.rounds):
        for clients in options.connections:
            for turn in range(len(servers)):
                server = servers[(turn + number) % len(servers)]
                figures = measure(server, clients, options.seconds, backends)
                results[clients][server.target.name].append(figures)
                print(f"round {number + 1}, {clients} clients, {server.target.name}: {figures['rate']:.0f}/s", flush=True)
    return results


def middle(rounds, name):
    values = [figures[name] for figures in rounds if figures[name] is not None]
    return median(values) if values else None


def ratio(rounds, base):
    """The median of the ratios within a round: what the machine does besides falls on both."""
    pairs = [(ours["rate"], theirs["rate"]) for ours, theirs in zip(rounds, base)]
    return median(ours / theirs for ours, theirs in pairs) if pairs else None


def shown(value, form):
    return "-" if value is None else format(value, form)


def table(results, targets):
    lines = []
    for clients, by_target in results.items():
        lines += [f"\n**{clients} client{'s'[:clients > 1]}**\n",
                  "| target | req/s | ratio | p50 / p99 ms | CPU µs, server + database | trips | PSS MB |",
                  "|---|---|---|---|---|---|---|"]
        for target in targets:
            rounds = by_target[target.name]
            base = by_target.get(target.base, [])
            value = {name: middle(rounds, name) for name in rounds[0]}
            lines.append(
                f"| {target.name} | {value['rate']:,.0f} | {shown(ratio(rounds, base), '.2f')} "
                f"| {value['p50']:.2f} / {value['p99']:.2f} "
                f"| {value['server']:.0f} + {shown(value['database'], '.0f')} "
                f"| {shown(value['trips'], '.2f')} | {value['pss']:.1f} |")
    return "\n".join(lines)
