// A field in which several are chosen by name, from a list that gets shorter as one types (a combobox, as WAI-ARIA has it).

import { button, h, logo } from "./dom.js";
import { explain } from "./api.js";
import { Field } from "./fields.js";
import { t } from "./words.js";

/// Milliseconds without a key, after which is looked for what was typed.
const pause = 200;
const most = 50;
let count = 0;

export class Picker {
  #turn = 0;
  /// What was typed has found what it was typed for.
  #isUsed = false;
  #active = -1;
  #options = [];

  /// `find(text)`: what can be chosen, as `{ id, name, more, logo, value }`. `chosen`: what is chosen already, by id.
  constructor(label, hint, find, { chosen = new Map(), isTaken = () => false, changed = () => {}, beside = null } = {}) {
    this.find = find;
    this.chosen = chosen;
    this.isTaken = isTaken;
    this.changed = changed;
    const id = `picker-${(count += 1)}`;
    this.list = h("ul", { class: "options", role: "listbox", id, "aria-label": label, "aria-multiselectable": "true", hidden: true,
      // The field keeps the focus.
      onmousedown: (event) => event.preventDefault() });
    this.status = h("p", { class: "hint", role: "status" });
    this.chips = h("ul", { class: "chips" });
    this.input = h("input", {
      role: "combobox", autocomplete: "off", spellcheck: "false", "aria-autocomplete": "list", "aria-expanded": "false",
      "aria-controls": id, dir: "auto",
      oninput: () => {
        this.#isUsed = false;
        this.#later();
      }, onclick: () => this.#look(), onkeydown: (event) => this.#key(event),
      onblur: () => this.close(),
    });
    this.field = new Field(label, this.input, hint, {
      // The chips above, where the list does not cover them.
      holder: h("div", { class: "chooser" }, this.chips, h("div", { class: "picker" }, this.input, this.list)), beside,
      below: [this.status],
    });
    this.show();
  }

  get element() {
    return this.field.element;
  }

  close() {
    this.#turn += 1;
    if (this.#isUsed) this.input.value = "";
    this.#isUsed = false;
    clearTimeout(this.waiting);
    this.list.hidden = true;
    this.#active = -1;
    this.status.textContent = "";
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  clear() {
    this.chosen.clear();
    this.input.value = "";
    this.close();
    this.show();
  }

  /// The chosen ones, each with a button that takes it away.
  show() {
    this.chips.replaceChildren(...[...this.chosen.values()].map(({ id, name }) => h("li", {},
      h("bdi", {}, name ?? `#${id}`),
      button("✕", () => {
        this.chosen.delete(id);
        this.show();
        this.changed();
        this.input.focus();
      }, { class: "small", "aria-label": t("picker.remove", { name: name ?? `#${id}` }) }))));
  }

  #later() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.#look(), pause);
  }

  async #look() {
    clearTimeout(this.waiting);
    const turn = (this.#turn += 1);
    let found;
    try {
      found = await this.find(this.input.value);
    } catch (problem) {
      if (turn === this.#turn) this.field.fail(explain(problem));
      return;
    }
    if (turn !== this.#turn || document.activeElement !== this.input) return;
    this.#options = found.slice(0, most);
    this.#active = -1;
    this.list.replaceChildren(...this.#options.map((option, place) => this.#option(option, place)));
    this.list.hidden = found.length === 0;
    this.list.scrollTop = 0;
    this.input.setAttribute("aria-expanded", String(found.length > 0));
    this.input.removeAttribute("aria-activedescendant");
    this.status.textContent = found.length === 0 ? t("picker.nothing") : t("picker.found", { count: found.length });
  }

  #option(option, place) {
    const isTaken = this.isTaken(option.id);
    return h("li", {
      role: "option", id: `${this.list.id}-${place}`, "aria-selected": String(isTaken || this.chosen.has(option.id)),
      "aria-disabled": isTaken ? "true" : null, onclick: () => this.#choose(place),
    }, logo(option.logo, option.name ?? ""), h("span", {}, h("bdi", { class: "name" }, option.name ?? ""), " ",
      h("span", { class: "hint" }, `#${option.id}`, option.more && " · ", option.more && h("bdi", {}, option.more),
        isTaken && ` · ${t("picker.taken")}`)));
  }

  #choose(place) {
    const option = this.#options[place];
    if (!option || this.isTaken(option.id)) return;
    if (this.chosen.has(option.id)) this.chosen.delete(option.id);
    else this.chosen.set(option.id, option);
    this.#isUsed = true;
    this.list.children[place].setAttribute("aria-selected", String(this.chosen.has(option.id)));
    this.field.fail(null);
    this.show();
    this.changed();
  }

  /// Takes what was typed as the choice when it can only mean one. False: there is something that means none, or several.
  async settle() {
    if (!this.input.value.trim()) return true;
    this.close();
    let found;
    try {
      found = await this.find(this.input.value);
    } catch (problem) {
      this.field.fail(explain(problem));
      return false;
    }
    const number = /(?:^\s*#?|\/projects\/)(\d{1,15})(?!\d)/.exec(this.input.value)?.[1];
    const exact = found.filter(({ id }) => String(id) === number);
    const [only] = exact.length === 1 ? exact : found.length === 1 ? found : [];
    if (!only || this.isTaken(only.id)) {
      this.field.fail(only ? t("problem.linked") : found.length > 1 ? t("picker.several") : t("picker.nothing"));
      return false;
    }
    this.chosen.set(only.id, only);
    this.input.value = "";
    this.show();
    this.changed();
    return true;
  }

  async #key(event) {
    const isOpen = !this.list.hidden;
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) return this.#look();
      const last = this.#options.length;
      // Between the last and the first is the field itself.
      const place = this.#active + 1 + (key === "ArrowDown" ? 1 : -1);
      return this.#go(((place + last + 1) % (last + 1)) - 1);
    }
    if (key === "Enter" && isOpen && this.#active >= 0) {
      event.preventDefault();
      this.#choose(this.#active);
    } else if (key === "Enter" && this.input.value.trim()) {
      event.preventDefault();
      await this.settle();
    } else if (key === "Escape" && isOpen) {
      event.preventDefault();
      this.close();
    } else if (key === "Backspace" && !this.input.value && this.chosen.size > 0) {
      this.chosen.delete([...this.chosen.keys()].at(-1));
      this.show();
      this.changed();
    }
  }

  #go(place) {
    this.list.querySelector(".active")?.classList.remove("active");
    this.#active = place;
    const option = this.list.children[place];
    if (!option) return this.input.removeAttribute("aria-activedescendant");
    option.classList.add("active");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }
}
