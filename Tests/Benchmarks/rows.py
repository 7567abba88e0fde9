"""The rows of the table: each measures something, and gives lines of it."""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from parts import BASE, SECRET, FastCGI, ask, say

ONE = BASE + "5/"


@dataclass
class Line:
    what: str
    against: str
    reach: str
    values: list
    format: str = "{:.2f}"
    note: str = ""

    def __str__(self):
        if not self.values:
            return f"| {self.what} | {self.against} | {self.reach} | {self.note} | |"
        show = self.format.format
        low, _, high = statistics.quantiles(self.values, n=4) if len(self.values) > 1 else self.values * 3
        measured = show(statistics.median(self.values)) + (f", {self.note}" if self.note else "")
        return f"| {self.what} | {self.against} | {self.reach} | {measured} | {show(low)} – {show(high)} |"


def ratios(left, right, key="rate"):
    """Round by round, for the two rounds of a pair ran one right after the other."""
    return [a[key] / b[key] for a, b in zip(left, right)]


def report(results):
    """The figures behind the ratios, for whoever watches."""
    for name, rounds in results.items():
        parts = []
        for key in rounds[0]:
            median = statistics.median(r[key] for r in rounds)
            if key == "rate":
                parts.append(f"{median:,.0f} a second")
            elif key.startswith("CPU"):
                parts.append(f"{key} {median * 1e6:.1f} µs")
            elif key == "bad":
                parts.append(f"{sum(r[key] for r in rounds)} not answered well")
        say(f"    {name.replace('_', ' ')}: {', '.join(parts)}")


def good(results):
    """Says what would make a row worthless."""
    bad = sum(r.get("bad", 0) for rounds in results.values() for r in rounds)
    return f"but {bad} answers were errors" if bad else ""


def single(bench):
    service = bench.campaignd(bench.folders.to_read(1_000))
    with FastCGI(service.socket) as connection:
        answer = connection.get(ONE)
    sides = {"campaignd": service, "C_1_thread": bench.ceiling(answer, 1), "C_2_threads": bench.ceiling(answer, 2)}
    fronts = {name: bench.nginx(side) for name, side in sides.items()}
    bodies = {front.get(ONE)[2] for front in fronts.values()}
    assert len(bodies) == 1, "the ceiling does not answer what campaignd does"
    say(f"    a body of {len(bodies.pop())} bytes")
    results = bench.alternate(**{name: bench.wrk(fronts[name], ONE, side) for name, side in sides.items()})
    report(results)
    ours = results["campaignd"]
    lines = []
    for name, threads in ("C_1_thread", "1 thread"), ("C_2_threads", "2 threads"):
        what, against = f"`GET {ONE[7:]}`, 32 clients", f"the C ceiling, {threads}"
        lines += [
            Line(f"{what}: requests a second", against, "0.95", ratios(ours, results[name]), note=good(results)),
            Line(f"{what}: CPU of the responder", against, "1.1", ratios(ours, results[name], "CPU of responder")),
            Line(f"{what}: CPU of nginx", against, "–", ratios(ours, results[name], "CPU of nginx")),
        ]
    return lines


def whole_list(bench):
    lines = []
    for campaigns, reach in (1_000, "0.7"), (100_000, "0.8"):
        service = bench.campaignd(bench.folders.to_read(campaigns))
        nginx, files = bench.nginx(service), bench.nginx()
        body = nginx.get(BASE)[2]
        file = files.file("list.json", body)
        assert files.get(file)[2] == body, "the file is not the list"
        results = bench.alternate(campaignd=bench.wrk(nginx, BASE, service), file=bench.wrk(files, file))
        report(results)
        size = f"{len(body) / 1000:,.0f} kB"
        lines.append(
            Line(
                f"`GET {BASE[7:]}` with {campaigns:,} campaigns ({size})", "nginx serving a file of the same bytes", reach,
                ratios(results["campaignd"], results["file"]), note=good(results),
            )
        )
    return lines


def size(bench):
    sides = {}
    for campaigns in 100_000, 100:
        service = bench.campaignd(bench.folders.to_read(campaigns))
        sides[f"with_{campaigns}"] = bench.wrk(bench.nginx(service), ONE, service)
    results = bench.alternate(**sides)
    report(results)
    values = ratios(results["with_100000"], results["with_100"])
    return [Line(f"`GET {ONE[7:]}` with 100,000 campaigns", "with 100", "0.95", values, note=good(results))]


def match(bench):
    lines = []
    for path, what in (ONE, "one campaign"), (BASE, "the list of 1,000"):
        service = bench.campaignd(bench.folders.to_read(1_000))
        nginx = bench.nginx(service)
        tag = nginx.get(path)[1]["ETag"]
        condition = f"If-None-Match: {tag}"
        assert nginx.get(path, {"If-None-Match": tag})[0] == 304, "the tag does not match"
        results = bench.alternate(
            status_304=bench.wrk(nginx, path, service, headers=[condition]), status_200=bench.wrk(nginx, path, service)
        )
        report(results)
        values = ratios(results["status_304"], results["status_200"])
        lines.append(Line(f"`If-None-Match` that matches, {what}", "a 200 with the body", "> 1", values, note=good(results)))
    return lines


