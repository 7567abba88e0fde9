"""Uses the page for coordinators in Chromium, as people do: with the mouse, with the keyboard alone, on a telephone.

    page.py                 prints the names of all scenarios
    page.py NAME            runs one: prints nothing when all is well, and what is wrong otherwise

From the environment: what `browser.py` needs, and PAGE_AXE, the file of axe-core, if there is one.

After each scenario nothing may have run that is no part of the page, the page's policy may not have been broken, and the
console may hold no error but the answers that the scenario has asked for.
"""

import base64, fcntl, hashlib, hmac, json, os, pathlib, re, struct, sys, tempfile, time, zlib

from selenium.webdriver.common.keys import Keys

from browser import Page, api, campaign, create, record, token, unique

HERE = pathlib.Path(__file__).resolve().parent
scenarios = {}


def scenario(name, **options):
    def note(function):
        scenarios[name] = (function, options)
        return function

    return note


# --- Everybody ---


@scenario("who types finds campaigns, whatever the accents and capitals")
def searching(page):
    page.open()
    count = page.js("return document.querySelectorAll('.card').length")
    assert count >= 12, count
    for text, name in [("dong bang", "Đồng bằng không ngập"), ("COTE des", "Accès aux soins à la Côte-des-Dunes"),
                       ("season before", "Before the Cyclone Season"), ("बाटो", "पहाडी बाटोहरू – Hill Trails")]:
        page.write("Search campaigns and organisations", text)
        assert page.js("return [...document.querySelectorAll('.card .name')].map((name) => name.textContent)") == [name]
        page.until(lambda: page.js("return document.querySelector('.count').textContent").startswith("1 of "), "the count")
    page.write("Search campaigns and organisations", "cyclone")
    assert page.js("return location.hash") == "#/?q=cyclone"
    page.driver.refresh()
    page.settled()
    assert page.value("Search campaigns and organisations") == "cyclone"
    assert page.js("return document.querySelectorAll('.card').length") == 1
    page.write("Search campaigns and organisations", "nothing like it")
    page.sees("Nothing is called like that")
    page.press("Show all campaigns")
    assert page.js("return document.querySelectorAll('.card').length") == count
    assert page.focus() == page.field("Search campaigns and organisations")
    page.key("delta", Keys.ESCAPE)
    assert page.value("Search campaigns and organisations") == ""
    assert page.js("return location.hash") == "#/"


@scenario("cards get their logo and organisations when they come into view")
def logos(page):
    page.open()
    page.until(lambda: page.js("return [...document.querySelectorAll('.card')].some((card) =>"
                               "card.textContent.includes('Before the Cyclone Season') && card.textContent.includes('Open Shelter')"
                               "&& card.querySelector('img')?.naturalWidth > 0)"), "a logo")
    assert page.js("return [...document.images].every((image) => image.alt === '' &&"
                   "(image.referrerPolicy === 'no-referrer' || image.closest('header')))")
    page.shot("list-light")


def bring(page, name):
    """Scrolls the list from its top until a campaign's card is there."""
    page.js("scrollTo(0, 0)")

    def seen():
        element = page.js("return [...document.querySelectorAll('.card')].find((card) => card.textContent.includes(arguments[0])) ?? null", name)
        if not element:
            page.js("scrollBy(0, innerHeight)")
        return element

    return page.until(seen, name)


@scenario("a campaign is opened, has an address of its own, and the way back leads to where one was", allowed=[404], height=500)
def opening(page):
    page.open()
    bring(page, "Clean Water Within Reach").click()
    page.at("/campaigns/8")
    assert page.driver.title == "Clean Water Within Reach – Campaigns"
    assert page.focus().tag_name == "h1"
    page.sees("Every well, pump and tap")
    page.sees("Blue River Health")
    assert page.find("a", "https://blue-river.example.org/water").get_attribute("rel") == "noopener noreferrer"
    page.driver.back()
    page.at("/")
    assert page.driver.title == "Campaigns"
    assert page.focused().startswith("Clean Water Within Reach"), page.focused()
    bring(page, "पहाडी बाटोहरू – Hill Trails").click()
    page.at("/campaigns/6")
    assert page.js("return scrollY") == 0
    page.driver.back()
    page.at("/")
    assert page.js("return scrollY") > 0 and page.focused().startswith("पहाडी"), (page.js("return scrollY"), page.focused())
    bring(page, "Clean Water Within Reach").click()
    page.at("/campaigns/8")
    page.driver.back()
    page.at("/")
    page.driver.forward()
    page.at("/campaigns/8")
    page.driver.refresh()
    page.settled()
    page.sees("Clean Water Within Reach")
    page.go("/campaigns/999999")
    page.sees("This campaign is not there")
    page.go("/nowhere")
    page.sees("There is nothing at this address")
    page.press("All campaigns")
    page.at("/")


@scenario("without a connection the page says so, and goes on by itself when there is one; what was loaded can be read", allowed=[0])
def offline(page):
    page.open()
    new, name = create(description="Not loaded yet")
    modules = {"/" + file.name for file in FOLDER.glob("*.js")} - {"/commonmark.js"}
    page.until(lambda: modules <= set(page.js("return performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)")),
               "all modules")
    connected(page, False)
    page.sees("You are offline. What is shown may be out of date.")
    assert page.js("return document.querySelector('.notice').getBoundingClientRect().bottom <= innerHeight")
    page.go("/campaigns/8")
    page.sees("Every well, pump and tap")
    page.go("/campaigns/11")
    page.sees("Accès aux soins")
    page.go(f"/campaigns/{new}")
    page.sees("No connection")
    page.sees("You seem to be offline")
    assert page.has("button", "Try again")
    page.shot("offline")
    connected(page, True)
    page.sees("Not loaded yet")
    page.until(lambda: "You are offline" not in page.text(), "the notice to go")


def connected(page, isConnected):
    page.tell("Network.enable")
    page.tell("Network.emulateNetworkConditions", offline=not isConnected, latency=0, downloadThroughput=-1, uploadThroughput=-1)


@scenario("twenty thousand campaigns come in one request, scroll smoothly, and take little room")
def many(page):
    ids = range(500_001, 520_001)
    try:
        for id in ids:
            text = {"id": id, "name": f"Large list {id}", "logo": "/logos/storm.svg", "description": "Long " * 40, "organisations": [1 + id % 4]}
            record(f"campaigns/{id}.json").write_text(json.dumps(text))
        page.until(lambda: len(api("GET", "/campaigns/")[1]["campaigns"]) >= 20_000, "the service to have seen them")
        page.open()
        page.until(lambda: whole(page) > 20_000, "all of them")
        asked = page.js("return performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.includes('/campaigns/'))")
        assert len(asked) == 1 and asked[0].endswith("/campaigns/?details=true"), asked
        assert page.js("return document.querySelectorAll('.card').length") < 120
        page.tell("HeapProfiler.enable")
        page.tell("HeapProfiler.collectGarbage")
        heap = page.js("return performance.memory.usedJSHeapSize")
        assert heap < 40_000_000, f"{heap} bytes"
        # Every letter is answered within a blink. What else the machine does is in some of the times, and not in the least.
        slowest = page.js("""
            const input = document.getElementById("search");
            const texts = ["l", "la", "lar", "large", "large 5", "large 50000", "large", ""];
            const least = texts.map(() => Infinity);
            for (let turn = 0; turn < 5; turn += 1) {
              texts.forEach((text, number) => {
                const start = performance.now();
                input.value = text;
                input.dispatchEvent(new InputEvent("input", { bubbles: true }));
                document.body.getBoundingClientRect();
                least[number] = Math.min(least[number], performance.now() - start);
              });
            }
            return Math.max(...least);
            """)
        assert slowest < 300, f"{slowest} ms for a letter"
        # And so is every step of the scroll bar, wherever it is: the cards of the place are there at the next frame.
        slowest = page.driver.execute_async_script("""
            const done = arguments[0];
            const frame = () => new Promise((next) => requestAnimationFrame(next));
            (async () => {
              let least = Infinity;
              for (let step = 0; step <= 40; step += 1) {
                scrollTo(0, document.documentElement.scrollHeight * step / 40);
                const start = performance.now();
                await frame();
                await frame();
                least = Math.min(least, performance.now() - start);
                const middle = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
                if (step > 0 && step < 40 && !middle.closest(".cards")) return done(`nothing at step ${step}`);
              }
              done(least);
            })();
            """)
        assert isinstance(slowest, (int, float)) and slowest < 200, slowest
        page.js("scrollTo(0, document.documentElement.scrollHeight)")
        page.until(lambda: page.has("a", "पहाडी बाटोहरू – Hill Trails"), "the last card")
        assert page.js("const last = [...document.querySelectorAll('.cards > li')].at(-1);"
                       "return last.ariaPosInSet === last.ariaSetSize && Number(last.ariaSetSize) > 20000")
        # What was opened in the middle is found again.
        page.js("scrollTo(0, document.documentElement.scrollHeight / 2)")
        page.until(lambda: page.has("a", "Large list 51"), "the middle")
        name = page.js("const card = document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest('a'); card.click(); return card.querySelector('.name').textContent")
        page.until(lambda: page.js("return document.querySelector('h1').textContent") == name, "the campaign")
        page.driver.back()
        page.at("/")
        assert page.focused().startswith(name), page.focused()
    finally:
        for id in ids:
            record(f"campaigns/{id}.json").unlink(missing_ok=True)


def whole(page):
    """How many campaigns there are, once all have arrived."""
    number = page.js("return document.querySelector('.count').textContent").split()[0].replace(",", "")
    return int(number) if number.isdigit() else 0


