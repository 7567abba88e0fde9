"""kill -9 at random moments under mixed writes; after each start everything acknowledged is compared with a model."""

import json
import os
import random
import re
import subprocess
import threading
import time

from common import Broken, Hang, Site, history, on_threads, retold, within

WRITERS = 6
PROJECTS = 8
RECIPIENTS = range(2, 9)


class Campaign:
    def __init__(self, name):
        self.name, self.organisations, self.projects = name, [], set()

    def state(self):
        return (self.name, tuple(self.organisations), frozenset(self.projects))


class Writer:
    """One client, who alone changes its campaigns and its user's messages; so what it was told can be kept without a lock."""

    def __init__(self, number, seed):
        self.number, self.user = number, RECIPIENTS[number]
        self.random = random.Random(f"{seed} writer {number}")
        self.campaigns = {}
        self.gone = set()
        self.read, self.deleted = set(), set()
        self.sent = {}  # subject: True when it was acknowledged
        self.serial = 0
        self.open = None  # what was asked for and not answered
        self.asked = self.told = 0  # changes that make an entry of the history

    def fresh(self, what):
        self.serial += 1
        return f"{what} {self.number}.{self.serial} é{'x' * self.random.choice((0, 0, 50))}"


def states(entry):
    """What is read back of a campaign's file, in the form of the model."""
    return (entry["name"], tuple(entry["organisations"]), frozenset(entry["projects"]))


def box(client):
    """Whether a user has read each message that is there."""
    found, page = {}, 1
    while page:
        answer = client.ask("GET", f"/notifications/?pageSize=100&page={page}").json
        found.update((item["messageId"], item["read"]) for item in answer["userMessages"])
        page = answer["pagination"]["nextNum"]
    return found


