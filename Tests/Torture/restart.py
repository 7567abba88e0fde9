"""A new process takes over under load, and no request fails.

There are two documented ways. With a supervisor that holds the socket (systemd's socket unit) and hands it to each process, the
new one is started before the old one is told to end, or after; what comes in between waits in the socket. Without one, a new
process takes the path from the old one: `campaignd serve --socket PATH --take-over`.
"""

import http.client
import json
import os
import random
import socket
import subprocess
import threading
import time

import web
from common import Broken, Client, Daemon, Site, make_token


class Inherited(Daemon):
    """A process that is handed a listening socket as descriptor 0."""

    def __init__(self, site, listening, name):
        self.site, self.name, self.socket = site, name, listening.getsockname()
        self.clients = []
        self.log = open(os.path.join(site.path, f"{name}.log"), "ab")
        self.log_start = self.log.tell()
        self.process = subprocess.Popen(
            [site.torture.binary, "serve", "--data", site.data], stdin=listening.fileno(), stdout=self.log, stderr=self.log,
            env={"PATH": os.environ["PATH"], "TM_SECRET": "torture-secret"})
        site.torture.started(self.process)

    def wait_until_ready(self, timeout=20):
        deadline = time.monotonic() + timeout
        while "ready" not in self.words():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise Broken(f"does not start: {self.words()}")
            time.sleep(0.005)


class Visitor:
    """A client of nginx's. It asks without a pause, or only now and then, so that connections to the service lie idle."""

    def __init__(self, torture, port, number, told, stop):
        self.torture, self.port, self.number, self.told, self.stop = torture, port, number, told, stop
        self.dice = random.Random(f"{torture.seed} restart {number}")

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)  # it sets TCP_NODELAY by itself
        serial = 0
        token = make_token(1)
        while not self.stop.is_set():
            if self.number % 2:
                time.sleep(self.dice.choice((0, 0, 0.002, 0.02, 0.2, 0.5)))
            serial += 1
            name = f"u {self.port} {self.number}.{serial}"
            writes = self.dice.random() < 0.4
            try:
                if writes:
                    connection.request("POST", "/api/v2/campaigns/", json.dumps({"name": name}), {"Authorization": f"Token {token}"})
                else:
                    connection.request("GET", "/api/v2/campaigns/1/")
                answer = connection.getresponse()
                body = answer.read()
                self.torture.count("requests")
                if answer.status not in (200, 201):
                    self.torture.find(f"during a restart: {'POST' if writes else 'GET'} got {answer.status} {body[:100]!r}")
                elif answer.status == 201:
                    self.told[name] = json.loads(body)["campaignId"]
            except (OSError, http.client.HTTPException) as error:
                self.torture.find(f"a request failed during a restart: {type(error).__name__} {error}")
                connection.close()
        connection.close()


def under_load(torture, site, path, until, restart):
    """Restarts again and again while clients of nginx's ask, and then looks whether all that was answered is there, and no more."""
    first = Client(path)
    first.ask("POST", "/campaigns/", {"name": "one"})
    first.close()
    told, stop = {}, threading.Event()
    nginx = web.PlainNginx(torture, os.path.join(site.path, "nginx"), path)
    clients = [Visitor(torture, nginx.port, number, told, stop) for number in range(24)]
    threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    serial = 0
    while time.monotonic() < until or serial < 2:
        serial += 1
        time.sleep(torture.random.uniform(0.05, 0.4))
        restart(serial)
    stop.set()
    for thread in threads:
        thread.join(30)
    nginx.end()
    last = Client(path)
    names = last.names()
    last.close()
    lost = [name for name, number in told.items() if names.get(number) != name]
    if lost:
        torture.find(f"acknowledged during restarts and gone: {lost[:5]}")
    unanswered = set(names.values()) - told.keys() - {"one"}
    if unanswered:
        torture.find(f"{len(unanswered)} changes were made during restarts and not acknowledged")


def inherited(torture, until):
    """The supervisor holds the socket."""
    site = Site(torture, "inherited")
    path = site.socket("s")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(path)
    listening.listen(1024)
    listening.setblocking(False)
    daemons = [Inherited(site, listening, "0")]
    daemons[0].wait_until_ready()

    def end(daemon):
        if daemon.end() != 0:
            torture.find("the old process did not end with 0")

    def restart(serial):
        if serial % 2:
            # As systemctl restart does it.
            end(daemons.pop())
            daemons.append(Inherited(site, listening, str(serial)))
            torture.count("restarts, one after the other")
        else:
            fresh = Inherited(site, listening, str(serial))
            fresh.wait_until_ready()
            end(daemons.pop())
            daemons.append(fresh)
            torture.count("restarts, the new one first")

    under_load(torture, site, path, until, restart)
    end(daemons.pop())
    listening.close()
    os.unlink(path)
    site.remove()


def taken_over(torture, until):
    """Nobody holds the socket, and each process takes the path from the one before."""
    site = Site(torture, "taken")
    daemons = [site.start("s")]
    path = daemons[0].socket

    def restart(serial):
        fresh = site.start("s", arguments=["--take-over"], wait=False)
        daemons.append(fresh)
        old = daemons.pop(0)
        try:
            # It is told to by the new one.
            status = old.process.wait(15)
        except subprocess.TimeoutExpired:
            status = None
        if status != 0:
            torture.find(f"the old process ended with {status}: {old.words()[-300:]}")
        torture.count("takeovers")

    under_load(torture, site, path, until, restart)
    if daemons[-1].end() != 0:
        torture.find("the last process did not end with 0")
    left = [name for name in os.listdir(site.path) if ".sock" in name]
    if left:
        torture.find(f"sockets are left behind: {left}")
    site.remove()


def refused(torture):
    """Without the option a second process on the same path is refused, and the first one goes on."""
    site = Site(torture, "refused")
    one = site.start("own")
    client = one.client()
    client.ask("POST", "/campaigns/", {"name": "one"})
    second = subprocess.run(
        [torture.binary, "serve", "--data", site.data, "--socket", one.socket], capture_output=True, text=True, timeout=20,
        env={"TM_SECRET": "torture-secret"})
    if second.returncode == 0 or client.ask("GET", "/campaigns/1/").status != 200:
        torture.find("a second process on the same socket path is not refused")
    one.end()
    site.remove()


def run(torture):
    share = max(0, torture.deadline - time.monotonic()) / 2
    inherited(torture, time.monotonic() + share)
    taken_over(torture, torture.deadline)
    refused(torture)
