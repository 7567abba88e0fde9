// A letter to everybody who has contributed to a campaign's projects.

import { ask, explain } from "./api.js";
import { fetchCampaign } from "./campaigns.js";
import { confirmed } from "./dialogs.js";
import { draft, dropDraft, keepDraft } from "./drafts.js";
import { alertBox, h, time, whileBusy } from "./dom.js";
import { Field } from "./fields.js";
import { parser } from "./markdown.js";
import { flashNext } from "./status.js";
import { t } from "./words.js";

export async function letterView({ id }) {
  const path = `/campaigns/${id}/actions/message-contributors/`;
  const [{ data: { name } }, { data: { recipients, sent } }, parse] = await Promise.all([
    fetchCampaign(id), ask("GET", path, { signedIn: true }), parser(),
  ]);
  const key = `letter-${id}`;
  const typed = draft(key) ?? { subject: "", message: "" };
  const subject = new Field(t("letter.subject"), h("input", { autocomplete: "off", dir: "auto", required: true }));
  const message = new Field(t("letter.message"), h("textarea", { rows: 14, dir: "auto", required: true }), t("letter.markdown"));
  subject.value = typed.subject;
  message.value = typed.message;
  const preview = h("div", {});
  let isSent = false;
  let number = recipients;

  const isEmpty = () => !(subject.value + message.value).trim();
  const show = () => preview.replaceChildren(message.value.trim() ? parse(message.value) : h("p", { class: "hint" }, t("letter.nothing")));
  const changed = () => {
    if (isEmpty()) dropDraft(key);
    else keepDraft(key, { subject: subject.value, message: message.value });
  };
  for (const field of [subject, message]) field.input.addEventListener("input", changed);
  let waiting = 0;
  message.input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 150);
  });
  show();

  const count = h("div", {});
  const showCount = () => count.replaceChildren(number === 0 ? alertBox(t("letter.nobody"))
    : h("p", {}, t("letter.recipients", { count: number, name })));
  showCount();

  async function submit() {
    subject.fail(subject.value.trim() ? null : t("letter.no-subject"));
    message.fail(message.value.trim() ? null : t("letter.no-message"));
    const wrong = [subject, message].find((field) => field.isWrong);
    if (wrong) return wrong.focus();
    // As it is now, and not when somebody began to write.
    const now = await ask("GET", path, { signedIn: true }).catch(() => null);
    number = now?.data.recipients ?? number;
    showCount();
    const isDone = await confirmed(
      t("letter.confirm"), t(number === 0 ? "letter.confirm.nobody" : "letter.confirm.text", { count: number, name }),
      t("letter.send-now"), () => ask("POST", path, { body: { subject: subject.value, message: message.value } }), "message");
    if (!isDone) return;
    isSent = true;
    dropDraft(key);
    flashNext(t("letter.sent"));
    location.replace(`#/campaigns/${id}`);
  }

  const send = h("button", { class: "primary" }, t("letter.send"));
  const leaving = (event) => { if (!isEmpty() && !isSent) event.preventDefault(); };
  addEventListener("beforeunload", leaving);
  return {
    title: t("letter.title"),
    element: h("form", { class: "form wide", novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      whileBusy(send, submit);
    } },
      h("a", { class: "back", href: `#/campaigns/${id}` }, t("back.campaign")),
      h("h1", { tabindex: "-1" }, t("letter.title")),
      count,
      subject.element,
      h("div", { class: "beside" }, message.element,
        h("section", { class: "field", "aria-labelledby": "preview-title" },
          h("h2", { id: "preview-title" }, t("letter.preview")), h("p", { class: "hint" }, t("letter.preview.hint")), preview)),
      h("div", { class: "actions" }, send,
        h("a", { class: "button", href: `#/campaigns/${id}` }, t("cancel"))),
      sent.length > 0 && h("section", { "aria-labelledby": "sent-title" },
        h("h2", { id: "sent-title" }, t("letter.before")),
        h("ul", { class: "links" }, sent.map((one) => h("li", {}, h("span", { class: "link-text" },
          h("bdi", { class: "name" }, one.subject),
          h("span", { class: "hint" }, h("bdi", {}, one.fromUsername ?? t("somebody")), " · ", time(one.sentDate), " · ",
            one.delivered ? t("letter.delivered", { count: one.recipients }) : t("letter.under-way", { count: one.recipients })))))))),
    leave: () => removeEventListener("beforeunload", leaving),
  };
}
