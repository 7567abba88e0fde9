// The texts of the page from the catalogue of the reader's language, and numbers and dates as they are written in it.

const { start } = globalThis;
let texts = {};
let plurals = null;
let numbers = null;

export const languages = start.languages;

/// Gets the texts of the language that is set. False: they are unavailable.
export async function listen() {
  const answer = await start.texts;
  if (!answer?.ok) return false;
  texts = await answer.json();
  plurals = new Intl.PluralRules(start.language);
  numbers = new Intl.NumberFormat(start.locale);
  return true;
}

/// Sets another language, and remembers it.
export async function speak(code) {
  localStorage.setItem("campaigns-language", code);
  start.use(code);
  return listen();
}

export const locale = () => start.locale;

/// A text of the catalogue with its values: texts, numbers, and elements. One that depends on a number takes the form that
/// the language has for `count`.
export function parts(key, values = {}) {
  const text = texts[key];
  const form = typeof text === "object" ? text[plurals.select(values.count)] ?? text.other : text ?? key;
  return form.split(/(\{[a-z]+\})/).filter(Boolean).map((piece) => {
    const name = /^\{([a-z]+)\}$/.exec(piece)?.[1];
    const value = name ? values[name] : piece;
    return typeof value === "number" ? numbers.format(value) : value;
  });
}

/// The same, when all values are texts and numbers.
export function t(key, values = {}) {
  const safe = Object.entries(values).map(([name, value]) => [name, typeof value === "string" ? isolated(value) : value]);
  return parts(key, Object.fromEntries(safe)).join("");
}

/// A name that does not change the order of the words round it, whatever its direction.
function isolated(text) {
  const isForeign = document.dir === "rtl" || /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(text);
  return isForeign ? `\u2068${text}\u2069` : text;
}

export const number = (value) => numbers.format(value);
export const percent = (value) => new Intl.NumberFormat(start.locale, { style: "percent" }).format(value / 100);

export function date(value, style = { dateStyle: "medium", timeStyle: "short" }) {
  return new Intl.DateTimeFormat(start.locale, style).format(value);
}

/// Several names as a sentence has them.
export const listed = (names) => new Intl.ListFormat(start.locale).format(names);

/// Puts the texts into the elements of index.html.
export function fill(root = document) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
}
