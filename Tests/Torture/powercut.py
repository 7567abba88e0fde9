"""Replays what a power cut could leave: a workload is recorded with strace, and every prefix of it is cut off.

The model is meaner than most file systems:
- what was written to a file is on the disk only after fdatasync or fsync of the file; before it may be all there, or empty, or a part, or zeros;
- a name (made, renamed, exchanged, removed) is on the disk only after fsync of its folder; before any of them may be lost, in any combination;
- a rename is one step, and so is the overwriting of a few bytes in place.

What a cut leaves is then mended as Sources/README.md says that a start does it, from the journal: by a program of its own here, and
for some of the states by campaignd itself.
"""

import ast
import hashlib
import json
import os
import re
import signal
import subprocess
import time

from common import Broken, Client, Daemon, Hang, Site, entries_of, history, on_threads, retold, within

CALLS = ("openat,write,writev,pwrite64,?rename,?renameat,renameat2,?unlink,unlinkat,?link,linkat,fsync,fdatasync,"
         "?mkdir,mkdirat,ftruncate,?rmdir,syncfs")
CLIENTS = 5


OTHER_BOOT = b"00000000-0000-0000-0000-000000000000"


def groups(journal):
    """The groups of changes in a journal that are whole; each change is (path, the digest of what was there, contents)."""
    found = []
    while match := re.match(rb"group (\S{36}) ([0-9a-f]{32}) (\d{12}) [-+!]\n", journal):
        boot, digest, length = match[1], match[2], int(match[3])
        body = journal[match.end():match.end() + length]
        if len(body) < length or hashlib.sha256(boot + body).hexdigest()[:32].encode() != digest:
            break
        journal = journal[match.end() + length:]
        changes = []
        while body:
            line, body = body.split(b"\n", 1)
            path, former, count = line.split(b" ")
            contents = None
            if count != b"-":
                contents, body = body[:int(count)], body[int(count):]
            changes.append((path.decode(), former.decode(), contents))
            body = body[1:]
        found.append(changes)
    return found


def of_another_boot(journal):
    """The journal as it is after the machine has started anew: written in another run of it."""
    text = b""
    for changes in groups(journal):
        body = b"".join(
            b"%s %s %s\n%s\n" % (path.encode(), former.encode(), b"-" if contents is None else b"%d" % len(contents), contents or b"")
            for path, former, contents in changes)
        digest = hashlib.sha256(OTHER_BOOT + body).hexdigest()[:32].encode()
        text += b"group %s %s %012d +\n%s" % (OTHER_BOOT, digest, len(body), body)
    return text


def mended(tree):
    """A tree with its journal carried out, and the highest id that each folder's files had in it."""
    tree, used, versions, added = dict(tree), {}, {}, {}
    for changes in groups(tree.get(".journal") or b""):
        for path, former, contents in changes:
            if path.startswith("changes/"):
                added.setdefault(path, []).append((int(former), contents))
                continue
            versions.setdefault(path, []).append((former, contents))
            folder, name = path.rsplit("/", 1)
            used[folder] = max(used.get(folder, 0), int(name.removesuffix(".json")))
    for path, known in added.items():
        # Nobody else writes there, so that what stood before the first of them stands there still.
        tree[path] = (tree.get(path) or b"")[:known[0][0]] + b"".join(contents for _, contents in known)
    for path, known in versions.items():
        wanted = known[-1][1]
        if path in tree:
            now = tree[path]
            digest = hashlib.sha256(now).hexdigest()[:32]
            if b"\0" not in now and not any(former == digest or (contents or b"").startswith(now) for former, contents in known):
                continue
        if wanted is None:
            tree.pop(path, None)
        else:
            tree[path] = wanted
    return tree, used


class Node:
    """A file or a folder: as it is, and as it is on the disk for certain."""

    def __init__(self, is_folder=False, content=b""):
        self.is_folder = is_folder
        self.content, self.synced = content, None
        self.names = {}  # a folder's, as they are
        self.kept = {}  # a folder's on the disk
        self.pending = []  # changes of names since the last sync, each a list of (name, node or None)

    def change(self, *steps):
        for name, node in steps:
            if node is None:
                self.names.pop(name, None)
            else:
                self.names[name] = node
        self.pending.append(steps)


