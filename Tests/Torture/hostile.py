"""Hostile HTTP through nginx: bodies, headers, targets, methods and tokens that nobody means well with.

No answer is a 5xx but for a 503 that says when to come back, every answer is JSON, and all come in time.
"""

import base64
import http.client
import json
import random
import socket
import time

import web
from common import ADMIN, make_token, on_threads, within

PATHS = (
    "/campaigns/", "/campaigns/{}/", "/campaigns/{}/actions/message-contributors/", "/projects/{}/campaigns/", "/projects/{}/campaigns/{}/",
    "/organisations/{}/campaigns/", "/organisations/{}/campaigns/{}/", "/notifications/", "/notifications/{}/",
    "/notifications/queries/own/count-unread/", "/notifications/mark-as-read-all/", "/notifications/mark-as-read-multiple/",
    "/notifications/delete-all/", "/notifications/delete-multiple/", "/system/heartbeat/", "/system/docs/json/")
IDS = ("1", "2", "3", "0", "-1", "01", "1.0", "1e3", "9223372036854775807", "9223372036854775808", "99999999999999999999999", "%31", "١", "abc", "", "%00", "..", "%2e%2e", "1%2f2", "1;x", "NaN")
FIELDS = ("name", "logo", "url", "description", "organisations", "id", "subject", "message", "messageIds", "x", "", "__proto__", "Name", "nаme")
TEXTS = (
    "", " ", "a", "A" * 255, "A" * 256, "é" * 255, "e\u0301" * 128, "\u0000", "\u001b[31m", "\n", "\r\nX: y", "\u2028", "\ufeff", "\u202eabc", "\U0001F600" * 100,
    "<script>alert(1)</script>", "javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "http://", "https://[::1", "//x", "/logos/../../etc/passwd",
    "[x](javascript:alert(1))", "![x](data:text/html;base64,xx)", "[" * 5000, "*" * 5000, "> " * 3000, "`" * 4000, "&#0;", "%s%n", "'; DROP TABLE x; --", "${jndi:x}",
    "9" * 400, "nan", "null", "true", "\u0130", "ﬁ", "ß", "\u1e9b\u0323", "a" * 70000)
