"""A browser on the page for coordinators, and the service behind it, for `page.py`.

From the environment: PAGE_URL, PAGE_DATA (the data folder), CAMPAIGND (the program), TM_SECRET, and PAGE_SHOTS, a folder in
which pictures of the views are left.
"""

import functools, http.client, json, os, pathlib, ssl, subprocess, sys, tempfile, time, uuid

from selenium import webdriver
from selenium.common.exceptions import SessionNotCreatedException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

# Seconds for which something is waited for.
PATIENCE = 60

# --- The service, without the page ---


@functools.cache
def token(user):
    command = [os.environ["CAMPAIGND"], "token", str(user), "--data", os.environ["PAGE_DATA"]]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def api(method, path, body=None, user=1):
    address, _, folder = os.environ["PAGE_URL"].removeprefix("https://").partition("/")
    connection = http.client.HTTPSConnection(address, context=ssl._create_unverified_context(), timeout=PATIENCE)
    headers = {"Authorization": f"Token {token(user)}"}
    connection.request(method, f"{'/' + folder if folder else ''}/api/v2" + path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text)


def unique(name):
    return f"{name} {uuid.uuid4().hex[:8]}"


def create(name="Campaign", **fields):
    fields.setdefault("name", unique(name))
    status, answer = api("POST", "/campaigns/", fields)
    assert status == 201, answer
    return answer["campaignId"], fields["name"]


def campaign(id):
    status, answer = api("GET", f"/campaigns/{id}/")
    assert status == 200, (status, answer)
    return answer


def record(path):
    return pathlib.Path(os.environ["PAGE_DATA"], path)


# --- The browser ---

TRAP = """
window.ran = [];
window.broken = [];
for (const name of ["xss", "alert", "confirm", "prompt", "print", "MsgBox"]) {
  Object.defineProperty(window, name, { value: () => { window.ran.push(name); }, configurable: false });
}
addEventListener("securitypolicyviolation", (event) => window.broken.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""

# An element that can be seen, by what it is called.
FIND = """
const [selector, name] = arguments;
const visible = (element) => element.checkVisibility({ visibilityProperty: true });
const called = (element) => {
  const copy = element.cloneNode(true);
  for (const hidden of copy.querySelectorAll("[aria-hidden=true]")) hidden.remove();
  return (element.getAttribute("aria-label") ?? copy.textContent).trim();
};
const all = [...document.querySelectorAll(selector)].filter(visible);
const dialog = document.querySelector("dialog[open]");
const inside = dialog && selector !== "dialog" ? all.filter((element) => dialog.contains(element)) : all;
return inside.find((element) => called(element) === name) ?? inside.find((element) => called(element).startsWith(name)) ?? null;
"""


def started(options):
    # On a busy machine chromedriver gives a browser up that takes long to start.
    for last in (False, False, True):
        try:
            return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        except SessionNotCreatedException as error:
            if last:
                raise
            print(error, file=sys.stderr)


class Page:
    def __init__(self, width=1280, height=900, dark=False, touch=False, allowed=(), language="en"):
        self.profile = tempfile.TemporaryDirectory()
        options = webdriver.ChromeOptions()
        for argument in (
            "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-sync --disable-extensions "
            "--disable-background-networking --disable-component-update --ignore-certificate-errors --no-proxy-server --lang=en --enable-precise-memory-info"
        ).split() + [f"--user-data-dir={self.profile.name}", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"]:
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = started(options)
        self.driver.set_script_timeout(120)
        self.allowed = allowed
        self.tell("Page.addScriptToEvaluateOnNewDocument", source=TRAP)
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)
        self.tell("Emulation.setTouchEmulationEnabled", enabled=touch)
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                                                         {"name": "prefers-reduced-motion", "value": "reduce"}])

    def tell(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def open(self, address="/", user=None):
        """Shows an address as a tab does that has just been opened, with or without a token."""
        script = self.tell("Page.addScriptToEvaluateOnNewDocument", source=f"""
            if (location.protocol === "https:") {{
              sessionStorage.clear();
              localStorage.clear();
              if ({json.dumps(user)}) sessionStorage.setItem("campaigns-token", {json.dumps(user and token(user))});
            }}""")
        self.driver.get("about:blank")
        self.driver.get(os.environ["PAGE_URL"] + "/#" + address)
        self.tell("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])
        self.settled()

    def settled(self):
        self.until(lambda: self.js("const main = document.getElementById('main');"
                                   "return !main.hasAttribute('aria-busy') && main.querySelector('h1') !== null"), "a view")

    def go(self, address):
        self.js("location.hash = arguments[0]", "#" + address)
        self.at(address)

    def at(self, address):
        self.until(lambda: self.js("return location.hash") == "#" + address, f"the address {address}")
        # The page hears of a new address a moment after it has changed.
        self.driver.execute_async_script("setTimeout(arguments[0], 50)")
        self.settled()

    def until(self, test, what):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                value = test()
                if value:
                    return value
            except StaleElementReferenceException:
                value = None
            if time.monotonic() > deadline:
                raise AssertionError(f"not there after {PATIENCE} s: {what}\n{self.text()}")
            time.sleep(0.03)

    def text(self):
        return self.js("return (document.querySelector('dialog[open]') ?? document.body).innerText")

    def sees(self, text):
        self.until(lambda: text in self.text(), repr(text))

    def find(self, selector, name):
        return self.until(lambda: self.js(FIND, selector, name), f"{selector} {name!r}")

    def has(self, selector, name):
        return self.js(FIND, selector, name) is not None

    def press(self, name):
        self.find("a, button", name).click()

    def field(self, label):
        element = self.find("label", label)
        return self.js("return document.getElementById(arguments[0].htmlFor)", element)

    def write(self, label, text):
        field = self.field(label)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(Keys.DELETE)
        field.send_keys(text)

    def value(self, label):
        return self.field(label).get_property("value")

    def wrong(self, label):
        """What is said to be wrong with a field: by what describes it, and only when it is marked."""
        return self.js("""
            const field = arguments[0];
            if (field.getAttribute("aria-invalid") !== "true") return null;
            return field.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id))
              .filter((element) => element.classList.contains("field-error")).map((element) => element.textContent).join();
            """, self.field(label))

    def focus(self):
        return self.driver.switch_to.active_element

    def focused(self):
        """What the element with the focus is called."""
        return self.js("""
            const element = document.activeElement;
            const copy = element.cloneNode(true);
            for (const hidden of copy.querySelectorAll("[aria-hidden=true]")) hidden.remove();
            return element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? copy.textContent.trim();
            """)

    def key(self, *keys):
        self.focus().send_keys(*keys)

    def shot(self, name):
        folder = os.environ.get("PAGE_SHOTS")
        if folder:
            self.driver.save_screenshot(f"{folder}/{name}.png")

    def check(self):
        ran, broken = self.js("return [window.ran, window.broken]")
        assert ran == [], f"this ran: {ran}"
        assert broken == [], f"the policy was broken: {broken}"
        errors = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        # A service that keeps no history, or does not know OpenStreetMap, says 404 when it is asked for it.
        unknown = ("/campaigns/changes/", "/system/authentication/login/")
        errors = [error for error in errors if not ("status of 404" in error and any(path in error for path in unknown)) and not any(
            f"status of {status}" in error or (status == 0 and "net::ERR" in error) for status in self.allowed)]
        assert errors == [], f"in the console: {errors}"

    def close(self):
        self.driver.quit()
        self.profile.cleanup()
