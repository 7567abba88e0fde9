// The notifications of whoever is signed in.

import { ask, explain } from "./api.js";
import { confirmed } from "./dialogs.js";
import { button, h, liveText, logo, time, whileBusy } from "./dom.js";
import { messageContent } from "./html.js";
import { flashNext } from "./status.js";

const perPage = 10;
/// Where the list was left, to come back to.
let last = "#/inbox";

function address(page, isUnread) {
  const query = new URLSearchParams();
  if (isUnread) query.set("status", "unread");
  if (page > 1) query.set("page", page);
  return `#/inbox${query.size > 0 ? `?${query}` : ""}`;
}

const changed = () => dispatchEvent(new Event("unread"));

export async function inboxView({ query }) {
  const isUnread = query.get("status") === "unread";
  const page = /^[1-9]\d{0,8}$/.test(query.get("page") ?? "") ? Number(query.get("page")) : 1;
  last = address(page, isUnread);
  const inbox = new Inbox(page, isUnread);
  await inbox.load();
  return { title: "Inbox", element: inbox.element };
}

class Inbox {
  constructor(page, isUnread) {
    this.page = page;
    this.isUnread = isUnread;
    this.title = h("h1", { tabindex: "-1" }, "Inbox");
    this.items = h("ul", { class: "messages" });
    this.nothing = h("div", { class: "empty" });
    this.pages = h("nav", { class: "pages", "aria-label": "Pages" });
    this.status = liveText({ class: "done" });
    this.all = h("div", { class: "actions" });
    const choice = (label, isUnread) => h("a", {
      href: address(1, isUnread), "aria-current": this.isUnread === isUnread ? "true" : null,
    }, label);
    this.element = h("div", {},
      h("div", { class: "title-row" }, this.title, this.all),
      h("nav", { class: "tabs", "aria-label": "Which messages" }, choice("All", false), choice("Unread", true)),
      this.status, this.items, this.nothing, this.pages);
  }

  async load() {
    const query = new URLSearchParams({ page: this.page, pageSize: perPage });
    if (this.isUnread) query.set("status", "unread");
    const { data } = await ask("GET", `/notifications/?${query}`, { signedIn: true });
    this.show(data);
  }

  show({ userMessages, pagination }) {
    this.items.replaceChildren(...userMessages.map((message) => this.item(message)));
    this.items.hidden = userMessages.length === 0;
    const isEmpty = pagination.total === 0;
    this.all.replaceChildren(...(isEmpty ? [] : [
      this.action("Mark all as read", "POST", "/notifications/mark-as-read-all/", "All messages are marked as read."),
      button("Delete all", () => this.deleteAll(), { class: "danger" }),
    ]));
    const link = (label, page, isThere) => isThere && h("a", { class: "button", href: address(page, this.isUnread) }, label);
    this.pages.replaceChildren(...[
      link("Newer", Math.min(pagination.page - 1, Math.max(pagination.pages, 1)), pagination.page > 1),
      pagination.pages > 1 && h("span", {}, `Page ${pagination.page} of ${pagination.pages}`),
      link("Older", pagination.page + 1, pagination.hasNext),
    ].filter(Boolean));
    this.pages.hidden = this.pages.childElementCount === 0;
    this.nothing.hidden = userMessages.length > 0;
    const [title, text] = !isEmpty ? ["Nothing on this page", "The messages on it were deleted or read."]
      : this.isUnread ? ["Everything is read", "Nothing new is waiting for you."]
      : ["No messages", "Messages about campaigns come in here."];
    this.nothing.replaceChildren(h("h2", {}, title), h("p", {}, text));
  }

  item({ messageId, subject, fromUsername, displayPictureUrl, sentDate, read }) {
    return h("li", { class: read ? "read" : "unread" },
      logo(displayPictureUrl, fromUsername),
      h("span", { class: "link-text" },
        h("a", { href: `#/inbox/${messageId}`, dir: "auto" },
          !read && h("span", { class: "visually-hidden" }, "Unread: "), subject || "Without a subject"),
        h("span", { class: "hint" }, h("bdi", {}, fromUsername || "Somebody"), " · ", time(sentDate))),
      this.action("Delete", "DELETE", `/notifications/${messageId}/`, "The message is deleted.", `Delete ${subject}`));
  }

  /// A button that changes something and shows the list as it is then.
  action(label, method, path, done, name = null) {
    const element = button(label, () => whileBusy(element, async () => {
      try {
        await ask(method, path);
      } catch (problem) {
        if (problem.status !== 404) {
          this.status.textContent = explain(problem, "inbox");
          return;
        }
      }
      changed();
      await this.load().catch((problem) => { this.status.textContent = explain(problem); });
      this.status.textContent = done;
      this.title.focus();
    }), { class: name ? "small" : null, "aria-label": name });
    return element;
  }

  async deleteAll() {
    const isDone = await confirmed("Delete all messages?",
      "All of your messages are deleted, also those on other pages. This cannot be undone.",
      "Delete all", () => ask("DELETE", "/notifications/delete-all/"), "inbox");
    if (!isDone) return;
    changed();
    await this.load().catch((problem) => { this.status.textContent = explain(problem); });
    this.title.focus();
  }
}

export async function messageView({ id }) {
  const { data } = await ask("GET", `/notifications/${id}/`, { signedIn: true });
  changed();
  const isDeleted = () => {
    changed();
    flashNext("The message is deleted.");
    location.replace(last);
  };
  return {
    title: data.subject || "Message",
    element: h("article", {},
      h("a", { class: "back", href: last }, "Inbox"),
      h("h1", { tabindex: "-1", dir: "auto" }, data.subject || "Without a subject"),
      h("p", { class: "from" }, logo(data.displayPictureUrl, data.fromUsername),
        h("span", {}, h("bdi", {}, data.fromUsername || "Somebody"), h("br"), time(data.sentDate))),
      messageContent(data.message ?? ""),
      h("div", { class: "actions" }, button("Delete", async () => {
        if (await confirmed("Delete this message?", "It is deleted for you alone.", "Delete",
          () => ask("DELETE", `/notifications/${id}/`), "inbox")) isDeleted();
      }, { class: "danger" }))),
  };
}
