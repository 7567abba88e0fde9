"""What a measurement is put together from: data folders, responders, nginx, and the clients that load them."""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BASE = "/api/v2/campaigns/"
SECRET = "a secret for measuring"
MANAGER = 1


def say(text):
    print(text, file=sys.stderr, flush=True)


def ask(arguments, **options):
    """What a program prints."""
    return subprocess.run([str(a) for a in arguments], check=True, stdout=subprocess.PIPE, **options).stdout


# --- Data folders ---


def record(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def fill(folder, campaigns):
    """Makes a data folder: 45 bytes an entry of the list, 300 bytes an answer that shows one campaign."""
    for kind in ("campaigns", "organisations", "users"):
        (folder / kind).mkdir(parents=True)
    record(folder / "users/1.json", {"id": MANAGER, "username": "manager", "role": "MAPPER"})
    record(
        folder / "organisations/1.json",
        {"organisationId": 1, "name": "Open Shelter", "slug": "open-shelter", "logo": None, "url": None, "managers": [MANAGER]},
    )
    for number in range(1, campaigns + 1):
        record(
            folder / f"campaigns/{number}.json",
            {
                "id": number,
                "name": f"Villages Ahead {number:07}",
                "logo": "/logos/villages.svg",
                "url": None,
                "description": "Wells, paths and houses of villages that no road reaches, for all who plan a clinic.",
                "organisations": [1],
                "projects": [number % 100 + 1],
            },
        )


class Folders:
    """The data folders, made once and kept. Nothing is removed while anything is measured, for ext4 creates files
    slowly for some minutes after many were removed."""

    def __init__(self, place):
        self.place = Path(place).resolve()
        self.place.mkdir(parents=True, exist_ok=True)
        self.scratch = Path(tempfile.mkdtemp(prefix="run.", dir=self.place))
        self.removal = self.place / "last-removal"
        self.counter = 0

    def to_read(self, campaigns):
        return self._kept(f"read-{campaigns}", campaigns)

    def to_write(self, campaigns):
        """A folder that may grow; one that has grown by a quarter is made anew."""
        self.counter += 1
        if campaigns < 10_000:
            folder = self.scratch / str(self.counter)
            fill(folder, campaigns)
            return folder
        kept = self.place / f"write-{campaigns}"
        if kept.exists() and len(os.listdir(kept / "campaigns")) > campaigns * 1.25:
            kept.rename(self.scratch / f"outgrown-{self.counter}")
        return self._kept(kept.name, campaigns)

    def _kept(self, name, campaigns):
        folder = self.place / name
        if not folder.exists():
            say(f"    making a data folder with {campaigns:,} campaigns: {folder}")
            fill(self.scratch / name, campaigns)
            (self.scratch / name).rename(folder)
            os.sync()
        return folder

    def warn_of_removals(self):
        age = time.time() - self.removal.stat().st_mtime if self.removal.exists() else 1e9
        if age < 360:
            say(f"    Many files were removed {age:.0f} s ago, so the disk may be slow; after six minutes it is not.")

    def remove_scratch(self):
        shutil.rmtree(self.scratch)
        if self.counter:
            self.removal.touch()


# --- Processes ---


def cpu_seconds(pid):
    """The CPU time of all threads of a process: clock_getcpuclockid(3), which counts nanoseconds."""
    return time.clock_gettime((~pid << 3) | 2)


def others_work():
    """Whether more than a tenth of the processors' time is used now."""

    def times():
        with open("/proc/stat") as file:
            numbers = [int(word) for word in file.readline().split()[1:9]]
        # What is idle, and all.
        return numbers[3] + numbers[4], sum(numbers)

    idle, every = times()
    time.sleep(0.3)
    idle, every = (after - before for after, before in zip(times(), (idle, every)))
    return idle < every * 0.9


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"measure: {what} does not come up")
        time.sleep(0.02)


class Process:
    """A process of this run, ended with it."""

    def __init__(self, arguments, **options):
        self.process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, **options)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Responder(Process):
    """A process that answers on a unix socket, with a folder for it."""

    def __init__(self, arguments, folder, **options):
        self.folder = folder
        self.socket = folder / "campaignd.sock"
        super().__init__(arguments, **options)

    def ready(self):
        wait_until(lambda: answers(self.socket), self.socket)
        return self


def answers(path):
    try:
        with FastCGI(path) as connection:
            return bool(connection.get(BASE + "5/"))
    except OSError:
        return False


