// A field of a form: its label, what helps to fill it in, and what is wrong with it.

import { h } from "./dom.js";

let count = 0;

export class Field {
  /// `input`: an input, textarea or the like, inside of `holder` if there is one; `beside` stands beside it, and `below` below.
  constructor(label, input, hint = null, { holder = input, beside = null, below = [] } = {}) {
    const id = `field-${(count += 1)}`;
    this.input = input;
    this.error = h("p", { class: "field-error", id: `${id}-error` });
    this.note = h("div", { class: "note", id: `${id}-note` });
    input.id = id;
    input.setAttribute("aria-describedby", [hint && `${id}-hint`, `${id}-error`, `${id}-note`].filter(Boolean).join(" "));
    this.element = h("div", { class: "field" },
      h("label", { for: id }, label), hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
      beside ? h("div", { class: "row" }, holder, beside) : holder, below, this.error, this.note);
    input.addEventListener("input", () => this.fail(null));
  }

  get value() {
    return this.input.value;
  }

  set value(text) {
    this.input.value = text;
  }

  get isWrong() {
    return this.input.getAttribute("aria-invalid") === "true";
  }

  /// Says what is wrong, or with null that nothing is.
  fail(text) {
    this.error.textContent = text ?? "";
    if (text) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  focus() {
    this.input.focus();
  }
}
