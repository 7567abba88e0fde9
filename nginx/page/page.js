// The page for coordinators: which view an address has, and what changes when one goes from one to the other.

import { ask, askOnce, explain, Problem, whoIsAsking } from "./api.js";
import { campaignView } from "./campaign.js";
import { askForToken, showSession } from "./dialogs.js";
import { alertBox, button, h } from "./dom.js";
import { editView, newView } from "./form.js";
import { inboxView, messageView } from "./inbox.js";
import { letterView } from "./letter.js";
import { listView } from "./list.js";
import { changed, contents, currentToken, forget } from "./session.js";
import { flash, tell } from "./status.js";

const routes = [
  [/^\/?$/, listView],
  [/^\/new$/, newView],
  [/^\/campaigns\/(\d{1,15})\/?$/, campaignView],
  [/^\/campaigns\/(\d{1,15})\/edit$/, editView],
  [/^\/campaigns\/(\d{1,15})\/message$/, letterView],
  [/^\/inbox$/, inboxView],
  [/^\/inbox\/(\d{1,15})$/, messageView],
];

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
  const slow = setTimeout(() => main.replaceChildren(h("p", { class: "loading", role: "status" }, "Loading …")), 300);
  const view = await viewOf(path, new URLSearchParams(search)).catch(failed);
  clearTimeout(slow);
  if (own !== turn) {
    view.leave?.();
    return;
  }
  current = view;
  const message = flash();
  main.replaceChildren(...(message ? [h("p", { class: "flash" }, message)] : []), view.element);
  main.removeAttribute("aria-busy");
  document.title = view.title === "Campaigns" ? "Campaigns" : `${view.title} – Campaigns`;
  if (message) tell(message);
  if (isFirst || view.shown?.()) return;
  scrollTo(0, 0);
  (view.focus ?? main.querySelector("h1"))?.focus({ preventScroll: true });
}

async function viewOf(path, query) {
  for (const [pattern, view] of routes) {
    const match = pattern.exec(path);
    if (match) return view({ id: Number(match[1]), query });
  }
  return nothing("Not found", "There is nothing at this address.");
}

function failed(problem) {
  if (!(problem instanceof Problem)) {
    console.error(problem);
    return failure("Something went wrong", "The page has made a mistake. Loading it again may help.");
  }
  if (problem.status === 404) return nothing("Not found", explain(problem));
  if (problem.status === 403) return nothing("Not for you", explain(problem));
  if (problem.status === 401) {
    return failure("A token is needed", "This is for those who have a token.", "Sign in");
  }
  return failure(problem.status === 0 ? "No connection" : "Not at the moment", explain(problem));
}

function failure(title, text, label = "Try again") {
  return { title, failed: true, element: h("div", { class: "empty" },
    h("h1", { tabindex: "-1" }, title), alertBox(text, button(label, () => show(), { class: "primary" }))) };
}

function nothing(title, text) {
  return { title, element: h("div", { class: "empty" },
    h("h1", { tabindex: "-1" }, title), h("p", {}, text),
    h("a", { class: "button", href: "#/" }, "All campaigns")) };
}

// --- Who is signed in ---

const signIn = document.getElementById("sign-in");
const inbox = document.getElementById("inbox");
const unread = document.getElementById("unread");
let asking = null;

/// One dialog for all that need it at the same time.
whoIsAsking.renew = (problem) => (asking ??= askForToken(problem).finally(() => { asking = null; }));

signIn.addEventListener("click", () => (currentToken() ? showSession() : whoIsAsking.renew(null)));

function showWhoIsSignedIn() {
  const isSignedIn = currentToken() !== null;
  document.documentElement.toggleAttribute("data-signed-in", isSignedIn);
  const user = isSignedIn ? contents(currentToken()).user : null;
  signIn.textContent = isSignedIn ? (user ? `User ${user}` : "Signed in") : "Sign in";
  countUnread();
}

async function countUnread() {
  inbox.removeAttribute("aria-label");
  unread.textContent = "";
  const token = currentToken();
  if (!token) return;
  try {
    const { data } = await askOnce("GET", "/notifications/queries/own/count-unread/", undefined, undefined, token);
    if (data.unread === 0 || token !== currentToken()) return;
    unread.textContent = data.unread > 99 ? "99+" : String(data.unread);
    inbox.setAttribute("aria-label", `Inbox, ${data.unread} unread`);
  } catch (problem) {
    // Nobody has asked for this, so that a service which is away is no news here.
    if (problem.status !== 401 || token !== currentToken()) return;
    forget();
    tell("Your token is not good any more. Please sign in again.");
  }
}

changed.addEventListener("change", () => {
  showWhoIsSignedIn();
  tell(currentToken() ? "You are signed in." : "You are signed out.");
  if (!currentToken() && location.hash.startsWith("#/inbox")) location.hash = "#/";
  else if (current?.failed) show();
});
addEventListener("unread", countUnread);

// --- The page ---

document.getElementById("skip").addEventListener("click", (event) => {
  // As a link it would change the address, which says what is shown.
  event.preventDefault();
  main.querySelector("h1")?.focus();
});
addEventListener("hashchange", () => show());
addEventListener("online", () => { if (current?.failed) show(); });
addEventListener("offline", () => tell("You are offline. What is shown may be out of date."));
history.scrollRestoration = "manual";
showWhoIsSignedIn();
show(true);
