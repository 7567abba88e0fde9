"""Raw FastCGI to the socket, cut and twisted in every record type; afterwards good clients are served as before.

Not among it is what libfcgi itself does not survive (giant lengths, FCGI_GET_VALUES with repeated names): only the web server
reaches the socket, and a supervisor starts the process again. That is tried apart, at the end.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import time

import web
from common import (
    ABORT, BEGIN, DATA, END, GET_VALUES, PARAMS, STDERR, STDIN, STDOUT, UNKNOWN, Broken, Client, Hang, Site, make_token, pair,
    record, request_bytes, stream, variables, within)


def begin(request=1, role=1, flags=1, rest=b"\0" * 5):
    return record(BEGIN, request, struct.pack(">HB", role, flags) + rest)


class Maker:
    """Makes streams of bytes that are nearly right."""

    def __init__(self, dice):
        self.dice = dice
        self.token = make_token(1)

    def request(self):
        dice = self.dice
        method, target = dice.choice((
            ("GET", "/campaigns/"), ("GET", "/campaigns/1/"), ("POST", "/campaigns/"), ("PATCH", "/campaigns/1/"), ("GET", "/notifications/"),
            ("POST", "/projects/1/campaigns/1/"), ("OPTIONS", "/campaigns/")))
        body = None
        if method in ("POST", "PATCH"):
            body = b'{"description": "' + b"x" * dice.choice((0, 10, 9000, 70000)) + b'"}'
        return variables(method, "/api/v2" + target, body, {"Authorization": f"Token {self.token}"}), body or b""

    def records(self):
        """The records of one request, each as [type, request id, content, padding, version]."""
        dice = self.dice
        names, body = self.request()
        params = b"".join(pair(name, value) for name, value in names.items())
        piece = dice.choice((1, 7, 100, 65535))
        found = [[BEGIN, 1, struct.pack(">HB5x", 1, dice.choice((0, 1))), 0, 1]]
        found += [[PARAMS, 1, params[start:start + piece], dice.choice((0, 0, 3, 255)), 1] for start in range(0, len(params), piece)]
        found += [[PARAMS, 1, b"", 0, 1]]
        piece = dice.choice((100, 8192, 65535))
        found += [[STDIN, 1, body[start:start + piece], dice.choice((0, 0, 5)), 1] for start in range(0, len(body), piece)]
        found += [[STDIN, 1, b"", 0, 1]]
        return found

    @staticmethod
    def joined(records):
        return b"".join(record(kind, request, content, padding, version) for kind, request, content, padding, version in records)

    def variables_of(self, **changes):
        names, body = self.request()
        for name, value in changes.items():
            if value is None:
                names.pop(name, None)
            else:
                names[name] = value
        params = b"".join(pair(name, value) for name, value in names.items())
        return begin() + stream(PARAMS, 1, params) + stream(STDIN, 1, body)

    def case(self):
        """A name for it, and the bytes."""
        dice = self.dice
        records = self.records()
        kind = dice.choice((
            "cut", "cut between records", "type", "version", "request id", "role", "flags", "length", "padding", "dropped", "doubled", "swapped",
            "inserted", "interleaved", "aborted", "variables", "content length", "garbage", "get values", "flipped header", "two at once", "nothing"))
        place = dice.randrange(len(records))
        if kind == "cut":
            whole = self.joined(records)
            return kind, whole[: dice.randrange(len(whole))]
        if kind == "cut between records":
            return kind, self.joined(records[:place])
        if kind == "type":
            records[place][0] = dice.choice((0, ABORT, END, STDOUT, STDERR, DATA, UNKNOWN, 12, 77, 255))
        elif kind == "version":
            records[place][4] = dice.choice((0, 2, 9, 255))
        elif kind == "request id":
            records[place][1] = dice.choice((0, 2, 255, 256, 65535))
        elif kind == "role":
            records[0][2] = struct.pack(">HB5x", dice.choice((0, 2, 3, 4, 65535)), 1)
        elif kind == "flags":
            records[0][2] = struct.pack(">HB", 1, dice.randrange(256)) + bytes(dice.randrange(256) for _ in range(5))
        elif kind == "length":
            # Longer or shorter than it says: from there on everything is shifted.
            head = bytearray(self.joined(records[:place]))
            kind_, request, content, padding, version = records[place]
            wrong = max(0, min(65535, len(content) + dice.choice((-8, -1, 1, 8, 1000))))
            return kind, bytes(head) + record(kind_, request, content, padding, version, length=wrong) + self.tame(self.joined(records[place + 1:]))
        elif kind == "padding":
            records[place][3] = 255
            return kind, self.joined(records)[: -dice.randrange(1, 200)]
        elif kind == "dropped":
            del records[place]
        elif kind == "doubled":
            records.insert(place, records[place])
        elif kind == "swapped":
            other = dice.randrange(len(records))
            records[place], records[other] = records[other], records[place]
        elif kind == "inserted":
            records.insert(place, [dice.choice((ABORT, DATA, STDOUT, UNKNOWN, 99)), dice.choice((0, 1, 2)), bytes(dice.randrange(300)), 0, 1])
        elif kind == "interleaved":
            other = [[entry[0], 2, *entry[2:]] for entry in self.records()]
            mixed, mine = [], list(records)
            while mine or other:
                source = mine if mine and (not other or dice.random() < 0.5) else other
                mixed.append(source.pop(0))
            records = mixed
        elif kind == "aborted":
            records.insert(place, [ABORT, 1, b"", 0, 1])
            if dice.random() < 0.5:
                records = records[: place + 1]
        elif kind == "variables":
            choices = {
                "REQUEST_METHOD": (None, "", "G E T", "\0", "x" * 5000, "ÄÖ", "get"), "REQUEST_URI": (None, "", "*", "x" * 60000, "\0/api", "/api/v2/campaigns/%", "é\x80"),
                "HTTP_AUTHORIZATION": ("Token ", "Token " + "A" * 60000, "\xff\xfe", "Token \n"), "HTTP_": ("x",), "": ("",), "HTTP_IF_MATCH": ('"' * 999, "*", "W/"),
                "CONTENT_TYPE": ("\r\nX: y",), "=": ("=",), "HTTP_X\nY": ("1",), "HTTP_ORIGIN": ("https://x\r\nSet-Cookie: a=b",)}
            name = dice.choice(list(choices))
            return kind, self.variables_of(**{name: dice.choice(choices[name])})
        elif kind == "content length":
            return kind, self.variables_of(CONTENT_LENGTH=dice.choice((
                "-1", "0", "1", "99", "1048576", "1048577", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
                "99999999999999999999", "0x10", "1e3", " 5", "+5", "5 5", "", "٣")))
        elif kind == "garbage":
            return kind, self.tame(bytes(dice.randrange(256) for _ in range(dice.randrange(1, 3000))))
        elif kind == "get values":
            names = dice.sample((b"FCGI_MAX_CONNS", b"FCGI_MAX_REQS", b"FCGI_MPXS_CONNS", b"UNKNOWN", b"", b"\0"), dice.randint(0, 4))
            content = b"".join(pair(name, b"") for name in names)
            return kind, record(GET_VALUES, dice.choice((0, 0, 1)), content) + self.joined(records)
        elif kind == "flipped header":
            whole = bytearray(self.joined(records))
            starts, offset = [], 0
            for entry in records:
                starts.append(offset)
                offset += 8 + len(entry[2]) + entry[3]
            for _ in range(dice.randint(1, 3)):
                spot = dice.choice(starts) + dice.randrange(8)
                whole[spot] = dice.randrange(128)
            return kind, self.tame(bytes(whole))
        elif kind == "two at once":
            return kind, self.joined(records) + self.joined(self.records())
        elif kind == "nothing":
            return kind, b""
        return kind, self.joined(records)

    @staticmethod
    def tame(data):
        """No byte with the high bit, so that no length of a name has four bytes, wherever the shifted bytes end up."""
        return bytes(byte & 0x7F for byte in data)


def throw(path, data, dice, wait):
    """Sends bytes, and looks what comes back; says nothing about it."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(wait)
    came = b""
    try:
        connection.connect(path)
        if dice.random() < 0.3:
            spot = dice.randrange(len(data) + 1)
            connection.sendall(data[:spot])
            time.sleep(0.002)
            connection.sendall(data[spot:])
        else:
            connection.sendall(data)
        ending = dice.random()
        if ending < 0.5:
            connection.shutdown(socket.SHUT_WR)
        if ending < 0.8:
            while True:
                more = connection.recv(65536)
                if not more:
                    break
                came += more
    except OSError:
        pass
    finally:
        connection.close()
    return came


