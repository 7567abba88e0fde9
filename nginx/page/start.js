// Runs before everything else, and asks for what is needed first while the rest is still on its way: the texts in the
// reader's language, and what the address shows.
"use strict";

{
  /// By code: what a language is called by those who speak it. Each has a catalogue in `languages/`.
  const languages = {
    en: "English", fr: "Français", es: "Español", pt: "Português", ar: "العربية", sw: "Kiswahili",
    id: "Bahasa Indonesia", ne: "नेपाली",
  };
  const rightToLeft = ["ar"];

  /// Asks for something now, for whoever needs it later. Addresses are below the page's own folder, wherever that is.
  const get = (address, options) => fetch(address, options).catch(() => null);

  const start = {
    languages,
    early: new Map(),
    /// Sets the page to a language, and asks for its texts.
    use(code) {
      const wished = navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === code);
      Object.assign(start, { language: code, locale: wished ?? code, texts: get(`languages/${code}.json`, { signal: AbortSignal.timeout(30000) }) });
      document.documentElement.lang = code;
      document.documentElement.dir = rightToLeft.includes(code) ? "rtl" : "ltr";
    },
  };
  globalThis.start = start;

  const kept = localStorage.getItem("campaigns-language");
  const wishes = [kept, ...navigator.languages.map((tag) => tag.toLowerCase().split("-")[0]), "en"];
  start.use(wishes.find((code) => Object.hasOwn(languages, code)));

  const campaign = /^#\/campaigns\/\d{1,15}(?=\/|$)/.exec(location.hash)?.[0].slice(1);
  const path = campaign ? `${campaign}/` : /^(#\/?(\?.*)?)?$/.test(location.hash) ? "/campaigns/?details=true" : null;
  if (path) start.early.set(path, get(`api/v2${path}`));
}
