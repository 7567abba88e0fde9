// A message to everybody who has contributed to a campaign's projects.

import { ask, explain } from "./api.js";
import { fetchCampaign } from "./campaigns.js";
import { confirmed } from "./dialogs.js";
import { h } from "./dom.js";
import { Field } from "./fields.js";
import { flashNext } from "./status.js";

/// What was typed and not sent, by campaign.
const drafts = new Map();

export async function letterView({ id }) {
  const { name } = (await fetchCampaign(id)).data;
  const draft = drafts.get(id) ?? { subject: "", message: "" };
  const subject = new Field("Subject", h("input", { autocomplete: "off", dir: "auto", required: true, value: draft.subject }));
  const message = new Field("Message", h("textarea", { rows: 12, dir: "auto", required: true }),
    "Markdown: **bold**, *italic*, [a link](https://example.org), and an empty line between paragraphs.");
  message.value = draft.message;
  let isSent = false;

  async function submit(event) {
    event.preventDefault();
    subject.fail(subject.value.trim() ? null : "A message needs a subject.");
    message.fail(message.value.trim() ? null : "There is nothing to send yet.");
    const wrong = [subject, message].find((field) => field.isWrong);
    if (wrong) return wrong.focus();
    const isDone = await confirmed(
      "Send this message?",
      `It goes to everybody who has contributed to the projects of “${name}”, and cannot be taken back.`,
      "Send", () => ask("POST", `/campaigns/${id}/actions/message-contributors/`, {
        body: { subject: subject.value, message: message.value },
      }), "message");
    if (!isDone) return;
    isSent = true;
    flashNext("Your message is on its way.");
    location.replace(`#/campaigns/${id}`);
  }

  return {
    title: "Write to contributors",
    element: h("form", { class: "form", novalidate: true, onsubmit: submit },
      h("a", { class: "back", href: `#/campaigns/${id}` }, "Back to the campaign"),
      h("h1", { tabindex: "-1" }, "Write to contributors"),
      h("p", {}, "To everybody who has mapped in a project of ", h("strong", { dir: "auto" }, name),
        ", but for those who want no such messages. Administrators may do this."),
      subject.element, message.element,
      h("div", { class: "actions" }, h("button", { class: "primary" }, "Send …"),
        h("a", { class: "button", href: `#/campaigns/${id}` }, "Cancel"))),
    leave: () => {
      if (isSent || !(subject.value + message.value).trim()) drafts.delete(id);
      else drafts.set(id, { subject: subject.value, message: message.value });
    },
  };
}
