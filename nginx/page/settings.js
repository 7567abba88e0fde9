// What the user who is signed in wants.

import { ask, explain } from "./api.js";
import { h, liveText } from "./dom.js";
import { forgetMe, me } from "./me.js";
import { t } from "./words.js";

export async function settingsView() {
  // It asks for a token where there is none.
  await ask("GET", "/notifications/queries/own/count-unread/", { signedIn: true });
  const person = await me();
  const status = liveText({ class: "done" });
  const box = h("input", { type: "checkbox", id: "letters", "aria-describedby": "letters-hint", onchange: async () => {
    status.textContent = "";
    try {
      await ask("PATCH", "/users/me/actions/set-user/", { body: { projectsNotifications: box.checked } });
      status.textContent = t(box.checked ? "settings.on" : "settings.off");
    } catch (problem) {
      box.checked = !box.checked;
      status.textContent = explain(problem, "inbox");
    }
    forgetMe();
  } });
  box.checked = person.wantsLetters !== false;
  box.disabled = person.name === null;
  return {
    title: t("settings"),
    element: h("div", { class: "form" },
      h("h1", { tabindex: "-1" }, t("settings")),
      h("div", { class: "check" }, box, h("label", { for: "letters" }, t("settings.letters"))),
      h("p", { class: "hint", id: "letters-hint" }, t(person.name === null ? "settings.no-record" : "settings.letters.hint")),
      status),
  };
}