class FastCGI:
    """A kept FastCGI connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def get(self, uri):
        """The whole answer, as the responder gives it to the web server."""
        names = {"REQUEST_METHOD": "GET", "REQUEST_URI": uri}
        parameters = b"".join(struct.pack(">BB", len(n), len(v)) + (n + v).encode() for n, v in names.items())
        begin = struct.pack(">HB5x", 1, 1)
        self.socket.sendall(
            b"".join(
                struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content
                for kind, content in ((1, begin), (4, parameters), (4, b""), (5, b""))
            )
        )
        answer = []
        while True:
            header = self.stream.read(8)
            if len(header) < 8:
                raise ConnectionError("the responder closed the connection")
            _, kind, _, length, padding = struct.unpack(">BBHHBx", header)
            content = self.stream.read(length + padding)[:length]
            if kind == 6:
                answer.append(content)
            if kind == 3:
                return b"".join(answer)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


CONFIGURATION = """
worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr error;
events { worker_connections 16384; }
http {
    client_body_temp_path body;
    fastcgi_temp_path fastcgi;
    proxy_temp_path proxy;
    scgi_temp_path scgi;
    uwsgi_temp_path uwsgi;
    access_log off;
    server_tokens off;
    sendfile on;
    tcp_nopush on;
    # No client is to begin anew while it is measured.
    keepalive_requests 100000000;
    include campaigns-http.conf;
    server {
        include campaigns.conf;
        listen 127.0.0.1:PORT;
        location /files/ {
            root .;
            default_type application/json;
            gzip_static on;
        }
    }
}
"""


class Nginx(Process):
    """The repository's own configuration, without TLS and log, with one worker, before one responder."""

    def __init__(self, folder, upstream, keepalive=64):
        folder.mkdir()
        (folder / "files").mkdir()
        self.folder = folder
        self.port = free_port()
        http = (ROOT / "nginx/campaigns-http.conf").read_text()
        http = http.replace("/run/campaignd/", f"{upstream}/").replace("/var/cache/campaignd", f"{upstream}/large")
        http = re.sub(r"keepalive \d+;", f"keepalive {keepalive};", http)
        (folder / "campaigns-http.conf").write_text(http)
        for name in ("campaigns.conf", "campaigns-origins.conf"):
            shutil.copy(ROOT / "nginx" / name, folder)
        (folder / "nginx.conf").write_text(CONFIGURATION.replace("PORT", str(self.port)))
        user = "user root;" if os.geteuid() == 0 else ""
        super().__init__(["nginx", "-p", f"{folder}/", "-c", folder / "nginx.conf", "-e", "stderr", "-g", user])
        wait_until(self._listens, "nginx")
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        wait_until(lambda: len(children.read_text().split()) == 1, "nginx's worker")
        self.worker = int(children.read_text())

    def _listens(self):
        if self.process.poll() is not None:
            sys.exit("measure: nginx did not start; its last words are above")
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def get(self, path, headers=None):
        """Status, headers and body of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), body

    def file(self, name, content):
        """The path of a file that nginx serves by itself."""
        (self.folder / "files" / name).write_bytes(content)
        return f"/files/{name}"

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGQUIT)
        super().__exit__()


# --- One run ---


class Bench(contextlib.ExitStack):
    """All that the rows share. What is started for a row is ended after it."""

    def __init__(self, binary, folder, rounds, seconds, patience):
        super().__init__()
        # Seconds.
        self.patience = patience
        self.is_waiting = False
        # Rounds that began although others were at work.
        self.disturbed = 0
        self.binary = Path(binary).resolve()
        self.rounds = rounds
        self.seconds = seconds
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        self.environment = {**os.environ, "TM_SECRET": SECRET, "LOG_LEVEL": "warning"}
        self.token = ask([self.binary, "token", MANAGER], env=self.environment).decode().strip()
        self.takes_large_answers = b"--large-answers" in ask([self.binary, "serve", "--help"])
        self.counter = 0
        # From here on there is something to remove.
        self.folders = Folders(folder)
        # A unix socket's path may have 107 bytes.
        self.run = Path(tempfile.mkdtemp(prefix="campaignd-bench.", dir="/tmp"))
        self.names = f"{os.getpid()}-{int(time.time())}"

    def finish(self):
        self.close()
        shutil.rmtree(self.run)
        self.folders.remove_scratch()

    def path(self, name):
        self.counter += 1
        return self.run / f"{self.counter}-{name}"

    def compile(self, source, *flags):
        program = self.path(Path(source).stem)
        flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wno-unused-result", "-pthread", *flags]
        ask(["gcc", HERE / source, "-o", program, *flags])
        return program

    # Responders

    def start(self, folder):
        """campaignd, which may not be ready yet, and which the caller ends."""
        own = self.path("campaignd")
        own.mkdir()
        arguments = [self.binary, "serve", "--data", folder, "--socket", own / "campaignd.sock"]
        # As ./nginx/serve starts it.
        if self.takes_large_answers:
            arguments += ["--large-answers", own / "large"]
        return Responder(arguments, own, env=self.environment)

    def campaignd(self, folder):
        return self.enter_context(self.start(folder)).ready()

    def ceiling(self, answer, threads):
        """The responder in C, which gives one answer to everything."""
        own = self.path("ceiling")
        own.mkdir()
        (own / "answer").write_bytes(answer)
        program = self.compile("ceiling.c", "-lfcgi")
        arguments = [program, own / "campaignd.sock", threads, own / "answer"]
        return self.enter_context(Responder(arguments, own)).ready()

    def nginx(self, responder=None, keepalive=64):
        upstream = responder.folder if responder else "/nonexistent"
        return self.enter_context(Nginx(self.path("nginx"), upstream, keepalive))

    # Clients: each of these gives a function that does one round

    def wrk(self, nginx, path, responder=None, clients=32, seconds=None, headers=(), script=None):
        """Requests a second, and the CPU seconds of one."""
        seconds = seconds or self.seconds
        words = ["wrk", "--threads", "1", "--connections", clients, "--timeout", "20s"]
        words += [word for header in headers for word in ("--header", header)]
        if script:
            file = self.path("walk.lua")
            file.write_text(script)
            words += ["--script", str(file)]
        words += ["--duration", "{}s", f"http://127.0.0.1:{nginx.port}{path}"]
        pids = {"nginx": nginx.worker, **({"responder": responder.pid} if responder else {})}

        def round(seconds=seconds):
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            text = ask([str(word).format(seconds) for word in words]).decode()
            requests = int(re.search(r"(\d+) requests in", text)[1])
            result = {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])}
            for name, pid in pids.items():
                result[f"CPU of {name}"] = (cpu_seconds(pid) - before[name]) / max(1, requests)
            bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
            errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
            result["bad"] = (int(bad[1]) if bad else 0) + (sum(map(int, errors.groups())) if errors else 0)
            return result

        round(1)
        return round

    def creator(self, nginx, clients):
        """Campaigns created a second."""
        program = self.compile("create.c")

        def round(seconds=self.seconds):
            return {"rate": float(ask(self._create(program, nginx, clients, seconds, 0)))}

        round(1)
        return round

    def _create(self, program, nginx, clients, seconds, rate):
        self.counter += 1
        prefix = f"Created {self.names}-{self.counter}-"
        return [program, nginx.port, self.token, prefix, clients, seconds, rate]

    @contextlib.contextmanager
    def creating(self, program, nginx, rate):
        """Campaigns are created, so many a second, while something else is measured."""
        with Process(self._create(program, nginx, 1, 3600, rate)):
            yield

    def disk(self, folder, content):
        """Files made durable a second, one after another, in a folder that is made for it."""
        program, file = self.compile("disk.c"), self.path("content")
        folder.mkdir()
        file.write_bytes(content)

        def round(seconds=self.seconds):
            self.counter += 1
            return {"rate": float(ask([program, folder, f"{self.counter}-", file, seconds]))}

        round(1)
        return round

    # Rounds

    def wait_for_quiet(self):
        """Waits while other processes are at work, as long as there is patience left.

        To be called while nothing of this run's own is at work.
        """
        while others_work() and self.patience > 0:
            if not self.is_waiting:
                say("    waiting for other processes to give the processors back ...")
            self.is_waiting = True
            self.patience -= 1
            time.sleep(1)
        self.is_waiting = False
        self.disturbed += self.patience <= 0 and others_work()

    def alternate(self, **sides):
        """Runs the sides in turns, every other time in reverse, so that what else goes on hits all of them alike.

        Gives for each side the list of its rounds' results.
        """
        results = {name: [] for name in sides}
        for number in range(self.rounds):
            self.wait_for_quiet()
            order = list(sides.items())
            for name, side in order if number % 2 == 0 else reversed(order):
                results[name].append(side())
        return results