NUMBERS = ("0", "-0", "1", "1.0", "5.0", "1e0", "1E400", "-1E400", "1e-400", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1" * 400, "0.1", "01", "+1", "1.", ".5", "0x1", "NaN", "Infinity", "-")


class Grammar:
    """Makes JSON, mostly right, and then bytes that are not."""

    def __init__(self, dice):
        self.dice = dice

    def text(self):
        dice = self.dice
        value = dice.choice(TEXTS) if dice.random() < 0.8 else "".join(chr(dice.choice((dice.randrange(32, 127), dice.randrange(0xD7FF), dice.randrange(0xE000, 0x110000)))) for _ in range(dice.randrange(30)))
        made = json.dumps(value, ensure_ascii=dice.random() < 0.5)
        if dice.random() < 0.05:
            made = made[:-1] + dice.choice(("\\ud800", "\\udc00\\ud800", "\\u0000", "\\x", "\\u12", "\\", "\t", "\x00", "\x7f")) + '"'
        return made

    def value(self, depth=0):
        dice = self.dice
        choice = dice.random()
        if choice < 0.35 or depth > 5:
            return self.text()
        if choice < 0.55:
            return dice.choice(NUMBERS)
        if choice < 0.7:
            return dice.choice(("null", "true", "false", "nul", "True"))
        if choice < 0.85:
            return "[" + ",".join(self.value(depth + 1) for _ in range(dice.randrange(4))) + "]"
        return self.object(depth + 1)

    def object(self, depth=0):
        dice = self.dice
        members = [f"{json.dumps(dice.choice(FIELDS))}:{self.value(depth)}" for _ in range(dice.randrange(5))]
        if dice.random() < 0.5:
            members.insert(dice.randrange(len(members) + 1), f'"name":{json.dumps(f"n{dice.randrange(10**9)}")}')
        if dice.random() < 0.2:
            members.append('"organisations":[' + ",".join(dice.choice(("1", "2", "99", '{"organisationId":1}', '{"organisationId":"1"}', "{}", "null", "1.5", "[]")) for _ in range(dice.randrange(4))) + "]")
        if dice.random() < 0.2:
            members.append('"messageIds":[' + ",".join(dice.choice(NUMBERS) for _ in range(dice.randrange(4))) + "]")
        if dice.random() < 0.2:
            members += [f'"subject":{self.text()}', f'"message":{self.text()}']
        return dice.choice(("{", "{", "{", " {\n", "\ufeff{")) + dice.choice((",", ",", ", ", " ,\t")).join(members) + "}"

    def body(self):
        dice = self.dice
        choice = dice.random()
        if choice < 0.75:
            made = self.object()
        elif choice < 0.96:
            made = self.value()
        else:
            depth = dice.choice((10, 63, 64, 65, 1000, 1000, 1000, 100000))
            made = dice.choice(("[" * depth, "[" * depth + "]" * depth, '{"a":' * depth, '{"name":' * depth + "1" + "}" * depth, '{"x":"' + "a" * dice.choice((10, 1000, 1000, 30000, (1 << 20) - 8, (1 << 20) - 7)) + '"}'))
        data = made.encode("utf-8", "surrogatepass")
        while dice.random() < 0.3 and data:
            spot = dice.randrange(len(data))
            change = dice.randrange(6)
            if change == 0:
                data = data[:spot] + bytes([dice.randrange(256)]) + data[spot + 1:]
            elif change == 1:
                data = data[:spot] + data[spot + dice.randrange(1, 9):]
            elif change == 2:
                data = data[:spot]
            elif change == 3:
                data = data[:spot] + dice.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x00", b'"', b"\\", b"{", b"]", b",", b"\xef\xbb\xbf")) + data[spot:]
            elif change == 4:
                data = data + data[:spot]
            else:
                data = dice.choice((b"", b" ", b"\n")) + data + dice.choice((b"", b"\x00", b"x", b" \n"))
        return data[: (1 << 20) + 1]


class Attacker:
    def __init__(self, torture, server, number):
        self.torture, self.server = torture, server
        self.dice = random.Random(f"{torture.seed} http {number}")
        self.grammar = Grammar(self.dice)
        self.good = [make_token(ADMIN), make_token(2), make_token(3)]

    def target(self):
        dice = self.dice
        path = dice.choice(PATHS)
        while "{}" in path:
            path = path.replace("{}", dice.choice(IDS) if dice.random() < 0.6 else str(dice.randint(1, 40)), 1)
        if dice.random() < 0.1:
            path = path.rstrip("/")
        if dice.random() < 0.1:
            spot = dice.randrange(len(path) + 1)
            path = path[:spot] + dice.choice(("/", "//", "/./", "/../", "%2f", "%00", "%zz", "%", "\\", ";", "%c0%af", "%F0%9F%98%80", "#", "?", "a" * 3000, "~", "|", "^", "'", '"<>')) + path[spot:]
        if dice.random() < 0.3:
            names = ("page", "pageSize", "status", "sortBy", "sortDirection", "messageType", "from", "x")
            values = ("1", "0", "-1", "99999999999999999999", "read", "unread", "date", "asc", "2", "2,3", "%00", "%ff", "%", "a%20b", "", "'", "%F0%9F%98%80", "1e9")
            path += "?" + "&".join(dice.choice(names) + dice.choice(("=", "=", "==", "")) + dice.choice(values) for _ in range(dice.randrange(4)))
        return "/api/v2" + path.encode("utf-8").decode("latin-1") if dice.random() < 0.5 else "/api/v2" + "".join(c if ord(c) < 128 else "%" + c.encode().hex() for c in path)

    def token(self):
        dice = self.dice
        choice = dice.random()
        if choice < 0.6:
            return "Token " + dice.choice(self.good)
        if choice < 0.7:
            return None
        token = dice.choice(self.good)
        inner = base64.b64decode(token)
        made = dice.choice((
            token[:-1], token + "=", token + "A", token.lower(), make_token(ADMIN, time.time() - 700_000), make_token(ADMIN, time.time() + 1000), make_token(ADMIN, secret="other"),
            make_token(10**30), make_token(-1), make_token(0), make_token('"1"'), make_token("null"), make_token("[1]"), make_token("1.0"), make_token("1" * 5000),
            base64.b64encode(inner[: dice.randrange(len(inner))]).decode(), base64.b64encode(inner.replace(b".", b"..", 1)).decode(), base64.b64encode(b"...").decode(),
            base64.b64encode(bytes(dice.randrange(256) for _ in range(40))).decode(), "", " ", "=" * 100, "A" * 6000, "é", "\x01"))
        return dice.choice(("Token ", "token ", "TOKEN  ", "Bearer ", "Token", "Token\t", "Basic ")) + made

    def request(self):
        dice = self.dice
        method = dice.choice(("GET", "POST", "POST", "PATCH", "PATCH", "DELETE", "HEAD", "OPTIONS")) if dice.random() < 0.95 else dice.choice(("PUT", "TRACE", "get", "PROPFIND", "X" * 30, "G\"T", "POSTED"))
        headers = {}
        token = self.token()
        if token:
            headers["Authorization"] = token
        if dice.random() < 0.2:
            headers[dice.choice(("If-Match", "If-None-Match"))] = dice.choice(("*", '""', '"x"', "W/", 'W/"x"', ",", '"' * 50, "x" * 3000, '"a", "b", *', "é"))
        if dice.random() < 0.1:
            headers["Origin"] = dice.choice(("null", "*", "https://x", "https://x\tb", "x" * 2000))
        if dice.random() < 0.1:
            headers[dice.choice(("Content-Type", "Range", "Accept", "Accept-Encoding", "Expect", "X-Forwarded-For", "X-HTTP-Method-Override", "Cookie", "Upgrade", "Proxy"))] = dice.choice(
                ("", "application/json; charset=utf-16", "bytes=0-5", "bytes=9-1", "gzip", "identity;q=0, *;q=0", "x" * 2000, "DELETE", "multipart/form-data"))
        body = self.grammar.body() if method not in ("GET", "HEAD", "OPTIONS") and dice.random() < 0.9 else None
        return method, self.target(), body, headers

    def run(self, until):
        torture = self.torture
        browser = self.server.browser()
        while time.monotonic() < until:
            method, target, body, headers = self.request()
            safe = {name: value.encode("utf-8").decode("latin-1").replace("\x01", "").replace("\n", "") for name, value in headers.items()}
            # http.client refuses to send some of it.
            clean = "".join(c for c in target if c > " " and c != "\x7f") or "/"
            what = f"{method} {clean[:120]} {str(body[:120]) if body else ''} {str(safe)[:100]}"
            try:
                reply = browser.ask(method, clean, body, safe)
            except ValueError:
                torture.count("not sent")
                continue
            except socket.timeout:
                torture.find(f"no answer in 20 s: {what}")
                continue
            except (OSError, http.client.HTTPException) as error:
                torture.find(f"no answer ({type(error).__name__} {error}): {what}")
                continue
            torture.count("requests")
            torture.count(f"{reply.status // 100}xx")
            self.judge(reply, method, what)
        browser.close()

    def judge(self, reply, method, what):
        torture = self.torture
        if reply.status >= 500 and not (reply.status == 503 and reply.headers.get("retry-after", "").isdigit()):
            torture.find(f"{reply!r}: {what}")
        if reply.took > within(5):
            torture.find(f"answered after {reply.took:.1f} s: {what}")
        if method == "HEAD" or reply.status in (204, 304):
            if reply.body:
                torture.find(f"a body where none may be: {what}")
            return
        try:
            value = json.loads(reply.body)
        except ValueError:
            return torture.find(f"no JSON, {reply!r}: {what}")
        if not reply.headers.get("content-type", "").startswith("application/json"):
            torture.find(f"Content-Type {reply.headers.get('content-type')}: {what}")
        if reply.status >= 400 and "Error" not in value and "error" not in value:
            torture.find(f"an error of neither shape, {reply!r}: {what}")
        text = reply.body.decode()
        if reply.status >= 400 and (self.server.site.data in text or ".swift" in text or "/tmp/" in text):
            torture.find(f"an error that shows a path, {reply!r}: {what}")


RAW = (
    b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    b"GET /api/v2/campaigns/ HTTP/1.1\r\n\r\n",
    b"GET /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n",
    b"GET /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nX" + b"x" * 40000 + b": y\r\n\r\n",
    b"GET /api/v2/" + b"x" * 40000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\nConnection: close\r\n\r\n",
    b"POST /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999999999999999\r\nConnection: close\r\n\r\n",
    b"POST /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\nConnection: close\r\n\r\n{}",
    b"POST /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
    b"POST /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n",
    b"POST /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
    b"POST /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    b"POST /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"TRACE /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET http://other/api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /api/v2/%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /api/v2/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /logos/..%2fusers/1.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /logos/%2e%2e/users/1.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: a\x00b\r\nConnection: close\r\n\r\n",
    b"GET /api/v2/campaigns/\tx HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"G\x01T /api/v2/campaigns/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"\x16\x03\x01\x00\xa5", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"\x00" * 100)


def raw(torture, server):
    """What no client library would send. Not all of it gets an answer; those that come are JSON, and no 500, 502 or 504."""
    for data in RAW:
        connection = server.connect(5)
        came = b""
        try:
            connection.sendall(data)
            while True:
                more = connection.recv(65536)
                if not more:
                    break
                came += more
                if b"\r\n\r\n" in came and b"Connection: close" not in data:
                    time.sleep(0.02)
                    connection.settimeout(0.1)
        except (OSError, socket.timeout):
            pass
        connection.close()
        torture.count("raw requests")
        head, _, body = came.partition(b"\r\n\r\n")
        if not came.startswith(b"HTTP/1."):
            if came and not came.startswith(b"{"):
                torture.find(f"no HTTP to {data[:60]!r}: {came[:100]!r}")
            continue
        status = int(head.split()[1])
        if status in (500, 502, 504):
            torture.find(f"{status} to {data[:80]!r}")
        if b"transfer-encoding: chunked" in head.lower():
            body = body.partition(b"\r\n")[2].rpartition(b"\r\n0\r\n")[0]
        if status not in (204, 304) and not body.lstrip().startswith(b"{"):
            torture.find(f"no JSON to {data[:80]!r}: {head[:100]!r} {body[:100]!r}")


def run(torture):
    server = web.Server(torture, "http", users=6)
    try:
        share = torture.deadline - time.monotonic()
        for number in range(20):
            server.browser().ask("POST", "/api/v2/campaigns/", json.dumps({"name": f"c{number}"}), token=make_token(ADMIN))
        raw(torture, server)
        until = time.monotonic() + share * 0.8
        pid = server.daemon_pid()
        on_threads(4, lambda number: Attacker(torture, server, number).run(until))
        if server.daemon_pid() != pid:
            torture.find(f"campaignd died: {server.words()[-600:]}")
        heartbeat = server.get("/system/heartbeat/")
        if heartbeat.status != 200 or b"broken" in heartbeat.body:
            torture.find(f"the heartbeat afterwards: {heartbeat!r}")
        if "an error has no answer of its own" in server.words() or "Fatal" in server.words():
            torture.find(f"the log: {[line for line in server.words().splitlines() if 'no answer of its own' in line or 'Fatal' in line][:2]}")
    finally:
        server.end()
    if server.site.check():
        torture.find(f"campaignd check: {server.site.check()[:300]}")
    server.site.remove()
