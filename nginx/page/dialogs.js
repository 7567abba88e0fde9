// Dialogs of the page, and giving a token in one.

import { askOnce, explain, Problem } from "./api.js";
import { button, h, whileBusy } from "./dom.js";
import { Field } from "./fields.js";
import { contents, currentToken, forget, keep, tidied } from "./session.js";

let count = 0;

/// Opens a dialog, and gives what it was closed with: null after Escape. Focus goes back to where it was.
///
/// `fill` makes what is in it, and gets the function that closes it.
function open(title, fill) {
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
        trouble.textContent = explain(problem, about);
      }
    }), { class: "danger" });
    return [h("p", {}, text), trouble,
      h("div", { class: "actions" }, button("Cancel", () => close(null), { autofocus: true }), go)];
  });
}

/// Asks for a token until it is one that the service takes. Gives it, or null.
export function askForToken(problem) {
  return open("Your token", (close) => {
    const field = new Field("Token", h("input", {
      type: "password", autocomplete: "off", autocapitalize: "off", spellcheck: "false", autofocus: true,
    }), "From the settings of your Tasking Manager, or from the administrator of this site.");
    if (problem) field.fail("The service does not take this token any more. It may be older than 7 days.");
    const save = h("button", { class: "primary" }, "Use this token");
    const form = h("form", { novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      whileBusy(save, async () => {
        const text = tidied(field.value);
        field.fail(text ? null : "Please paste your token here.");
        // What is no Latin letter cannot even be sent.
        if (text && !/^[\x21-\x7e]+$/.test(text)) field.fail("This is no token: it has characters that no token has.");
        if (field.isWrong) return field.focus();
        try {
          await askOnce("GET", "/notifications/queries/own/count-unread/", undefined, undefined, text);
          keep(text);
          close(text);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          field.fail(error.status === 401
            ? "The service does not take this token. It may be older than 7 days, or a part of it is missing."
            : explain(error));
          field.focus();
        }
      });
    } }, field.element,
    h("p", { class: "hint" }, "It stays in this tab, until you close the tab or sign out."),
    h("div", { class: "actions" }, button("Cancel", () => close(null)), save));
    return [form];
  });
}

/// Says who is signed in, and lets them sign out.
export function showSession() {
  const { user, until } = contents(currentToken() ?? "");
  return open("Signed in", (close) => [
    h("p", {}, user ? `You are signed in as user ${user}.` : "You are signed in."),
    until && !Number.isNaN(until.getTime()) && h("p", { class: "hint" },
      `The token is good until ${until.toLocaleString(undefined, { dateStyle: "long", timeStyle: "short" })}.`),
    h("div", { class: "actions" }, button("Close", () => close(null), { autofocus: true }),
      button("Sign out", () => {
        forget();
        close(null);
      }, { class: "danger" })),
  ].filter(Boolean));
}