class Round:
    def __init__(self, torture, site, writers):
        self.torture, self.site, self.writers = torture, site, writers
        self.stop = threading.Event()
        self.ids = {}
        self.lock = threading.Lock()

    def work(self, number, daemons):
        writer = self.writers[number]
        place = number % len(daemons)
        clients = {}

        def client(user):
            key = (place, user)
            if key not in clients:
                clients[key] = daemons[place].client(user)
            return clients[key]

        while not self.stop.is_set():
            try:
                if writer.open is not None:
                    self.settle(writer, client)
                self.step(writer, client)
            except (Broken, Hang, OSError) as error:
                if isinstance(error, Hang):
                    self.torture.find(f"a request hung under load: {error}")
                # Its process was killed: what was open stays so, and the client goes to another one.
                place = writer.random.randrange(len(daemons))
                clients.clear()
                time.sleep(0.005)

    def expect(self, answer, *statuses, entry_of=None):
        if answer.status in statuses:
            if entry_of is not None:
                entry_of.told += 1
            return True
        if not answer.is_polite_refusal:
            self.torture.find(f"an unexpected answer under load: {answer!r}")
        return False

    def settle(self, writer, client):
        """Looks whether the change that was not answered has been made; either is right, but whole."""
        kind, *rest = writer.open
        # What a process has left undone when it died is done when another one looks into the journal: soon, or before it changes
        # something itself, even if that comes to nothing.
        client(1).ask("DELETE", "/campaigns/987654321/")
        if kind == "create":
            (name,) = rest
            found = [number for number, other in client(1).names().items() if other == name]
            if found:
                self.took(found[0])
                writer.campaigns[found[0]] = Campaign(name)
        elif kind == "delete":
            (number,) = rest
            if client(1).campaign(number) is None:
                writer.campaigns.pop(number)
                writer.gone.add(number)
        elif kind == "patch":
            number, after = rest
            entry = client(1).campaign(number)
            before = writer.campaigns[number]
            if entry is None:
                self.torture.find("a campaign was gone after a change that was not answered")
                writer.campaigns.pop(number)
            else:
                seen = (entry["name"], tuple(item["organisationId"] for item in entry["organisations"]))
                if seen == after.state()[:2] and seen != before.state()[:2]:
                    writer.campaigns[number] = after
                elif seen != before.state()[:2]:
                    self.torture.find(f"half of a change: {seen} is neither {before.state()} nor {after.state()}")
        elif kind == "link":
            number, project, adds = rest
            answer = client(1).ask("GET", f"/projects/{project}/campaigns/")
            if any(item["id"] == number for item in answer.json["campaigns"]):
                writer.campaigns[number].projects.add(project)
            else:
                writer.campaigns[number].projects.discard(project)
        elif kind in ("read", "deleted"):
            (chosen,) = rest
            there = box(client(writer.user))
            done = {there.get(number) if kind == "read" else number not in there for number in chosen}
            if len(done) > 1:
                self.torture.find(f"half of a change of messages that was not answered: {kind}")
            if done == {True}:
                (writer.read if kind == "read" else writer.deleted).update(chosen)
        writer.open = None

    def took(self, number):
        with self.lock:
            if number in self.ids:
                self.torture.find(f"the id {number} was given twice")
            self.ids[number] = True

    def step(self, writer, client):
        choice = writer.random.random()
        mine = sorted(writer.campaigns)
        number = writer.random.choice(mine) if mine else None
        torture = self.torture
        torture.count("changes")
        if number is None or choice < 0.3:
            name = writer.fresh("c")
            writer.open = ("create", name)
            writer.asked += 1
            answer = client(1).ask("POST", "/campaigns/", {"name": name})
            if self.expect(answer, 201, entry_of=writer):
                self.took(answer.json["campaignId"])
                writer.campaigns[answer.json["campaignId"]] = Campaign(name)
        elif choice < 0.5:
            before = writer.campaigns[number]
            after = Campaign(writer.fresh("r"))
            after.organisations = writer.random.sample((1, 2, 3), writer.random.randrange(4))
            after.projects = set(before.projects)
            writer.open = ("patch", number, after)
            writer.asked += 1
            answer = client(1).ask("PATCH", f"/campaigns/{number}/", {"name": after.name, "organisations": after.organisations})
            if self.expect(answer, 200, entry_of=writer):
                writer.campaigns[number] = after
        elif choice < 0.7:
            project = writer.random.randint(1, PROJECTS)
            adds = project not in writer.campaigns[number].projects
            writer.open = ("link", number, project, adds)
            writer.asked += 1
            answer = client(1).ask("POST" if adds else "DELETE", f"/projects/{project}/campaigns/{number}/")
            if self.expect(answer, 200, entry_of=writer):
                (writer.campaigns[number].projects.add if adds else writer.campaigns[number].projects.discard)(project)
        elif choice < 0.85:
            writer.open = ("delete", number)
            writer.asked += 1
            if self.expect(client(1).ask("DELETE", f"/campaigns/{number}/"), 200, entry_of=writer):
                writer.campaigns.pop(number)
                writer.gone.add(number)
        elif choice < 0.9 and writer.campaigns[number].projects:
            subject = writer.fresh("m")
            writer.open = ("message", subject)
            writer.sent[subject] = False
            path = f"/campaigns/{number}/actions/message-contributors/"
            writer.asked += 1
            if self.expect(client(1).ask("POST", path, {"subject": subject, "message": "m"}), 200, entry_of=writer):
                writer.sent[subject] = True
        else:
            answer = client(writer.user).ask("GET", "/notifications/?pageSize=20&status=unread")
            if not self.expect(answer, 200):
                return
            ids = [item["messageId"] for item in answer.json["userMessages"]]
            if not ids:
                return
            chosen = writer.random.sample(ids, writer.random.randint(1, len(ids)))
            if writer.random.random() < 0.7:
                writer.open = ("read", chosen)
                done = client(writer.user).ask("POST", "/notifications/mark-as-read-multiple/", {"messageIds": chosen})
                if self.expect(done, 200):
                    writer.read.update(chosen)
            else:
                writer.open = ("deleted", chosen)
                done = client(writer.user).ask("DELETE", "/notifications/delete-multiple/", {"messageIds": chosen})
                if self.expect(done, 200):
                    writer.deleted.update(chosen)
        writer.open = None