def compressed(bench):
    gzip = {"Accept-Encoding": "gzip"}
    header = ["Accept-Encoding: gzip"]
    lines = []
    for path, what, reach in (BASE, "the list of 1,000", "1.3"), (ONE, "one campaign", "0.95"):
        service = bench.campaignd(bench.folders.to_read(1_000))
        nginx = bench.nginx(service)
        # What is short comes as it is.
        assert path == ONE or nginx.get(path, gzip)[1].get("Content-Encoding") == "gzip", f"{what} does not come compressed"
        results = bench.alternate(
            gzip=bench.wrk(nginx, path, service, clients=16, headers=header), identity=bench.wrk(nginx, path, service, clients=16)
        )
        report(results)
        values = ratios(results["gzip"], results["identity"])
        lines.append(Line(f"{what} as gzip, 16 clients", "as it is", reach, values, note=good(results)))
    service = bench.campaignd(bench.folders.to_read(20_000))
    nginx, files = bench.nginx(service), bench.nginx()
    # After some uses it is made with more effort, and then it stays as it is.
    for _ in range(20):
        nginx.get(BASE, gzip)
    time.sleep(3)
    body = nginx.get(BASE, gzip)[2]
    files.file("list.json", nginx.get(BASE)[2])
    file = files.file("list.json.gz", body).removesuffix(".gz")
    assert files.get(file, gzip)[2] == body, "the file is not the list"
    results = bench.alternate(
        campaignd=bench.wrk(nginx, BASE, service, clients=16, headers=header), file=bench.wrk(files, file, clients=16, headers=header)
    )
    report(results)
    values = ratios(results["campaignd"], results["file"])
    lines.append(
        Line(f"the list of 20,000 as gzip ({len(body) / 1000:,.0f} kB), 16 clients", "nginx's gzip_static", "0.9", values, note=good(results))
    )
    return lines


def create(bench):
    bench.folders.warn_of_removals()
    folder = bench.folders.to_write(100)
    service = bench.campaignd(folder)
    nginx = bench.nginx(service)
    one, many = bench.creator(nginx, 1), bench.creator(nginx, 32)
    # What is made by the service is what the baseline writes.
    newest = max((folder / "campaigns").glob("*.json"), key=lambda file: int(file.stem))
    # Next to the campaigns, so that both are in the same part of the disk.
    disk = bench.disk(folder / "baseline", newest.read_bytes())
    results = bench.alternate(one_client=one, disk=disk, clients_32=many)
    report(results)
    against = "temporary file, fsync, rename, fsync of the folder, in C"
    return [
        Line("create, one client", against, "0.9", ratios(results["one_client"], results["disk"])),
        Line("create, 32 clients", "the same, one after another", "4", ratios(results["clients_32"], results["disk"])),
    ]


def create_size(bench):
    bench.folders.warn_of_removals()
    lines = []
    fronts = {f"with_{n}": bench.nginx(bench.campaignd(bench.folders.to_write(n))) for n in (100_000, 100)}
    for clients in 1, 32:
        results = bench.alternate(**{name: bench.creator(nginx, clients) for name, nginx in fronts.items()})
        report(results)
        what = f"create with 100,000 campaigns, {clients} {'client' if clients == 1 else 'clients'}"
        lines.append(Line(what, "with 100", "0.9", ratios(results["with_100000"], results["with_100"])))
    return lines


def while_creating(bench, path, what, reach, script=None):
    """Reads among 100,000 campaigns while others are created, against the same while nothing changes."""
    service = bench.campaignd(bench.folders.to_write(100_000))
    nginx = bench.nginx(service)
    program = bench.compile("create.c")
    quiet = bench.wrk(nginx, path, service, seconds=max(3, bench.seconds), script=script)

    def busy():
        with bench.creating(program, nginx, rate=10):
            return quiet()

    results = bench.alternate(while_creating=busy, quiet=quiet)
    report(results)
    values = ratios(results["while_creating"], results["quiet"])
    return [Line(what, "while nothing changes", reach, values, note=good(results))]


def busy(bench):
    return while_creating(bench, BASE, "the list of 100,000 while 10 campaigns a second are created", "0.8")


def busy_reads(bench):
    """Single campaigns, each of a thousand in its turn."""
    what = "single campaigns of 100,000 while 10 a second are created"
    return while_creating(bench, BASE, what, "0.95", WALK)


# What wrk asks for, in Lua.
WALK = """
local id = 0
request = function()
    id = id % 1000 + 1
    return wrk.format("GET", "/api/v2/campaigns/" .. id .. "/")
end
"""


def answered(bench, folder):
    """Seconds from the start to the first answer, and to the first list."""
    bench.wait_for_quiet()
    begin = time.monotonic()
    with bench.start(folder) as service:
        while True:
            try:
                connection = FastCGI(service.socket)
                break
            except OSError:
                if service.process.poll() is not None:
                    raise SystemExit("measure: campaignd did not start; its last words are above") from None
                time.sleep(0.0002)
        with connection:
            assert connection.get(ONE).startswith(b"Status: 200"), "no campaign 5"
            one = time.monotonic() - begin
            assert connection.get(BASE).startswith(b"Status: 200"), "no list"
            return one, time.monotonic() - begin


