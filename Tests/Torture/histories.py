"""Concurrent changes in several processes, with the moments of call and answer, checked against a sequential model.

What is checked is linearizability (Herlihy and Wing): for every campaign and every name there is an order of the requests that
fits their answers, and in which no request comes before one that was answered before it was asked.
"""

import json
import random
import threading
import time

from common import Site, history, on_threads, retold

PROCESSES = (3, 3, 10)
CLIENTS = 6
MISSING = "missing"


class Event:
    def __init__(self, kind, key, argument, called, answered, outcome):
        self.kind, self.key, self.argument = kind, key, argument
        self.called, self.answered, self.outcome = called, answered, outcome

    def __repr__(self):
        return f"{self.kind} {self.argument!r} -> {self.outcome!r} [{self.called:.6f} {self.answered:.6f}]"


def campaign_model(state, event):
    """The state after an event, or None when its outcome does not fit. A state: MISSING, or (name, projects, organisations)."""
    kind, outcome = event.kind, event.outcome
    if kind == "create":
        return (event.argument, frozenset(), frozenset()) if state == "unborn" else None
    if state in (MISSING, "unborn"):
        return state if outcome in (404, MISSING) else None
    if outcome == 404 and kind not in ("unlink", "disband"):
        return None
    name, projects, organisations = state
    if kind == "read":
        return state if outcome == (name, organisations) else None
    if kind == "rename":
        # Whether a name is taken is checked for the names.
        return (event.argument, projects, organisations) if outcome == 200 else state if outcome == 400 else None
    if kind == "guarded":
        # Renamed on condition that it is what was read.
        tag_name, new = event.argument
        if outcome == 400:
            # The name is another's, which comes before If-Match, and is checked for the names.
            return state
        if outcome == 412:
            return state if (name, organisations) != tag_name else None
        return (new, projects, organisations) if outcome == 200 and (name, organisations) == tag_name else None
    if kind == "delete":
        return MISSING if outcome == 200 else None
    if kind in ("link", "ally"):
        had = event.argument in (projects if kind == "link" else organisations)
        if outcome != (400 if had else 200):
            return None
        return (name, projects | {event.argument}, organisations) if kind == "link" else (name, projects, organisations | {event.argument})
    if kind in ("unlink", "disband"):
        had = event.argument in (projects if kind == "unlink" else organisations)
        if outcome != (200 if had else 404):
            return None
        return (name, projects - {event.argument}, organisations) if kind == "unlink" else (name, projects, organisations - {event.argument})
    if kind == "listed":
        return state if (event.argument in projects) == outcome else None
    raise AssertionError(kind)


def linearize(events, model, start, limit=2_000_000):
    """Whether there is an order that fits (Wing and Gong's search, with Lowe's memory of what was tried).

    Returns True, or the requests round the place that no order gets past, or None when the limit is reached.
    """
    events = sorted(events, key=lambda event: event.called)
    count = len(events)
    tried = set()
    # Depth first, without recursion: what is done (the first that is not, and those beyond), and the state.
    stack = [(0, frozenset(), start)]
    steps = farthest = 0
    while stack:
        first, beyond, state = stack.pop()
        while first in beyond:
            beyond -= {first}
            first += 1
        if first >= count:
            return True
        if (first, beyond, state) in tried:
            continue
        tried.add((first, beyond, state))
        farthest = max(farthest, first)
        steps += 1
        if steps > limit:
            return None
        # Any may be next that was asked before the first answer among those that are left.
        horizon = min(event.answered for place, event in enumerate(events[first:first + 64], first) if place not in beyond)
        for place in range(first, count):
            event = events[place]
            if event.called > horizon:
                break
            if place in beyond:
                continue
            after = model(state, event)
            if after is not None:
                stack.append((first, beyond | {place}, after))
    return events[max(0, farthest - 4):farthest + 8]


