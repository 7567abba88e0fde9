"""Every system call of a change fails in turn (strace's injection), and the process is stopped at each."""

import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from common import ADMIN, Broken, Client, Hang, Site, within

# What can fail, and how. A name with ? need not exist on this machine.
FAULTS = {
    "openat": "ENOSPC EIO EROFS EMFILE ENFILE EINTR EDQUOT ENOMEM EACCES",
    "write,pwrite64": "ENOSPC EIO EINTR EDQUOT EFBIG ENOMEM",
    "fdatasync": "EIO ENOSPC EDQUOT EROFS EINTR",
    "fsync,syncfs": "EIO ENOSPC EDQUOT EROFS EINTR",
    "?rename,?renameat,renameat2": "ENOSPC EIO EROFS EDQUOT ENOMEM EINTR",
    # What file systems say that cannot exchange names.
    "renameat2": "EINVAL ENOSYS",
    # Nor have links.
    "renameat2,?link,linkat": "EOPNOTSUPP",
    "?link,linkat": "ENOSPC EIO EROFS EDQUOT EMLINK",
    "?unlink,unlinkat": "EIO EROFS ENOMEM EINTR",
    "flock": "EINTR ENOLCK EIO",
    "fstat,newfstatat,?stat,?lstat,statx": "EIO ENOMEM EINTR",
    "fchmod,?fchmodat": "EIO EROFS EPERM",
    "fchown,fchownat": "EIO EROFS EPERM EDQUOT",
    "ftruncate,fallocate": "EIO ENOSPC EDQUOT",
    "read,pread64": "EIO EINTR ENOMEM",
    "getdents64": "EIO ENOMEM",
    "?mkdir,mkdirat": "ENOSPC EIO EROFS EDQUOT",
    "inotify_init1": "EMFILE ENFILE ENOMEM",
    "inotify_add_watch": "ENOSPC ENOMEM EACCES",
    "epoll_ctl": "ENOMEM ENOSPC",
    "epoll_wait,epoll_pwait": "EINTR",
    "accept4": "EMFILE ENFILE ECONNABORTED ENOMEM ENOBUFS EINTR EPROTO",
    "setsockopt": "ENOMEM",
    "recvfrom,sendto,writev": "EINTR ENOMEM",
    "clone3,?clone": "EAGAIN ENOMEM",
}
STAYING = {"ENOSPC", "EIO", "EROFS", "EDQUOT", "EINVAL", "EOPNOTSUPP"}
# At each of these the process is stopped in turn.
STOPS = "openat,write,pwrite64,fdatasync,syncfs,fsync,?rename,?renameat,renameat2,?unlink,unlinkat,?link,linkat,flock,fchmod,fchown,close,?mkdir,ftruncate"
# A fault of the connection itself, such as of the write of the answer, may end it; then there is no answer. One that stays hits
# files first, and then this.
TRANSPORT = re.compile(r"socket:|UNIX|anon_inode|eventpoll|accept4|setsockopt|recvfrom|sendto|epoll|inotify_init")


class Operation:
    """A change: how it is asked for, and what is there before and after it."""

    def __init__(self, name, prepare, ask, is_done, missing=()):
        self.name, self.prepare, self.ask, self.is_done = name, prepare, ask, is_done
        # Files that are taken away before, so that they have to be made.
        self.missing = missing


def operations(site):
    serial = [0]

    def fresh():
        serial[0] += 1
        return f"name {serial[0]} {time.monotonic_ns()}"

    def nothing(other):
        return {"name": fresh()}

    def made(other):
        found = nothing(other)
        answer = other.ask("POST", "/campaigns/", {"name": found["name"], "description": "d" * 300})
        if answer.status != 201:
            raise Broken(f"the process beside does not work: {answer!r}")
        return {**found, "id": answer.json["campaignId"], "new": fresh()}

    def linked(other):
        found = made(other)
        other.ask("POST", f"/projects/1/campaigns/{found['id']}/")
        return found

    def delivered(other):
        found = linked(other)
        other.ask("POST", f"/campaigns/{found['id']}/actions/message-contributors/", {"subject": found["name"], "message": "m"})
        deadline = time.monotonic() + within(5)
        reader = Client(other.path, 2)
        while time.monotonic() < deadline:
            box = reader.ask("GET", "/notifications/?status=unread").json["userMessages"]
            number = next((item["messageId"] for item in box if item["subject"] == found["name"]), None)
            if number:
                reader.close()
                return {**found, "message": number}
            time.sleep(0.01)
        raise Broken("a message is not delivered by the process beside")

    def name_of(client, number):
        answer = client.ask("GET", f"/campaigns/{number}/")
        return answer.json["name"] if answer.status == 200 else (None if answer.status == 404 else f"{answer!r}")

    def is_read(client, found):
        reader = Client(client.path, 2)
        answer = reader.ask("GET", "/notifications/?pageSize=100")
        reader.close()
        return next((item["read"] for item in answer.json["userMessages"] if item["messageId"] == found["message"]), "gone")

    create = lambda client, found: client.ask("POST", "/campaigns/", {"name": found["name"]})
    was_created = lambda client, found: sum(name == found["name"] for name in client.names().values())
    return [
        Operation("create", nothing, create, was_created),
        Operation("first create", nothing, create, was_created, missing=(".lock", "campaigns/.next-id")),
        Operation(
            "rename", made, lambda client, found: client.ask("PATCH", f"/campaigns/{found['id']}/", {"name": found["new"]}),
            lambda client, found: {found["new"]: 1, found["name"]: 0}.get(name_of(client, found["id"]), name_of(client, found["id"]))),
        Operation(
            "delete", made, lambda client, found: client.ask("DELETE", f"/campaigns/{found['id']}/"),
            lambda client, found: {None: 1, found["name"]: 0}.get(name_of(client, found["id"]), name_of(client, found["id"]))),
        Operation(
            "first delete", made, lambda client, found: client.ask("DELETE", f"/campaigns/{found['id']}/"),
            lambda client, found: {None: 1, found["name"]: 0}.get(name_of(client, found["id"]), name_of(client, found["id"])),
            missing=("campaigns/.next-id",)),
        Operation(
            "link", made, lambda client, found: client.ask("POST", f"/projects/2/campaigns/{found['id']}/"),
            lambda client, found: sum(
                item["id"] == found["id"] for item in client.ask("GET", "/projects/2/campaigns/").json["campaigns"])),
        Operation(
            "message", linked,
            lambda client, found: client.ask(
                "POST", f"/campaigns/{found['id']}/actions/message-contributors/", {"subject": found["name"], "message": "m"}),
            lambda client, found: sum(
                json.loads(content)["subject"] == found["name"]
                for path, content in site.snapshot().items() if path.startswith("messages/") and path.count("/") == 1)),
        Operation(
            "mark as read", delivered,
            lambda client, found: Client(client.path, 2, client.timeout).ask(
                "POST", "/notifications/mark-as-read-multiple/", {"messageIds": [found["message"]]}),
            lambda client, found: {True: 1, False: 0}.get(is_read(client, found), is_read(client, found))),
    ]