@scenario("over a slow connection the first campaigns are there long before the last, and one waits for as long as they come")
def slow(page):
    ids = range(600_001, 603_001)
    try:
        for id in ids:
            words = hashlib.sha256(str(id).encode()).hexdigest()
            record(f"campaigns/{id}.json").write_text(json.dumps({"id": id, "name": f"{words[:4]} slow list {id}", "description": words * 2}))
        page.until(lambda: len(api("GET", "/campaigns/")[1]["campaigns"]) >= 3_000, "the service to have seen them")
        # The files of the page are there already, so that only the list is slow.
        page.open("/nowhere")
        # Patience is a tenth of what it is, and the list needs twice as long.
        script = page.tell("Page.addScriptToEvaluateOnNewDocument", source="""
            const [later, limit] = [setTimeout, AbortSignal.timeout.bind(AbortSignal)];
            const shorter = (time) => (time === 30000 ? 3000 : time);
            globalThis.setTimeout = (body, time, ...rest) => later(body, shorter(time), ...rest);
            AbortSignal.timeout = (time) => limit(shorter(time));""")
        page.tell("Network.enable")
        page.tell("Network.emulateNetworkConditions", offline=False, latency=20, downloadThroughput=20_000, uploadThroughput=20_000)

        def begin():
            # The list is another one each time, or the browser would have it.
            create()
            page.open()
            assert page.js("return document.querySelectorAll('.card').length") > 10
            assert whole(page) == 0, "all have come at once"

        begin()
        page.sees("More campaigns are on their way …")
        page.write("Search campaigns and organisations", "slow list 6030")
        page.until(lambda: whole(page) == 1, "what was looked for to be found when it has come")
        assert page.js("return document.querySelector('.count').textContent").startswith("1 of 3,0")
        begin()
        page.js("scrollBy(0, 400)")
        page.js("[...document.querySelectorAll('.card')].find((card) => card.getBoundingClientRect().top > 100).focus({ preventScroll: true })")
        place = "return [document.activeElement.textContent, document.activeElement.getBoundingClientRect().top]"
        name, top = page.js(place)
        page.until(lambda: whole(page) > 3_000, "all of them")
        now, there = page.js(place)
        assert now == name and abs(there - top) < 3, (name, top, now, there)
        # A connection that breaks in the middle is told of, and what has come stays.
        begin()
        page.js("const { prototype } = ReadableStreamDefaultReader; window.whole = prototype.read;"
                "prototype.read = () => Promise.reject(new TypeError('network error'))")
        page.sees("The service cannot be reached at the moment.")
        assert page.js("return document.querySelectorAll('.card').length") > 10
        page.js("ReadableStreamDefaultReader.prototype.read = window.whole")
        page.tell("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
        page.press("Try again")
        page.until(lambda: whole(page) > 3_000, "all of them")
        page.tell("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])
    finally:
        for id in ids:
            record(f"campaigns/{id}.json").unlink(missing_ok=True)


@scenario("campaigns are found by their organisations, and sorted by name or newest first")
def sorting(page):
    id, name = create("Aaa the newest of all", organisations=[3])
    page.open()
    page.until(lambda: page.js("return document.querySelector('.card .name').textContent") is not None, "a card")
    page.js("const order = arguments[0]; order.value = 'newest'; order.dispatchEvent(new Event('change'))", page.field("Sort by"))
    assert page.js("return location.hash") == "#/?sort=newest"
    numbers = page.js("return [...document.querySelectorAll('.cards > li')].map((card) => Number(card.dataset.id))")
    assert numbers == sorted(numbers, reverse=True) and id in numbers[:20], numbers
    page.driver.refresh()
    page.settled()
    assert page.value("Sort by") == "newest"
    page.write("Search campaigns and organisations", "cartografia aaa")
    names = page.js("return [...document.querySelectorAll('.card .name')].map((name) => name.textContent)")
    assert name in names and all(one.startswith("Aaa") for one in names), names


@scenario("names that begin alike are told apart, and the whole is in the title")
def alike(page):
    start = unique("Mapping all of the buildings along the river in the districts of the north") + " "
    names = [create(name=start + end)[1] for end in ("before the season of rain", "after the season of rain")]
    page.open("/?q=" + start[-9:-1])
    page.until(lambda: page.js("return document.querySelectorAll('.card').length") == 2, "two cards")
    shown = page.js("return [...document.querySelectorAll('.card .name')].map((name) => [name.textContent, name.title, name.scrollHeight <= name.clientHeight + 1])")
    assert sorted(title for _, title, _ in shown) == sorted(names), shown
    assert all(word in text and fits for (text, _, fits), word in zip(sorted(shown, key=lambda one: one[1]), ["after", "before"])), shown
    assert page.has("a", "Mapping all of")
    page.shot("alike")


# --- Signing in ---


@scenario("a token is asked for, checked, kept for the tab, and forgotten", allowed=[401])
def token_dialog(page):
    page.open("/campaigns/8")
    for name in ["Edit", "Delete", "Write to contributors", "Unlink Blue River Health", "New campaign", "Inbox"]:
        assert not page.has("a, button", name), name
    page.press("Sign in")
    page.press("Use this token")
    assert page.wrong("Token") == "Please paste your token here."
    page.write("Token", "bad")
    page.key(Keys.ENTER)
    page.until(lambda: page.wrong("Token"), "what is wrong")
    assert "does not take this token" in page.wrong("Token")
    assert page.focus() == page.field("Token")
    page.write("Token", "Tokén")
    page.press("Use this token")
    page.until(lambda: page.wrong("Token").startswith("This is no token"), "what is wrong")
    page.shot("token")
    page.write("Token", f"  Token {token(1)} ")
    page.press("Use this token")
    page.until(lambda: page.has("button", "demo_admin"), "the user")
    page.sees("You are signed in.")
    page.find("a", "Edit")
    assert page.js("return [sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]
    page.driver.refresh()
    page.settled()
    page.until(lambda: page.has("button", "demo_admin"), "the user")
    page.press("demo_admin")
    page.sees("You are signed in as demo_admin.")
    page.sees("You are an administrator")
    page.press("Sign out")
    page.until(lambda: page.has("button", "Sign in"), "the button")
    assert not page.has("a", "Edit")
    assert page.js("return sessionStorage.length") == 0
    # Another tab has it only when that is wished for.
    page.press("Sign in")
    page.write("Token", token(1))
    page.field("Stay signed in on this device").click()
    page.press("Use this token")
    page.until(lambda: page.has("button", "demo_admin"), "the user")
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.driver.get(os.environ["PAGE_URL"] + "/")
    page.until(lambda: page.has("button", "demo_admin"), "the user in another tab")
    page.press("demo_admin")
    page.press("Sign out")
    page.driver.close()
    page.driver.switch_to.window(first)
    page.until(lambda: page.has("button", "Sign in"), "the button in the first tab")
    assert page.js("return [sessionStorage.length, localStorage.length]") == [0, 0]


@scenario("when a token runs out in the middle, a new one is asked for and nothing typed is lost", allowed=[401])
def token_runs_out(page):
    id, name = create()
    page.open(f"/campaigns/{id}/edit", 1)
    page.write("Description", "Typed before it ran out")
    page.js("sessionStorage.setItem('campaigns-token', 'old')")
    address = page.js("return location.href")
    page.driver.execute_script("window.onbeforeunload = null")
    # As a tab that was left open for a week: the page has a token, and the service does not take it.
    page.js("""return import("/session.js").then((session) => session.keep("b2xk"))""")
    page.press("Save")
    page.until(lambda: page.has("button", "Use this token"), "the dialog")
    assert page.js("return location.href") == address
    if not page.wrong("Token"):
        page.press("Use this token")
    page.write("Token", token(1))
    page.press("Use this token")
    page.at(f"/campaigns/{id}")
    assert campaign(id)["description"] == "Typed before it ran out"


# --- Changing ---


def choose(page, label, text, *names):
    """Types into a field, and chooses from the list that opens."""
    page.write(label, text)
    page.field(label).click()
    for name in names:
        page.find("[role=option]", name).click()
        page.find("button", f"Remove {name}")


@scenario("a campaign is created, and what is wrong stands at its field", allowed=[400, 404, 409])
def creating(page):
    _, taken = create("Taken")
    name = unique("Bridges <b>& Ferries")
    page.open("/", 1)
    page.press("New campaign")
    page.at("/new")
    assert page.focus() == page.field("Name")
    page.press("Create")
    assert page.wrong("Name") == "A campaign needs a name."
    assert page.focus() == page.field("Name")
    page.shot("form-error")
    page.write("Name", "x" * 256)
    page.press("Create")
    assert "255" in page.wrong("Name")
    page.write("Name", taken)
    assert page.wrong("Name") is None
    page.write("Description", "First line\nSecond line")
    page.press("Create")
    page.until(lambda: page.wrong("Name"), "what is wrong")
    assert "has this name already" in page.wrong("Name")
    assert page.focus() == page.field("Name")
    page.write("Name", name)
    page.write("Web page", "javascript:xss()")
    page.press("Create")
    page.until(lambda: page.wrong("Web page"), "what is wrong")
    page.write("Web page", "https://bridges.example.org")
    page.write("Logo", "ftp://x/logo.png")
    page.press("Create")
    page.until(lambda: page.wrong("Logo"), "what is wrong")
    page.write("Logo", "/logos/storm.svg")
    page.write("Organisations", "nobody")
    page.press("Create")
    page.until(lambda: "Nothing is called like that" in (page.wrong("Organisations") or ""), "what is wrong")
    # Several at once, from the list that gets shorter.
    choose(page, "Organisations", "", "Cartografía Abierta", "Open Shelter")
    choose(page, "Organisations", "blue", "Blue River Health")
    page.press("Remove Blue River Health")
    page.press("Create")
    page.sees("The campaign is there.")
    id = int(page.js("return location.hash").rsplit("/", 1)[1])
    made = campaign(id)
    assert (made["name"], made["url"], made["logo"], made["description"]) == (
        name, "https://bridges.example.org", "/logos/storm.svg", "First line\nSecond line"), made
    assert [one["organisationId"] for one in made["organisations"]] == [3, 1]
    assert page.js("return document.querySelector('h1').textContent") == name
    page.press("All campaigns")
    page.write("Search campaigns and organisations", name)
    page.find("a", name)


@scenario("a change sends what has changed and nothing else, and a step back loses nothing")
def editing(page):
    id, name = create(description="One\r\nTwo", url="https://old.example.org", organisations=[2, 1])
    page.open(f"/campaigns/{id}", 1)
    page.press("Edit")
    page.at(f"/campaigns/{id}/edit")
    page.press("Save")
    page.at(f"/campaigns/{id}")
    assert campaign(id)["description"] == "One\r\nTwo"
    page.press("Edit")
    page.at(f"/campaigns/{id}/edit")
    page.write("Web page", "")
    page.write("Name", name + " 2")
    page.driver.back()
    page.at(f"/campaigns/{id}")
    page.driver.forward()
    page.at(f"/campaigns/{id}/edit")
    assert page.value("Name") == name + " 2"
    page.press("Save")
    page.at(f"/campaigns/{id}")
    page.sees("Your changes are saved.")
    changed = campaign(id)
    assert (changed["name"], changed["url"], changed["description"]) == (name + " 2", None, "One\r\nTwo")
    assert [one["organisationId"] for one in changed["organisations"]] == [2, 1]
    page.press("Edit")
    page.at(f"/campaigns/{id}/edit")
    page.write("Name", "Not to be kept")
    page.press("Cancel")
    page.at(f"/campaigns/{id}")
    assert campaign(id)["name"] == name + " 2"
    page.press("Edit")
    page.at(f"/campaigns/{id}/edit")
    assert page.value("Name") == name + " 2"


@scenario("when two change the same campaign neither loses anything", allowed=[412])
def conflict(page):
    id, name = create(description="Before")
    page.open(f"/campaigns/{id}/edit", 1)
    page.write("Description", "Mine")
    api("PATCH", f"/campaigns/{id}/", {"name": name + " (theirs)", "description": "Theirs", "organisations": [3]}, user=2)
    page.press("Save")
    page.sees("Somebody else has changed this campaign")
    assert campaign(id)["description"] == "Theirs"
    assert page.value("Description") == "Mine"
    page.press("Load the other's changes")
    page.sees("You have both changed the same.")
    assert page.value("Name") == name + " (theirs)"
    assert page.value("Description") == "Mine"
    page.sees("Cartografía Abierta")
    page.shot("conflict")
    page.press("Take theirs")
    assert page.value("Description") == "Theirs"
    page.write("Description", "Both")
    page.press("Save")
    page.at(f"/campaigns/{id}")
    changed = campaign(id)
    assert (changed["name"], changed["description"]) == (name + " (theirs)", "Both")
    assert [one["organisationId"] for one in changed["organisations"]] == [3]
    # A draft that is older than the change of somebody else.
    page.press("Edit")
    page.at(f"/campaigns/{id}/edit")
    page.write("Description", "Draft")
    page.driver.back()
    page.at(f"/campaigns/{id}")
    api("PATCH", f"/campaigns/{id}/", {"url": "/theirs"}, user=2)
    page.driver.forward()
    page.at(f"/campaigns/{id}/edit")
    page.press("Save")
    page.press("Load the other's changes")
    page.until(lambda: page.value("Web page") == "/theirs", "their web page")
    assert page.value("Description") == "Draft"
    page.press("Save")
    page.at(f"/campaigns/{id}")
    assert (campaign(id)["description"], campaign(id)["url"]) == ("Draft", "/theirs")


@scenario("what was typed for a campaign that is deleted meanwhile becomes a new one", allowed=[404])
def deleted_meanwhile(page):
    id, name = create(description="Before")
    page.open(f"/campaigns/{id}/edit", 1)
    page.write("Description", "After")
    api("DELETE", f"/campaigns/{id}/")
    page.press("Save")
    page.sees("Somebody has deleted this campaign meanwhile")
    page.press("Make a new campaign of it")
    page.sees("The campaign is there.")
    new = int(page.js("return location.hash").rsplit("/", 1)[1])
    assert new > id
    assert (campaign(new)["name"], campaign(new)["description"]) == (name, "After")


@scenario("a campaign is deleted when that is confirmed, and is still as it was seen", allowed=[412])
def deleting(page):
    id, name = create()
    page.open(f"/campaigns/{id}", 1)
    page.press("Delete")
    page.sees("cannot be undone")
    assert page.focused() == "Cancel"
    page.key(Keys.ESCAPE)
    page.until(lambda: not page.js("return document.querySelector('dialog')"), "no dialog")
    assert page.focused() == "Delete"
    api("PATCH", f"/campaigns/{id}/", {"name": name + " 2"}, user=2)
    page.press("Delete")
    page.press("Delete")
    page.sees("Somebody has changed this campaign")
    page.sees(name + " 2")
    assert campaign(id)
    page.press("Delete")
    page.at("/")
    page.sees("is deleted.")
    assert api("GET", f"/campaigns/{id}/")[0] == 404


@scenario("there is a button for what one may do, and none for what one may not", allowed=[403])
def rights(page):
    id, name = create(organisations=[1, 2])
    project = record("projects/7007.json")
    project.write_text(json.dumps({"projectId": 7007, "name": "Quiet Streets", "organisation": 3, "status": "PUBLISHED",
                                   "author": 4, "managers": [], "contributors": []}))
    try:
        api("POST", f"/projects/7007/campaigns/{id}/")
        buttons(page, id)
    finally:
        project.unlink()


def buttons(page, id):
    for user, may, may_not in [
        (1, ["Edit", "Write to contributors", "Delete", "Unlink Open Shelter", "Unlink Blue River Health", "Unlink Quiet Streets"], []),
        # She manages Open Shelter, and he Cartografía Abierta, whose project it is.
        (2, ["Edit", "Delete", "Unlink Open Shelter"], ["Write to contributors", "Unlink Blue River Health", "Unlink Quiet Streets"]),
        (4, ["Edit", "Delete", "Unlink Quiet Streets"], ["Write to contributors", "Unlink Open Shelter"]),
        (10, [], ["Edit", "Write to contributors", "Delete", "Unlink Open Shelter", "Unlink Quiet Streets"]),
        (5, [], ["Edit", "Write to contributors", "Delete", "Unlink Open Shelter", "Unlink Quiet Streets"]),
        (None, [], ["Edit", "Write to contributors", "Delete", "Unlink Open Shelter", "Unlink Quiet Streets", "Inbox"]),
    ]:
        page.open(f"/campaigns/{id}", user)
        page.sees("Quiet Streets")
        for one in may:
            page.find("a, button", one)
        for one in may_not:
            assert not page.has("a, button", one), (user, one)
        page.go("/")
        assert page.has("a", "New campaign") == (user in (1, 2, 4)), user
    page.open(f"/campaigns/{id}", 2)
    page.field("Link organisations").click()
    page.find("[role=option]", "Open Shelter")
    assert not page.has("[role=option]", "Blue River Health")
    # Who comes in by the address is told whom to ask, before they have typed anything.
    for user, address, text in [(10, f"/campaigns/{id}/edit", "ask an administrator"), (10, "/new", "ask an administrator"),
                                (2, f"/campaigns/{id}/message", "Only administrators may write")]:
        page.open(address, user)
        page.sees("Not for you")
        page.sees(text)
    page.open("/", 10)
    page.press("Nguyễn Hà")
    page.sees("You may read everything. To change campaigns, ask")


@scenario("who has lost a right meanwhile is told so, where they tried", allowed=[403])
def forbidden(page):
    id, name = create()
    people = record("users/9001.json")
    organisation = record("organisations/9001.json")
    try:
        people.write_text(json.dumps({"id": 9001, "username": "Short time", "role": "MAPPER"}))
        organisation.write_text(json.dumps({"organisationId": 9001, "name": "Short", "slug": "short", "managers": [9001]}))
        page.open(f"/campaigns/{id}/edit", 9001)
        organisation.write_text(json.dumps({"organisationId": 9001, "name": "Short", "slug": "short", "managers": []}))
        page.write("Name", name + " 2")
        page.press("Save")
        page.sees("Your user may not change campaigns.")
        assert page.value("Name") == name + " 2"
        # What is wrong now stands alone.
        page.write("Name", "")
        page.press("Save")
        assert page.wrong("Name") and "may not change" not in page.text()
    finally:
        people.unlink(missing_ok=True)
        organisation.unlink(missing_ok=True)


@scenario("a disk that is busy or a text that is too large is said, and trying again is one press", allowed=[413, 503])
def busy(page):
    id, name = create()
    page.open(f"/campaigns/{id}/edit", 1)
    description = page.field("Description")
    # Out of sight, for a browser takes long to lay out so much.
    page.js("arguments[0].hidden = true; arguments[0].value = 'x'.repeat(1100000)", description)
    page.press("Save")
    page.sees("This is too large")
    page.js("arguments[0].value = ''; arguments[0].hidden = false", description)
    page.write("Description", "Small")
    with open(record(".lock"), "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        page.press("Save")
        page.sees("Nothing was changed. Please try again in 5 seconds.")
    assert page.value("Description") == "Small"
    page.press("Try again")
    page.at(f"/campaigns/{id}")
    assert campaign(id)["description"] == "Small"


@scenario("organisations and projects are linked and unlinked by name, several at once", allowed=[400, 404])
def linking(page):
    id, _ = create()
    page.open(f"/campaigns/{id}", 1)
    page.sees("No organisation takes part yet.")
    page.sees("No project belongs to it yet.")
    page.write("Link organisations", "")
    page.key(Keys.ENTER)
    page.until(lambda: page.wrong("Link organisations"), "what is wrong")
    choose(page, "Link organisations", "a", "Cartografía Abierta", "Mountain Rescue Mappers")
    page.shot("picker")
    page.press("Link")
    page.sees("Cartografía Abierta and Mountain Rescue Mappers are linked.")
    assert [one["organisationId"] for one in campaign(id)["organisations"]] == [3, 4]
    page.press("Unlink Cartografía Abierta")
    page.sees("Cartografía Abierta is no longer linked.")
    assert [one["organisationId"] for one in campaign(id)["organisations"]] == [4]
    assert page.focused() == "Link it again"
    page.press("Link it again")
    page.sees("Cartografía Abierta is linked.")

    def linked():
        return [number for number in range(1, 10) if any(one["id"] == id for one in api("GET", f"/projects/{number}/campaigns/")[1].get("campaigns", []))]

    # By its name, by its number, and by its address in a Tasking Manager.
    choose(page, "Link projects", "barrio", "Barrio Alto: aceras y cruces")
    page.write("Link projects", "#2")
    page.key(Keys.ENTER)
    page.until(lambda: page.value("Link projects") == "", "the chip")
    page.write("Link projects", "https://tasks.example.org/projects/3/tasks?search=1")
    page.key(Keys.ENTER)
    page.until(lambda: page.value("Link projects") == "", "the chip")
    page.js("document.querySelector('[aria-labelledby=project-title] form').requestSubmit()")
    page.sees("are linked.")
    page.until(lambda: linked() == [2, 3, 7], "the links")
    page.sees("Barrio Alto: aceras y cruces")
    page.shot("detail-light")
    page.write("Link projects", "7")
    page.key(Keys.ENTER)
    page.until(lambda: "linked already" in (page.wrong("Link projects") or ""), "what is wrong")
    page.press("Unlink Barrio Alto")
    page.sees("is no longer linked.")
    # What was wrong before does not stand beside it.
    assert page.wrong("Link projects") is None
    assert linked() == [2, 3]
    # One that somebody else has unlinked meanwhile.
    api("DELETE", f"/projects/2/campaigns/{id}/")
    page.press("Unlink " + api("GET", "/projects/?textSearch=%232")[1]["results"][0]["name"])
    page.sees("is no longer linked.")
    assert linked() == [3]


@scenario("a campaign's projects are shown fifty at a time, with what is known of them")
def projects(page):
    id, name = create()
    numbers = range(7001, 7061)
    try:
        for number in numbers:
            value = {"projectId": number, "name": f"Many {number}", "organisation": 1, "percentMapped": 64, "percentValidated": 20,
                     "status": "DRAFT" if number == 7001 else "PUBLISHED", "author": 1, "managers": [], "contributors": []}
            record(f"projects/{number}.json").write_text(json.dumps(value))
        file = record(f"campaigns/{id}.json")
        value = json.loads(file.read_text())
        value["projects"] = list(numbers)
        file.write_text(json.dumps(value))
        page.open(f"/campaigns/{id}", 1)
        shown = "return document.querySelectorAll('[aria-labelledby=project-title] .links > li').length"
        page.until(lambda: page.js(shown) == 50, "fifty")
        page.sees("Projects 60")
        page.sees("Open Shelter")
        page.sees("64% mapped")
        page.sees("20% validated")
        page.sees("draft")
        assert page.find("a", "Many 7002").get_attribute("href") == "https://tasks.example.org/projects/7002"
        page.press("Show more projects")
        page.until(lambda: page.js(shown) == 60, "sixty")
        assert not page.has("button", "Show more projects")
        assert page.focused() == "Many 7051"
    finally:
        for number in numbers:
            record(f"projects/{number}.json").unlink(missing_ok=True)


def png(side=8):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + os.urandom(3 * side) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@scenario("a picture is uploaded as the logo, and a file that is none is refused at the field", allowed=[400])
def uploading(page):
    id, _ = create()
    page.open(f"/campaigns/{id}/edit", 1)
    chosen = page.js("return document.querySelector('input[type=file]')")
    with tempfile.TemporaryDirectory() as folder:
        for name, data, wrong in [("text.txt", b"text", "Only PNG"), ("false.png", b"no picture", "no picture that can be used"),
                                  ("large.png", bytes(1_048_577), "no picture that can be used")]:
            pathlib.Path(folder, name).write_bytes(data)
            chosen.send_keys(f"{folder}/{name}")
            page.until(lambda: wrong in (page.wrong("Logo") or ""), f"what is wrong with {name}")
        pathlib.Path(folder, "logo.png").write_bytes(png())
        chosen.send_keys(f"{folder}/logo.png")
        page.sees("logo.png is uploaded.")
        # What is too large is made smaller, and a drawing becomes a picture.
        photo = png(800)
        assert len(photo) > 1_700_000
        pathlib.Path(folder, "photo.png").write_bytes(photo)
        chosen.send_keys(f"{folder}/photo.png")
        page.sees("photo.png is uploaded, made smaller so that it fits.")
        page.until(lambda: page.js("return document.querySelector('.preview img')?.naturalWidth") in (800, 512, 400), "the photo")
        pathlib.Path(folder, "drawing.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8" width="8" height="8"><rect width="8" height="8" fill="red"/></svg>')
        chosen.send_keys(f"{folder}/drawing.svg")
        page.sees("drawing.svg is uploaded")
        page.until(lambda: page.js("return document.querySelector('.preview img')?.naturalWidth") == 512, "the drawing")
        pathlib.Path(folder, "again.png").write_bytes(png())
        chosen.send_keys(f"{folder}/again.png")
        page.sees("again.png is uploaded.")
    assert page.wrong("Logo") is None
    assert "/logos/" in page.value("Logo")
    page.until(lambda: page.js("return document.querySelector('.preview img')?.naturalWidth") == 8, "the picture")
    page.press("Save")
    page.at(f"/campaigns/{id}")
    page.until(lambda: page.js("return document.querySelector('.campaign-head img')?.naturalWidth") == 8, "the picture")


# --- Messages ---


def reads(page, user, subject):
    """Waits until a user has got a message."""
    def has_it():
        return any(one["subject"] == subject for one in api("GET", "/notifications/", user=user)[1]["userMessages"])

    page.until(has_it, f"the message {subject!r}")


@scenario("an administrator writes to the contributors, sees what they will read, and how many they are")
def writing(page):
    subject = unique("Thank you")
    page.open("/campaigns/4", 1)
    page.press("Write to contributors")
    page.at("/campaigns/4/message")
    number = api("GET", "/campaigns/4/actions/message-contributors/")[1]["recipients"]
    page.sees(f"{number} people will get this letter")
    page.press("Send …")
    assert (page.wrong("Subject"), page.wrong("Message")) == ("A message needs a subject.", "There is nothing to send yet.")
    assert page.focus() == page.field("Subject")
    page.write("Subject", subject)
    page.write("Message", "All **roads** are done.\nSee https://example.org/x.\n\n![Map](/logos/storm.svg)\n\n<script>xss()</script>")
    page.until(lambda: page.js("return document.querySelector('.message-text img')?.naturalWidth > 0"), "the picture in the preview")
    assert page.js("const text = document.querySelector('.message-text'); return [text.querySelector('strong').textContent,"
                   "text.querySelector('a').href, text.querySelectorAll('br').length, text.textContent.includes('<script>')]") == [
                       "roads", "https://example.org/x", 1, True]
    box, preview = page.js("return [document.querySelector('textarea'), document.querySelector('.message-text')].map((one) => one.getBoundingClientRect().left)")
    assert preview > box + 300, "side by side"
    page.shot("letter")
    # Nothing is lost when the page is loaded again, which is asked about.
    assert page.js("const event = new Event('beforeunload', { cancelable: true }); dispatchEvent(event); return event.defaultPrevented")
    page.driver.refresh()
    page.settled()
    assert page.value("Subject") == subject and "**roads**" in page.value("Message")
    page.press("Send …")
    page.sees(f"It goes to {number} people")
    page.sees("cannot be taken back")
    page.press("Cancel")
    assert "**roads**" in page.value("Message")
    page.press("Send …")
    page.sees("cannot be taken back")
    page.press("Send")
    page.sees("Your message is on its way.")
    page.at("/campaigns/4")
    reads(page, 10, subject)
    page.press("Write to contributors")
    page.at("/campaigns/4/message")
    assert page.value("Message") == ""
    page.sees("Letters sent before")
    page.sees(subject)
    page.sees(f"delivered to {number} people")
    page.go(f"/campaigns/{create()[0]}/message")
    page.sees("Nobody would get this letter")


@scenario("who wants no letters says so in the settings")
def settings(page):
    page.open("/settings", 3)
    box = page.field("Send me letters about campaigns")
    assert box.is_selected()
    box.click()
    page.sees("Saved: you get no letters about campaigns.")
    assert json.loads(record("users/3.json").read_text())["projectsNotifications"] is False
    page.driver.refresh()
    page.settled()
    box = page.field("Send me letters about campaigns")
    assert not box.is_selected()
    box.click()
    page.sees("Saved: you get letters about campaigns.")
    assert json.loads(record("users/3.json").read_text())["projectsNotifications"] is True


@scenario("the inbox shows messages in pages, and reads and deletes them, several at once", allowed=[403, 404])
def inbox(page):
    api("DELETE", "/notifications/delete-all/", user=10)
    subjects = [unique(f"Message {number}") for number in range(12)]
    for subject in subjects:
        text = "All **roads**. [More](https://example.org/x)\n\n![Map](/logos/storm.svg)\n\n<script>xss()</script>"
        status, answer = api("POST", "/campaigns/4/actions/message-contributors/", {"subject": subject, "message": text})
        assert status == 200, answer
        reads(page, 10, subject)
    page.open("/", 10)
    page.until(lambda: page.has("a", "Inbox, 12 unread"), "the number of unread messages")
    page.press("Inbox")
    page.at("/inbox")
    page.sees("Page 1 of 2")
    assert page.js("return document.querySelectorAll('.messages li.unread').length") == 10
    page.shot("inbox-light")
    page.press("Older")
    page.at("/inbox?page=2")
    page.press(f"Unread: {subjects[0]}")
    page.sees("All roads.")
    page.until(lambda: page.js("return document.querySelector('.message-text img')?.naturalWidth > 0"), "the picture")
    page.shot("message-light")
    assert page.js("return document.querySelector('.message-text strong').textContent") == "roads"
    assert page.js("return document.querySelectorAll('.message-text script').length") == 0
    assert page.js("return document.querySelector('h1').textContent") == subjects[0]
    page.until(lambda: page.has("a", "Inbox, 11 unread"), "one less that is unread")
    page.press("Delete")
    page.sees("Delete this message?")
    page.press("Delete")
    page.sees("The message is deleted.")
    page.at("/inbox?page=2")
    page.press("Unread")
    page.at("/inbox?status=unread")

    def tick(subject):
        page.js("document.querySelector(`[aria-label=\"Choose ${arguments[0]}\"]`).click()", subject)

    # Several at once. Before anything is deleted one is asked.
    tick(subjects[11])
    tick(subjects[10])
    page.press("Delete 2")
    page.sees("Delete 2 messages?")
    page.press("Delete")
    page.sees("2 messages are deleted.")
    page.until(lambda: subjects[11] not in page.text(), "the message to be gone")
    assert page.focus().tag_name == "h1"
    tick(subjects[9])
    page.press("Mark 1 as read")
    page.sees("1 message is marked as read.")
    page.press("Read")
    page.at("/inbox?status=read")
    page.sees(subjects[9])
    assert subjects[8] not in page.text()
    page.press("All")
    page.at("/inbox")
    kind = page.field("Kind")
    page.js("arguments[0].value = 'others'; arguments[0].dispatchEvent(new Event('change'))", kind)
    page.at("/inbox?type=others")
    page.sees("No messages")
    page.go("/inbox?type=letters")
    page.sees(subjects[8])
    page.go("/inbox?status=unread")
    page.press("Mark all as read")
    page.sees("Everything is read")
    page.until(lambda: not page.has("a", "Inbox, "), "nothing unread")
    page.press("All")
    page.at("/inbox")
    assert page.js("return document.querySelectorAll('.messages li.unread').length") == 0
    # What comes in while one looks is shown.
    fresh = unique("Fresh")
    api("POST", "/campaigns/4/actions/message-contributors/", {"subject": fresh, "message": "For user 10"})
    reads(page, 10, fresh)
    page.js("document.dispatchEvent(new Event('visibilitychange'))")
    page.sees(fresh)
    page.press("Delete all")
    page.press("Delete")
    page.sees("No messages")
    assert api("GET", "/notifications/", user=10)[1]["pagination"]["total"] == 0
    page.go("/inbox/999999")
    page.sees("This message is not there")
    api("POST", "/campaigns/4/actions/message-contributors/", {"subject": subjects[0], "message": "For user 10"})
    reads(page, 10, subjects[0])
    message = api("GET", "/notifications/", user=10)[1]["userMessages"][0]["messageId"]
    page.open(f"/inbox/{message}", 1)
    page.sees("This message was sent to somebody else.")


def answers(page, table):
    """Has the service answer some requests like this. It stands in for what it may not know yet, or what lies beyond it."""
    page.tell("Page.addScriptToEvaluateOnNewDocument", source=f"""
        const real = window.fetch, table = {json.dumps(table)};
        window.fetch = (address, ...rest) => {{
          const path = Object.keys(table).find((path) => String(new URL(address, document.baseURI)).includes("/api/v2" + path));
          return path ? Promise.resolve(Response.json(table[path])) : real(address, ...rest);
        }};""")


@scenario("one signs in with OpenStreetMap and comes back to where one was; whoever does not, or is sent here by others, is not signed in",
          needs="PAGE_OSM", allowed=[0, 400, 502])
def openstreetmap(page):
    new, name = create()

    def sign_in(answer="yes", **choices):
        page.press("Sign in")
        page.press("Sign in with OpenStreetMap")
        page.until(lambda: page.driver.title == "Stand-in of OpenStreetMap", "the stand-in")
        assert page.js("return document.referrer") == ""
        for field, value in choices.items():
            element = page.driver.find_element("name", field)
            page.js("arguments[0].value = arguments[1]", element, value)
        page.find("button", "Authorize" if answer == "yes" else "Deny").click()
        page.until(lambda: page.js("return location.href") == f"{os.environ['PAGE_URL']}/#/campaigns/{new}", "the way back")
        page.settled()

    page.open(f"/campaigns/{new}")
    page.sees(name)
    sign_in(user="1", name="demo_admin")
    page.until(lambda: page.has("button", "demo_admin"), "the user")
    page.sees("You are signed in.")
    page.find("a", "Edit")
    assert page.js("return [sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]
    page.press("demo_admin")
    page.press("Sign out")
    for choices in ({"answer": "no"}, {"fail": "token-refused"}, {"fail": "details-html"}):
        sign_in(**choices)
        page.sees("Signing in with OpenStreetMap did not work.")
        assert page.has("button", "Sign in") and page.js("return [sessionStorage.length, localStorage.length]") == [0, 0]
        page.driver.get("about:blank")
        page.driver.get(f"{os.environ['PAGE_URL']}/#/campaigns/{new}")
        page.settled()
    # Whoever comes for the first time has no rights.
    sign_in(user="4242", name="newcomer")
    page.until(lambda: page.has("button", "newcomer"), "the user")
    page.sees("To change campaigns, ask an administrator of this site")
    assert not page.has("a", "Edit")
    assert json.loads(record("users/4242.json").read_text())["role"] == "MAPPER"
    page.press("newcomer")
    page.press("Sign out")
    page.driver.get(os.environ["PAGE_URL"] + "/?code=c0de&state=st4te")
    page.settled()
    page.sees("Signing in with OpenStreetMap did not work.")
    assert page.has("button", "Sign in") and page.js("return location.search") == ""


@scenario("where nobody can sign in with OpenStreetMap, nothing speaks of it")
def without_openstreetmap(page):
    page.open()
    page.press("Sign in")
    page.until(lambda: page.js("return performance.getEntriesByType('resource').some(({ name, responseEnd }) =>"
                               "name.includes('/system/authentication/login/') && responseEnd > 0)"), "the answer to where")
    page.driver.execute_async_script("setTimeout(arguments[0], 50)")
    page.sees("Use this token")
    assert "OpenStreetMap" not in page.text()


@scenario("who will be signed out before the day is over is told so in time")
def ending(page):
    six_days_ago = int(time.time()) - 6 * 86_400 - 3_600
    old = made_token(1, six_days_ago)
    page.open()
    page.js("""return import("/session.js").then((session) => session.keep(arguments[0]))""", old)
    page.until(lambda: page.has("button", "demo_admin"), "the user")
    page.driver.refresh()
    page.settled()
    page.sees("Please sign in again before that.")


def made_token(user, when):
    """As the Tasking Manager makes them."""
    def text(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    signed = text(json.dumps(user).encode()) + b"." + text(when.to_bytes((when.bit_length() + 7) // 8, "big"))
    key = hashlib.sha1(b"itsdangerous" + b"signer" + os.environ["TM_SECRET"].encode()).digest()
    return base64.b64encode(signed + b"." + text(hmac.new(key, signed, hashlib.sha1).digest())).decode()


@scenario("who changed what, and when, is shown with both values")
def history(page):
    changes = [
        {"changeId": 3, "date": "2026-11-20T10:00:00.000000Z", "userId": 2, "username": "amina_maps", "campaignId": 8, "campaignName": "Clean Water",
         "action": "updated", "fields": {"name": {"from": "Clear Water", "to": "Clean Water"}, "organisations": {"from": [2], "to": [2, 3]},
                                         "description": {"from": None, "to": "<b>Every well</b>"}}},
        {"changeId": 2, "date": "2026-11-19T10:00:00.000000Z", "userId": 1, "username": "demo_admin", "campaignId": 8, "campaignName": "Clear Water",
         "action": "project-linked", "fields": {"project": {"from": None, "to": 4}}},
        {"changeId": 1, "date": "2026-11-18T10:00:00.000000Z", "userId": 77, "username": None, "campaignId": 99, "campaignName": "Gone",
         "action": "deleted", "fields": {}},
    ]
    pagination = {"hasNext": False, "hasPrev": False, "page": 1, "pages": 1, "total": 3}
    answers(page, {"/campaigns/8/changes/": {"pagination": pagination, "changes": changes[:2]},
                   "/campaigns/changes/": {"pagination": pagination, "changes": changes}})
    page.open("/campaigns/8", 2)
    page.press("History")
    page.at("/campaigns/8/changes")
    page.sees("amina_maps changed Clean Water")
    assert page.js("return [...document.querySelectorAll('.difference')].map((one) => [...one.querySelectorAll('dt, del, ins')].map((part) => part.textContent))") == [
        ["Name", "Clear Water", "Clean Water"], ["Organisations", "Blue River Health", "Blue River Health, Cartografía Abierta"],
        ["Description", "nothing", "<b>Every well</b>"]]
    page.sees("demo_admin linked project Lakeshore: Every Roof to Clear Water")
    page.shot("history")
    page.press("All changes")
    page.at("/changes")
    page.sees("User 77 deleted Gone")
    assert page.find("a", "Gone").get_attribute("href").endswith("#/campaigns/99/changes")
    page.open("/campaigns/8", 10)
    assert not page.has("a", "History")


# --- Languages ---

FOLDER = HERE.parent.parent / "nginx/page"
LANGUAGES = ["en", "fr", "es", "pt", "ar", "sw", "id", "ne"]


def catalogue(language):
    def once(pairs):
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), [key for key in keys if keys.count(key) > 1]
        return dict(pairs)

    return json.loads((FOLDER / f"languages/{language}.json").read_text(), object_pairs_hook=once)


@scenario("every catalogue has every text, with its placeholders and the plural forms of its language")
def catalogues(page):
    page.open()
    assert sorted(file.stem for file in (FOLDER / "languages").iterdir()) == sorted(LANGUAGES)
    assert page.js("return [...document.getElementById('language').options].map((option) => option.value)") == LANGUAGES
    english = catalogue("en")
    for language in LANGUAGES:
        categories = set(page.js("return new Intl.PluralRules(arguments[0]).resolvedOptions().pluralCategories", language))
        texts = catalogue(language)
        assert list(texts) == list(english), (language, set(texts) ^ set(english))
        for key, text in texts.items():
            assert isinstance(text, dict) == isinstance(english[key], dict), (language, key)
            forms = text if isinstance(text, dict) else {"": text}
            if isinstance(text, dict):
                assert set(forms) == categories, (language, key, set(forms) ^ categories)
            wanted = set(re.findall(r"{\w+}", english[key]["other"] if isinstance(text, dict) else english[key]))
            for form, words in forms.items():
                # "One message" needs no number.
                mayLack = {"{count}"} if form in ("zero", "one", "two") else set()
                if form == "zero":
                    mayLack |= {"{found}"}
                found = set(re.findall(r"{\w+}", words))
                assert words.strip() == words != "" and found <= wanted | {"{count}"} and wanted - found <= mayLack, (language, key, form, words)
        untranslated = [key for key in texts if language != "en" and texts[key] == english[key] and isinstance(texts[key], str)
                        and not re.fullmatch(r"\W*|Pages|Message|Description|Organisations|Logo|Token|Navigation", texts[key])]
        assert untranslated == [], (language, untranslated)


@scenario("no text of the page stands outside of the catalogues, and every text of theirs is used")
def outside(page):
    page.open()
    sources = {file.name: file.read_text() for file in FOLDER.iterdir() if file.suffix == ".js" and file.name != "commonmark.js"}
    html = (FOLDER / "index.html").read_text()
    english = catalogue("en")
    everything = "".join(sources.values()) + html
    # Keys are written out, but for those that are made of a part and an ending.
    made = re.compile(r"(organisation|project)(s|\.link|\.link\.hint)|inbox\.(past|done|empty)\.hint|change\..*|missing.*|forbidden.*")
    unused = [key for key in english if f'"{key}"' not in everything and not made.fullmatch(key)]
    assert unused == [], unused
    used = set(re.findall(r'\b(?:t|parts)\("([^"]+)"', everything)) | set(re.findall(r'data-(?:text|label)="([^"]+)"', html))
    assert used <= set(english), used - set(english)
    # What index.html says before a catalogue is there is what the English one says.
    for key, text in re.findall(r'data-text="([^"]+)"[^>]*>([^<]*)<', html):
        assert english[key] == text, (key, text)
    bare = re.sub(r'<[^>]*data-text="[^"]+"[^>]*>[^<]*|<[^>]*>', " ", html)
    assert not re.search(r"[A-Za-z]{2,}", bare.replace("api/v2/campaigns/", "")), bare
    # A literal that looks like words: two in a row, or one with a capital.
    fine = re.compile(r"(?:Authorization|Content-Type|If-Match|Retry-After|ETag|Escape|Enter|ArrowDown|ArrowUp|Backspace|Token ?|Unreachable"
                      r"|[A-Z][a-z]+(?:[A-Z][a-z]+)+|[A-Z_]+|use strict|no-referrer|noopener noreferrer)")
    for name, text in sources.items():
        text = re.sub(r"^\s*//.*$", "", text, flags=re.M)
        text = re.sub(r"class: (\"[^\"]*\"|`[^`]*`)", "", text)
        text = re.sub(r'(querySelector|querySelectorAll|closest)\("[^"]*"\)', "", text)
        if name == "start.js":
            text = re.sub(r"const languages = {[^}]*}", "", text)
        for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', text) + re.findall(r"`([^`]*)`", text):
            words = re.sub(r"\$\{[^}]*\}*", " ", literal)
            looks = re.search(r"[A-Za-z]{3,} [a-z]{2,}|^[A-Z][a-z]{2,}|[^\x00-\x7f]", words)
            assert not looks or fine.fullmatch(words.strip()) or fine.fullmatch(literal) or not re.search(r"[^\W\d_]{2,}", words), (name, literal)
    # And no text is seen that is not from there: here every text of the catalogue stands in brackets.
    page.tell("Page.addScriptToEvaluateOnNewDocument", source="""
        const real = window.fetch;
        window.fetch = async (address, ...rest) => {
          const answer = await real(address, ...rest);
          if (!String(address).includes("languages/")) return answer;
          const marked = (text) => typeof text === "string" ? `⟦${text}⟧` : Object.fromEntries(Object.entries(text).map(([form, one]) => [form, marked(one)]));
          const texts = await answer.json();
          return new Response(JSON.stringify(Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, marked(text)]))));
        };""")

    def look(view):
        loose = page.js("""
            const found = [];
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) {
              const { data, parentElement } = walker.currentNode;
              // Names and texts of people, numbers and dates.
              if (parentElement.closest("bdi, [dir=auto], time, .logo, .message-text, .outer, script, noscript, #language, #broken, textarea")) continue;
              if (/[\\p{L}]{2,}/u.test(data) && !/[⟦⟧]/.test(data)) found.push(data);
            }
            for (const element of document.querySelectorAll("[aria-label], [placeholder], [title]")) {
              for (const name of ["aria-label", "placeholder"]) {
                const text = element.getAttribute(name);
                if (text && /[\\p{L}]{2,}/u.test(text) && !text.includes("⟦")) found.push(text);
              }
            }
            return found;
            """)
        assert loose == [], (view, loose)

    every_view(page, look)


@scenario("the page speaks the browser's language, another one is remembered, and Arabic is from right to left", language="pt-BR,en")
def languages(page):
    page.open()
    seen = "return [document.documentElement.lang, document.documentElement.dir, document.querySelector('h1').textContent, document.title]"
    assert page.js(seen) == ["pt", "ltr", "Campanhas", "Campanhas"]
    assert page.has("button", "Entrar")
    choice = page.field("Idioma")
    assert [option.text for option in choice.find_elements("tag name", "option")] == [
        "English", "Français", "Español", "Português", "العربية", "Kiswahili", "Bahasa Indonesia", "नेपाली"]
    page.js("arguments[0].value = 'ar'; arguments[0].dispatchEvent(new Event('change'))", choice)
    page.until(lambda: page.js(seen) == ["ar", "rtl", "الحملات", "الحملات"], "Arabic")
    assert page.has("button", "تسجيل الدخول")
    page.driver.refresh()
    page.settled()
    assert page.js(seen) == ["ar", "rtl", "الحملات", "الحملات"]
    assert page.js("return [...document.querySelectorAll('.card .name')].every((name) => getComputedStyle(name).textAlign === 'right')")
    page.shot("list-arabic")
    # The logo stands to the right of the name, and the way back leads to the right.
    logo, name = page.js("return [...document.querySelectorAll('.card:first-child .logo, .card:first-child .name')].slice(0, 2).map((one) => one.getBoundingClientRect().left)")
    assert logo > name, (logo, name)
    page.js("document.querySelector('.card').click()")
    page.until(lambda: page.js("return document.querySelector('.back') !== null"), "a campaign")
    assert page.js("return getComputedStyle(document.querySelector('.back'), '::before').content") == '"→"'
    # Six forms of a number, and a name from left to right in the middle of it.
    forms = page.driver.execute_async_script("""
        const done = arguments[0];
        import("/words.js").then(({ t }) => done([0, 1, 2, 3, 11, 100].map((count) => t("list.count", { count })).concat(t("campaign.deleted", { name: "A & B" }))));""")
    assert len(set(re.sub(r"[\d٠-٩]", "", form) for form in forms[:6])) == 5 and "\u2068A & B\u2069" in forms[6], forms
    # A number and a date as they are written there.
    assert page.driver.execute_async_script("""
        const done = arguments[0];
        import("/words.js").then(async ({ speak, number, date, percent }) => { await speak("fr"); done([number(1234567.5), percent(64), date(new Date("2026-05-06T12:00:00Z"), { dateStyle: "long", timeZone: "UTC" })]); });
        """) == ["1\u202f234\u202f567,5", "64\u00a0%", "6 mai 2026"]


@scenario("in each language the whole page is there, and nothing is cut off")
def every_language(page):
    for language in LANGUAGES:
        page.open("/campaigns/4", 1)
        page.js("const choice = document.getElementById('language'); choice.value = arguments[0]; choice.dispatchEvent(new Event('change'))", language)
        page.until(lambda: page.js("return document.documentElement.lang") == language and page.js("return document.querySelector('main [aria-labelledby=project-title] h2')?.textContent ?? ''").startswith(
            catalogue(language)["projects"]), language)
        assert page.js("return document.documentElement.scrollWidth <= innerWidth")
        page.shot(f"campaign-{language}")


# --- Not ugly any more ---


@scenario("a description is Markdown, and nothing in it runs")
def markdown(page):
    text = ("# Head\n\n**bold** and *soft*\nnext line https://example.org/x?a=1. End\n\n- one\n- two\n\n[bad](javascript:xss()) "
            "[good](https://example.org) <img src=x onerror=xss()>\n\n<script>xss()</script>")
    id, _ = create(description=text)
    page.open(f"/campaigns/{id}")
    page.until(lambda: page.js("return document.querySelector('.description li') !== null"), "the list")
    assert page.js("""
        const text = document.querySelector(".description");
        return [text.querySelector("h2").textContent, text.querySelector("strong").textContent, text.querySelector("em").textContent,
          [...text.querySelectorAll("a")].map((link) => link.href), text.querySelectorAll("li").length, text.querySelectorAll("br").length,
          text.querySelectorAll("img, script").length, text.textContent.includes("<script>xss()</script>")];
        """) == ["Head", "bold", "soft", ["https://example.org/x?a=1", "https://example.org/"], 2, 1, 0, True]
    page.shot("markdown")


@scenario("what can be done with a campaign stands above its description, however long that is", height=700)
def actions_above(page):
    id, _ = create(description="Long text. " * 2000)
    page.open(f"/campaigns/{id}", 1)
    edit = page.find("a", "Edit")
    assert page.js("return arguments[0].getBoundingClientRect().bottom < innerHeight", edit)


@scenario("a white logo can be told from its ground")
def white_logo(page):
    record("logos/white.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="9" fill="#fff"/></svg>')
    id, _ = create(logo="/logos/white.svg")
    page.open(f"/campaigns/{id}")
    page.until(lambda: page.js("return document.querySelector('.logo.shown') !== null"), "the logo")
    box = page.js("const { x, y, width, height } = document.querySelector('.logo.large').getBoundingClientRect(); return { x, y, width, height, scale: 1 }")
    image = page.tell("Page.captureScreenshot", clip=box)["data"]
    darkest = page.driver.execute_async_script("""
        const [data, done] = arguments;
        (async () => {
          const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
          const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
          const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
          const pen = canvas.getContext("2d");
          pen.drawImage(bitmap, 0, 0);
          // The row through the middle, without the frame's own line.
          const row = pen.getImageData(6, bitmap.height / 2, bitmap.width - 12, 1).data;
          done(Math.min(...row.filter((_, place) => place % 4 === 0)));
        })();
        """, image)
    assert darkest < 200, darkest
    page.shot("white-logo")


@scenario("a token that has run out is said where one sees it", allowed=[401])
def token_is_no_good(page):
    page.open()
    page.js("""return import("/session.js").then((session) => session.keep("b2xk"))""")
    page.sees("Your token is not good any more. Please sign in again.")
    box = page.js("const { top, bottom, width } = document.querySelector('.notice').getBoundingClientRect(); return [top >= 0, bottom <= innerHeight, width > 100]")
    assert box == [True, True, True]
    page.press("Close")
    assert "not good any more" not in page.text()


@scenario("too much asked, and no answer, are called by their names", allowed=[429, 502, 503])
def troubles(page):
    id, name = create()
    page.open(f"/campaigns/{id}/edit", 1)
    page.write("Description", "Typed")
    page.js("""
        const real = window.fetch;
        window.answers = [];
        window.fetch = (address, options) => options?.method === "PATCH" ? Promise.resolve(window.answers.shift()) : real(address, options);
        """)
    for status, retry, text in [(429, 6, "You have asked for too much in a short time. Please try again in 6 seconds."),
                                (502, 1, "The service did not answer. It is not known whether the change was made."),
                                (503, 1, "The service is busy or has trouble with its disk. Nothing was changed. Please try again in 1 second.")]:
        page.js("window.answers.push(new Response('{}', { status: arguments[0], headers: { 'Retry-After': String(arguments[1]) } }))", status, retry)
        page.press("Save")
        page.sees(text)
        assert page.js("return document.querySelectorAll('.alert').length") == 1


@scenario("what was typed is still there when the page is loaded again")
def drafts(page):
    id, name = create()
    page.open(f"/campaigns/{id}/edit", 1)
    page.write("Description", "Half a tho")
    choose(page, "Organisations", "blue", "Blue River Health")
    page.driver.refresh()
    page.settled()
    assert page.value("Description") == "Half a tho"
    assert page.has("button", "Remove Blue River Health")
    page.press("Cancel")
    page.at(f"/campaigns/{id}")
    page.go(f"/campaigns/{id}/edit")
    assert page.value("Description") == ""


@scenario("what is needed first is asked for first, and nothing waits for a module to name the next")
def preload(page):
    page.open()
    html = (FOLDER / "index.html").read_text()
    modules, waiting = set(), ["page.js"]
    while waiting:
        name = waiting.pop()
        if name not in modules:
            modules.add(name)
            waiting += re.findall(r'^import .* from "\./([a-z]+\.js)"', (FOLDER / name).read_text(), re.M)
    assert modules == set(re.findall(r'(?:modulepreload" href|type="module" src)="([^"]+)"', html)), "what page.js needs is named in index.html"
    entries = page.js("return performance.getEntriesByType('resource').map(({ name, startTime, initiatorType }) => [new URL(name).pathname, startTime, initiatorType])")
    names = [name for name, _, _ in entries]
    assert names.count("/languages/en.json") == 1 and names.count("/api/v2/campaigns/") == 1, names
    assert "/commonmark.js" not in names
    # The list is on its way as soon as the first script has come, long before the modules have run.
    assert all(kind in ("script", "link", "css", "fetch", "other", "img") for _, _, kind in entries), entries


# --- With the keyboard alone ---


@scenario("everything can be done with the keyboard alone, and one sees where one is")
def keyboard(page):
    id, name = create("Keys")
    page.open("/", 1)

    def tab_to(wanted, most=60):
        for _ in range(most):
            page.key(Keys.TAB)
            seen = page.js("""
                const element = document.activeElement;
                if (element === document.body) return null;
                const style = getComputedStyle(element), box = element.getBoundingClientRect();
                return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
                  && box.bottom > 0 && box.top < innerHeight && box.width > 0;
                """)
            assert seen is not False, f"one does not see where one is: {page.focused()}"
            if page.focused().startswith(wanted):
                return
        raise AssertionError(f"the keyboard does not lead to {wanted!r}")

    page.js("document.body.focus()")
    page.key(Keys.TAB)
    assert page.focused() == "Skip to the content"
    page.key(Keys.ENTER)
    assert page.focus().tag_name == "h1"
    assert page.js("return location.hash") == "#/"
    tab_to("Search campaigns")
    page.key(name)
    tab_to(name)
    page.key(Keys.ENTER)
    page.at(f"/campaigns/{id}")
    assert page.focus().tag_name == "h1"
    tab_to("Edit")
    page.key(Keys.ENTER)
    page.at(f"/campaigns/{id}/edit")
    tab_to("Name")
    page.key(Keys.END, " 2")
    tab_to("Description")
    page.key("By keys")
    tab_to("Organisations")
    page.key("blue")
    page.find("[role=option]", "Blue River Health")
    page.key(Keys.ARROW_DOWN, Keys.ENTER)
    page.find("button", "Remove Blue River Health")
    tab_to("Save")
    page.key(Keys.ENTER)
    page.at(f"/campaigns/{id}")
    tab_to("Write to contributors")
    tab_to("Delete")
    page.key(Keys.ENTER)
    page.sees("cannot be undone")
    for _ in range(4):
        page.key(Keys.TAB)
        assert page.js("return document.activeElement === document.body || document.activeElement.closest('dialog') !== null")
    page.key(Keys.ESCAPE)
    page.until(lambda: page.focused() == "Delete", "the focus to come back")
    changed = campaign(id)
    assert (changed["name"], changed["description"]) == (name + " 2", "By keys")
    assert [one["organisationId"] for one in changed["organisations"]] == [2]


# --- In every shape ---

VIEWS = ["/", "/?q=nothing+like+it", "/new", "/campaigns/4", "/campaigns/4/edit", "/campaigns/4/message", "/inbox", "/settings", "/nowhere"]


def every_view(page, look):
    api("PATCH", "/campaigns/4/", {"description": "# Title\n\nA *text* with https://example.org\n\n- one\n- two"})
    status, _ = api("POST", "/campaigns/4/actions/message-contributors/", {"subject": "Look", "message": "# A *text*\n\n1. one"})
    assert status == 200
    page.open("/", 1)
    page.until(lambda: page.js("return document.documentElement.hasAttribute('data-may-write')"), "the rights")
    for view in VIEWS:
        page.go(view)
        page.until(lambda: page.js("return document.querySelector('[aria-labelledby=project-title] .links')?.textContent !== arguments[0]", "Loading …"), "the projects")
        look(view)
    page.go("/campaigns/4")
    field = page.js("return document.querySelector('[role=combobox]')")
    field.click()
    page.until(lambda: page.js("return document.querySelectorAll('[role=option]').length > 1"), "what can be chosen")
    page.key(Keys.ARROW_DOWN, Keys.ENTER)
    look("/campaigns/4, choosing")
    page.open("/new", 10)
    look("/new, without the right")
    page.go("/inbox")
    page.until(lambda: page.js("return document.querySelector('.messages a') !== null"), "a message")
    page.js("document.querySelector('.messages input').click()")
    look("/inbox, choosing")
    page.js("document.querySelector('.messages a').click()")
    page.sees("A text")
    look("/inbox/…")
    page.js("document.getElementById('sign-in').click()")
    page.until(lambda: page.js("return document.querySelector('dialog[open]') !== null"), "the dialog")
    look("the dialog of the session")
    page.js("document.querySelector('dialog .danger').click()")
    page.at("/")
    page.js("document.getElementById('sign-in').click()")
    page.until(lambda: page.js("return document.querySelector('dialog[open] form') !== null"), "the dialog")
    page.js("document.querySelector('dialog form .primary').click()")
    look("the dialog of the token")


def narrow(page, width):
    """Nothing reaches out of the window, whatever is long in it."""
    create("Averylongnamewithoutanyspaceinitwhichhastobebrokensomewhere" * 3, description="Donaudampfschifffahrtsgesellschaft" * 9,
           url="https://example.org/" + "long" * 60, organisations=[1])

    def look(view):
        wide = page.js("""
            return [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility() && !element.closest(".visually-hidden, #skip, pre"))
              .filter((element) => { const { left, right } = element.getBoundingClientRect(); return left < -0.5 || right > arguments[0] + 0.5; })
              .map((element) => element.outerHTML.slice(0, 120));
            """, page.js("return document.documentElement.clientWidth"))
        assert page.js("return document.documentElement.scrollWidth") <= width and wide == [], (view, wide)
        page.shot(f"{width}-{page.js('return document.dir')}-" + view.strip("/").replace("/", "-").replace("?", "-").replace(" ", "-"))

    every_view(page, look)
    page.open("/?q=Averylong", 1)
    page.js("document.querySelector('.card').click()")
    page.sees("Donaudampf")
    look("a long campaign")


@scenario("nothing is wider than a telephone, and what can be pressed is large enough for a finger", width=320, height=640, touch=True)
def telephone(page):
    def look(view):
        small = page.js("""
            return [...document.querySelectorAll("button, input:not([type=checkbox]), textarea, select, .check, a")].filter((element) => element.checkVisibility({ contentVisibilityAuto: true })
              && !element.closest("p:not(.campaign-head p), .message-text, .visually-hidden, .links .name") && element.id !== "skip"
              && !(document.querySelector("dialog[open]") && !element.closest("dialog")))
              .filter((element) => {
                const box = element.getBoundingClientRect();
                const after = getComputedStyle(element, "::after");
                return (box.height < 43.5 || box.width < 43.5) && after.position !== "absolute";
              }).map((element) => `${element.tagName} ${element.textContent} ${element.getBoundingClientRect().height}`);
            """)
        assert small == [], (view, small)

    every_view(page, look)
    narrow(page, 320)


# 1280 at 400 % are 320, and a browser of a desk has a scroll bar beside that.
@scenario("at 400 % nothing has to be scrolled sideways", width=320, height=256)
def zoomed(page):
    narrow(page, 320)


@scenario("from right to left at 400 % nothing has to be scrolled sideways", width=320, height=256, language="ar")
def zoomed_arabic(page):
    assert page.open("/") or page.js("return [document.documentElement.lang, document.dir]") == ["ar", "rtl"]
    narrow(page, 320)


def axe(page):
    source = pathlib.Path(os.environ["PAGE_AXE"]).read_text()

    def look(view):
        if not page.js("return typeof axe !== 'undefined'"):
            page.js(source + ";window.axe = axe;")
        result = page.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document, { resultTypes: ['violations'] }).then(done, (error) => done({ error: String(error) }))")
        found = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in result["violations"]]
        assert found == [], (view, found)

    every_view(page, look)


# Every pair of them, each of which takes its time.
for language, dark, width in [("en", False, 1280), ("en", True, 320), ("ar", False, 320), ("ar", True, 1280)]:
    direction = "right to left" if language == "ar" else "left to right"
    scenario(f"axe-core finds nothing to complain of, {'in the dark' if dark else 'in the light'}, {direction}, {width} wide",
             needs="PAGE_AXE", dark=dark, language=language, width=width)(axe)


@scenario("every control has a name and every view one title, as a screen reader is told")
def names(page):
    def look(view):
        tree = page.tell("Accessibility.getFullAXTree")["nodes"]

        def text(node, key):
            return (node.get(key) or {}).get("value", "")

        nodes = [node for node in tree if not node.get("ignored")]
        roles = [text(node, "role") for node in nodes]
        nameless = [text(node, "role") for node in nodes if text(node, "role") in (
            "button", "link", "textbox", "searchbox", "combobox", "dialog", "navigation") and not text(node, "name").strip()]
        assert nameless == [], (view, nameless)
        if "dialog" not in roles:
            assert (roles.count("main"), roles.count("banner")) == (1, 1), (view, roles)
        levels = page.js("return [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].filter((title) => title.checkVisibility())"
                         ".map((title) => Number(title.localName[1]))")
        assert levels.count(1) == 1 and levels[0] == 1, (view, levels)
        assert all(next <= level + 1 for level, next in zip(levels, levels[1:])), (view, levels)
        assert page.js("return [document.documentElement.lang, document.title !== '']") == ["en", True]
        hidden = page.js("return [...document.querySelectorAll('.options:not([hidden])')].every((list) => document.querySelector(`[aria-controls=${list.id}][aria-expanded=true]`))")
        assert hidden, view

    every_view(page, look)
    page.open("/campaigns/6")
    assert page.js("return document.querySelector('h1').dir") == "auto"


# --- Those who wish no good ---


# Some of the logos are at addresses that nobody answers at.
@scenario("nothing in a name, a text, an address or a message runs", allowed=[0, 404])
def scripting(page):
    groups = json.loads((HERE.parent / "MessagesTests/scripting-inputs.json").read_text())
    inputs = [text for group in groups.values() for text in group]
    files = []
    try:
        # As they could stand there after somebody has edited the files: the service itself would refuse most of them.
        organisation = {"organisationId": 99001, "name": "<img src=x onerror=xss()>", "slug": "x", "logo": "javascript:xss()",
                        "url": "javascript:xss()", "managers": []}
        files.append((record("organisations/99001.json"), organisation))
        addresses = ["javascript:xss()", " JaVaScRiPt:xss()", "java\tscript:xss()", "data:text/html,<script>xss()</script>",
                     "vbscript:xss()", "//example.org/x", "https://example.org/\"onmouseover=xss()"]
        for number, text in enumerate(inputs):
            text = "".join(character for character in text if character not in "\0" and not 0xD800 <= ord(character) <= 0xDFFF)
            address = addresses[number % len(addresses)]
            value = {"id": 990000 + number, "name": text[:250] or "-", "logo": address, "url": address, "description": text,
                     "organisations": [99001]}
            files.append((record(f"campaigns/{990000 + number}.json"), value))
        for path, value in files:
            path.write_text(json.dumps(value))
        page.open("/", 1)
        # Only those are there that are in sight, so that all are when one has gone through the whole list.
        expected = {f"#/campaigns/{990000 + number}" for number in range(len(inputs))}
        seen = set()

        def further():
            seen.update(page.js("""
                const shown = [...document.querySelectorAll("a.card")].map((link) => link.getAttribute("href"));
                const isEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 1;
                scrollTo({ top: isEnd ? 0 : scrollY + innerHeight / 2, behavior: "instant" });
                return shown;"""))
            return expected <= seen

        page.until(further, "all of them")
        for number in list(range(len(addresses))) + list(range(len(addresses), len(inputs), 29)):
            page.go(f"/campaigns/{990000 + number}")
            page.sees("Organisations")
            page.js("""
                for (const element of document.querySelectorAll("main *")) {
                  for (const name of ["mouseover", "focus", "error", "load", "toggle"]) element.dispatchEvent(new Event(name));
                }
                for (const link of document.querySelectorAll("main a")) {
                  if (!["http:", "https:"].includes(link.protocol)) { window.ran.push(link.href); link.click(); }
                }""")
        page.go(f"/campaigns/{990000}/edit")
        page.press("Cancel")
        page.check()
        # What the service never sends, shown all the same: what a message is made of here keeps nothing that could run. While
        # it is parsed the policy has much to refuse, and says so.
        left = page.driver.execute_async_script("""
            const [inputs, done] = arguments;
            Promise.all([import("/html.js"), import("/markdown.js").then(({ parser }) => parser())]).then(([{ messageContent }, parse]) => {
              const found = [];
              for (const place of inputs.flatMap((input) => [messageContent(input), parse(input)])) {
                document.querySelector("main").append(place);
                for (const element of place.querySelectorAll("*")) {
                  for (const { name, value } of element.attributes) {
                    const isFine = ["rel", "start", "alt", "loading", "decoding", "referrerpolicy"].includes(name)
                      || (name === "href" && /^(https?|mailto):/i.test(value)) || (name === "src" && /^https:/i.test(value));
                    if (!isFine) found.push(`${element.localName} ${name}=${value}`);
                  }
                  if (["script", "iframe", "svg", "style", "form", "input", "object", "embed", "math", "base", "meta", "link"]
                    .includes(element.localName)) found.push(element.localName);
                  element.dispatchEvent(new Event("mouseover", { bubbles: true }));
                }
              }
              setTimeout(() => done(found), 500);
            });
            """, inputs)
        assert left == [], left
        page.js("window.broken = []")
        page.driver.get_log("browser")
    finally:
        for path, _ in files:
            path.unlink(missing_ok=True)


def main():
    if len(sys.argv) == 1:
        for name, (_, options) in scenarios.items():
            if not options.get("needs") or os.environ.get(options["needs"]):
                print(name)
        return
    function, options = scenarios[sys.argv[1]]
    page = Page(**{name: value for name, value in options.items() if name != "needs"})
    try:
        function(page)
        page.check()
    except Exception:
        page.shot("failed")
        # What the browser has to say to it, and where its pictures are.
        print(page.js("""return [
            ...performance.getEntriesByType("resource").map((one) => [one.initiatorType, one.name, one.responseStatus, one.duration]),
            ...[...document.images].map((one) => [one.outerHTML.slice(0, 200), one.complete, one.naturalWidth])]
            .map((one) => one.join(" ")).join("\\n")"""))
        for entry in page.driver.get_log("browser"):
            print(entry["level"], entry["message"])
        raise
    finally:
        page.close()


main()
