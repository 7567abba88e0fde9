"""Slow, silent and too many clients through nginx; others go on being served, and in the end nothing is left of it."""

import fcntl
import http.client
import json
import os
import resource
import signal
import socket
import threading
import time

import web
from common import ADMIN, Client, Site, make_token, on_threads


class Good:
    """A client as there should be many: reads, and now and then a change."""

    def __init__(self, torture, server, writes=True):
        self.torture, self.server, self.writes = torture, server, writes
        self.times = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        browser = self.server.browser()
        token = make_token(ADMIN)
        number = 0
        while not self.stop.is_set():
            number += 1
            try:
                if self.writes and number % 10 == 0:
                    reply = browser.ask("PATCH", "/api/v2/campaigns/1/", json.dumps({"description": f"d {number}"}), token=token)
                else:
                    reply = browser.ask("GET", "/api/v2/campaigns/1/")
                self.times.append(reply.took)
                if reply.status != 200:
                    self.torture.find(f"a good client got {reply!r} ({self.what})")
            except (OSError, http.client.HTTPException) as error:
                self.torture.find(f"a good client got no answer ({self.what}): {type(error).__name__} {error}")
            time.sleep(0.005)
        browser.close()

    what = ""

    def end(self, what):
        self.stop.set()
        self.thread.join(30)
        if not self.times:
            return self.torture.find(f"a good client was not served at all: {what}")
        times = sorted(self.times)
        self.torture.say(f"{what}: {len(times)} requests of a good client, half within {times[len(times) // 2] * 1000:.1f} ms, all within {times[-1] * 1000:.0f} ms")
        self.torture.count("requests of good clients", len(times))
        if times[-1] > 5:
            self.torture.find(f"{what}: a good client waited {times[-1]:.1f} s")


def opened(server, count, encrypted):
    """So many connections, as many as can be had."""
    found = []
    for _ in range(count):
        try:
            found.append(server.connect(10) if encrypted else socket.create_connection(("127.0.0.1", server.port), 10))
        except OSError:
            break
    return found


def head(length, token, target="/api/v2/campaigns/"):
    return f"POST {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {token}\r\nContent-Length: {length}\r\n\r\n".encode()


def run(torture):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = web.Server(torture, "load-web", users=6)
    try:
        long_run = not torture.quick
        span = 3 if torture.quick else min(60, max(8, torture.remaining / 6))
        token = make_token(ADMIN)
        browser = server.browser()
        for number in range(300):
            browser.ask("POST", "/api/v2/campaigns/", json.dumps({"name": f"c{number}", "description": "d" * 1000}), token=token)
        # Warm, so that what is kept for good is there before it is counted.
        on_threads(30, lambda number: [server.get("/campaigns/") for _ in range(3)])
        direct = [Client(server.socket) for _ in range(64)]
        on_threads(64, lambda number: [direct[number].ask("PATCH", "/campaigns/2/", {"description": str(turn)}) for turn in range(5)])
        for client in direct:
            client.close()
        time.sleep(1)
        before = server.usage()

        idle(torture, server, 10_000 if long_run else 1_000, span)
        slow_senders(torture, server, token, span)
        slow_readers(torture, server, span)
        never_sent(torture, server, token, span)
        surplus(torture, server)
        full(torture, server)
        large_bodies(torture, server, token)
        locked(torture, server, token, 7 if torture.quick else 16)
        if long_run:
            mixed(torture, server, token)

        deadline = time.monotonic() + (3 if torture.quick else 75)
        while True:
            # nginx keeps idle connections to the service for a minute.
            after = server.usage()
            if after[1] <= before[1] + 2 or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        torture.say(f"memory {before[0] >> 10} to {after[0] >> 10} KiB, files {before[1]} to {after[1]}, threads {before[2]} to {after[2]}")
        if after[0] > before[0] + (16 << 20):
            torture.find(f"memory grew from {before[0] >> 20} to {after[0] >> 20} MiB")
        if long_run and after[1] > before[1] + 2:
            torture.find(f"open files grew from {before[1]} to {after[1]}")
        if after[2] > before[2] + 8:
            torture.find(f"threads grew from {before[2]} to {after[2]}")
        crowded(torture, 4000)
    finally:
        server.end()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if server.site.check():
        torture.find(f"campaignd check: {server.site.check()[:200]}")
    server.site.remove()