class Tracer:
    """strace with an injection, on a process that runs."""

    def __init__(self, daemon, calls, what):
        self.output = tempfile.NamedTemporaryFile(dir=daemon.site.path, suffix=".strace")
        self.process = subprocess.Popen(
            ["strace", "-f", "-y", "-s", "64", "-p", str(daemon.pid), "-o", self.output.name, "-e", f"trace={calls}",
             "-e", "signal=none", *[part for one in what for part in ("-e", f"inject={one}")]],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        daemon.site.torture.started(self.process)
        said = self.process.stderr.readline()
        if "attached" not in said:
            raise Broken(f"strace: {said.strip()}")

    def end(self, is_stop=False):
        """The lines of the calls that failed."""
        detach(self.process, is_stop)
        with open(self.output.name, errors="replace") as lines:
            return [line.strip() for line in lines if "(INJECTED)" in line]


def detach(tracer, is_stop=False):
    # strace waits for ever for some threads of a process that is gone.
    if tracer.poll() is None:
        tracer.send_signal(signal.SIGKILL if is_stop else signal.SIGINT)
    try:
        tracer.communicate(timeout=within(3))
    except subprocess.TimeoutExpired:
        tracer.kill()
        tracer.communicate()


class Bench:
    """The victim, a process beside it that nothing happens to, and what is expected of both."""

    def __init__(self, torture, name):
        self.torture = torture
        self.site = Site(torture, name)
        self.beside = self.site.start("beside")
        self.victim = self.site.start("victim")
        self.other = self.beside.client()
        self.operations = operations(self.site)
        self.probe = self.other.ask("POST", "/campaigns/", {"name": "probe"}).json["campaignId"]
        self.ids = set()

    def end(self):
        self.other.close()
        self.victim.end()
        self.beside.end()
        self.site.remove()

    def restart(self):
        self.victim.kill()
        self.victim = self.site.start("victim")

    def case(self, operation, label, calls, injections, is_stop=False):
        """One request under one fault.

        Returns what failed; nothing: the fault lies beyond the last call.
        """
        torture, site = self.torture, self.site
        found = operation.prepare(self.other)
        for name in operation.missing:
            path = os.path.join(site.data, name)
            if os.path.exists(path):
                os.unlink(path)
        before = site.snapshot()
        tracer = Tracer(self.victim, calls, injections)
        client = self.victim.client(timeout=9)
        answer = trouble = None
        began = time.monotonic()
        try:
            answer = operation.ask(client, found)
        except Hang:
            trouble = "hang"
        except (Broken, OSError):
            trouble = "no answer"
        took = time.monotonic() - began
        hit = tracer.end(is_stop and answer is None)
        client.close()
        if is_stop:
            try:
                # The stop may also come after the answer.
                self.victim.process.wait(2 if answer is None else 0.02)
                hit = ["stopped"]
            except subprocess.TimeoutExpired:
                hit = []
        torture.count("faults" if not is_stop else "stops", len(hit) and 1)
        on_transport = any(TRANSPORT.search(line) for line in hit)
        where = f"{operation.name}, {label}" + (f" [{re.sub(r'[0-9]+', 'N', hit[0].split(' ', 1)[-1])[:110]}]" if hit and not is_stop else "")

        died = not self.victim.is_alive
        if died:
            if not is_stop:
                torture.find(f"crash: {where}: {self.victim.words()[-200:]!r}")
            self.restart()
            left = site.lasting_leftovers()
            if left:
                torture.find(f"temporary files after a start: {operation.name}, {label}: {left}")
        elif trouble == "hang":
            torture.find(f"no answer within {client.timeout} s: {where}")
            self.restart()
        elif trouble and not on_transport:
            torture.find(f"the connection was closed instead of an answer: {where}")

        own = self.victim.client(timeout=9)
        try:
            states = {}
            for who, asker in (("the process", own), ("the process beside", self.other)):
                states[who] = operation.is_done(asker, found)
            # A record that could not be read is tried again once a second.
            deadline = time.monotonic() + within(3)
            while str(states["the process"]) != str(states["the process beside"]) and time.monotonic() < deadline:
                time.sleep(0.1)
                states["the process"] = operation.is_done(own, found)
            if not is_stop and not died:
                # What is on the disk, as a new process sees it.
                if len(set(map(str, states.values()))) > 1:
                    torture.find(f"the processes differ: {where}: {states}")
            state = states["the process beside"]
            if state not in (0, 1):
                torture.find(f"something else than before or after: {where}: {state}")
            elif answer is not None and answer.status in (200, 201):
                if state != 1:
                    torture.find(f"answered {answer.status} and not done: {where}")
            elif answer is not None and answer.is_polite_refusal:
                if state != 0:
                    torture.find(f"answered 503 and done: {where}")
                elif self.changed(before, site.snapshot(), operation):
                    torture.find(f"answered 503 and a file has changed: {where}: {self.changed(before, site.snapshot(), operation)}")
            elif answer is not None:
                torture.find(f"answered {answer!r}: {where}")
            if states["the process"] != state:
                torture.find(f"the process shows something else than the one beside: {where}: {states}")
            if took > within(7):
                torture.find(f"answered after {took:.0f} s: {where}")
            if answer is not None and answer.status == 201:
                number = answer.json["campaignId"]
                if number in self.ids:
                    torture.find(f"an id was given twice: {where}")
                self.ids.add(number)
            # Without the fault.
            again = own.ask("PATCH", f"/campaigns/{self.probe}/", {"name": f"probe {time.monotonic_ns()}"})
            if again.status != 200:
                torture.find(f"the next request failed: {where}: {again!r}")
            heartbeat = self.heartbeat(own)
            if heartbeat.status != 200 or "broken" in heartbeat.json:
                torture.find(f"the heartbeat afterwards: {where}: {heartbeat!r}")
        except (Broken, Hang, OSError) as error:
            torture.find(f"afterwards: {where}: {error}")
            self.restart()
        own.close()
        return hit

    @staticmethod
    def heartbeat(client):
        """A record that the disk did not give back is tried again once a second, and so is whether changes can be made."""
        deadline = time.monotonic() + within(5)
        while True:
            answer = client.ask("GET", "/system/heartbeat/")
            if (answer.status == 200 and "broken" not in answer.json) or time.monotonic() > deadline:
                return answer
            time.sleep(0.1)

    @staticmethod
    def changed(before, after, operation):
        # The delivery of an earlier message goes on by itself.
        return [
            path for path in before.keys() | after.keys()
            if before.get(path) != after.get(path) and not path.startswith("messages/recipients")]

    def thorough(self, label):
        """After a start everything is as it was."""
        old = self.victim.client(timeout=9).names()
        status = self.victim.end()
        if status != 0:
            self.torture.find(f"after {label}: SIGTERM ended with {status}")
        self.victim = self.site.start("victim")
        new = self.victim.client().names()
        if old != new or new != self.other.names():
            self.torture.find(f"after {label}: a start shows something else than before")
        left = self.site.lasting_leftovers()
        if left:
            self.torture.find(f"after {label}: temporary files are left after a start: {left}")
        trouble = self.site.check()
        if trouble:
            self.torture.find(f"after {label}: campaignd check: {trouble[:200]}")


def groups(bench):
    for operation in bench.operations:
        for calls, errors in FAULTS.items():
            for error in errors.split():
                yield operation, calls, error, ""
                if error in STAYING:
                    yield operation, calls, error, "+"


def run(torture):
    bench = Bench(torture, "faults")
    # First the stops, which are few.
    share = torture.deadline - time.monotonic()
    plans = list(groups(bench))
    torture.random.shuffle(plans)
    stops = list(bench.operations)
    torture.random.shuffle(stops)
    until = time.monotonic() + share * 0.3
    for operation in stops:
        number = 0
        misses = 0
        while misses < 2 and number < 80 and time.monotonic() < until:
            number += 1 if not torture.quick else torture.random.randint(1, 8)
            hit = bench.case(operation, f"stop at call {number}", STOPS, [f"{STOPS}:signal=KILL:when={number}"], is_stop=True)
            misses = 0 if hit else misses + 1
        bench.thorough("stops")
    doubles(torture)
    recovery(torture)
    another_folder(torture)
    ids_after_unreadable_counter(torture)
    hand_edits(torture)
    unreadable_at_delivery(torture)
    failing_mail_program(torture)
    seen_under_faults(torture, bench)
    short_writes(torture)
    full_disk(torture)
    # Those take as long as they take; something is left for the faults themselves.
    torture.deadline = max(torture.deadline, time.monotonic() + share * 0.3)
    done = 0
    for operation, calls, error, staying in plans:
        if not torture.has_time:
            break
        plain = calls.replace("?", "").split(",")[0]
        number, misses = 0, 0
        # Threads count their own calls, so that one number may be missed and the next one hit.
        while misses < 2 and number < 40 and torture.has_time:
            number += 1
            if "clone" in calls:
                bench.restart()
            hit = bench.case(operation, f"{plain} {error} at call {number}{staying}", calls, [f"{calls}:error={error}:when={number}{staying}"])
            misses = 0 if hit else misses + 1
        done += 1
        if done % 10 == 0:
            bench.thorough("faults")
    bench.thorough("faults")
    torture.count(f"of {len(plans)} kinds of faults", done)
    bench.end()


def doubles(torture):
    """Two errors that come together when a disk dies: reads fail, and syncs."""
    site = Site(torture, "doubles")
    daemon = site.start()
    client = daemon.client()
    number = client.ask("POST", "/campaigns/", {"name": "old"}).json["campaignId"]
    calls = "read,pread64,fsync,fdatasync,pwrite64,ftruncate"
    for what in (["read:error=EIO", "fdatasync:error=EIO"], ["fdatasync:error=EIO", "fsync:error=EIO"], ["fdatasync:error=EIO", "pwrite64:error=ENOSPC:when=3+"]):
        before = site.file(number)
        path = os.path.join(site.data, "campaigns")
        tracer = subprocess.Popen(
            ["strace", "-f", "-p", str(daemon.pid), "-o", "/dev/null", "-P", path, "-P", f"{path}/{number}.json",
             "-P", f"{path}/.{number}.json.tmp", "-P", f"{site.data}/.journal", "-e", f"trace={calls}", *[part for one in what for part in ("-e", f"inject={one}")]],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        torture.started(tracer)
        tracer.stderr.readline()
        answer = client.ask("PATCH", f"/campaigns/{number}/", {"name": f"new {what}"})
        detach(tracer)
        torture.count("double faults")
        after = site.file(number)
        if answer.status == 200 and (after is None or b"new" not in after):
            torture.find(f"two faults, {what}: answered 200 and not done")
        if answer.status == 503 and after != before:
            torture.find(f"two faults, {what}: answered 503 and the record is {'gone' if after is None else 'changed'}")
        if answer.status not in (200, 503):
            torture.find(f"two faults, {what}: {answer!r}")
        if after is None:
            site.put("campaigns", number, {"id": number, "name": "old"})
        if client.ask("PATCH", f"/campaigns/{number}/", {"name": "old"}).status != 200:
            torture.find(f"two faults, {what}: the next change failed")
            break
    daemon.end()
    site.remove()


def recovery(torture):
    """A call fails while a start carries out the journal that a power cut has left, with a last group that was cut off."""
    site = Site(torture, "recovery")
    journal = os.path.join(site.data, ".journal")
    campaigns = os.path.join(site.data, "campaigns")
    watched = [option for path in (journal, campaigns, *(os.path.join(campaigns, name) for name in ("1.json", ".1.json.tmp", "2.json", ".2.json.tmp")))
               for option in ("-P", path)]
    plans = [(calls, error, number)
             for calls in ("openat", "pread64", "read", "pwrite64", "ftruncate", "fdatasync", "fsync", "syncfs", "renameat2", "?rename", "fstat,newfstatat")
             for error in ("EIO", "EMFILE" if calls == "openat" else "ENOSPC") for number in range(1, 13)]
    if torture.quick:
        plans = torture.random.sample(plans, 6)
    missed = None
    for calls, error, number in plans:
        if (calls, error) == missed:
            continue
        shutil.rmtree(campaigns, ignore_errors=True)
        os.mkdir(campaigns)
        site.put("campaigns", 2, {"id": 2, "name": "former"})
        former = site.file(2)
        changes = [("campaigns/1.json", None, {"id": 1, "name": "made"}), ("campaigns/2.json", former, {"id": 2, "name": "changed"})]
        with open(journal, "wb") as file:
            for path, before, after in changes:
                file.write(group(path, before, json.dumps(after).encode()))
            file.write(group("campaigns/3.json", None, b'{"id": 3, "name": "never"}')[:130])
        trace = os.path.join(site.path, "trace")
        prefix = ["strace", "-f", *watched, "-o", trace, "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when={number}"]
        try:
            daemon = site.start(prefix=prefix)
        except Broken:
            # It says why and ends, and its supervisor starts it again.
            daemon = site.start()
        client = daemon.client()
        # What cannot be carried out at the start is, before anything else is changed.
        deadline = time.monotonic() + within(5)
        while (answer := client.ask("POST", "/campaigns/", {"name": "after"})).is_polite_refusal and time.monotonic() < deadline:
            time.sleep(0.05)
        names = client.names()
        if answer.status != 201 or answer.json["campaignId"] < 3 or names != {1: "made", 2: "changed", answer.json["campaignId"]: "after"}:
            torture.find(f"{calls} failed with {error} at call {number} of a recovery: {answer!r}, {names}")
        client.close()
        # strace hands the signal on to nobody.
        for child in subprocess.run(["pgrep", "-P", str(daemon.pid)], capture_output=True, text=True).stdout.split():
            os.kill(int(child), signal.SIGTERM)
        daemon.end()
        with open(trace, errors="replace") as lines:
            is_hit = any("(INJECTED)" in line for line in lines)
        missed = None if is_hit else (calls, error)
        torture.count("faults of a recovery", int(is_hit))
        after = site.start()
        if after.client().names() != names:
            torture.find(f"{calls} failed with {error} at call {number} of a recovery: the next start shows {after.client().names()}")
        after.end()
    site.remove()


def group(path, before, after):
    """A group of the journal, written in another run of the machine."""
    boot = "00000000-0000-0000-0000-000000000000"
    former = hashlib.sha256(before).hexdigest()[:32] if before else "-"
    body = f"{path} {former} {len(after)}\n".encode() + after + b"\n"
    return f"group {boot} {hashlib.sha256(boot.encode() + body).hexdigest()[:32]} {len(body):012} +\n".encode() + body


def another_folder(torture):
    """Another folder takes the place of the campaigns, and what a process needs to read it is unavailable for a while."""
    site = Site(torture, "another")
    daemon = site.start()
    client = daemon.client()
    for number in range(1, 4):
        client.ask("POST", "/campaigns/", {"name": f"old {number}"})
    campaigns = os.path.join(site.data, "campaigns")
    for turn, (calls, error) in enumerate((("openat", "EMFILE"), ("openat", "ENFILE"), ("openat", "ENOMEM"), ("inotify_init1", "EMFILE"), ("inotify_add_watch", "ENOSPC"))):
        for when in ("1", "2", "3", "1..3", "2+3"):
            new = f"{campaigns}.new"
            os.mkdir(new)
            expected = {number: f"new {turn} {when} {number}" for number in range(1, 6)}
            for number, name in expected.items():
                with open(os.path.join(new, f"{number}.json"), "w") as file:
                    json.dump({"id": number, "name": name}, file)
            tracer = subprocess.Popen(
                ["strace", "-f", "-p", str(daemon.pid), "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when={when}"],
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            torture.started(tracer)
            tracer.stderr.readline()
            os.rename(campaigns, f"{campaigns}.old")
            os.rename(new, campaigns)
            shutil.rmtree(f"{campaigns}.old")
            # The process looks by itself too, and so may be the one that is told of the fault.
            for pause in (0, 0.7, 0):
                time.sleep(pause)
                answer = client.ask("GET", "/campaigns/")
                shown = {item["id"]: item["name"] for item in answer.json["campaigns"]} if answer.status == 200 else None
                if shown != expected and not answer.is_polite_refusal:
                    torture.find(f"another folder, {calls} failed with {error} at {when}: {answer!r}")
            detach(tracer)
            made = client.ask("POST", "/campaigns/", {"name": "made"})
            if made.status != 201 or client.names() != {**expected, made.json["campaignId"]: "made"}:
                torture.find(f"another folder, {calls} failed with {error} at {when}: afterwards {made!r}, {client.names()}")
            torture.count("other folders under faults")
        if torture.quick:
            break
    daemon.end()
    site.remove()


def ids_after_unreadable_counter(torture):
    """The id of a removed campaign stays used, also when its counter cannot be read."""
    site = Site(torture, "counter")
    daemon = site.start()
    client = daemon.client()
    numbers = [client.ask("POST", "/campaigns/", {"name": str(number)}).json["campaignId"] for number in range(3)]
    client.ask("DELETE", f"/campaigns/{numbers[-1]}/")
    daemon.end()
    for call, error in (("read", "EIO"), ("openat", "EIO"), ("openat", "EMFILE"), ("newfstatat", "EIO")):
        daemon = site.start()
        client = daemon.client()
        tracer = subprocess.Popen(
            ["strace", "-f", "-p", str(daemon.pid), "-o", "/dev/null", "-P", os.path.join(site.data, "campaigns/.next-id"),
             "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when=1"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        torture.started(tracer)
        tracer.stderr.readline()
        answer = client.ask("POST", "/campaigns/", {"name": f"{call} {error}"})
        detach(tracer)
        torture.count("unreadable counters")
        if answer.status == 201:
            number = answer.json["campaignId"]
            if number in numbers:
                torture.find(f"an id was given twice: {call} of .next-id failed with {error} once")
            numbers.append(number)
            client.ask("DELETE", f"/campaigns/{number}/")
        elif not answer.is_polite_refusal:
            torture.find(f"{call} of .next-id failed with {error}: {answer!r}")
        daemon.end()
    site.remove()


def unreadable_at_delivery(torture):
    """The disk does not give back a record that says who gets a message: the message waits, and then comes to the right people."""
    faults = [
        ("projects/1.json", "read", "EIO"), ("projects/1.json", "openat", "EIO"), ("users/3.json", "read", "EIO"),
        ("users/3.json", "openat", "EACCES"), ("users/3.json", "fstat,newfstatat,statx", "EIO")]
    for place, call, error in torture.random.sample(faults, 2) if torture.quick else faults:
        site = Site(torture, "delivery", 2, 5)
        site.put("users", 3, {"id": 3, "username": "user 3", "projectsNotifications": False})
        daemon = site.start()
        client = daemon.client()
        campaign = client.ask("POST", "/campaigns/", {"name": "c"}).json["campaignId"]
        client.ask("POST", f"/projects/1/campaigns/{campaign}/")
        path = os.path.join(site.data, place)
        tracer = subprocess.Popen(
            ["strace", "-f", "-p", str(daemon.pid), "-o", "/dev/null", "-P", path, "-e", f"trace={call}",
             "-e", f"inject={call}:error={error}"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        torture.started(tracer)
        tracer.stderr.readline()
        # It is looked at again.
        os.utime(path)
        answer = client.ask("POST", f"/campaigns/{campaign}/actions/message-contributors/", {"subject": "s", "message": "m"})
        if answer.status != 200:
            torture.find(f"{call} of {place} fails with {error}, and no message is taken: {answer!r}")
        deadline = time.monotonic() + within(10)
        while "waiting" not in (client.ask("GET", "/system/heartbeat/").json or {}) and not site.file(1, "messages/recipients"):
            if time.monotonic() > deadline:
                torture.find(f"{call} of {place} fails with {error}: it is not said that a message waits")
                break
            time.sleep(0.01)
        if site.file(1, "messages/recipients"):
            torture.find(f"{call} of {place} fails with {error}, and the message is delivered")
        detach(tracer)
        os.utime(path)
        deadline = time.monotonic() + within(10)
        while not site.file(1, "messages/recipients") and time.monotonic() < deadline:
            time.sleep(0.01)
        found = json.loads(site.file(1, "messages/recipients") or b"{}").get("recipients")
        if found != [2, 4, 5]:
            torture.find(f"{call} of {place} has failed with {error}: the message is delivered to {found}")
        torture.count("I/O errors at delivery")
        daemon.end()
        site.remove()


def failing_mail_program(torture):
    """A mail program that fails in every way, and kills of the service between: everybody gets one e-mail."""
    site = Site(torture, "mail", 1, 9)
    for number in range(2, 10):
        site.put("users", number, {"id": number, "username": f"user {number}", "emailAddress": f"u{number}@example.org"})
    program, sent, answers = (os.path.join(site.path, name) for name in ("sendmail", "sent", "answers"))
    with open(program, "w") as file:
        file.write(f"""#!/bin/sh
to=$(sed -n 's/^To: <u\\([0-9]*\\)@.*/\\1/p')
answer=$(shuf -n 1 '{answers}')
[ "$answer" = KILL ] && kill -9 $$
[ "$answer" = 0 ] && echo "$to" >>'{sent}'
exit "$answer"
""")
    os.chmod(program, 0o755)
    with open(answers, "w") as file:
        file.write("\n".join("0 0 1 64 66 68 69 70 71 72 73 74 75 75 75 76 77 78 126 127 KILL".split()) + "\n")
    environment = {"SENDMAIL": program, "MAIL_FROM": "a@example.org"}
    daemon = site.start(environment=environment)
    client = daemon.client()
    campaign = client.ask("POST", "/campaigns/", {"name": "c"}).json["campaignId"]
    client.ask("POST", f"/projects/1/campaigns/{campaign}/")
    client.ask("POST", f"/campaigns/{campaign}/actions/message-contributors/", {"subject": "s", "message": "m"})
    kills = 0
    until = time.monotonic() + (4 if torture.quick else 30)
    while time.monotonic() < until:
        time.sleep(torture.random.uniform(0.1, 3))
        daemon.kill()
        kills += 1
        daemon = site.start(environment=environment)
    daemon.end()
    with open(answers, "w") as file:
        file.write("0\n")
    deliver = lambda *more: subprocess.run(
        [torture.binary, "deliver", site.data, *more], env={"PATH": os.environ["PATH"], **environment},
        capture_output=True, text=True, timeout=within(60))
    # A first e-mail may still have to show that the program works again.
    for _ in range(2):
        found = deliver("--retry-failed")
        if found.returncode != 0:
            torture.find(f"deliver --retry-failed: {found.stderr.strip()}")
    with open(sent) as file:
        numbers = [int(line) for line in file]
    torture.count("kills while a mail program fails", kills)
    if set(numbers) != set(range(2, 10)):
        torture.find(f"a mail program that failed: e-mails to {sorted(set(numbers))} of 2 to 9")
    if len(numbers) - len(set(numbers)) > kills:
        torture.find(f"a mail program that failed: {len(numbers) - len(set(numbers))} e-mails came twice, after {kills} kills")
    site.remove()


def hand_edits(torture):
    """The process is stopped at each call of a change in turn, and a person edits the record at that moment: the edit stays, or
    is in what the change makes of it."""
    site = Site(torture, "hands")
    daemon = site.start()
    client = daemon.client(timeout=15)
    without_exchange = ["?renameat2:error=EINVAL"]

    def put(number, in_place):
        path = os.path.join(site.data, "campaigns", f"{number}.json")
        text = json.dumps({"id": number, "name": f"hand {time.monotonic_ns()}", "note": "by hand"})
        if in_place:
            with open(path, "w") as file:
                file.write(text)
        else:
            with open(path + ".new", "w") as file:
                file.write(text)
            os.rename(path + ".new", path)

    def made():
        return client.ask("POST", "/campaigns/", {"name": f"made {time.monotonic_ns()}"}).json["campaignId"]

    def patch():
        number = made()
        return number, lambda own: own.ask("PATCH", f"/campaigns/{number}/", {"description": "by the service"})

    def delete():
        number = made()
        tag = client.ask("GET", f"/campaigns/{number}/").headers["etag"]
        return number, lambda own: own.ask("DELETE", f"/campaigns/{number}/", headers={"If-Match": tag})

    def create():
        number = made() + 1
        return number, lambda own: own.ask("POST", "/campaigns/", {"name": f"new {time.monotonic_ns()}"})

    def case(what, prepare, stop, in_place, more):
        number, ask = prepare()
        calls = f"{STOPS},read,pread64,fstat,newfstatat,fcntl"
        tracer = Tracer(daemon, calls, [f"{calls}:signal=STOP:when={stop}", *more])
        own = daemon.client(timeout=15)
        outcome = []

        def run():
            try:
                outcome.append(ask(own))
            except (Broken, Hang, OSError) as error:
                outcome.append(error)

        asker = threading.Thread(target=run)
        asker.start()
        is_edited = False
        # Threads count their own calls, so that more than one may be stopped.
        while asker.is_alive():
            with open(f"/proc/{daemon.pid}/stat") as stat:
                is_stopped = stat.read().rpartition(")")[2].split()[0] in "Tt"
            if is_stopped:
                if not is_edited:
                    put(number, in_place)
                    is_edited = True
                os.kill(daemon.pid, signal.SIGCONT)
            asker.join(0.002)
        # One that is asked to end waits for threads that are stopped.
        detach(tracer.process, is_stop=True)
        # One that was stopped when strace went away.
        os.kill(daemon.pid, signal.SIGCONT)
        own.close()
        if not is_edited:
            return False
        torture.count("hand edits")
        where = f"{what} edited {'in place' if in_place else 'by rename'} at call {stop}{' without exchange' if more else ''}"
        answer = outcome[0]
        if not isinstance(answer, Exception) and answer.status not in (200, 201, 412, 404) and not answer.is_polite_refusal:
            torture.find(f"hand edit: {where}: {answer!r}")
        if isinstance(answer, Exception):
            torture.find(f"hand edit: {where}: {answer}")
        found = site.file(number)
        if found is None or b"by hand" not in found:
            torture.find(f"hand edit: lost: {where}: {answer!r}, {found!r}")
        elif (client.campaign(number) or {}).get("name") != json.loads(found)["name"]:
            torture.find(f"hand edit: not shown: {where}")
        return True

    ways = [(in_place, more) for in_place in (False, True) for more in ([], without_exchange)]
    for what, prepare in (("change", patch), ("deletion", delete), ("creation", create)):
        for in_place, more in torture.random.sample(ways, 1) if torture.quick else ways:
            stop = misses = 0
            while misses < 3 and stop < 120 and not (torture.quick and stop > 50):
                stop += 1 if not torture.quick else torture.random.randint(5, 15)
                misses = 0 if case(what, prepare, stop, in_place, more) else misses + 1
    left = site.lasting_leftovers()
    if left:
        torture.find(f"temporary files after hand edits: {left}")
    client.close()
    daemon.end()
    if site.check():
        torture.find(f"after hand edits: campaignd check: {site.check()[:200]}")
    site.remove()


def seen_under_faults(torture, bench):
    """What a process beside has changed is read under faults: 503 or the right answer, and the right answer from then on."""
    site = bench.site
    client = bench.victim.client(timeout=9)
    for calls in ("openat", "read,pread64", "fstat,newfstatat,statx"):
        errors = ["EIO", "EINTR", "ENOMEM"] + (["EMFILE", "ENFILE", "ESTALE"] if calls == "openat" else [])
        for error in torture.random.sample(errors, 1) if torture.quick else errors:
            number = bench.other.ask("POST", "/campaigns/", {"name": f"seen {time.monotonic_ns()}"}).json["campaignId"]
            client.names()
            path = os.path.join(site.data, "campaigns", f"{number}.json")
            tracer = subprocess.Popen(
                ["strace", "-f", "-p", str(bench.victim.pid), "-o", "/dev/null", "-P", path, "-e", f"trace={calls}",
                 "-e", f"inject={calls}:error={error}:when=1"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            torture.started(tracer)
            tracer.stderr.readline()
            name = f"changed {time.monotonic_ns()}"
            bench.other.ask("PATCH", f"/campaigns/{number}/", {"name": name})
            answers = []
            for _ in range(3):
                try:
                    answers.append(client.ask("GET", f"/campaigns/{number}/"))
                except (Broken, Hang):
                    answers.append(None)
            detach(tracer)
            answers.append(client.ask("GET", f"/campaigns/{number}/"))
            torture.count("reads under faults")
            kind = calls.split(",")[0]
            for answer in answers:
                if answer is None:
                    torture.find(f"no answer: {kind} of a changed record failed with {error} once")
                elif answer.status == 200 and answer.json["name"] != name:
                    torture.find(f"an old name is shown: {kind} of a changed record failed with {error} once")
                elif answer.status != 200 and not answer.is_polite_refusal:
                    torture.find(f"{kind} of a changed record failed with {error} once: {answer.status} instead of 200 or 503")
            if answers[-1] is not None and answers[-1].status != 200:
                torture.find(f"{kind} of a changed record failed with {error} once: still {answers[-1].status} when all is well again")
    client.close()
    bench.restart()


SHORT = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
static int short_of_all(int fd) { struct stat s; return fstat(fd, &s) == 0 && S_ISREG(s.st_mode); }
static int falls_short(int fd, size_t *count) {
    static __thread unsigned turn;
    if (!short_of_all(fd)) return 0;
    if (*count > 7) *count = 7;
    return ++turn % 3 == 0;
}
#define SHORT_CALL(name, parameters, arguments) \
    ssize_t name parameters { \
        static ssize_t (*real) parameters; \
        if (!real) real = dlsym(RTLD_NEXT, #name); \
        if (falls_short(fd, &count)) { errno = EINTR; return -1; } \
        return real arguments; \
    }
SHORT_CALL(write, (int fd, const void *bytes, size_t count), (fd, bytes, count))
SHORT_CALL(read, (int fd, void *bytes, size_t count), (fd, bytes, count))
SHORT_CALL(pwrite, (int fd, const void *bytes, size_t count, off_t place), (fd, bytes, count, place))
SHORT_CALL(pread, (int fd, void *bytes, size_t count, off_t place), (fd, bytes, count, place))
SHORT_CALL(pwrite64, (int fd, const void *bytes, size_t count, off64_t place), (fd, bytes, count, place))
SHORT_CALL(pread64, (int fd, void *bytes, size_t count, off64_t place), (fd, bytes, count, place))
"""


def short_writes(torture):
    """Every write and read of a file does 7 bytes at most, and every third is interrupted."""
    site = Site(torture, "short")
    library = os.path.join(site.path, "short.so")
    compiler = next((one for one in ("cc", "gcc", "clang") if subprocess.run(["which", one], capture_output=True).returncode == 0), None)
    if compiler is None:
        return torture.say("no C compiler, so no short writes")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", library, "-ldl"], input=SHORT, text=True, check=True)
    # Its records were written whole; what it reads is read in pieces.
    daemon = site.start(environment={"LD_PRELOAD": library})
    client = daemon.client()
    told = {}
    for number in range(30):
        answer = client.ask("POST", "/campaigns/", {"name": f"short {number}", "description": "x" * number * 37})
        torture.count("changes with short writes")
        if answer.status != 201:
            torture.find(f"with short reads and writes: {answer!r}")
            break
        told[answer.json["campaignId"]] = f"short {number}"
        if number % 3 == 0:
            client.ask("PATCH", f"/campaigns/{answer.json['campaignId']}/", {"name": f"renamed {number}"})
            told[answer.json["campaignId"]] = f"renamed {number}"
    if client.names() != told:
        torture.find("with short reads and writes: not what was told")
    daemon.end()
    daemon = site.start()
    if daemon.client().names() != told:
        torture.find("after short writes: a start does not show what was told")
    daemon.end()
    if site.check():
        torture.find(f"after short writes: {site.check()[:200]}")
    site.remove()


def full_disk(torture):
    """A file system of a few hundred KiB, in a mount namespace of its own, written until it is full, and some more."""
    if os.geteuid() != 0:
        return torture.say("not root, so no full disk")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            torture.children = []
            libc = ctypes.CDLL(None, use_errno=True)
            place = os.path.join(torture.scratch, "full").encode()
            os.mkdir(place)
            # CLONE_NEWNS; MS_REC and MS_PRIVATE: nobody else sees the mount, and it goes with this process.
            if libc.unshare(0x20000) != 0 or libc.mount(b"none", b"/", None, 0x4000 | (1 << 18), None) != 0:
                raise OSError(ctypes.get_errno(), "unshare")
            if libc.mount(b"tmpfs", place, b"tmpfs", 0, b"size=400k,nr_inodes=120") != 0:
                raise OSError(ctypes.get_errno(), "mount")
            fill(torture, os.fsdecode(place))
            status = 0
        except PermissionError:
            torture.say("no right to mount, so no full disk")
            status = 0
        except BaseException as error:  # noqa: BLE001 - told to the parent
            torture.find(f"full disk: {type(error).__name__} {error}")
        finally:
            for process in torture.children:
                if process.poll() is None:
                    process.kill()
            os.write(writing, json.dumps([torture.counts, torture.findings]).encode())
            os._exit(status)
    os.close(writing)
    told = b""
    while True:
        more = os.read(reading, 65536)
        if not more:
            break
        told += more
    os.close(reading)
    os.waitpid(child, 0)
    torture.counts, torture.findings = json.loads(told)


def fill(torture, place):
    site = Site(torture, "site", 2, 4, at=place)
    daemon, beside = site.start("s"), site.start("b")
    client, other = daemon.client(), beside.client()
    told, refused = {}, 0
    for number in range(400):
        name = f"full {number}"
        known = sorted(told)
        choice = torture.random.random()
        before = site.snapshot()
        if choice < 0.5 or not known:
            answer = client.ask("POST", "/campaigns/", {"name": name, "description": "x" * torture.random.choice((10, 5000, 20000))})
            if answer.status == 201:
                told[answer.json["campaignId"]] = name
        elif choice < 0.93:
            which = torture.random.choice(known)
            answer = client.ask("PATCH", f"/campaigns/{which}/", {"name": name, "description": "y" * torture.random.choice((10, 9000))})
            if answer.status == 200:
                told[which] = name
        else:
            which = torture.random.choice(known)
            answer = client.ask("DELETE", f"/campaigns/{which}/")
            if answer.status == 200:
                del told[which]
        torture.count("changes on a disk that gets full")
        if answer.status not in (200, 201):
            refused += 1
            if not answer.is_polite_refusal:
                torture.find(f"a full disk: {answer!r}")
            if site.snapshot() != before:
                torture.find("a full disk: 503, and a file has changed")
        if client.names() != told or other.names() != told:
            torture.find("a full disk: not what was told")
            break
        if site.leftovers():
            torture.find("a full disk: temporary files stay")
            break
    if not refused:
        torture.find("the disk did not get full, so nothing was tried")
    torture.count("refused for lack of space", refused)
    daemon.end()
    daemon = site.start("s")
    if daemon.client().names() != told:
        torture.find("a full disk: a start does not show what was told")
    daemon.end()
    beside.end()