def compare(torture, site, writers, ids):
    """Expects of a folder that nobody works on any more that it holds what was acknowledged."""
    found = {}
    for path, content in site.snapshot().items():
        kind, name = path.rsplit("/", 1)
        try:
            entry = json.loads(content)
        except ValueError:
            torture.find(f"a broken file after kill -9: {kind}")
            continue
        if kind == "campaigns":
            found[int(name[:-5])] = states(entry)
    names = [state[0] for state in found.values()]
    if len(set(names)) < len(names):
        torture.find("a name is there twice after kill -9")
    compare_history(torture, site, writers, found)
    known = set()
    for writer in writers:
        kind, *rest = writer.open or (None,)
        for number, campaign in list(writer.campaigns.items()):
            known.add(number)
            allowed = [campaign.state()]
            if kind == "delete" and rest[0] == number:
                allowed.append(None)
            elif kind == "patch" and rest[0] == number:
                allowed.append(rest[1].state())
            elif kind == "link" and rest[0] == number:
                other = campaign.projects ^ {rest[1]}
                allowed.append((campaign.name, tuple(campaign.organisations), frozenset(other)))
            seen = found.get(number)
            if seen not in allowed:
                torture.find(f"an acknowledged change was lost: {number} is {seen}, should be one of {allowed}")
            if seen is None:
                writer.campaigns.pop(number)
                writer.gone.add(number)
            else:
                campaign.name, campaign.organisations, campaign.projects = seen[0], list(seen[1]), set(seen[2])
        back = writer.gone & set(found)
        if back:
            torture.find(f"deleted campaigns came back: {sorted(back)}")
        if kind == "create":
            for number, state in found.items():
                if state[0] == rest[0]:
                    if number in ids:
                        torture.find(f"the id {number} was given twice")
                    ids[number] = True
                    known.add(number)
                    writer.campaigns[number] = Campaign(rest[0])
        if kind not in ("read", "deleted"):
            writer.open = None
    if set(found) - known:
        torture.find(f"campaigns that nobody has asked for: {[found[number] for number in set(found) - known]}")


def compare_history(torture, site, writers, found):
    """Expects of a history that it has an entry of each change that is there, and of no other."""
    try:
        entries = history(site.data)
    except ValueError as error:
        torture.find(f"a broken history after kill -9: {error}")
        return
    campaigns, faults = retold(entries)
    for fault in set(faults):
        torture.find(f"the history after kill -9: {fault}")
    if {number: states(campaign) for number, campaign in campaigns.items()} != found:
        torture.find("the history after kill -9 tells of other campaigns than are there")
    messages = [path for path in site.snapshot() if re.fullmatch(r"messages/\d+\.json", path)]
    if sum(entry["action"] == "message-sent" for entry in entries) != len(messages):
        torture.find("the history after kill -9 tells of other messages than are there")
    told, asked = sum(writer.told for writer in writers), sum(writer.asked for writer in writers)
    if not told <= len(entries) <= asked:
        torture.find(f"{len(entries)} entries after kill -9, where {told} changes were acknowledged of {asked}")
    torture.counts["entries"] = torture.counts.get("entries", 0) + len(entries)


