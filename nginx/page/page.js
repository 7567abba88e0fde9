// The page for coordinators: which view an address has, and what changes when one goes from one to the other.

import { ask, askOnce, explain, Problem, whoIsAsking } from "./api.js";
import { askForToken, showSession } from "./dialogs.js";
import { alertBox, button, h, logo } from "./dom.js";
import { listView } from "./list.js";
import { me } from "./me.js";
import { comeFromOSM } from "./osm.js";
import { changed, contents, currentToken, forget } from "./session.js";
import { flashNext, showConnection, tell, turnPage } from "./status.js";
import { date, fill, languages, listen, number, speak, t } from "./words.js";

/// What most visitors do not look at is got when it is looked at, or when there is nothing else to do.
const campaign = () => import("./campaign.js");
const form = () => import("./form.js");
const changes = () => import("./history.js");
const letter = () => import("./letter.js");
const messages = () => import("./inbox.js");
const wishes = () => import("./settings.js");

const routes = [
  [/^\/?$/, async () => listView],
  [/^\/new$/, async () => (await form()).newView],
  [/^\/campaigns\/(\d{1,15})\/?$/, async () => (await campaign()).campaignView],
  [/^\/campaigns\/(\d{1,15})\/edit$/, async () => (await form()).editView],
  [/^\/campaigns\/(\d{1,15})\/message$/, async () => (await letter()).letterView],
  [/^\/campaigns\/(\d{1,15})\/changes$/, async () => (await changes()).changesView],
  [/^\/changes$/, async () => (await changes()).allChangesView],
  [/^\/inbox$/, async () => (await messages()).inboxView],
  [/^\/inbox\/(\d{1,15})$/, async () => (await messages()).messageView],
  [/^\/settings$/, async () => (await wishes()).settingsView],
];

const root = document.documentElement;
const main = document.getElementById("main");
let current = null;
let turn = 0;