def idle(torture, server, count, span):
    good = Good(torture, server)
    good.what = "idle connections"
    connections = opened(server, count, False)
    torture.count("idle connections", len(connections))
    if len(connections) < count:
        torture.find(f"only {len(connections)} of {count} idle connections could be opened")
    time.sleep(min(span, 5))
    good.end(f"{len(connections)} idle connections")
    for connection in connections:
        connection.close()


def crowded(torture, count):
    """More idle clients than nginx has connections: it lets the oldest go, and a new client is served at once."""
    site = Site(torture, "crowded")
    daemon = site.start("s")
    nginx = web.PlainNginx(torture, os.path.join(site.path, "nginx"), daemon.socket)
    connections = []
    try:
        for number in range(count):
            connections.append(socket.create_connection(("127.0.0.1", nginx.port), 10))
            # Some have asked once, and are kept.
            if number % 3 == 0:
                connections[-1].sendall(b"GET /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        slowest = 0
        for _ in range(100):
            began = time.monotonic()
            client = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
            client.request("GET", "/api/v2/campaigns/")
            status = client.getresponse().status
            client.close()
            slowest = max(slowest, time.monotonic() - began)
            if status != 200:
                torture.find(f"{count} idle clients of a server for 2,048: a new one gets {status}")
        torture.say(f"{count} idle clients of a server for 2,048: 100 new ones are served, all within {slowest * 1000:.0f} ms")
        torture.count("idle clients of a small server", count)
        if slowest > 3:
            torture.find(f"{count} idle clients of a server for 2,048: a new one waited {slowest:.1f} s")
    finally:
        for connection in connections:
            connection.close()
        nginx.end()
        daemon.end()
    site.remove()


def slow_senders(torture, server, token, span):
    good = Good(torture, server)
    good.what = "slow senders"
    connections = opened(server, 100, True)
    body = json.dumps({"name": "slow"}).encode()
    until = time.monotonic() + span
    data = head(len(body) + 500, token) + body
    spot = 0
    for connection in connections:
        connection.sendall(data[:60])
    spot = 60
    while time.monotonic() < until:
        for connection in connections:
            try:
                connection.sendall(data[spot:spot + 1])
            except OSError:
                pass
        spot += 1
        time.sleep(0.5)
    torture.count("slow senders", len(connections))
    good.end("100 clients that send a byte now and then")
    for connection in connections:
        connection.close()


def slow_readers(torture, server, span):
    good = Good(torture, server)
    good.what = "slow readers"
    connections = []
    for _ in range(100):
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        plain.settimeout(10)
        plain.connect(("127.0.0.1", server.port))
        connections.append(server.context.wrap_socket(plain, server_hostname="localhost"))
    for connection in connections:
        connection.sendall(b"GET /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 30)
    until = time.monotonic() + span
    while time.monotonic() < until:
        for connection in connections:
            try:
                connection.recv(1)
            except OSError:
                pass
        time.sleep(0.5)
    torture.count("slow readers", len(connections))
    good.end("100 clients that read a byte now and then")
    for connection in connections:
        connection.close()


def never_sent(torture, server, token, span):
    good = Good(torture, server)
    good.what = "bodies that never come"
    connections = opened(server, 200, True)
    for connection in connections:
        connection.sendall(head(500_000, token) + b'{"name": "never')
    time.sleep(min(span, 5))
    torture.count("bodies that never came", len(connections))
    good.end("200 bodies announced and never sent")
    for connection in connections:
        connection.close()
    if any(name.startswith("never") for name in Client(server.socket).names().values()):
        torture.find("half a body was stored")


def surplus(torture, server):
    """More writers at once than there is room for: each gets an answer, a 503 at the worst, and soon."""
    count = 1500
    connections, slowest, statuses = [], 0, {}
    import selectors

    from common import Answer, request_bytes, struct

    data = request_bytes("PATCH", "/api/v2/campaigns/3/", b'{"description": "surplus"}', {"Authorization": f"Token {make_token(ADMIN)}"}, keep=False)
    chooser = selectors.DefaultSelector()
    began = time.monotonic()
    for _ in range(count):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(server.socket)
            connection.sendall(data)
        except OSError:
            statuses["refused"] = statuses.get("refused", 0) + 1
            connection.close()
            continue
        connection.setblocking(False)
        chooser.register(connection, selectors.EVENT_READ, [b"", time.monotonic()])
    deadline = time.monotonic() + 30
    while chooser.get_map() and time.monotonic() < deadline:
        for key, _ in chooser.select(1):
            try:
                more = key.fileobj.recv(65536)
            except OSError:
                more = b""
            key.data[0] += more
            if not more:
                raw = key.data[0]
                slowest = max(slowest, time.monotonic() - key.data[1])
                status = raw[raw.find(b"Status: ") + 8:][:3].decode() if b"Status: " in raw else "none"
                statuses[status] = statuses.get(status, 0) + 1
                if status == "503" and b"retry-after" not in raw.lower():
                    torture.find("a 503 for the surplus without Retry-After")
                chooser.unregister(key.fileobj)
                key.fileobj.close()
    left = len(chooser.get_map())
    for key in list(chooser.get_map().values()):
        key.fileobj.close()
    torture.say(f"{count} writers at once: {statuses}, all within {slowest:.1f} s of {time.monotonic() - began:.1f}")
    torture.count("writers at once", count)
    if left or set(statuses) - {"200", "503"}:
        torture.find(f"{count} writers at once: {statuses}, {left} without an answer after 30 s")


def full(torture, server):
    """The service takes nothing in, until its queue is full: from then on nginx answers by itself, and at once."""
    pid = server.daemon_pid()
    connections, statuses, worst = [], {}, 0
    os.kill(pid, signal.SIGSTOP)
    try:
        for number in range(1400):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            connection.sock = server.connect(30)
            connection.request("GET", "/api/v2/campaigns/1/")
            connections.append((connection, time.monotonic()))
            # The kernel's queue is of 1,024; those who wait in it would be served later.
            if number >= 1100:
                reply = connection.getresponse()
                body = reply.read()
                worst = max(worst, time.monotonic() - connections.pop()[1])
                connection.close()
                statuses[reply.status] = statuses.get(reply.status, 0) + 1
                if reply.status != 503 or not reply.headers.get("Retry-After", "").isdigit() or json.loads(body).get("SubCode") != "ServiceUnavailable":
                    torture.find(f"the queue is full: {reply.status} {body[:100]!r}")
    finally:
        os.kill(pid, signal.SIGCONT)
    later = {}
    for connection, _ in connections:
        status = connection.getresponse().status
        later[status] = later.get(status, 0) + 1
        connection.close()
    torture.say(f"the queue is full: {statuses}, all within {worst * 1000:.0f} ms; of those who waited {later}")
    torture.count("clients when the queue was full", 1400)
    if worst > 2:
        torture.find(f"the queue is full, and a client waited {worst:.1f} s for a 503")
    if set(later) - {200, 503}:
        torture.find(f"the queue was full, and then: {later}")


def large_bodies(torture, server, token):
    """Bodies as large as they may be, of the kind that takes the most memory, from whoever has a token."""
    good = Good(torture, server)
    good.what = "large bodies"
    body = b'{"messageIds":[' + b"{}," * 340_000 + b"{}]}"
    statuses, guard = {}, threading.Lock()

    def ask(number):
        browser = server.browser(60)
        for _ in range(2):
            reply = browser.ask("POST", "/api/v2/notifications/mark-as-read-multiple/", body, token=token)
            with guard:
                statuses[reply.status] = statuses.get(reply.status, 0) + 1
        browser.close()

    on_threads(64, ask)
    with open(f"/proc/{server.daemon_pid()}/status") as status:
        peak = int(next(line for line in status if line.startswith("VmHWM")).split()[1]) << 10
    good.end("128 bodies of 1 MiB from 64 clients")
    torture.say(f"128 bodies of 1 MiB: {statuses}, at most {peak >> 20} MiB of memory")
    torture.count("large bodies", 128)
    if set(statuses) - {400, 503}:
        torture.find(f"large bodies: answers {statuses}")
    if peak > 400 << 20:
        torture.find(f"large bodies took {peak >> 20} MiB of memory")


def locked(torture, server, token, seconds):
    """Somebody holds the lock: changes are refused in time and never made, reads go on, and afterwards all is well."""
    good = Good(torture, server, writes=False)
    good.what = "the lock is held"
    replies, lock_ = [], threading.Lock()
    file = os.open(os.path.join(server.site.data, ".lock"), os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX)
    began = time.monotonic()

    def ask(number):
        time.sleep(number * 0.02)
        try:
            reply = server.browser(30).ask("POST", "/api/v2/campaigns/", json.dumps({"name": f"locked {number}"}), token=token)
            with lock_:
                replies.append((number, reply.status, reply.took, reply.headers.get("retry-after")))
        except (OSError, http.client.HTTPException) as error:
            torture.find(f"the lock is held: no answer: {error}")

    thread = threading.Thread(target=lambda: on_threads(150, ask), daemon=True)
    thread.start()
    time.sleep(seconds)
    fcntl.flock(file, fcntl.LOCK_UN)
    released = time.monotonic() - began
    thread.join(60)
    os.close(file)
    good.end(f"the lock held for {seconds} s, 150 changes meanwhile")
    counted = {}
    for _, status, _, _ in replies:
        counted[status] = counted.get(status, 0) + 1
    slowest = max((took for _, status, took, _ in replies if status != 201), default=0)
    torture.say(f"the lock held for {released:.0f} s: {counted}, refused within {slowest:.1f} s")
    torture.count("changes while the lock was held", len(replies))
    if set(counted) - {201, 503, 429}:
        torture.find(f"the lock held for {released:.0f} s: answers {counted}")
    if slowest > 8:
        torture.find(f"the lock held for {released:.0f} s: refused only after {slowest:.1f} s")
    if any(status == 503 and not (again or "").isdigit() for _, status, _, again in replies):
        torture.find("a 503 without Retry-After while the lock was held")
    time.sleep(0.5)
    names = set(Client(server.socket).names().values())
    for number, status, _, _ in replies:
        if (f"locked {number}" in names) != (status == 201):
            torture.find(f"answered {status} while the lock was held, and {'made' if f'locked {number}' in names else 'not made'}")


def mixed(torture, server, token):
    """What people do all day, six of them at once, for as long as there is time: with `--minutes 60`, about an hour."""

    def work(number):
        browser = server.browser()

        def ask(method, path, expected, body=None):
            reply = browser.ask(method, f"/api/v2{path}", body and json.dumps(body), token=token)
            torture.count("requests of mixed load")
            if reply.status != expected:
                torture.find(f"mixed load: {method} {path.rstrip('0123456789/')}: {reply!r}")
            return reply

        while torture.remaining > 90:
            name = f"mixed {number} {time.monotonic_ns()}"
            own = f"/campaigns/{json.loads(ask('POST', '/campaigns/', 201, {'name': name, 'organisations': [1]}).body)['campaignId']}/"
            ask("GET", "/campaigns/", 200)
            ask("POST", f"/projects/1{own}", 200)
            ask("GET", "/projects/1/campaigns/", 200)
            ask("PATCH", own, 200, {"description": name * 20})
            for _ in range(5):
                ask("GET", own, 200)
            ask("GET", "/notifications/", 200)
            ask("GET", "/campaigns/987654321/", 404)
            ask("POST", "/campaigns/", 409, {"name": name})
            ask("DELETE", own, 200)
        browser.close()

    on_threads(6, work)