def run(torture):
    share = torture.deadline - time.monotonic()
    until = time.monotonic() + share * (0.6 if torture.quick else 0.75)
    site = Site(torture, "wire")
    daemon = site.start()
    good = daemon.client(timeout=12)
    good.ask("POST", "/campaigns/", {"name": "one"})
    maker = Maker(torture.random)
    for _ in range(100):
        good.ask("GET", "/campaigns/")
    before = (daemon.memory(), daemon.files(), daemon.threads())
    slowest = 0
    recent = []
    while time.monotonic() < until:
        name, data = maker.case()
        recent = [(name, data[:400]), *recent[:4]]
        came = throw(daemon.socket, data, torture.random, 0.05)
        torture.count("streams")
        if b"Status: 500" in came:
            torture.find(f"500 to {name}: {data[:300]!r}")
        try:
            began = time.monotonic()
            if torture.counts["streams"] % 10 == 0:
                answer = good.ask("PATCH", "/campaigns/1/", {"name": f"one {torture.counts['streams']}"})
            else:
                answer = good.ask("GET", "/campaigns/1/")
            took = time.monotonic() - began
            slowest = max(slowest, took)
            if answer.status != 200:
                torture.find(f"a good client got {answer!r} after {name}")
            if took > within(5):
                torture.find(f"a good client waited {took:.0f} s after a closed connection ({name})")
        except (Broken, Hang, OSError) as error:
            if not daemon.is_alive:
                torture.find(f"crash ({daemon.process.returncode}) at {name}: {data[:200]!r}, before it {[entry[0] for entry in recent]}")
                daemon.kill()
                daemon = site.start()
                good = daemon.client(timeout=12)
                before = (daemon.memory(), daemon.files() + 1, daemon.threads())
            else:
                torture.find(f"a good client got no answer after {name}: {error}")
                good.close()
    torture.say(f"a good client waited {slowest * 1000:.0f} ms at most")
    # Connections that hold half a record: others wait no longer than the service's own timeout.
    waits = []
    for count in (1, 4):
        half = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(count)]
        for connection in half:
            connection.connect(daemon.socket)
            connection.sendall(request_bytes("POST", "/api/v2/campaigns/", b"x" * 900, {"Authorization": f"Token {maker.token}"})[:300])
        time.sleep(0.05)
        began = time.monotonic()
        try:
            fresh = Client(daemon.socket)
            fresh.timeout = 2 if torture.quick else 45
            if fresh.ask("GET", "/campaigns/1/").status != 200:
                torture.find("a good client was refused beside half a request")
            waits.append(f"{count}: {time.monotonic() - began:.1f} s")
        except Hang:
            waits.append(f"{count}: more than {time.monotonic() - began:.0f} s")
            if not torture.quick:
                torture.find(f"{count} connections with half a request keep everybody else waiting for more than {time.monotonic() - began:.0f} s")
        for connection in half:
            connection.close()
        fresh.close()
    torture.say(f"beside so many connections with half a request a good client waits ({', '.join(waits)})")
    time.sleep(0.3)
    after = (daemon.memory(), daemon.files(), daemon.threads())
    torture.say(f"memory {before[0] >> 10} to {after[0] >> 10} KiB, files {before[1]} to {after[1]}, threads {before[2]} to {after[2]}")
    if after[0] > before[0] + (24 << 20):
        torture.find(f"memory grew from {before[0] >> 20} to {after[0] >> 20} MiB")
    if after[1] > before[1] + 3:
        torture.find(f"open files grew from {before[1]} to {after[1]}")
    if daemon.end(timeout=14) != 0:
        torture.find("SIGTERM did not end with 0 within 14 s")
    if site.check():
        torture.find(f"campaignd check: {site.check()[:200]}")
    site.remove()
    supervised(torture, share)


