"""schemathesis, a generic fuzzer of APIs, over the service's own OpenAPI document and through nginx, with all its checks.

What it takes for wrong and is right stands in schemathesis.toml.
"""

import json
import os
import shutil
import subprocess
import sys
import threading

import web
from common import ADMIN, make_token

# Another release has other checks, which have to be looked at first.
PACKAGE = "schemathesis==4.32.5"


def install(torture):
    """Its program, from an environment of its own in the user's cache; nothing when it cannot be had."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(cache, "campaignd-torture", PACKAGE)
    tool = os.path.join(folder, "bin", "schemathesis")
    if not os.path.exists(tool):
        torture.say(f"installing {PACKAGE} in {folder} ...")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [os.path.join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", PACKAGE]
        if subprocess.run(pip, timeout=600).returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            return None
    return tool


def run(torture):
    seconds = torture.remaining
    tool = install(torture)
    if tool is None:
        return torture.find(f"{PACKAGE} cannot be installed, so nothing was tried")
    server = web.Server(torture, "schema", users=6)
    try:
        server.site.put("users", 2, {"id": 2, "username": "user 2", "role": "ADMIN"})
        server.site.put("projects", 1, {"projectId": 1, "name": "P1", "author": 1, "contributors": [ADMIN, 3]})
        pid = server.daemon_pid()
        done = threading.Event()
        other = threading.Thread(target=lambda: send(torture, server, done), daemon=True)
        other.start()
        fuzz(torture, tool, server, max(10, int(seconds)))
        done.set()
        other.join()
        if server.daemon_pid() != pid:
            torture.find(f"campaignd died: {server.words()[-600:]}")
        heartbeat = server.get("/system/heartbeat/")
        if heartbeat.status != 200 or b"broken" in heartbeat.body:
            torture.find(f"the heartbeat afterwards: {heartbeat!r}")
    finally:
        server.end()
    if server.site.check():
        torture.find(f"campaignd check: {server.site.check()[:300]}")
    server.site.remove()


def send(torture, server, done):
    """Somebody else, who goes on making campaigns, and messages to the user who asks: the document has no way to have one."""
    browser, token, serial = server.browser(), make_token(2), 0
    while not done.is_set():
        serial += 1
        made = browser.ask("POST", "/api/v2/campaigns/", json.dumps({"name": f"another {serial}"}), token=token)
        if made.status != 201:
            torture.find(f"somebody else's campaign: {made!r}")
            break
        number = json.loads(made.body)["campaignId"]
        browser.ask("POST", f"/api/v2/projects/1/campaigns/{number}/", token=token)
        message = json.dumps({"subject": f"s{serial}", "message": "m"})
        browser.ask("POST", f"/api/v2/campaigns/{number}/actions/message-contributors/", message, token=token)
        done.wait(0.05 if serial < 20 else 0.5)
    browser.close()


def fuzz(torture, tool, server, seconds):
    folder = os.path.join(torture.scratch, "schema-run")
    os.mkdir(folder)
    shutil.copy(os.path.join(torture.root, "Tests", "Torture", "schemathesis.toml"), folder)
    result = subprocess.run(
        [tool, "run", f"{server.url}/system/docs/json/", "--url", server.url, "--header", f"Authorization: Token {make_token(ADMIN)}",
         "--tls-verify", server.certificate, "--checks", "all", "--seed", str(torture.random.randrange(2**31)), "--continue-on-failure",
         "--no-color", "--report", "json", "--report-json-path", "report.json",
         # With a budget it goes on until that is spent, and the first two phases are not cut short by it.
         *(["--max-examples", "5"] if torture.quick else ["--max-time", str(seconds)])],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "NO_PROXY": "*", "no_proxy": "*"})
    words = result.stdout.splitlines()
    for place, line in enumerate(words):
        if line.strip().startswith(("Tested:", "✅", "❌", "⚠", "⏭")):
            torture.say(line.strip())
        if line.startswith("Test cases:") and place + 1 < len(words):
            torture.count("requests", int("".join(filter(str.isdigit, words[place + 1].split()[0]))))
    kept = f"/tmp/torture-schemathesis-{torture.seed}.txt"
    with open(kept, "w") as file:
        file.write(result.stdout + result.stderr)
    if result.returncode == 0:
        return torture.say(f"its words are in {kept}")
    titles = sorted({line.strip(" -❌") for line in words if line.strip().startswith("- ST") or line.strip().startswith("❌ ST")})
    torture.find(f"schemathesis ended with {result.returncode}: {titles}; its words are in {kept}")
