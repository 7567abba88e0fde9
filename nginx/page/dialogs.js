// Dialogs of the page, and giving a token in one.

import { askOnce, explain, Problem } from "./api.js";
import { button, h, logo, whileBusy } from "./dom.js";
import { Field } from "./fields.js";
import { me } from "./me.js";
import { goToOSM, osm } from "./osm.js";
import { contents, currentToken, forget, keep, tidied } from "./session.js";
import { date, t } from "./words.js";

let count = 0;

/// Opens a dialog, and gives what it was closed with: null after Escape. Focus goes back to where it was.
///
/// `fill` makes what is in it, and gets the function that closes it.
export function open(title, fill) {
  return new Promise((done) => {
    const id = `dialog-${(count += 1)}`;
    const dialog = h("dialog", { "aria-labelledby": id }, h("h2", { id }, title));
    let result = null;
    const close = (value) => {
      result = value;
      dialog.close();
    };
    dialog.append(...fill(close));
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/// Asks before something is done that cannot be undone. `work` does it; what goes wrong is shown, and the dialog stays.
export function confirmed(title, text, label, work, about) {
  return open(title, (close) => {
    const trouble = h("p", { class: "field-error", role: "alert" });
    const go = button(label, () => whileBusy(go, async () => {
      trouble.textContent = "";
      try {
        await work();
        close(true);
      } catch (problem) {
        trouble.textContent = problem.explained ?? explain(problem, about);
      }
    }), { class: "danger" });
    return [h("p", {}, text), trouble,
      h("div", { class: "actions" }, button(t("cancel"), () => close(null), { autofocus: true }), go)];
  });
}

/// Asks for a token until it is one that the service takes. Gives it, or null.
export function askForToken(problem) {
  return open(t("sign-in"), (close) => {
    const field = new Field(t("token"), h("input", {
      type: "password", autocomplete: "off", autocapitalize: "off", spellcheck: "false", autofocus: true,
    }), t("token.hint"));
    const stay = h("input", { type: "checkbox", id: "stay", "aria-describedby": "stay-hint" });
    const other = h("div", { class: "osm", hidden: true });
    osm().then((way) => {
      if (!way) return;
      other.append(button(t("osm"), () => goToOSM(way, stay.checked), { class: "primary" }), h("p", { class: "hint" }, t("osm.or")));
      other.hidden = false;
    });
    if (problem) field.fail(t("token.ended"));
    const save = h("button", { class: "primary" }, t("token.use"));
    const form = h("form", { novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      whileBusy(save, async () => {
        const text = tidied(field.value);
        field.fail(text ? null : t("token.empty"));
        // What is no Latin letter cannot even be sent.
        if (text && !/^[\x21-\x7e]+$/.test(text)) field.fail(t("token.none"));
        if (field.isWrong) return field.focus();
        try {
          await askOnce("GET", "/notifications/queries/own/count-unread/", undefined, undefined, text);
          keep(text, stay.checked);
          close(text);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          field.fail(error.status === 401 ? t("token.refused") : explain(error));
          field.focus();
        }
      });
    } }, field.element, h("div", { class: "actions" }, button(t("cancel"), () => close(null)), save));
    // Above both ways, for it is of both.
    return [h("p", {}, t("token.who")),
      h("div", { class: "check" }, stay, h("label", { for: "stay" }, t("token.stay"))),
      h("p", { class: "hint", id: "stay-hint" }, t("token.stays")), other, form];
  });
}

/// Says who is signed in and what they may do, and lets them sign out.
export async function showSession() {
  const person = await me().catch(() => null);
  const { user, until } = contents(currentToken() ?? "");
  const name = person?.name ?? `#${user}`;
  const rights = !person ? null : person.isAdmin ? "rights.admin" : person.mayChange ? "rights.coordinator"
    : person.isReadOnly ? "rights.reader" : "rights.visitor";
  return open(t("session"), (close) => [
    h("div", { class: "from" }, logo(person?.picture, name), h("p", {}, t("session.user", { name }))),
    rights && h("p", {}, t(rights)),
    until && !Number.isNaN(until.getTime()) && h("p", { class: "hint" },
      t("session.until", { date: date(until, { dateStyle: "long", timeStyle: "short" }) })),
    h("div", { class: "actions" },
      h("a", { class: "button", href: "#/settings", onclick: () => close(null) }, t("settings")),
      button(t("close"), () => close(null), { autofocus: true }),
      button(t("sign-out"), () => {
        forget();
        close(null);
      }, { class: "danger" })),
  ].filter(Boolean));
}