def supervised(torture, share):
    """What libfcgi does not survive: the supervisor has the service back within a second or two."""
    server = web.Server(torture, "wire-web")
    giant = begin() + record(PARAMS, 1, struct.pack(">II", 0x80000000 | 0x7FFFFFFE, 0x80000001) + b"x")
    repeated = record(GET_VALUES, 0, pair("FCGI_MAX_CONNS", "") * 12)
    try:
        for name, data in (("a giant name", giant), ("values asked for 12 times", repeated)):
            pid = server.daemon_pid()
            throw(server.socket, data, torture.random, 0.3)
            began = time.monotonic()
            died = False
            while time.monotonic() - began < within(15):
                died = died or server.daemon_pid() != pid or not os.path.exists(f"/proc/{pid}")
                try:
                    if server.get("/system/heartbeat/").status == 200 and (died or time.monotonic() - began > 0.5):
                        break
                except OSError:
                    pass
                time.sleep(0.02)
            else:
                torture.find(f"the service is not back within {within(15)} s after {name}")
            torture.count("deaths by libfcgi", 1 if died else 0)
            took = time.monotonic() - began
            torture.say(f"{name}: {f'died, served again after {took:.2f} s' if died else 'survived'}")
            if took > within(2):
                torture.find(f"it took {took:.1f} s until the service was back after {name}")
    finally:
        server.end()
