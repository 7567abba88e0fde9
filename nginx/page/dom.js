// Makes elements. Texts go in as texts, so that nothing in a name can become an element or a script.

/// An element with its attributes, its listeners (`onclick: …`), and what is in it: elements, texts, or nothing (null, false).
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/// Where a link may lead: an address of the web, or of this site; null for everything else, such as `javascript:`.
export function webAddress(text, base = location.origin) {
  if (!text || !URL.canParse(text, base)) return null;
  const url = new URL(text, base);
  return url.protocol === "https:" || url.protocol === "http:" ? url : null;
}

/// A link to another site, which is not told where it was found; a plain text when it is no address.
export function outerLink(text, label = text) {
  const url = webAddress(text);
  if (!url) return h("span", { class: "outer", dir: "auto" }, label);
  return h("a", { class: "outer", href: url.href, rel: "noopener noreferrer", dir: "auto" }, label);
}

/// A picture beside a name, which says what it shows; so it has no text of its own.
export function logo(address, name, size = "") {
  const letters = initials(name);
  const frame = h("span", { class: `logo ${size} tint-${tint(name)}`, "aria-hidden": "true" }, letters);
  const url = webAddress(address);
  // Others than these are blocked by the policy of the page, and a picture of plain http by the browser.
  if (!url || (url.origin !== location.origin && url.protocol !== "https:")) return frame;
  const image = h("img", { alt: "", referrerpolicy: "no-referrer", decoding: "async" });
  image.addEventListener("load", () => frame.classList.add("shown"));
  image.addEventListener("error", () => image.remove());
  frame.append(image);
  image.src = url.href;
  return frame;
}

function initials(name) {
  const words = (name || "").normalize("NFC").split(/[\s–-]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  return words.slice(0, 2).map((word) => [...word][0].toLocaleUpperCase()).join("");
}

function tint(name) {
  let sum = 0;
  for (const character of name || "") sum = (sum * 31 + character.codePointAt(0)) % 997;
  return sum % 6;
}

/// A line of text that is read out when it changes.
export function liveText(attributes = {}) {
  return h("div", { role: "status", "aria-live": "polite", ...attributes });
}

/// What stands where something is wrong: in words, read out at once, with what can be done about it.
export function alertBox(text, ...actions) {
  return h("div", { class: "alert", role: "alert" }, h("p", {}, text),
    actions.length > 0 && h("div", { class: "actions" }, actions));
}

export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, label);
}

/// Keeps a button from being pressed twice, and says that it is at work.
export async function whileBusy(element, work) {
  if (element.getAttribute("aria-busy") === "true") return;
  element.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    element.removeAttribute("aria-busy");
  }
}

/// The date and time of an answer, as people here write them.
export function time(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return h("span", {}, text || "");
  return h("time", { datetime: date.toISOString() },
    date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }));
}
