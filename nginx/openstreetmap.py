#!/usr/bin/env python3
"""A stand-in for the website of OpenStreetMap, as far as signing in goes, for trying and testing on this machine alone.

It has the three addresses that an application uses: the page on which somebody lets the application know who they are,
the token for the code that comes of it, and the user's details. Everybody can be anybody there, so nothing but the demo
may trust it. On the page one also chooses what is to go wrong; the choice goes with the code.
"""

import argparse
import base64
import html
import http.server
import json
import os
import secrets
import sys
import threading
import time
import urllib.parse

USERS = {1: "demo_admin", 10: "mapper_ten", 4242: "newcomer"}

# What may go wrong, with the token and with the details.
FAILURES = {
    "": "nothing",
    "token-slow": "the token never comes",
    "token-trickle": "the token comes a byte at a time",
    "token-down": "the connection ends without a token",
    "token-refused": "the code is refused",
    "token-client": "the application is refused",
    "token-html": "HTML in place of the token",
    "token-big": "10 MB of JSON in place of the token",
    "token-nameless": "JSON without a token",
    "token-list": "JSON that is a list in place of the token",
    "token-status": "status 500 in place of the token",
    "token-redirect": "a redirect in place of the token",
    "details-slow": "the details never come",
    "details-trickle": "the details come a byte at a time",
    "details-down": "the connection ends without details",
    "details-html": "HTML in place of the details",
    "details-big": "10 MB of JSON in place of the details",
    "details-nameless": "details without a name",
    "details-list": "JSON that is a list in place of the details",
    "details-status": "status 500 in place of the details",
    "details-other": "the details of another user",
}

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Stand-in of OpenStreetMap</title>
<link rel="icon" href="data:,">
<style>body {{ font-family: sans-serif; max-width: 40em; margin: 2em auto; padding: 0 1em }} label {{ display: block; margin: 1em 0 }}</style>
<h1>Stand-in of OpenStreetMap</h1>
<p>The application <strong>{client}</strong> wants to know who you are ({scope}). Here you can be anybody.</p>
<form method="post">
{hidden}
<label>User id <input name="user" value="1" inputmode="numeric" list="users"></label>
<datalist id="users">{users}</datalist>
<label>Name <input name="name" placeholder="the user's own"></label>
<label>What goes wrong <select name="fail">{failures}</select></label>
<button name="answer" value="yes">Authorize</button>
<button name="answer" value="no">Deny</button>
</form>
"""


class Site(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, client_id, client_secret):
        super().__init__(("127.0.0.1", port), Handler)
        self.client = (client_id, client_secret)
        self.lock = threading.Lock()
        self.codes = {}
        self.tokens = {}
        # Who waits for a slow answer is let go when this ends.
        self.end = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        """No log: codes and tokens would stand in it."""

    # --- The page ---

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/oauth2/authorize":
            self.show_page(dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)))
        elif url.path == "/api/0.6/user/details.json":
            self.tell_details()
        else:
            self.send(404, "text/plain", b"There is no such page here.\n")

    def show_page(self, asked):
        if not self.is_application(asked):
            return
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(asked.get(name, ""))}">'
            for name in ("client_id", "redirect_uri", "response_type", "scope", "state")
        )
        page = PAGE.format(
            client=html.escape(asked["client_id"]),
            scope=html.escape(asked.get("scope", "")),
            hidden=hidden,
            users="".join(f'<option value="{id}">{html.escape(name)}</option>' for id, name in USERS.items()),
            failures="".join(f'<option value="{key}">{html.escape(text)}</option>' for key, text in FAILURES.items()),
        )
        self.send(200, "text/html; charset=utf-8", page.encode())

    def is_application(self, asked):
        if asked.get("client_id") != self.server.client[0] or asked.get("response_type") != "code" or not asked.get("redirect_uri"):
            self.send(400, "text/plain", b"This application is not registered here.\n")
            return False
        return True

    # --- The answer to the page, and the token ---

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        sent = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
        path = urllib.parse.urlsplit(self.path).path
        if path == "/oauth2/authorize":
            self.authorize(sent)
        elif path == "/oauth2/token":
            self.give_token(sent)
        else:
            self.send(404, "text/plain", b"There is no such page here.\n")

    def authorize(self, sent):
        if not self.is_application(sent):
            return
        user = sent.get("user") or "1"
        if not user.isdigit() or sent.get("fail", "") not in FAILURES:
            self.send(400, "text/plain", b"A user id is a number.\n")
            return
        answer = {"state": sent["state"]} if sent.get("state") else {}
        if sent.get("answer") == "no":
            answer["error"] = "access_denied"
        else:
            answer["code"] = secrets.token_urlsafe(32)
            with self.server.lock:
                self.server.codes[answer["code"]] = {
                    "redirect_uri": sent["redirect_uri"],
                    "scope": sent.get("scope", ""),
                    "user": int(user),
                    "name": sent.get("name") or USERS.get(int(user), f"user_{user}"),
                    "fail": sent.get("fail", ""),
                }
        uri = sent["redirect_uri"]
        uri += ("&" if "?" in uri else "?") + urllib.parse.urlencode(answer)
        self.send(302, "text/plain", b"", {"Location": uri})

    def give_token(self, sent):
        if self.credentials(sent) != self.server.client:
            self.send_json(401, {"error": "invalid_client"})
            return
        with self.server.lock:
            # A code is good once.
            grant = self.server.codes.pop(sent.get("code"), None)
        if (
            sent.get("grant_type") != "authorization_code"
            or grant is None
            or grant["redirect_uri"] != sent.get("redirect_uri")
            or grant["fail"] == "token-refused"
        ):
            self.send_json(
                400,
                {
                    "error": "invalid_grant",
                    "error_description": "The provided authorization grant is invalid, expired or revoked",
                },
            )
            return
        token = secrets.token_urlsafe(32)
        with self.server.lock:
            self.server.tokens[token] = grant
        answer = {"access_token": token, "token_type": "Bearer", "scope": grant["scope"], "created_at": int(time.time())}
        self.answer("token", grant, answer)

    def credentials(self, sent):
        """What RFC 6749, 2.3.1 has: HTTP Basic, or both in the body."""
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            name, _, password = base64.b64decode(rest).decode().partition(":")
            return urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(password)
        return sent.get("client_id"), sent.get("client_secret")

    def tell_details(self):
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        with self.server.lock:
            grant = self.server.tokens.get(token) if scheme.lower() == "bearer" else None
        if grant is None:
            self.send(401, "text/plain", b"Couldn't authenticate you")
            return
        user = {"id": grant["user"], "display_name": grant["name"], "account_created": "2020-02-02T02:02:02Z", "description": ""}
        user["img"] = {"href": f"https://www.gravatar.com/avatar/{grant['user']:032x}.jpg?s=100&d=https%3A%2F%2Fwww.openstreetmap.org%2Favatar.png"}
        if grant["fail"] == "details-nameless":
            del user["display_name"]
        if grant["fail"] == "details-other":
            user["id"] += 1
            user["display_name"] += "_other"
        self.answer("details", grant, {"version": "0.6", "generator": "a stand-in", "user": user})

    # --- What comes back ---

    def answer(self, what, grant, answer):
        part, _, failure = grant["fail"].partition("-")
        if part != what:
            failure = ""
        if failure == "slow":
            self.server.end.wait(60)
            self.close_connection = True
        elif failure == "trickle":
            self.trickle(json.dumps(answer).encode())
        elif failure == "down":
            self.close_connection = True
        elif failure == "client":
            self.send_json(401, {"error": "invalid_client"})
        elif failure == "html":
            self.send(200, "text/html", b"<!doctype html><title>Offline</title><h1>We are offline for maintenance</h1>")
        elif failure == "big":
            self.send_json(200, {**answer, "filler": "x" * 10_000_000})
        elif failure == "nameless" and what == "token":
            self.send_json(200, {key: value for key, value in answer.items() if key != "access_token"})
        elif failure == "list":
            self.send_json(200, [answer])
        elif failure == "status":
            self.send_json(500, answer)
        elif failure == "redirect":
            self.send(302, "text/plain", b"", {"Location": "/api/0.6/user/details.json"})
        else:
            self.send_json(200, answer)

    def send_json(self, status, value):
        self.send(status, "application/json; charset=utf-8", json.dumps(value).encode())

    def send(self, status, type, body, headers={}):
        try:
            self.send_response(status)
            self.send_header("Content-Type", type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            # Whoever asked has had enough.
            self.close_connection = True

    def trickle(self, body):
        self.close_connection = True
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for byte in body:
                if self.server.end.wait(1):
                    return
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            pass


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="The application's secret is TM_CLIENT_SECRET in the environment."
    )
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; 0 is one that is free (default)")
    parser.add_argument("--client-id", default="demo", help="the application's id (default: demo)")
    arguments = parser.parse_args()
    secret = os.environ.pop("TM_CLIENT_SECRET", "")
    if not secret:
        parser.error("TM_CLIENT_SECRET is not set")
    site = Site(arguments.port, arguments.client_id, secret)
    # Whoever has started it learns its address.
    print(f"http://127.0.0.1:{site.server_address[1]}", flush=True)
    try:
        site.serve_forever()
    except KeyboardInterrupt:
        pass
    site.end.set()


if __name__ == "__main__":
    sys.exit(main())
