// The campaigns, searched as one types. Of a long list only the cards that can be seen are there, and a few more on both sides.

import { explain } from "./api.js";
import { list } from "./campaigns.js";
import { alertBox, button, folded, h, letters, liveText, logo } from "./dom.js";
import { locale, t } from "./words.js";

/// Rows beyond the window, so that the keyboard always finds a next one.
const beyond = 4;
/// Letters of a name that are sure to be seen.
const room = 44;
/// Where somebody was when they opened a campaign, to come back to.
const last = { scroll: 0, opened: null, search: "", order: "" };

export function listView({ query }) {
  const own = new List(query.get("q") ?? "", query.get("sort") === "newest" ? "newest" : "");
  return new Promise((resolve, reject) => {
    let view = null;
    const show = (campaigns, isWhole) => {
      own.show(campaigns, isWhole);
      resolve(view ??= own.view());
    };
    // Who comes back is led to where they were, and for that all is needed.
    list(last.opened === null ? (some) => show(some, false) : null).then((all) => show(all, true), (problem) => {
      if (!view) return reject(problem);
      // It is asked for again when there is a connection again.
      view.failed = true;
      own.fail(problem);
    });
  });
}

class List {
  /// Whether all campaigns have arrived.
  isWhole = false;
  campaigns = [];

  constructor(search, order) {
    this.cards = new Map();
    this.status = liveText({ class: "count", id: "search-count" });
    this.items = h("ul", { class: "cards" });
    this.nothing = h("div", { class: "empty", hidden: true });
    this.input = h("input", {
      type: "search", id: "search", value: search, autocomplete: "off", spellcheck: "false", dir: "auto",
      placeholder: t("list.search.short"), "aria-describedby": "search-count",
      oninput: () => this.search(),
      onkeydown: (event) => {
        if (event.key !== "Escape" || !this.input.value) return;
        event.preventDefault();
        this.input.value = "";
        this.search();
      },
    });
    this.order = h("select", { id: "order", onchange: () => this.search() },
      h("option", { value: "" }, t("list.by-name")), h("option", { value: "newest" }, t("list.by-age")));
    this.order.value = order;
  }

  /// Takes the first of the campaigns, or all. What somebody looks at stays where it is.
  show(campaigns, isWhole) {
    this.isWhole = isWhole;
    this.campaigns = [...campaigns];
    const collator = new Intl.Collator(locale(), { numeric: true });
    this.campaigns.sort((one, other) => collator.compare(one.name, other.name) || one.id - other.id);
    this.campaigns.forEach((campaign, place) => { campaign.place = place; });
    const focused = this.items.contains(document.activeElement) ? document.activeElement.closest("li") : null;
    const seen = focused ?? (scrollY > 0 ? [...this.cards.values()].find((card) => card.getBoundingClientRect().top >= 0) : null);
    const [id, top] = [Number(seen?.dataset.id), seen?.getBoundingClientRect().top];
    this.cards.clear();
    this.items.replaceChildren();
    this.search(true);
    this.draw();
    const place = seen ? this.matching.findIndex((campaign) => campaign.id === id) : -1;
    if (place < 0) return;
    const { columns, row } = this.measures();
    scrollBy(0, this.items.getBoundingClientRect().top + Math.floor(place / columns) * row - top);
    this.draw();
    if (focused) this.cards.get(id)?.querySelector("a").focus({ preventScroll: true });
  }

  /// Says why the rest is not there.
  fail(problem) {
    this.status.replaceChildren(alertBox(explain(problem), button(t("again.now"), () => dispatchEvent(new Event("hashchange")))));
  }