/// Shows what the address says.
async function show(isFirst = false) {
  const [path, search = ""] = location.hash.slice(1).split("?", 2);
  const own = (turn += 1);
  current?.leave?.();
  current = null;
  for (const link of document.querySelectorAll("header nav a")) {
    const isHere = link.hash === "#/inbox" ? path.startsWith("/inbox") : !path.startsWith("/inbox");
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.setAttribute("aria-busy", "true");
  const slow = setTimeout(() => main.replaceChildren(h("p", { class: "loading", role: "status" }, t("loading"))), 300);
  const view = await viewOf(path, new URLSearchParams(search)).catch(failed);
  clearTimeout(slow);
  if (own !== turn) {
    view.leave?.();
    return;
  }
  current = view;
  main.replaceChildren(view.element);
  main.removeAttribute("aria-busy");
  document.title = view.title === t("campaigns") ? view.title : t("title", { name: view.title });
  turnPage();
  if (view.shown?.() || isFirst) return;
  scrollTo(0, 0);
  (view.focus ?? main.querySelector("h1"))?.focus({ preventScroll: true });
}

async function viewOf(path, query) {
  for (const [pattern, get] of routes) {
    const match = pattern.exec(path);
    if (!match) continue;
    const view = await get().catch((error) => { throw new Problem(0, "Unreachable", String(error)); });
    return view({ id: Number(match[1]), query });
  }
  return nothing(t("not-found"), t("not-found.hint"));
}

function failed(problem) {
  if (!(problem instanceof Problem)) {
    console.error(problem);
    return failure(t("mistake"), t("mistake.hint"));
  }
  if (problem.status === 404) return nothing(t("not-found"), explain(problem));
  if (problem.status === 403) return nothing(t("not-for-you"), explain(problem, problem.isChange ? "campaign" : "message"));
  if (problem.status === 401) return failure(t("token-needed"), t("token-needed.hint"), t("sign-in"));
  return failure(t(problem.status === 0 ? "no-connection" : "not-now"), explain(problem));
}

function failure(title, text, label = t("again.now")) {
  return { title, failed: true, element: h("div", { class: "empty" },
    h("h1", { tabindex: "-1" }, title), alertBox(text, button(label, () => show(), { class: "primary" }))) };
}

function nothing(title, text) {
  return { title, isPersonal: true, element: h("div", { class: "empty" },
    h("h1", { tabindex: "-1" }, title), h("p", {}, text),
    h("a", { class: "button", href: "#/" }, t("back.all"))) };
}

// --- Who is signed in ---

const signIn = document.getElementById("sign-in");
const inbox = document.getElementById("inbox");
const unread = document.getElementById("unread");
let asking = null;
let user = null;
let count = 0;

/// One dialog for all that need it at the same time.
whoIsAsking.renew = (problem) => (asking ??= askForToken(problem).finally(() => { asking = null; }));

signIn.addEventListener("click", () => (currentToken() ? showSession() : whoIsAsking.renew(null)));

async function showWhoIsSignedIn() {
  const token = currentToken();
  user = token ? contents(token).user : null;
  root.toggleAttribute("data-signed-in", token !== null);
  if (!token) {
    root.removeAttribute("data-may-change");
    root.removeAttribute("data-may-write");
  }
  signIn.replaceChildren(token ? `#${user ?? ""}` : t("sign-in"));
  countUnread();
  if (!token) return;
  const person = await me().catch(() => null);
  if (!person || token !== currentToken()) return;
  root.toggleAttribute("data-may-change", person.mayChange);
  root.toggleAttribute("data-may-write", person.mayWrite);
  if (person.mayChange) showHistory();
  if (person.name) signIn.replaceChildren(logo(person.picture, person.name, "tiny"), h("bdi", {}, person.name));
}

/// The links to what was changed are there where the service keeps it.
async function showHistory() {
  const keeps = await ask("GET", "/campaigns/changes/?pageSize=1", { signedIn: true }).then(() => true, () => false);
  root.toggleAttribute("data-keeps-history", keeps);
}

/// Says it when one will be signed out before the day is over.
let warned = null;
function warn() {
  const token = currentToken();
  const { until } = contents(token ?? "");
  if (!token || token === warned || !until || until - Date.now() > 86_400_000 || until < Date.now()) return;
  warned = token;
  tell(t("session.ends", { date: date(until) }));
}

/// Asks how many messages are unread, and tells the inbox when it is another number.
async function countUnread() {
  const token = currentToken();
  let now = 0;
  if (token) {
    try {
      now = (await askOnce("GET", "/notifications/queries/own/count-unread/", undefined, undefined, token)).data.unread;
    } catch (problem) {
      // Nobody has asked for this, so that a service which is away is no news here.
      if (problem.status !== 401 || token !== currentToken()) return;
      forget();
      tell(t("token-ended"));
      return;
    }
  }
  if (token !== currentToken()) return;
  unread.textContent = now > 99 ? `${number(99)}+` : now > 0 ? number(now) : "";
  if (now > 0) inbox.setAttribute("aria-label", t("inbox.count", { count: now }));
  else inbox.removeAttribute("aria-label");
  warn();
  if (now !== count) dispatchEvent(new Event("news"));
  count = now;
}

changed.addEventListener("change", () => {
  const before = user;
  showWhoIsSignedIn();
  if (user === before) return;
  const text = t(currentToken() ? "signed-in" : "signed-out");
  const isLeaving = !currentToken() && /^#\/(inbox|settings)/.test(location.hash);
  if (!isLeaving && !current?.failed && !current?.isPersonal) {
    tell(text);
    return welcome();
  }
  flashNext(text);
  if (isLeaving) location.hash = "#/";
  else show(true).then(welcome);
});

/// Whoever has just come and may change nothing is told whom to ask.
async function welcome() {
  const token = currentToken();
  const person = token ? await me().catch(() => null) : null;
  if (!person || token !== currentToken() || person.mayChange || person.isReadOnly) return;
  tell(`${t("signed-in")} ${t("rights.visitor")}`);
}
addEventListener("unread", countUnread);
setInterval(() => { if (!document.hidden && currentToken()) countUnread(); }, 60_000);
document.addEventListener("visibilitychange", () => { if (!document.hidden && currentToken()) countUnread(); });

// --- The page ---

document.getElementById("skip").addEventListener("click", (event) => {
  // As a link it would change the address, which says what is shown.
  event.preventDefault();
  main.querySelector("h1")?.focus();
});

const language = document.getElementById("language");
language.append(...Object.entries(languages).map(([code, name]) => h("option", { value: code, lang: code }, name)));
language.value = root.lang;
language.addEventListener("change", async () => {
  const before = root.lang;
  if (!(await speak(language.value))) await speak(before);
  language.value = root.lang;
  speakUp();
  show(true);
});

function speakUp() {
  fill();
  showConnection();
  showWhoIsSignedIn();
}

history.scrollRestoration = "manual";
if (await listen()) {
  const isBack = await comeFromOSM();
  if (isBack !== null) flashNext(t(isBack ? "signed-in" : "osm.failed"));
  speakUp();
  addEventListener("hashchange", () => show());
  addEventListener("online", () => {
    showConnection();
    if (current?.failed) show();
  });
  addEventListener("offline", showConnection);
  await show(true);
  if (isBack) welcome();
  // From now on everything can be opened without a connection.
  const rest = () => Promise.all([campaign, messages, form, letter, changes, wishes].map((get) => get())).catch(() => {});
  if (globalThis.requestIdleCallback) requestIdleCallback(rest);
  else setTimeout(rest, 1000);
} else {
  document.getElementById("broken").hidden = false;
}
