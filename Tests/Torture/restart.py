"""A new process takes over under load.

The documented way is a socket that the supervisor holds (systemd's socket unit) and hands to each process: the new one may be
started before the old one is told to end, or after; what comes in between waits in the socket.
"""

import http.client
import json
import os
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
    """A client of nginx's."""

    def __init__(self, torture, port, number, told, stop):
        self.torture, self.port, self.number, self.told, self.stop = torture, port, number, told, stop
        self.asked = set()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)  # it sets TCP_NODELAY by itself
        serial = 0
        token = make_token(1)
        while not self.stop.is_set():
            serial += 1
            name = f"u {self.number}.{serial}"
            try:
                if serial % 3:
                    connection.request("GET", "/api/v2/campaigns/1/")
                else:
                    self.asked.add(name)
                    connection.request("POST", "/api/v2/campaigns/", json.dumps({"name": name}), {"Authorization": f"Token {token}"})
                answer = connection.getresponse()
                body = answer.read()
                self.torture.count("requests")
                if answer.status not in (200, 201):
                    self.torture.find(f"during a restart: {'POST' if serial % 3 == 0 else 'GET'} got {answer.status} {body[:100]!r}")
                elif answer.status == 201:
                    self.told[name] = json.loads(body)["campaignId"]
            except (OSError, http.client.HTTPException) as error:
                self.torture.find(f"a request failed during a restart: {type(error).__name__} {error}")
                connection.close()
        connection.close()


def run(torture):
    site = Site(torture, "restart")
    path = site.socket("s")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(path)
    listening.listen(1024)
    listening.setblocking(False)
    daemon = Inherited(site, listening, "0")
    daemon.wait_until_ready()
    first = Client(path)
    first.ask("POST", "/campaigns/", {"name": "one"})
    first.close()
    told, stop = {}, threading.Event()
    nginx = web.PlainNginx(torture, os.path.join(site.path, "nginx"), path)
    clients = [Visitor(torture, nginx.port, number, told, stop) for number in range(8)]
    threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    serial = 0
    while torture.has_time:
        serial += 1
        time.sleep(torture.random.uniform(0.05, 0.4))
        if serial % 2:
            # As systemctl restart does it: the old one ends, and then the new one starts.
            if daemon.end() != 0:
                torture.find("the old process did not end with 0")
            daemon = Inherited(site, listening, str(serial))
            torture.count("restarts, one after the other")
        else:
            fresh = Inherited(site, listening, str(serial))
            fresh.wait_until_ready()
            if daemon.end() != 0:
                torture.find("the old process did not end with 0")
            daemon = fresh
            torture.count("restarts, the new one first")
    stop.set()
    for thread in threads:
        thread.join(30)
    nginx.end()
    names = Client(path).names()
    lost = [name for name, number in told.items() if names.get(number) != name]
    if lost:
        torture.find(f"acknowledged during restarts and gone: {lost[:5]}")
    unanswered = set(names.values()) - told.keys() - {"one"}
    if unanswered:
        torture.find(f"{len(unanswered)} changes were made during restarts and not acknowledged")
    daemon.end()
    listening.close()
    os.unlink(path)

    # A path of its own: the second process is refused, and the first one goes on.
    one = site.start("own")
    client = one.client()
    second = subprocess.run(
        [torture.binary, "serve", "--data", site.data, "--socket", one.socket], capture_output=True, text=True, timeout=20,
        env={"TM_SECRET": "torture-secret"})
    torture.say(f"a second process on the same path: exit code {second.returncode}, {second.stderr.strip()[-120:]!r}")
    if second.returncode == 0 or client.ask("GET", "/campaigns/1/").status != 200:
        torture.find("a second process on the same socket path is not refused")
    one.end()
    shown = subprocess.run([torture.binary, "serve", "--help"], capture_output=True, text=True).stdout
    if not any(word in shown for word in ("--replace", "--takeover", "--take-over")):
        torture.say("without a supervisor that holds the socket there is no command by which a new process takes over a path")
    site.remove()
