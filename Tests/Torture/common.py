"""What the parts share: a FastCGI client, processes of campaignd, a data folder, and the book of findings."""

import base64
import hashlib
import hmac
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import weakref

SECRET = "torture-secret"
ADMIN = 1
# How many times longer than usual everything may take: the short version runs beside other tests on busy machines.
PATIENCE = 1


def within(seconds):
    return seconds * PATIENCE


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_token(user, at=None, secret=SECRET):
    """What `URLSafeTimedSerializer(secret).dumps(user)` makes, in Base64 once more."""
    at = int(time.time() if at is None else at)
    signed = f"{b64url(str(user).encode())}.{b64url(at.to_bytes((at.bit_length() + 7) // 8 or 1, 'big'))}"
    key = hashlib.sha1(b"itsdangerous" + b"signer" + secret.encode()).digest()
    signature = hmac.new(key, signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(f"{signed}.{b64url(signature)}".encode()).decode()


class Broken(Exception):
    """The connection ended, or what came is no FastCGI answer."""


class Hang(Exception):
    """No answer in time."""


class Answer:
    def __init__(self, raw):
        head, gap, self.body = raw.partition(b"\r\n\r\n")
        if not gap:
            raise Broken(f"no header in {raw[:80]!r}")
        self.headers = {}
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            self.headers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
        self.status = int(self.headers.get("status", "200").split()[0])

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def is_polite_refusal(self):
        """503 with Retry-After."""
        return self.status == 503 and self.headers.get("retry-after", "").isdigit()

    def __repr__(self):
        return f"{self.status} {self.body[:160].decode('utf-8', 'replace')}"


# --- FastCGI (the specification's names) ---

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, GET_VALUES_RESULT, UNKNOWN = range(1, 12)


def record(kind, request, content=b"", padding=0, version=1, length=None):
    length = len(content) if length is None else length
    return struct.pack(">BBHHBB", version, kind, request & 0xFFFF, length & 0xFFFF, padding & 0xFF, 0) + content + b"\0" * padding


def pair(name, value):
    def size(count):
        return bytes([count]) if count < 128 else struct.pack(">I", count | 0x80000000)

    name = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    value = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return size(len(name)) + size(len(value)) + name + value


def stream(kind, request, data, piece=65528):
    parts = [record(kind, request, data[start : start + piece]) for start in range(0, len(data), piece)]
    return b"".join(parts) + record(kind, request)


def variables(method, target, body=None, headers=()):
    found = {"REQUEST_METHOD": method, "REQUEST_URI": target}
    if body is not None:
        found["CONTENT_LENGTH"] = str(len(body))
    for name, value in dict(headers).items():
        found["HTTP_" + name.upper().replace("-", "_")] = value
    return found


def request_bytes(method, target, body=None, headers=(), request=1, keep=True):
    params = b"".join(pair(name, value) for name, value in variables(method, target, body, headers).items())
    return (
        record(BEGIN, request, struct.pack(">HB5x", 1, 1 if keep else 0))
        + stream(PARAMS, request, params)
        + stream(STDIN, request, body or b"")
    )


class Client:
    """One kept FastCGI connection, as nginx has it."""

    def __init__(self, path, user=ADMIN, timeout=20.0):
        self.path, self.timeout = path, within(timeout)
        self.authorization = f"Token {make_token(user)}" if user is not None else None
        self.socket = None

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(self.timeout)
        self.socket.connect(self.path)
        self.buffer = b""

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _take(self, count):
        while len(self.buffer) < count:
            try:
                more = self.socket.recv(65536)
            except socket.timeout:
                raise Hang(f"no answer within {self.timeout} s") from None
            except OSError as error:
                raise Broken(str(error)) from None
            if not more:
                raise Broken("the connection ended")
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def receive(self, request=1):
        out = []
        while True:
            version, kind, number, length, padding, _ = struct.unpack(">BBHHBB", self._take(8))
            content = self._take(length + padding)[:length]
            if version != 1 or number != request:
                raise Broken(f"a record of version {version} for request {number}")
            if kind == STDOUT:
                out.append(content)
            elif kind == END:
                return Answer(b"".join(out))

    def send(self, data):
        try:
            self.socket.sendall(data)
        except socket.timeout:
            raise Hang("nothing is read any more") from None
        except OSError as error:
            raise Broken(str(error)) from None

    def ask(self, method, target, body=None, headers=None):
        """Sends a request and waits for the answer; connects again when the last answer ended the connection.

        Throws Broken, Hang, and OSError when nobody listens.
        """
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        fields = {} if self.authorization is None else {"Authorization": self.authorization}
        fields.update(headers or {})
        if self.socket is None:
            self.connect()
        try:
            self.send(request_bytes(method, "/api/v2" + target, body, fields))
            return self.receive()
        except (Broken, Hang):
            self.close()
            raise

    def campaign(self, number):
        answer = self.ask("GET", f"/campaigns/{number}/")
        return answer.json if answer.status == 200 else None

    def names(self):
        """Every campaign's name by id."""
        answer = self.ask("GET", "/campaigns/")
        if answer.status != 200:
            raise Broken(f"the list: {answer!r}")
        return {item["id"]: item["name"] for item in answer.json["campaigns"]}


# --- Processes ---


class Daemon:
    """A process of `campaignd serve`."""

    def __init__(self, site, name, arguments=(), environment=None, prefix=(), wait=True, limit=None):
        self.site, self.name = site, name
        self.socket = site.socket(name)
        self.log = open(os.path.join(site.path, f"{name}.log"), "ab")
        self.log_start = self.log.tell()
        self.clients = weakref.WeakSet()
        variables = {"PATH": os.environ["PATH"], "TM_SECRET": SECRET, **(environment or {})}
        self.process = subprocess.Popen(
            [*prefix, site.torture.binary, "serve", "--data", site.data, "--socket", self.socket, *arguments],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=variables, preexec_fn=limit)
        site.torture.started(self.process)
        if wait:
            self.wait_until_ready()

    @property
    def pid(self):
        return self.process.pid

    def wait_until_ready(self, timeout=20):
        deadline = time.monotonic() + within(timeout)
        while True:
            probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                probe.connect(self.socket)
                return
            except OSError:
                if self.process.poll() is not None:
                    raise Broken(f"campaignd ended with {self.process.returncode}: {self.words()[-400:]}") from None
                if time.monotonic() > deadline:
                    raise Hang("campaignd does not listen") from None
                time.sleep(0.002)
            finally:
                probe.close()

    def words(self):
        with open(self.log.name, "rb") as log:
            log.seek(self.log_start)
            return log.read().decode("utf-8", "replace")

    def client(self, user=ADMIN, timeout=20.0):
        client = Client(self.socket, user, timeout)
        self.clients.add(client)
        return client

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def end(self, timeout=15):
        """As a supervisor does; a web server that is told so closes its idle connections.

        Returns the exit status, None when it had to be killed.
        """
        for client in list(self.clients):
            client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within(timeout))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            self.log.close()

    @property
    def is_alive(self):
        return self.process.poll() is None

    # What it has of the system.

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))


