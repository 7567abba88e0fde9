// The campaigns, searched as one types.

import { list, whenShown } from "./campaigns.js";
import { button, h, liveText, logo } from "./dom.js";

/// As many cards are made at once; more when the end of them comes into view.
const step = 120;
/// Where somebody was when they opened a campaign, to come back to.
const last = { scroll: 0, count: step, opened: null, search: "" };

export async function listView({ query }) {
  const campaigns = (await list()).map((campaign) => ({ ...campaign, folded: folded(campaign.name) }));
  const collator = new Intl.Collator(undefined, { numeric: true });
  campaigns.sort((one, other) => collator.compare(one.name, other.name) || one.id - other.id);
  return new List(campaigns, query.get("q") ?? "").view();
}

/// A text as it is compared: without accents and capitals.
export function folded(text) {
  return text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase()
    .replace(/[đøłıßæœðþ]/g, (letter) => alike[letter]);
}
const alike = { đ: "d", ø: "o", ł: "l", ı: "i", ß: "ss", æ: "ae", œ: "oe", ð: "d", þ: "th" };

class List {
  constructor(campaigns, search) {
    this.campaigns = campaigns;
    this.cards = new Map();
    this.withdraw = new Map();
    this.matching = campaigns;
    this.count = search === last.search ? last.count : step;
    this.status = liveText({ class: "count" });
    this.items = h("ul", { class: "cards" });
    this.nothing = h("div", { class: "empty", hidden: true });
    this.input = h("input", {
      type: "search", id: "search", value: search, autocomplete: "off", spellcheck: "false",
      placeholder: "Search by name", "aria-describedby": "search-count",
      oninput: () => this.search(this.input.value),
      onkeydown: (event) => {
        if (event.key !== "Escape" || !this.input.value) return;
        event.preventDefault();
        this.input.value = "";
        this.search("");
      },
    });
    this.input.value = search;
    this.status.id = "search-count";
    this.more = button("Show more", () => this.showMore(true), { class: "more" });
    this.observer = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: "300px 0px" });
    this.observer.observe(this.more);
    this.search(search, true);
  }

  view() {
    const element = h("div", { class: "list-view" },
      h("div", { class: "title-row" },
        h("h1", { tabindex: "-1" }, "Campaigns"),
        h("a", { class: "button primary for-coordinators", href: "#/new" }, "New campaign")),
      h("div", { class: "search", role: "search" },
        h("label", { class: "visually-hidden", for: "search" }, "Search campaigns by name"), this.input, this.status),
      this.items, this.nothing, this.more);
    const opened = this.cards.get(last.opened)?.querySelector("a");
    return {
      title: "Campaigns", element,
      // Back to where one was, if it is there to go back to.
      shown: () => {
        if (!opened?.isConnected || this.input.value !== last.search) return false;
        scrollTo(0, last.scroll);
        opened.focus({ preventScroll: true });
        return true;
      },
      leave: () => {
        this.observer.disconnect();
        for (const withdraw of this.withdraw.values()) withdraw();
        Object.assign(last, { scroll: scrollY, count: this.count, search: this.input.value });
      },
    };
  }

  search(text, isFirst = false) {
    const words = folded(text).split(/\s+/).filter(Boolean);
    this.matching = this.campaigns.filter(({ folded }) => words.every((word) => folded.includes(word)));
    if (!isFirst) {
      this.count = step;
      history.replaceState(null, "", text.trim() ? `#/?q=${encodeURIComponent(text)}` : "#/");
    }
    this.fill();
    clearTimeout(this.telling);
    const tell = () => {
      const all = this.campaigns.length;
      this.status.textContent = words.length === 0
        ? `${all} ${all === 1 ? "campaign" : "campaigns"}` : `${this.matching.length} of ${all}`;
    };
    // Not after each letter, where somebody listens.
    if (isFirst) tell();
    else this.telling = setTimeout(tell, 250);
  }

  fill() {
    this.items.replaceChildren(...this.matching.slice(0, this.count).map((campaign) => this.card(campaign)));
    this.items.hidden = this.matching.length === 0;
    this.more.hidden = this.matching.length <= this.count;
    this.nothing.hidden = this.matching.length > 0;
    if (this.matching.length > 0) return;
    if (this.campaigns.length === 0) {
      this.nothing.replaceChildren(h("h2", {}, "No campaigns yet"),
        h("p", {}, "A campaign ties projects and organisations together. The first one will be here."));
    } else {
      this.nothing.replaceChildren(h("h2", {}, "Nothing is called like that"),
        h("p", {}, "Try a part of the name; accents and capitals do not matter."),
        button("Show all campaigns", () => {
          this.input.value = "";
          this.search("");
          this.input.focus();
        }));
    }
  }

  showMore(moveFocus) {
    const first = this.matching[this.count];
    this.count += step;
    this.items.append(...this.matching.slice(this.count - step, this.count).map((campaign) => this.card(campaign)));
    this.more.hidden = this.matching.length <= this.count;
    if (moveFocus && first) this.card(first).querySelector("a").focus();
  }

  card({ id, name }) {
    const made = this.cards.get(id);
    if (made) return made;
    const organisations = h("span", { class: "by", dir: "auto" });
    const picture = logo(null, name);
    const card = h("li", { "data-id": id },
      h("a", { class: "card", href: `#/campaigns/${id}`, onclick: () => { last.opened = id; } },
        picture, h("span", { class: "card-text" }, h("span", { class: "name", dir: "auto" }, name), organisations)));
    card.show = (campaign) => {
      this.observer.unobserve(card);
      organisations.textContent = campaign.organisations.map((organisation) => organisation.name).join(" · ");
      if (campaign.logo) picture.replaceWith(logo(campaign.logo, name));
    };
    this.cards.set(id, card);
    this.observer.observe(card);
    return card;
  }

  seen(entries) {
    for (const { target, isIntersecting } of entries) {
      if (target === this.more) {
        if (isIntersecting && !this.more.hidden) {
          this.showMore(false);
          // Its place may still be in view, of which nothing would be said.
          this.observer.unobserve(this.more);
          this.observer.observe(this.more);
        }
        continue;
      }
      const id = Number(target.dataset.id);
      this.withdraw.get(id)?.();
      this.withdraw.delete(id);
      if (isIntersecting) this.withdraw.set(id, whenShown(id, target.show));
    }
  }
}