  view() {
    const element = h("div", { class: "list-view" },
      h("div", { class: "title-row" },
        h("h1", { tabindex: "-1" }, t("campaigns")),
        h("a", { class: "button primary for-coordinators", href: "#/new" }, t("new"))),
      h("div", { class: "search", role: "search" },
        h("label", { class: "visually-hidden", for: "search" }, t("list.search")), this.input,
        h("div", { class: "order" }, h("label", { for: "order" }, t("list.order")), this.order), this.status),
      this.items, this.nothing);
    const moved = () => {
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.draw());
    };
    addEventListener("scroll", moved, { passive: true });
    addEventListener("resize", moved);
    return {
      title: t("campaigns"), element,
      shown: () => {
        const isBack = last.opened !== null && this.input.value === last.search && this.order.value === last.order;
        this.draw();
        // Back to where one was, if it is there to go back to.
        if (isBack) scrollTo(0, last.scroll);
        this.draw();
        const opened = isBack ? this.cards.get(last.opened)?.querySelector("a") : null;
        opened?.focus({ preventScroll: true });
        return Boolean(opened);
      },
      leave: () => {
        removeEventListener("scroll", moved);
        removeEventListener("resize", moved);
        cancelAnimationFrame(this.frame);
        clearTimeout(this.telling);
        Object.assign(last, { scroll: scrollY, search: this.input.value, order: this.order.value });
      },
    };
  }

  search(isFirst = false) {
    const text = this.input.value;
    const words = folded(text).split(/\s+/).filter(Boolean);
    // Looked at when it is needed, for most visitors search for nothing.
    const has = (campaign, word) => (campaign.folded ??= folded([campaign.name, ...campaign.organisations.map((one) => one.name)].join("\n"))).includes(word);
    const order = this.order.value;
    this.matching = words.length > 0 ? this.campaigns.filter((campaign) => words.every((word) => has(campaign, word))) : this.campaigns;
    if (order === "newest") this.matching = [...this.matching].sort((one, other) => other.id - one.id);
    if (!isFirst) {
      const query = new URLSearchParams({ ...(text.trim() && { q: text }), ...(order && { sort: order }) });
      history.replaceState(null, "", query.size > 0 ? `#/?${query}` : "#/");
      if (this.items.getBoundingClientRect().top < 0) scrollTo(0, 0);
      this.draw();
    }
    this.items.hidden = this.matching.length === 0;
    this.nothing.hidden = this.matching.length > 0 || !this.isWhole;
    if (!this.nothing.hidden) this.showNothing();
    clearTimeout(this.telling);
    const tell = () => {
      const all = this.campaigns.length;
      this.status.textContent = !this.isWhole ? t("list.arriving") : words.length === 0 ? t("list.count", { count: all })
        : t("list.matching", { found: this.matching.length, count: all });
    };
    // Not after each letter, where somebody listens.
    if (isFirst) tell();
    else this.telling = setTimeout(tell, 250);
  }

  showNothing() {
    if (this.campaigns.length === 0) {
      this.nothing.replaceChildren(h("h2", {}, t("list.empty")), h("p", {}, t("list.empty.hint")));
      return;
    }
    this.nothing.replaceChildren(h("h2", {}, t("list.nothing")), h("p", {}, t("list.nothing.hint")),
      button(t("list.all"), () => {
        this.input.value = "";
        this.search();
        this.input.focus();
      }));
  }

  /// How many cards are side by side, and how high a row is.
  measures() {
    const style = getComputedStyle(this.items);
    return {
      columns: style.gridTemplateColumns.split(" ").length, row: parseFloat(style.gridAutoRows) + parseFloat(style.rowGap),
    };
  }

  /// Makes the cards of the rows that are in sight, and keeps room for the others.
  draw() {
    if (!this.items.isConnected || this.matching.length === 0) return;
    const { columns, row } = this.measures();
    const rows = Math.ceil(this.matching.length / columns);
    const top = -this.items.getBoundingClientRect().top;
    const first = Math.max(0, Math.min(Math.floor(top / row) - beyond, rows - 1));
    const end = Math.min(rows, Math.max(first + 1, Math.ceil((top + innerHeight) / row) + beyond));
    const seen = this.matching.slice(first * columns, end * columns);
    this.items.style.paddingBlock = `${first * row}px ${(rows - end) * row}px`;
    const cards = new Map(seen.map((campaign) => [campaign.id, this.cards.get(campaign.id) ?? this.card(campaign)]));
    for (const [id, card] of this.cards) if (!cards.has(id)) card.remove();
    this.cards = cards;
    let place = first * columns;
    let next = this.items.firstChild;
    for (const card of cards.values()) {
      card.setAttribute("aria-posinset", place += 1);
      card.setAttribute("aria-setsize", this.matching.length);
      // One that is where it should be is not touched, for it may have the focus.
      if (card === next) next = next.nextSibling;
      else this.items.insertBefore(card, next);
    }
  }

  card(campaign) {
    const { id, name, organisations } = campaign;
    const short = this.short(campaign);
    const by = organisations.flatMap(({ name }, place) => [place > 0 && " · ", h("bdi", {}, name ?? "")]);
    return h("li", { "data-id": id },
      h("a", { class: "card", href: `#/campaigns/${id}`, onclick: () => { last.opened = id; } },
        logo(campaign.logo, name), h("span", { class: "card-text" },
          h("bdi", { class: "name", title: name, "aria-hidden": short === name ? null : "true" }, short),
          short !== name && h("bdi", { class: "visually-hidden" }, name),
          h("span", { class: "by" }, by, by.length > 0 && campaign.totalProjects > 0 && " · ",
            campaign.totalProjects > 0 && t("list.projects", { count: campaign.totalProjects })))));
  }

  /// A name as it fits on a card. Of one that begins like its neighbour's, what differs is shown.
  short({ name, place }) {
    if (name.length <= room) return name;
    const own = letters(name);
    const common = (other) => {
      if (!other) return 0;
      const others = letters(other.name);
      const end = own.findIndex((letter, at) => letter !== others[at]);
      return end < 0 ? own.length : end;
    };
    const same = Math.max(common(this.campaigns[place - 1]), common(this.campaigns[place + 1]));
    if (same < room / 2) return name;
    // A little before it, from the beginning of a word on.
    let from = Math.min(same, own.length - 1);
    while (from > 0 && same - from < 12 && own[from - 1] !== " ") from -= 1;
    if (from <= room / 3) return name;
    return `${own.slice(0, Math.floor(room / 3)).join("").trim()} … ${own.slice(from).join("")}`;
  }
}