class Site:
    """A data folder with organisations 1 to 3, projects, and users: 1 is an admin."""

    def __init__(self, torture, name, projects=8, users=8, at=None):
        self.torture = torture
        self.path = os.path.join(at or torture.scratch, name)
        self.data = os.path.join(self.path, "data")
        for kind in ("organisations", "projects", "users"):
            os.makedirs(os.path.join(self.data, kind), exist_ok=True)
        for number in range(1, users + 1):
            role = "ADMIN" if number == ADMIN else "MAPPER"
            self.put("users", number, {"id": number, "username": f"user {number}", "role": role})
        for number in range(1, 4):
            self.put("organisations", number, {"organisationId": number, "name": f"O{number}", "slug": f"o{number}", "managers": [2]})
        for number in range(1, projects + 1):
            self.put("projects", number, {
                "projectId": number, "name": f"P{number}", "author": 1, "organisation": 1, "contributors": list(range(2, users + 1))})

    def put(self, kind, number, value):
        with open(os.path.join(self.data, kind, f"{number}.json"), "w") as file:
            json.dump(value, file, indent=2)
            file.write("\n")

    def socket(self, name):
        return os.path.join(self.path, f"{name}.sock")

    def start(self, name="s", **options):
        return Daemon(self, name, **options)

    def check(self):
        """What `campaignd check` has to say; empty when all is in order."""
        found = subprocess.run([self.torture.binary, "check", self.data], capture_output=True, text=True, timeout=within(60))
        return "" if found.returncode == 0 else (found.stdout + found.stderr).strip() or f"exit {found.returncode}"

    def leftovers(self):
        return [
            os.path.relpath(os.path.join(folder, name), self.data)
            for folder, _, names in os.walk(self.data) for name in names if name.endswith(".tmp")]

    def lasting_leftovers(self):
        """Temporary files that stay; those of a delivery that is going on do not."""
        found = set(self.leftovers())
        if found:
            time.sleep(1.2)
            found &= set(self.leftovers())
        return sorted(found)

    def file(self, number, kind="campaigns"):
        """The bytes of a record's file; None when there is none."""
        try:
            with open(os.path.join(self.data, kind, f"{number}.json"), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def snapshot(self):
        """Every record of the service's with its bytes."""
        found = {}
        for kind in ("campaigns", "messages", "messages/readers", "messages/recipients"):
            folder = os.path.join(self.data, kind)
            if os.path.isdir(folder):
                for name in os.listdir(folder):
                    if name.endswith(".json"):
                        with open(os.path.join(folder, name), "rb") as file:
                            found[f"{kind}/{name}"] = file.read()
        return found

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


# --- The book ---


class Torture:
    """What a run is given, and what it has found."""

    def __init__(self, root, binary, seconds, seed, scratch, quick):
        self.root, self.binary, self.seconds, self.seed, self.scratch, self.quick = root, binary, seconds, seed, scratch, quick
        self.findings = []
        self.children = []
        self.lock = threading.Lock()

    def begin(self, part, seconds):
        self.part = part
        self.random = random.Random(f"{self.seed} {part}")
        self.deadline = time.monotonic() + seconds
        self.counts = {}
        self.first_finding = len(self.findings)

    @property
    def has_time(self):
        return time.monotonic() < self.deadline

    @property
    def remaining(self):
        return self.deadline - time.monotonic()

    def count(self, what, number=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + number

    def say(self, text):
        print(f"  {text}", flush=True)

    def find(self, text):
        """Writes a finding down; the same words count once and are counted."""
        with self.lock:
            for finding in self.findings[self.first_finding:]:
                if finding["text"] == text:
                    finding["times"] += 1
                    return
            self.findings.append({"part": self.part, "text": text, "times": 1})
        print(f"  FINDING {text}", flush=True)

    def started(self, process):
        with self.lock:
            self.children = [child for child in self.children if child.poll() is None] + [process]

    def clean_up(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()


# --- The history ---


def entries_of(texts):
    """The entries of a history; `texts` has the files' bytes by name, of which others are left out."""
    lines = []
    for name in sorted(texts):
        if re.fullmatch(r"(.*/)?changes/\d{4}-\d\d\.jsonl", name) and texts[name]:
            if not texts[name].endswith(b"\n"):
                raise ValueError(f"{name} ends with half a line")
            lines += texts[name].splitlines()
    return [json.loads(line) for line in lines]


def history(data):
    """The entries of a data folder, in their order."""
    folder = os.path.join(data, "changes")
    texts = {}
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        with open(os.path.join(folder, name), "rb") as file:
            texts[f"changes/{name}"] = file.read()
    return entries_of(texts)


def retold(entries):
    """What the entries make of the campaigns, by id, and what is wrong with them: each has to begin where the one before ended."""
    campaigns, faults = {}, []
    for place, entry in enumerate(entries, 1):
        if entry["changeId"] != place:
            faults.append("the numbers of the entries do not rise one by one")
        number, action = entry["campaignId"], entry["action"]
        if (action == "created") == (number in campaigns):
            faults.append(f"{action}, of a campaign that {'is there' if number in campaigns else 'is not there'} by then")
            continue
        if action == "created":
            campaigns[number] = {"logo": None, "url": None, "description": None, "organisations": [], "projects": []}
            campaigns[number].update((key, field["to"]) for key, field in entry["fields"].items())
            continue
        campaign = campaigns[number]
        if action == "updated":
            for key, field in entry["fields"].items():
                if campaign[key] != field["from"] or field["from"] == field["to"]:
                    faults.append(f"an entry does not begin where the one before ended: {key}")
                campaign[key] = field["to"]
        elif action == "deleted":
            del campaigns[number]
        elif action != "message-sent":
            (kind, field), = entry["fields"].items()
            linked, number = campaign[f"{kind}s"], field["to"] or field["from"]
            if action.endswith("unlinked") != (number in linked):
                faults.append(f"{action}, of what was so already")
            elif action.endswith("unlinked"):
                linked.remove(number)
            else:
                linked.append(number)
        if entry["campaignName"] != campaign["name"]:
            faults.append(f"{action} with another name")
    return campaigns, faults


def on_threads(count, body):
    """Runs `body(number)` on so many threads, and throws what the first of them threw."""
    errors = []

    def run(number):
        try:
            body(number)
        except BaseException as error:  # noqa: BLE001 - handed on below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