def start(bench):
    lines = []
    for campaigns, reach in (1_000, "20 ms"), (100_000, "500 ms"):
        folder = bench.folders.to_read(campaigns)
        # The first one reads the disk, and leaves for the others whatever the service keeps for its next start.
        answered(bench, folder)
        times = [answered(bench, folder) for _ in range(max(9, bench.rounds))]
        milliseconds = [[value * 1000 for value in column] for column in zip(*times)]
        what = f"start to the first answer, {campaigns:,} campaigns"
        lines.append(Line(what, "–", reach, milliseconds[0], "{:.1f} ms"))
        lines.append(Line(f"{what}, to the first list", "–", "–", milliseconds[1], "{:.1f} ms"))
        cache = folder / "campaigns/.cache"
        if cache.exists():
            times = []
            for _ in range(3):
                cache.unlink()
                times.append(answered(bench, folder)[0] * 1000)
            lines.append(Line(f"{what}, without a cache of what was read the last time", "–", "–", times, "{:.0f} ms"))
    return lines


def resident(pid):
    """MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


def memory(bench):
    lines = []
    for campaigns, reach in (1_000, "15 MB"), (100_000, "150 MB"):
        folder = bench.folders.to_read(campaigns)
        answered(bench, folder)
        after_start, after_reading = [], []
        for _ in range(3):
            with bench.start(folder).ready() as service, FastCGI(service.socket) as connection:
                # What is done once after a start is to be done with.
                time.sleep(1)
                after_start.append(resident(service.pid))
                for number in range(1, campaigns + 1):
                    connection.get(f"{BASE}{number}/")
                connection.get(BASE)
                after_reading.append(resident(service.pid))
        what = f"resident memory, {campaigns:,} campaigns"
        lines.append(Line(what, "–", reach, after_start, "{:.1f} MB"))
        lines.append(Line(f"{what}, each of them and the list read", "–", reach, after_reading, "{:.1f} MB"))
    return lines


def cgi(bench):
    what, against, reach = f"plain CGI: `GET {ONE[7:]}` with 1,000 campaigns", "a C program that prints the same bytes", "0.8"
    environment = {
        "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": "GET", "REQUEST_URI": ONE,
        "SCRIPT_NAME": "/api/v2", "PATH_INFO": ONE[7:], "QUERY_STRING": "", "PATH": os.environ["PATH"],
        "CAMPAIGNS_DATA": str(bench.folders.to_read(1_000)), "TM_SECRET": SECRET,
    }
    try:
        answer = subprocess.run(
            [bench.binary], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, timeout=10,
        ).stdout
    except subprocess.TimeoutExpired:
        answer = b""
    if not answer.startswith(b"Status: 200"):
        return [Line(what, against, reach, [], note="not there yet: campaignd gives no CGI answer")]
    literal = bench.path("answer.h")
    literal.write_text('"' + "".join(f"\\{byte:03o}" for byte in answer) + '"\n')
    baseline = bench.compile("cgi.c", f'-DANSWER="{literal}"')
    spawn = bench.compile("spawn.c")

    def side(program):
        def round():
            rate, cpu, length = ask([spawn, program, bench.seconds], env=environment).split()
            assert int(length) == len(answer), "the two do not print the same"
            return {"rate": float(rate), "CPU of the program": float(cpu)}

        round()
        return round

    results = bench.alternate(campaignd=side(bench.binary), C=side(baseline))
    report(results)
    return [
        Line(f"{what}: requests a second", against, reach, ratios(results["campaignd"], results["C"])),
        Line(f"{what}: CPU", against, "–", ratios(results["campaignd"], results["C"], "CPU of the program")),
    ]


def many(bench):
    service = bench.campaignd(bench.folders.to_read(1_000))
    with FastCGI(service.socket) as connection:
        ceiling = bench.ceiling(connection.get(ONE), 1)
    seconds = max(3, bench.seconds)
    sides = {}
    for name, responder in ("campaignd", service), ("C", ceiling):
        nginx = bench.nginx(responder, keepalive=64)
        for clients in 1000, 32:
            sides[f"{name}_{clients}"] = bench.wrk(nginx, ONE, responder, clients=clients, seconds=seconds)
    results = bench.alternate(**sides)
    report(results)
    lines = []
    what = "1,000 client connections, 64 kept FastCGI connections, default threads"
    for name, label, reach in ("campaignd", what, "0.9, and no 502 or 504"), ("C", "the same, the C ceiling", "–"):
        bad = sum(r["bad"] for r in results[f"{name}_1000"])
        values = ratios(results[f"{name}_1000"], results[f"{name}_32"])
        lines.append(Line(label, "32 clients", reach, values, note=f"{bad} errors"))
    return lines


ROWS = {
    "single": single, "list": whole_list, "size": size, "match": match, "compressed": compressed, "create": create, "create-size": create_size,
    "busy": busy, "busy-reads": busy_reads, "start": start, "memory": memory, "cgi": cgi, "many": many,
}
