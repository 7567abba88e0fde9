// Makes elements. Texts go in as texts, so that nothing in a name can become an element or a script.

import { date, t } from "./words.js";

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

/// The folder that the page is in: the top of its site, or below a path of one.
export const home = new URL(".", document.baseURI);

/// Where a link may lead: an address of the web, or, if it begins with /, one of this page's site; null for everything
/// else, such as `javascript:`.
export function webAddress(text) {
  const address = text?.replace(/^\s*\/(?![/\\])/, "./");
  if (!address || !URL.canParse(address, home)) return null;
  const url = new URL(address, home);
  return url.protocol === "https:" || url.protocol === "http:" ? url : null;
}

/// A link of a text that somebody has written. The other site is not told where it was found.
export function link(address, children) {
  const href = /^mailto:/i.test(address) ? address : webAddress(address)?.href;
  return href ? h("a", { href, rel: "noopener noreferrer" }, children) : h("span", {}, children);
}

/// A link to another site; a plain text when it is no address.
export function outerLink(text, label = text) {
  const url = webAddress(text);
  if (!url) return h("span", { class: "outer", dir: "auto" }, label);
  return h("a", { class: "outer", href: url.href, rel: "noopener noreferrer", dir: "auto" }, label);
}

/// A picture of a text. One that cannot be shown is a link.
export function photo(address, text) {
  const url = webAddress(address);
  const label = t("picture", { text: text || url?.hostname || t("picture.unnamed") });
  const instead = () => (url ? link(url.href, [label]) : h("span", {}, label));
  if (!isShown(url)) return instead();
  const image = h("img", { alt: text ?? "", loading: "lazy", decoding: "async", referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => image.replaceWith(instead()));
  image.src = url.href;
  return image;
}

/// Others than these are blocked by the policy of the page, and a picture of plain http by the browser.
function isShown(url) {
  return url && (url.origin === location.origin || url.protocol === "https:");
}

/// A picture beside a name, which says what it shows; so it has no text of its own.
export function logo(address, name, size = "") {
  const frame = h("span", { class: `logo ${size} tint-${tint(name)}`, "aria-hidden": "true" }, initials(name));
  const url = webAddress(address);
  if (!isShown(url)) return frame;
  const image = h("img", { alt: "", referrerpolicy: "no-referrer", decoding: "async" });
  image.addEventListener("load", () => frame.classList.add("shown"));
  image.addEventListener("error", () => image.remove());
  frame.append(image);
  image.src = url.href;
  return frame;
}

/// The letters of a text as people count them: with their accents and vowel signs.
export function letters(text) {
  return [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
}

function initials(name) {
  const words = (name || "").normalize("NFC").split(/[\s–-]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  return words.slice(0, 2).map((word) => letters(word.slice(0, 12))[0].toLocaleUpperCase()).join("");
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

/// A text as it is compared: without accents and capitals.
export function folded(text) {
  return text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase()
    .replace(/[đøłıßæœðþ]/g, (letter) => alike[letter]);
}
const alike = { đ: "d", ø: "o", ł: "l", ı: "i", ß: "ss", æ: "ae", œ: "oe", ð: "d", þ: "th" };

/// The date and time of an answer, as people here write them.
export function time(text) {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) return h("span", {}, text || "");
  return h("time", { datetime: moment.toISOString() }, date(moment));
}