class History:
    def __init__(self, torture, site, daemons, seed):
        self.torture, self.site, self.daemons, self.seed = torture, site, daemons, seed
        self.events, self.lock = [], threading.Lock()
        self.shared = []

    def client(self, number, until):
        dice = random.Random(f"{self.seed} {number}")
        clients = [daemon.client() for daemon in self.daemons]
        while time.monotonic() < until:
            self.step(dice, clients, number)
        for client in clients:
            client.close()

    def ask(self, clients, dice, kind, key, argument, method, target, body, outcome, headers=None):
        client = dice.choice(clients)
        called = time.monotonic()
        answer = client.ask(method, target, body, headers)
        answered = time.monotonic()
        if answer.is_polite_refusal:
            # A disk that stood still for longer than a change waits for the lock.
            self.torture.count("refused")
            return None
        if answer.status >= 500:
            self.torture.find(f"{kind}: {answer!r}")
            return None
        event = Event(kind, key, argument, called, answered, outcome(answer))
        if kind == "create" and answer.status == 201:
            event.key = answer.json["campaignId"]
        with self.lock:
            self.events.append(event)
            if kind == "create" and answer.status == 201:
                self.shared.append(event.key)
                del self.shared[:-4]
        self.torture.count("requests")
        return answer

    def step(self, dice, clients, number):
        status = lambda answer: answer.status
        with self.lock:
            key = dice.choice(self.shared) if self.shared else None
        # Few names and few campaigns, so that all get into each other's way.
        name = f"n{dice.randrange(12)}"
        choice = dice.random()
        if key is None or choice < 0.12:
            self.ask(clients, dice, "create", None, name, "POST", "/campaigns/", {"name": name}, status)
        elif choice < 0.3:
            self.ask(clients, dice, "rename", key, name, "PATCH", f"/campaigns/{key}/", {"name": name}, status)
        elif choice < 0.4:
            seen = self.read(clients, dice, key)
            if seen is not None and seen.status == 200:
                was = self.shown(seen)
                self.ask(clients, dice, "guarded", key, (was, name), "PATCH", f"/campaigns/{key}/", {"name": name}, status,
                         {"If-Match": seen.headers["etag"]})
        elif choice < 0.47:
            self.ask(clients, dice, "delete", key, None, "DELETE", f"/campaigns/{key}/", None, status)
        elif choice < 0.6:
            project = dice.randint(1, 2)
            kind = dice.choice(("link", "unlink"))
            self.ask(clients, dice, kind, key, project, "POST" if kind == "link" else "DELETE", f"/projects/{project}/campaigns/{key}/", None, status)
        elif choice < 0.7:
            organisation = dice.randint(1, 2)
            kind = dice.choice(("ally", "disband"))
            self.ask(clients, dice, kind, key, organisation, "POST" if kind == "ally" else "DELETE",
                     f"/organisations/{organisation}/campaigns/{key}/", None, status)
        elif choice < 0.8:
            project = dice.randint(1, 2)
            self.ask(clients, dice, "project", None, project, "GET", f"/projects/{project}/campaigns/", None,
                     lambda answer: {item["id"]: item["name"] for item in answer.json["campaigns"]})
        elif choice < 0.86:
            self.ask(clients, dice, "list", None, None, "GET", "/campaigns/", None,
                     lambda answer: {item["id"]: item["name"] for item in answer.json["campaigns"]})
        else:
            self.read(clients, dice, key)

    @staticmethod
    def shown(answer):
        return (answer.json["name"], frozenset(item["organisationId"] for item in answer.json["organisations"]))

    def read(self, clients, dice, key):
        return self.ask(clients, dice, "read", key, None, "GET", f"/campaigns/{key}/", None,
                        lambda answer: self.shown(answer) if answer.status == 200 else MISSING)

    def judge(self):
        torture = self.torture
        # Guarded by what was read: an ETag stands for name and organisations.
        creates = [event for event in self.events if event.kind == "create" and event.outcome == 201]
        ids = [event.key for event in creates]
        if len(set(ids)) < len(ids):
            torture.find("an id was given twice")
        by_key = {key: [] for key in ids}
        born = {event.key: event.called for event in creates}
        lists = []
        for event in self.events:
            if event.kind == "list":
                lists.append(event)
                names = list(event.outcome.values())
                if len(set(names)) < len(names):
                    torture.find("a list has a name twice")
            elif event.kind == "project":
                for key in ids:
                    if key in event.outcome or event.answered > born[key]:
                        by_key[key].append(Event("listed", key, event.argument, event.called, event.answered, key in event.outcome))
            elif event.key is not None:
                by_key[event.key].append(event)
        # Rising ids: one that was answered before another was asked for is smaller.
        ordered = sorted(creates, key=lambda event: event.called)
        highest = []
        for event in ordered:
            before = [other.key for other in creates if other.answered < event.called]
            if before and event.key < max(before):
                torture.find("an id is smaller than one that was answered before it was asked for")
        for key, events in by_key.items():
            # A project's list before the campaign was made, or after it was deleted, shows nothing of it.
            model = lambda state, event: (
                (state if not event.outcome else None) if event.kind == "listed" and state in (MISSING, "unborn") else campaign_model(state, event))
            verdict = linearize(events, model, "unborn")
            torture.count("campaigns judged")
            if verdict is None:
                torture.count("undecided")
            elif verdict is not True:
                torture.count("campaigns that no order fits")
                if torture.counts["campaigns that no order fits"] == 1:
                    torture.find(f"no order fits what was answered about a campaign, the first: {verdict}")
        self.judge_names(by_key, lists)

    def judge_entries(self):
        """Each change that was answered has one entry, and their order is that in which the changes took effect."""
        torture = self.torture
        entries = history(self.site.data)
        told, faults = retold(entries)
        for fault in set(faults):
            torture.find(f"the history: {fault}")
        there = {int(path[10:-5]): json.loads(text) for path, text in self.site.snapshot().items() if path.startswith("campaigns/")}
        if {number: {**campaign, "id": number} for number, campaign in told.items()} != there:
            torture.find("the history tells of other campaigns than are there")
        actions = {"create": "created", "delete": "deleted", "link": "project-linked", "unlink": "project-unlinked",
                   "ally": "organisation-linked", "disband": "organisation-unlinked"}
        places = {}
        for kind, action in actions.items():
            made = sorted(event.key for event in self.events if event.kind == kind and event.outcome in (200, 201))
            if made != sorted(entry["campaignId"] for entry in entries if entry["action"] == action):
                torture.find(f"{action}: other entries than answers")
            if kind in ("create", "delete"):
                places.update(((kind, entry["campaignId"]), place) for place, entry in enumerate(entries) if entry["action"] == action)
        renamed = sum(event.kind in ("rename", "guarded") and event.outcome == 200 for event in self.events)
        # One that changes nothing has none.
        if sum(entry["action"] == "updated" for entry in entries) > renamed:
            torture.find("updated: more entries than answers")
        once = sorted((event for event in self.events if event.kind in ("create", "delete") and event.outcome in (200, 201)), key=lambda event: event.called)
        for event in once:
            for other in once:
                if other.answered < event.called and places.get((other.kind, other.key), -1) > places.get((event.kind, event.key), -1):
                    torture.find("an entry comes before that of a change which was answered before it was asked for")
        torture.count("entries judged", len(entries))

    def judge_names(self, by_key, lists):
        """Each name: taken and given back as the answers say, at one moment by one campaign alone.

        A name is taken for certain from the answer that gave it until the next change of its campaign is asked for.
        """
        torture = self.torture
        held = {}  # name: certain spans (from, to, key)
        perhaps = {}  # name: the spans in which it may have been taken
        for key, events in by_key.items():
            changes = sorted((e for e in events if e.kind in ("create", "rename", "guarded", "delete") and e.outcome in (200, 201)), key=lambda e: e.answered)
            for place, event in enumerate(changes):
                if event.kind == "delete":
                    continue
                name = event.argument[1] if event.kind == "guarded" else event.argument
                surely_later = [other.answered for other in changes if other.called > event.answered]
                perhaps.setdefault(name, []).append((event.called, min(surely_later, default=float("inf")), key))
                # Others that overlap with it may have come after it.
                later = [other for other in changes if other is not event and other.answered > event.called]
                end = min((other.called for other in later), default=float("inf"))
                if end > event.answered:
                    held.setdefault(name, []).append((event.answered, end, key))
        for name, spans in held.items():
            spans.sort()
            for (start, end, key), (other_start, _, other) in zip(spans, spans[1:]):
                if other_start < end and key != other:
                    torture.find(f"two campaigns had the name {name} at one moment: {key} and {other}")
        refused = [e for e in self.events if e.outcome == {"create": 409, "rename": 400, "guarded": 400}.get(e.kind)]
        for event in refused:
            name = event.argument[1] if event.kind == "guarded" else event.argument
            if not any(start < event.answered and event.called < end and key != event.key for start, end, key in perhaps.get(name, [])):
                torture.find(f"{event.kind} was refused for a name that nobody had")
        torture.count("refusals judged", len(refused))
        for event in lists:
            for name, spans in held.items():
                for start, end, key in spans:
                    if start < event.called and event.answered < end and event.outcome.get(key) != name:
                        torture.find(f"a list does not show what was answered before it was asked for: {key} should be {name}")
            torture.count("lists judged")


def run(torture):
    round_number = 0
    while torture.has_time:
        round_number += 1
        site = Site(torture, f"histories{round_number}", 4, 3)
        daemons = [site.start(str(number)) for number in range(torture.random.choice(PROCESSES))]
        story = History(torture, site, daemons, f"{torture.seed} {round_number}")
        until = min(torture.deadline, time.monotonic() + 2)
        on_threads(CLIENTS, lambda number: story.client(number, until))
        story.judge()
        story.judge_entries()
        last = [daemon.client().names() for daemon in daemons]
        if any(names != last[0] for names in last):
            torture.find("the processes show different lists when all is quiet")
        for daemon in daemons:
            if daemon.end() != 0:
                torture.find("SIGTERM did not end with 0")
        if site.check():
            torture.find(f"campaignd check: {site.check()[:200]}")
        site.remove()
        torture.count("histories")
    if torture.counts.get("refused", 0) * 20 > torture.counts["requests"]:
        torture.find(f"{torture.counts['refused']} requests were refused")