class Disk:
    def __init__(self, root):
        self.root_path = root
        self.root = self.read(root)

    def read(self, path):
        """What is there at the beginning is on the disk."""
        if os.path.isdir(path):
            node = Node(is_folder=True)
            node.names = {name: self.read(os.path.join(path, name)) for name in os.listdir(path)}
            node.kept = dict(node.names)
            return node
        with open(path, "rb") as file:
            node = Node(content=file.read())
        node.synced = node.content
        return node

    def find(self, path):
        """The folder's node and the last name of a path below the root; None for others."""
        path = path.removesuffix("(deleted)")
        if not path.startswith(self.root_path + "/"):
            return None
        folder = self.root
        *above, last = path[len(self.root_path) + 1:].split("/")
        for name in above:
            folder = folder.names.get(name)
            if folder is None:
                return None
        return folder, last

    def node(self, path):
        if path == self.root_path:
            return self.root
        found = self.find(path)
        return found and found[0].names.get(found[1])

    def all(self):
        """Every folder and file that a cut may leave."""
        todo, seen = [self.root], set()
        while todo:
            node = todo.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            yield node
            if node.is_folder:
                todo += node.names.values()
                todo += node.kept.values()
                todo += [other for steps in node.pending for _, other in steps if other is not None]

    def unsynced(self):
        """Folders with changes of names, files with changes of content."""
        nodes = list(self.all())
        return [node for node in nodes if node.pending], [node for node in nodes if not node.is_folder and node.synced != node.content]

    def tree(self, chosen, contents):
        """The files that a cut leaves, by path: `chosen` says which changes of names, `contents` what is in unsynced files."""
        found = {}

        def walk(node, path):
            names = dict(node.kept)
            for place, steps in enumerate(node.pending):
                if (id(node), place) in chosen:
                    for name, other in steps:
                        if other is None:
                            names.pop(name, None)
                        else:
                            names[name] = other
            found[path] = None
            for name, other in names.items():
                below = f"{path}/{name}" if path else name
                if other.is_folder:
                    walk(other, below)
                else:
                    found[below] = contents.get(id(other), other.content)

        walk(self.root, "")
        return found


LINE = re.compile(r"^(\d+) +(.*)$")
STRING = r'"((?:[^"\\]|\\.)*)"'


def text(quoted):
    return ast.literal_eval(f'b"{quoted}"')


def lines_of(path):
    """strace's lines, those that were interrupted put together where they end; (line, where it began)."""
    begun = {}
    with open(path, errors="surrogateescape") as lines:
        for number, line in enumerate(lines):
            match = LINE.match(line.rstrip("\n"))
            if not match:
                continue
            thread, call = match.groups()
            if call.endswith("<unfinished ...>"):
                begun[thread] = call[: -len("<unfinished ...>")]
                yield ("begin", thread, call)
            elif call.startswith("<..."):
                rest = re.sub(r"^<\.\.\. \w+ resumed>", "", call)
                yield ("end", thread, begun.pop(thread, "") + rest)
            else:
                yield ("begin", thread, call)
                yield ("end", thread, call)


