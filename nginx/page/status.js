// What is said to those who look and to those who listen, whatever view is shown: at the foot of the window.

import { button, h } from "./dom.js";
import { t } from "./words.js";

const place = document.getElementById("notices");
/// It is read out when something is put into it, so that these are there all the time.
const [connection, notice] = [h("div", {}), h("div", {})];
place.append(connection, notice);
let waiting = null;

/// Says something, until it is closed or another view is shown.
export function tell(text) {
  notice.replaceChildren(h("div", { class: "notice" }, h("p", {}, text),
    button("✕", () => notice.replaceChildren(), { class: "small", "aria-label": t("close") })));
}

/// Says something as soon as the next view is there.
export function flashNext(text) {
  waiting = text;
}

/// Another view is there: what belongs to the one before goes.
export function turnPage() {
  notice.replaceChildren();
  if (waiting) tell(waiting);
  waiting = null;
}

/// Whether there is a connection. This stays for as long as there is none.
export function showConnection() {
  connection.replaceChildren(...(navigator.onLine ? [] : [h("div", { class: "notice" }, h("p", {}, t("offline")))]));
}
