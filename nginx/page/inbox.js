// The notifications of whoever is signed in.

import { ask, explain } from "./api.js";
import { confirmed } from "./dialogs.js";
import { button, h, liveText, logo, time, whileBusy } from "./dom.js";
import { messageContent } from "./html.js";
import { flashNext } from "./status.js";
import { t } from "./words.js";

const perPage = 10;
/// By what the address says: which types of the Tasking Manager are shown, 2 being letters to contributors.
const types = { letters: "2", others: "1,3,4,5,6,7,8,9,10,11" };
/// Where the list was left, to come back to.
let last = "#/inbox";

function address({ page = 1, status, type }) {
  const query = new URLSearchParams({ ...(status && { status }), ...(type && { type }), ...(page > 1 && { page }) });
  return `#/inbox${query.size > 0 ? `?${query}` : ""}`;
}

const changed = () => dispatchEvent(new Event("unread"));

export async function inboxView({ query }) {
  const one = (name, values) => (values.includes(query.get(name)) ? query.get(name) : "");
  const inbox = new Inbox({
    page: /^[1-9]\d{0,8}$/.test(query.get("page") ?? "") ? Number(query.get("page")) : 1,
    status: one("status", ["unread", "read"]), type: one("type", Object.keys(types)),
  });
  last = address(inbox.place);
  await inbox.load();
  return inbox.view();
}

class Inbox {
  constructor(place) {
    this.place = place;
    this.chosen = new Set();
    this.title = h("h1", { tabindex: "-1" }, t("inbox"));
    this.items = h("ul", { class: "messages" });
    this.nothing = h("div", { class: "empty" });
    this.pages = h("nav", { class: "pages", "aria-label": t("inbox.pages") });
    this.status = liveText({ class: "done" });
    this.every = h("input", { type: "checkbox", id: "every", onchange: () => this.chooseAll() });
    this.tools = h("div", { class: "tools" });
    const tab = (label, status) => h("a", {
      href: address({ ...place, page: 1, status }), "aria-current": place.status === status ? "true" : null,
    }, label);
    const type = h("select", { id: "type", onchange: () => { location.hash = address({ ...place, page: 1, type: type.value }); } },
      h("option", { value: "" }, t("inbox.types")), h("option", { value: "letters" }, t("inbox.letters")),
      h("option", { value: "others" }, t("inbox.others")));
    type.value = place.type;
    this.element = h("div", {},
      h("div", { class: "title-row" }, this.title, h("a", { class: "button", href: "#/settings" }, t("settings"))),
      h("div", { class: "filters" },
        h("nav", { class: "tabs", "aria-label": t("inbox.which") },
          tab(t("inbox.all"), ""), tab(t("inbox.unread"), "unread"), tab(t("inbox.read"), "read")),
        h("div", { class: "order" }, h("label", { for: "type" }, t("inbox.type")), type)),
      this.tools, this.status, this.items, this.nothing, this.pages);
  }

  view() {
    // What comes in meanwhile is shown, but not under the hand of somebody who is choosing.
    const refresh = () => {
      if (this.chosen.size === 0 && !document.querySelector("dialog[open]")) this.load(true).catch(() => {});
    };
    addEventListener("news", refresh);
    return { title: t("inbox"), element: this.element, leave: () => removeEventListener("news", refresh) };
  }

  async load(isQuiet = false) {
    const { page, status, type } = this.place;
    const query = new URLSearchParams({ page, pageSize: perPage, ...(status && { status }), ...(type && { messageType: types[type] }) });
    const { data } = await ask("GET", `/notifications/?${query}`, { signedIn: true });
    const focused = isQuiet && this.items.contains(document.activeElement) ? document.activeElement.id : null;
    this.show(data);
    if (focused) document.getElementById(focused)?.focus();
  }

  show({ userMessages, pagination }) {
    this.messages = userMessages;
    this.chosen.clear();
    this.items.replaceChildren(...userMessages.map((message) => this.item(message)));
    this.items.hidden = userMessages.length === 0;
    this.total = pagination.total;
    this.showTools();
    const link = (label, page, isThere) => isThere && h("a", { class: "button", href: address({ ...this.place, page }) }, label);
    this.pages.replaceChildren(...[
      link(t("inbox.newer"), Math.min(pagination.page - 1, Math.max(pagination.pages, 1)), pagination.page > 1),
      pagination.pages > 1 && h("span", {}, t("inbox.page", { page: pagination.page, count: pagination.pages })),
      link(t("inbox.older"), pagination.page + 1, pagination.hasNext),
    ].filter(Boolean));
    this.pages.hidden = this.pages.childElementCount === 0;
    this.nothing.hidden = userMessages.length > 0;
    const key = pagination.total > 0 ? "inbox.past" : this.place.status === "unread" ? "inbox.done" : "inbox.empty";
    this.nothing.replaceChildren(h("h2", {}, t(key)), h("p", {}, t(`${key}.hint`)));
  }