class Workload:
    """What the clients asked for and were told, each for campaigns of its own."""

    def __init__(self, torture, site):
        self.torture, self.site = torture, site
        self.asked = {}  # client's socket: list of (campaign's key, state after it)
        self.ids = {}

    def record(self, seconds):
        output = os.path.join(self.site.path, "trace")
        # -yy names both ends of a socket, so that it shows to which client an answer goes.
        prefix = ["strace", "-f", "-yy", "-s", "4000000", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", output]
        daemon = Daemon(self.site, "s", prefix=prefix)
        pid = int(subprocess.run(["pgrep", "-P", str(daemon.pid)], capture_output=True, text=True).stdout.split()[0])
        until = time.monotonic() + seconds
        on_threads(CLIENTS, lambda number: self.client(daemon, number, until))
        os.kill(pid, signal.SIGTERM)
        daemon.process.wait(within(20))
        daemon.log.close()
        return output

    def client(self, daemon, number, until):
        import random

        dice = random.Random(f"{self.torture.seed} power {number}")
        client = daemon.client()
        client.connect()
        asked = self.asked.setdefault(os.fstat(client.socket.fileno()).st_ino, [])
        mine, serial = {}, 0
        while time.monotonic() < until and serial < 60:
            serial += 1
            choice = dice.random()
            key = dice.choice(sorted(mine)) if mine else None
            if key is None or choice < 0.35:
                key, name = (number, serial), f"p {number}.{serial}"
                asked.append((key, {"name": name, "description": None, "organisations": [], "projects": []}))
                answer = client.ask("POST", "/campaigns/", {"name": name})
                mine[key] = (answer.json["campaignId"], dict(asked[-1][1]))
                self.ids[key] = answer.json["campaignId"]
            elif choice < 0.6:
                state = {**mine[key][1], "name": f"r {number}.{serial}", "description": "d" * dice.choice((0, 10, 6000)) or None}
                asked.append((key, state))
                client.ask("PATCH", f"/campaigns/{mine[key][0]}/", {"name": state["name"], "description": state["description"]})
                mine[key] = (mine[key][0], state)
            elif choice < 0.75:
                project = dice.randint(1, 4)
                linked = mine[key][1]["projects"]
                if project in linked:
                    continue
                state = {**mine[key][1], "projects": linked + [project]}
                asked.append((key, state))
                client.ask("POST", f"/projects/{project}/campaigns/{mine[key][0]}/")
                mine[key] = (mine[key][0], state)
            elif choice < 0.93:
                asked.append((key, None))
                client.ask("DELETE", f"/campaigns/{mine[key][0]}/")
                del mine[key]
            elif mine[key][1]["projects"]:
                subject = f"m {number}.{serial}"
                asked.append((("message", subject), {"subject": subject}))
                client.ask("POST", f"/campaigns/{mine[key][0]}/actions/message-contributors/", {"subject": subject, "message": "m"})


class Replay:
    def __init__(self, torture, workload, disk):
        self.torture, self.workload, self.disk = torture, workload, disk
        self.told = {client: 0 for client in workload.asked}
        self.history = {}  # key: the states it was told of, the last one, and the one that is open
        self.seen = set()
        self.sample = None
        self.made_folders = []  # (the folder around, its step, the name)
        self.parsed = {}

    def folders_are_synced(self):
        """A folder that the service has made has to be on the disk before the first answer.

        From then on it counts as being there, whatever was found: otherwise every later cut would find the same.
        """
        lost = [name for around, steps, name in self.made_folders if steps in around.pending]
        if lost:
            self.torture.find(f"folders that the service has made are not synced when the first change is acknowledged: {', '.join(lost)}")
        for around, steps, name in self.made_folders:
            if steps in around.pending:
                around.pending.remove(steps)
                around.kept[name] = steps[0][1]
        self.made_folders = []

    def parse(self, content):
        if content not in self.parsed:
            try:
                self.parsed[content] = json.loads(content)
            except ValueError:
                self.parsed[content] = None
        return self.parsed[content]

    def allowed(self):
        """For each campaign or message the states that may be there."""
        found = {}
        for client, asked in self.workload.asked.items():
            count = self.told[client]
            for key, state in asked[:count]:
                found[key] = [state]
            if count < len(asked):
                key, state = asked[count]
                found[key] = found.get(key, [None]) + [state]
        return found

    def check(self, tree, allowed, what):
        """Compares what a cut leaves with what had been told."""
        torture = self.torture
        tree, used = mended(tree)
        campaigns, messages, highest = {}, set(), used.get("campaigns", 0)
        for path, content in tree.items():
            match = re.fullmatch(r"(campaigns|messages|messages/recipients|messages/readers)/(\d+)\.json", path)
            if not match or content is None:
                continue
            entry = self.parse(content)
            if entry is None:
                torture.find(f"a broken file after a power cut: {match[1]}/N.json ({len(content)} bytes), {what}")
                continue
            if match[1] == "campaigns":
                campaigns[int(match[2])] = {key: entry[key] for key in ("name", "description", "organisations", "projects")}
                highest = max(highest, int(match[2]))
            elif match[1] == "messages":
                messages.add(entry["subject"])
        names = [entry["name"] for entry in campaigns.values()]
        if len(set(names)) < len(names):
            torture.find(f"a name twice after a power cut, {what}")
        self.check_history(tree, campaigns, messages, what)
        counter = tree.get("campaigns/.next-id")
        counter = int(re.match(rb"\d*", counter)[0] or 1) if counter else 1
        next_id = max(highest + 1, counter)
        for key, states in allowed.items():
            if key[0] == "message":
                if None not in states and key[1] not in messages:
                    torture.find(f"an acknowledged message is lost after a power cut, {what}")
                continue
            number = self.workload.ids[key]
            state = campaigns.pop(number, None)
            if state not in states:
                lost = "missing" if state is None else "other than told"
                torture.find(f"an acknowledged change is lost after a power cut: {lost}, {what}")
            was_told = None not in states[:1] or len(states) == 1
            if was_told and number >= next_id and state is None:
                torture.find(f"an id would be given twice after a power cut, {what}")
        if campaigns:
            torture.find(f"a campaign after a power cut that nobody asked for, or that was deleted, {what}")

    def check_history(self, tree, campaigns, messages, what):
        """Expects an entry of each change that is there, and of no other."""
        torture = self.torture
        try:
            entries = entries_of(tree)
        except ValueError as error:
            torture.find(f"a broken history after a power cut: {error}, {what}")
            return
        told, faults = retold(entries)
        for fault in set(faults):
            torture.find(f"the history after a power cut: {fault}, {what}")
        keys = ("name", "description", "organisations", "projects")
        if {number: {key: campaign[key] for key in keys} for number, campaign in told.items()} != campaigns:
            torture.find(f"the history after a power cut tells of other campaigns than are there, {what}")
        if sum(entry["action"] == "message-sent" for entry in entries) != len(messages):
            torture.find(f"the history after a power cut tells of other messages than are there, {what}")
        if len(entries) < sum(self.told.values()):
            torture.find(f"an acknowledged change has no entry after a power cut, {what}")

    def states(self, what):
        """Every state that a cut at this moment could leave, or a sample where there are too many."""
        folders, files = self.disk.unsynced()
        steps = [(id(folder), place) for folder in folders for place in range(len(folder.pending))]
        dice = self.torture.random
        if len(steps) <= 6:
            choices = [{step for bit, step in enumerate(steps) if mask >> bit & 1} for mask in range(1 << len(steps))]
        else:
            choices = [set(), set(steps)]
            choices += [{step for step in steps if dice.random() < chance} for chance in (0.2, 0.5, 0.8) for _ in range(12)]
            choices += [{step for step in steps if step != missing} for missing in steps[-24:]]
        allowed = self.allowed()
        stamp = tuple(self.told.values())
        for chosen in choices:
            for turn in range(2 if files else 1):
                contents = {}
                for node in files:
                    new, old = node.content, node.synced
                    if old is None:
                        variants = [b"", new, new[: dice.randint(0, len(new))], b"\0" * len(new)]
                    else:
                        # Overwritten in place: the old, the new, and each with the size of the other.
                        # Grown at its end: a part of it.
                        variants = [old, new, new[: len(old)], old[: len(new)].ljust(len(new), b"\0"),
                                    new[: dice.randint(min(len(old), len(new)), len(new))]]
                    contents[id(node)] = variants[0] if turn == 0 else dice.choice(variants)
                tree = self.disk.tree(chosen, contents)
                mark = hash((stamp, frozenset(tree.items())))
                if mark in self.seen:
                    continue
                self.seen.add(mark)
                self.torture.count("states of the disk")
                self.check(tree, allowed, what)
                if self.sample is not None and dice.random() < self.sample:
                    self.start(tree, allowed)

    def start(self, tree, allowed):
        """Has campaignd open what a cut has left."""
        torture = self.torture
        site = Site(torture, "cut")
        site.remove()
        os.makedirs(site.data)
        for path, content in sorted(tree.items()):
            full = os.path.join(site.data, path) if path else site.data
            if content is None:
                os.makedirs(full, exist_ok=True)
            else:
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "wb") as file:
                    file.write(of_another_boot(content) if path == ".journal" else content)
        daemon = site.start()
        if site.check():
            torture.find(f"campaignd check after a power cut: {site.check()[:200]}")
        client = daemon.client()
        names = client.names()
        told, faults = retold(history(site.data))
        if faults or {number: campaign["name"] for number, campaign in told.items()} != names:
            torture.find(f"the history after a start after a power cut is not that of the campaigns: {faults[:1]}")
        for key, states in allowed.items():
            if key[0] != "message":
                expected = [state and state["name"] for state in states]
                if names.get(self.workload.ids[key]) not in expected:
                    torture.find("a start after a power cut does not show what was told")
        answer = client.ask("POST", "/campaigns/", {"name": "after the cut"})
        used = [self.workload.ids[key] for key, states in allowed.items() if key[0] != "message" and (len(states) == 1 or None not in states[:1])]
        if answer.status != 201 or answer.json["campaignId"] <= max(used, default=0):
            torture.find(f"a create after a power cut: {answer!r}, where {max(used, default=0)} was used")
        left = site.lasting_leftovers()
        if left:
            torture.find(f"temporary files after a start after a power cut: {left}")
        deadline, subjects = time.monotonic() + within(3), set()
        told = {key[1] for key, states in allowed.items() if key[0] == "message" and None not in states}
        while True:
            box = daemon.client(2).ask("GET", "/notifications/?pageSize=100").json["userMessages"]
            if told <= {item["subject"] for item in box} or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        if not told <= {item["subject"] for item in box} and len(box) < 100:
            torture.find("an acknowledged message is not delivered after a power cut")
        if len({item["subject"] for item in box}) < len(box):
            torture.find("a message twice after a power cut")
        heartbeat = client.ask("GET", "/system/heartbeat/").json
        if "broken" in heartbeat:
            torture.find(f"the heartbeat after a power cut: {heartbeat}")
        daemon.end()
        site.remove()
        torture.count("starts")

    def run(self, trace):
        disk = self.disk
        for stage, _, call in lines_of(trace):
            name = call.split("(", 1)[0]
            if stage == "begin":
                # From the moment in which an answer is sent it may be heard.
                if name in ("write", "writev") and "UNIX-STREAM" in call and "Status: 2" in call:
                    peer = re.search(r"UNIX-STREAM:\[\d+->(\d+)", call)
                    if peer and int(peer[1]) in self.told:
                        self.folders_are_synced()
                        self.told[int(peer[1])] += 1
                        self.torture.count("acknowledged changes")
                        self.states("right after an answer")
                continue
            if not self.torture.has_time:
                return
            if re.search(r"= -1 \w+ \([^)]*\)$", call) or name not in CALLS.replace("?", "").split(","):
                continue
            if self.apply(name, call):
                self.torture.count("calls")
                self.states(f"after {name}")

    def apply(self, name, call):
        """Does a call to the model; whether it changed anything."""
        disk = self.disk
        paths = [text(quoted).decode("utf-8", "surrogateescape") for quoted in re.findall(STRING, call)] if name not in ("write", "pwrite64", "writev") else []
        held = re.match(r"\w+\((\d+)<(/[^>]*)>", call)
        if name == "openat":
            found = disk.find(paths[0])
            if found is None:
                return False
            folder, last = found
            if last not in folder.names and "O_CREAT" in call:
                folder.change((last, Node()))
                return True
            if "O_TRUNC" in call:
                folder.names[last].content = b""
                return True
            return False
        if name in ("mkdir", "mkdirat"):
            found = disk.find(paths[0])
            if found:
                found[0].change((found[1], Node(is_folder=True)))
                self.made_folders.append((found[0], found[0].pending[-1], found[1]))
            return bool(found)
        if name in ("rename", "renameat", "renameat2"):
            old, new = disk.find(paths[0]), disk.find(paths[1])
            if old is None or new is None:
                return False
            one, other = old[0].names[old[1]], new[0].names.get(new[1])
            if old[0] is not new[0]:
                raise Broken("a rename from one folder to another, which this model does not know")
            old[0].change((old[1], other if "RENAME_EXCHANGE" in call else None), (new[1], one))
            return True
        if name in ("unlink", "unlinkat", "rmdir"):
            found = disk.find(paths[0])
            if found:
                found[0].change((found[1], None))
            return bool(found)
        if name in ("link", "linkat"):
            old, new = disk.find(paths[0]), disk.find(paths[1])
            new[0].change((new[1], old[0].names[old[1]]))
            return True
        if held is None:
            return False
        node = disk.node(held[2])
        if node is None:
            return False
        if name == "pwrite64":
            data = text(re.search(STRING, call)[1])
            start, count = re.search(r", (\d+) ?\) += (\d+)$", call).groups()
            start, count = int(start), int(count)
            node.content = node.content[:start] + data[:count] + node.content[start + count:]
            return True
        if name == "ftruncate":
            node.content = node.content[:int(re.search(r", (\d+) ?\)", call)[1])]
            return True
        if name == "syncfs":
            for other in disk.all():
                if other.is_folder:
                    other.kept, other.pending = dict(other.names), []
                else:
                    other.synced = other.content
            return True
        if name in ("fsync", "fdatasync"):
            if node.is_folder:
                node.kept, node.pending = dict(node.names), []
            else:
                node.synced = node.content
            return True
        raise Broken(f"a call that this model does not know: {call[:80]}")


def run(torture):
    serial = 0
    while torture.has_time:
        serial += 1
        site = Site(torture, f"power{serial}", 4, 4)
        workload = Workload(torture, site)
        disk = Disk(site.data)
        trace = workload.record(min(4, max(1, (torture.deadline - time.monotonic()) / 4)))
        torture.count("workloads")
        replay = Replay(torture, workload, disk)
        replay.sample = 0.01
        replay.run(trace)
        site.remove()