def compare_messages(torture, daemon, writers):
    """Expects every acknowledged message exactly once in every recipient's box."""
    boxes = {}
    sent = {subject: told for writer in writers for subject, told in writer.sent.items()}
    # Delivery goes on in the background after the start.
    deadline = time.monotonic() + within(10)
    while True:
        for user in RECIPIENTS:
            client, page, boxes[user] = daemon.client(user), 1, []
            while page:
                answer = client.ask("GET", f"/notifications/?pageSize=100&page={page}").json
                boxes[user] += answer["userMessages"]
                page = answer["pagination"]["nextNum"]
            client.close()
        writer_of = {writer.user: writer for writer in writers}
        trouble = []
        everybody = None
        for user, box in boxes.items():
            subjects = [item["subject"] for item in box]
            writer = writer_of.get(user)
            open_kind, *open_ids = (writer.open if writer and writer.open else (None,))
            open_ids = set(open_ids[0]) if open_kind in ("read", "deleted") else set()
            if len(set(subjects)) < len(subjects):
                trouble.append("a message came twice")
            if set(subjects) - set(sent):
                trouble.append("a message came that nobody has sent")
            deleted = writer.deleted if writer else set()
            if not deleted and not (open_kind == "deleted"):
                missing = {subject for subject, told in sent.items() if told} - set(subjects)
                if missing:
                    trouble.append(f"an acknowledged message is missing")
                if everybody is not None and everybody != set(subjects):
                    trouble.append("some recipients have a message that others have not")
                everybody = set(subjects)
            for item in box:
                number = item["messageId"]
                if number in deleted:
                    trouble.append("a deleted message came back")
                if writer and number not in open_ids and item["read"] != (number in writer.read):
                    trouble.append(f"read is {item['read']}, acknowledged was the opposite")
            if writer and writer.open and open_kind in ("read", "deleted"):
                there = {item["messageId"]: item["read"] for item in box}
                states = {there.get(number) if open_kind == "read" else number in there for number in open_ids}
                if len(states) > 1:
                    trouble.append(f"half of a change of messages: {open_kind}")
        if not trouble or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    for text in set(trouble):
        torture.find(f"after kill -9: {text}")
    # From here on what was open is known.
    for writer in writers:
        kind, *rest = writer.open or (None,)
        there = {item["messageId"]: item["read"] for item in boxes[writer.user]}
        if kind == "read":
            writer.read.update(number for number in rest[0] if there.get(number))
        elif kind == "deleted":
            writer.deleted.update(number for number in rest[0] if number not in there)
        writer.open = None
        for subject in [subject for subject, told in writer.sent.items() if not told]:
            if any(item["subject"] == subject for box in boxes.values() for item in box):
                writer.sent[subject] = True
            else:
                del writer.sent[subject]


def run(torture):
    serial = 0
    while torture.has_time:
        # A new folder now and then: the first files, and the first folder, are made anew.
        serial += 1
        site = Site(torture, f"kill{serial}", PROJECTS, RECIPIENTS[-1])
        writers = [Writer(number, f"{torture.seed} {serial}") for number in range(WRITERS)]
        ids = {}
        rounds = 0
        while torture.has_time and rounds < 25:
            rounds += 1
            play = Round(torture, site, writers)
            play.ids = ids
            daemons = [site.start(str(number)) for number in range(torture.random.randint(2, 3))]
            delay = torture.random.choice((0.01, 0.05, 0.2, 0.5)) * torture.random.uniform(0.5, 2)
            deaths = torture.random.choice((0, 0, 1, 2))
            torture_thread = threading.Thread(target=lambda: on_threads(WRITERS, lambda number: play.work(number, daemons)), daemon=True)
            torture_thread.start()
            for _ in range(deaths):
                # One dies alone, and comes back beside the others.
                time.sleep(delay / 2)
                victim = torture.random.randrange(len(daemons))
                daemons[victim].kill()
                torture.count("kills")
                daemons[victim] = site.start(str(victim))
            time.sleep(delay)
            for daemon in torture.random.sample(daemons, len(daemons)):
                daemon.process.kill()
                torture.count("kills")
            play.stop.set()
            torture_thread.join(60)
            for daemon in daemons:
                daemon.kill()
            torture.count("rounds")
            # What the dead have left undone is done by the first that opens the folder.
            subprocess.run([torture.binary, "messages", site.data], check=True, capture_output=True)
            compare(torture, site, writers, ids)
            trouble = site.check()
            if trouble:
                torture.find(f"campaignd check after kill -9: {trouble[:300]}")
            daemon = site.start("0")
            left = site.lasting_leftovers()
            if left:
                torture.find(f"temporary files after a start: {left}")
            names = daemon.client().names()
            told = {number: campaign.name for writer in writers for number, campaign in writer.campaigns.items()}
            if names != told:
                torture.find("the list after a start is not what is in the files")
            compare_messages(torture, daemon, writers)
            if daemon.end() != 0:
                torture.find("SIGTERM after a start did not end with 0")
            if torture.findings[torture.first_finding:] and os.environ.get("TORTURE_STOP"):
                return
        site.remove()