  /// What can be done with the chosen ones, or with all.
  showTools() {
    this.tools.hidden = this.total === 0;
    const count = this.chosen.size;
    this.every.checked = count > 0 && count === this.messages.length;
    this.every.indeterminate = count > 0 && count < this.messages.length;
    const ids = { messageIds: [...this.chosen] };
    const filter = this.place.type ? `?messageType=${types[this.place.type]}` : "";
    const [read, remove] = count > 0 ? [
      this.action(t("inbox.mark", { count }), () => ask("POST", "/notifications/mark-as-read-multiple/", { body: ids }), t("inbox.marked", { count })),
      button(t("inbox.delete", { count }), () => this.delete(t("inbox.delete.ask", { count }), t("inbox.delete.text"),
        () => ask("DELETE", "/notifications/delete-multiple/", { body: ids }), t("inbox.deleted", { count })), { class: "danger" }),
    ] : [
      this.action(t("inbox.mark-all"), () => ask("POST", `/notifications/mark-as-read-all/${filter}`), t("inbox.marked-all")),
      button(t("inbox.delete-all"), () => this.delete(t("inbox.delete-all.ask"), t("inbox.delete-all.text"),
        () => ask("DELETE", `/notifications/delete-all/${filter}`), t("inbox.deleted-all")), { class: "danger" }),
    ];
    const focused = this.tools.contains(document.activeElement);
    if (!this.every.isConnected) {
      this.tools.replaceChildren(h("div", { class: "check" }, this.every, h("label", { for: "every" }, t("inbox.every"))), h("div", { class: "actions" }));
    }
    this.tools.lastChild.replaceChildren(read, remove);
    if (focused && !this.tools.contains(document.activeElement)) this.title.focus();
  }

  chooseAll() {
    this.chosen = new Set(this.every.checked ? this.messages.map((one) => one.messageId) : []);
    for (const box of this.items.querySelectorAll("input")) box.checked = this.every.checked;
    this.showTools();
  }

  item({ messageId, subject, fromUsername, displayPictureUrl, sentDate, read }) {
    const box = h("input", { type: "checkbox", id: `choose-${messageId}`, "aria-label": t("inbox.choose", { name: subject || t("inbox.untitled") }),
      onchange: () => {
        if (box.checked) this.chosen.add(messageId);
        else this.chosen.delete(messageId);
        this.showTools();
      } });
    return h("li", { class: read ? "read" : "unread" },
      h("div", { class: "check" }, box), logo(displayPictureUrl, fromUsername),
      h("span", { class: "link-text" },
        h("a", { href: `#/inbox/${messageId}`, id: `message-${messageId}`, dir: "auto" },
          !read && h("span", { class: "visually-hidden" }, `${t("inbox.new")} `), subject || t("inbox.untitled")),
        h("span", { class: "hint" }, h("bdi", {}, fromUsername || t("somebody")), " · ", time(sentDate))));
  }

  /// A button that changes something and shows the list as it is then.
  action(label, work, done) {
    const element = button(label, () => whileBusy(element, async () => {
      this.status.textContent = "";
      try {
        await work();
        await this.after(done);
      } catch (problem) {
        this.status.textContent = explain(problem, "inbox");
      }
    }));
    return element;
  }

  async delete(title, text, work, done) {
    this.status.textContent = "";
    if (!(await confirmed(title, text, t("delete"), work, "inbox"))) return;
    await this.after(done).catch((problem) => { this.status.textContent = explain(problem); });
  }

  async after(done) {
    changed();
    await this.load();
    this.status.textContent = done;
    this.title.focus();
  }
}

export async function messageView({ id }) {
  const { data } = await ask("GET", `/notifications/${id}/`, { signedIn: true });
  changed();
  return {
    title: data.subject || t("inbox.untitled"),
    element: h("article", {},
      h("a", { class: "back", href: last }, t("inbox")),
      h("h1", { tabindex: "-1", dir: "auto" }, data.subject || t("inbox.untitled")),
      h("p", { class: "from" }, logo(data.displayPictureUrl, data.fromUsername),
        h("span", {}, h("bdi", {}, data.fromUsername || t("somebody")), h("br"), time(data.sentDate))),
      messageContent(data.message ?? ""),
      h("div", { class: "actions" }, button(t("delete"), async () => {
        const isDone = await confirmed(t("inbox.delete.ask", { count: 1 }), t("inbox.delete.text"),
          t("delete"), () => ask("DELETE", `/notifications/${id}/`), "inbox");
        if (!isDone) return;
        changed();
        flashNext(t("inbox.deleted", { count: 1 }));
        location.replace(last);
      }, { class: "danger" }))),
  };
}
