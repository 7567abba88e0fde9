// The form of a campaign: for a new one, and for one that is changed.

import { ask, explain, Problem } from "./api.js";
import { fetchCampaign } from "./campaigns.js";
import { draft, dropDraft, keepDraft } from "./drafts.js";
import { alertBox, button, h, liveText, logo, whileBusy } from "./dom.js";
import { Field } from "./fields.js";
import { me } from "./me.js";
import { findOrganisations } from "./organisations.js";
import { Picker } from "./picker.js";
import { base64, fitting, kinds } from "./picture.js";
import { flashNext } from "./status.js";
import { listed, t } from "./words.js";

const nothing = { id: null, name: "", logo: null, url: null, description: null, organisations: [] };

export async function newView() {
  await mayChange();
  return new Form({ data: nothing, etag: null }).view();
}

export async function editView({ id }) {
  await mayChange();
  return new Form(await fetchCampaign(id)).view();
}

/// Whoever may not is told so before they type.
async function mayChange() {
  // It asks for a token where there is none.
  await ask("GET", "/notifications/queries/own/count-unread/", { signedIn: true });
  if (!(await me()).mayChange) throw new Problem(403, "UserNotPermitted", "", 0, true);
}

class Form {
  constructor(campaign) {
    this.key = `campaign-${campaign.data.id ?? "new"}`;
    const kept = draft(this.key);
    // A draft goes on from what it was made from, so that a change of somebody else's since then is noticed.
    const { base, etag } = kept ?? { base: campaign.data, etag: campaign.etag };
    this.id = base.id;
    this.base = base;
    this.etag = etag;
    this.preview = h("span", { class: "preview" });
    this.organisations = new Picker(t("organisations"), t("form.organisations.hint"), findOrganisations, { changed: () => this.remember() });
    this.fields = {
      name: new Field(t("form.name"), h("input", { autocomplete: "off", dir: "auto", required: true })),
      logo: new Field(t("form.logo"), h("input", { inputmode: "url", autocomplete: "off", spellcheck: "false" }),
        t("form.logo.hint"), { below: [this.upload()] }),
      url: new Field(t("form.url"), h("input", { inputmode: "url", autocomplete: "off", spellcheck: "false" }), t("form.url.hint")),
      description: new Field(t("form.description"), h("textarea", { rows: 6, dir: "auto" }), t("form.description.hint")),
      organisations: this.organisations.field,
    };
    this.trouble = h("div", {});
    this.save = h("button", { class: "primary" }, t(this.id ? "save" : "create"));
    for (const name of ["name", "logo"]) this.fields[name].input.addEventListener("change", () => this.showLogo());
    this.put(kept?.typed ?? base);
  }

  view() {
    const title = t(this.id ? "form.edit" : "new");
    const { name, logo, url, description, organisations } = this.fields;
    const leaving = (event) => { if (this.isChanged && !this.isDone) event.preventDefault(); };
    addEventListener("beforeunload", leaving);
    return {
      title, focus: this.id ? null : name.input,
      element: h("form", { class: "form", novalidate: true, oninput: () => this.remember(), onsubmit: (event) => {
        event.preventDefault();
        whileBusy(this.save, () => this.submit());
      } },
      h("a", { class: "back", href: this.back }, t(this.id ? "back.campaign" : "back.all")),
      h("h1", { tabindex: "-1" }, title), this.trouble,
      name.element, description.element, url.element, logo.element, organisations.element,
      h("div", { class: "actions" }, this.save, button(t("cancel"), () => this.leave(this.back)))),
      leave: () => removeEventListener("beforeunload", leaving),
    };
  }

  get back() {
    return this.id ? `#/campaigns/${this.id}` : "#/";
  }

  /// In place of the form, for there is nothing to go back to.
  leave(address) {
    this.isDone = true;
    dropDraft(this.key);
    location.replace(address);
  }

  remember() {
    if (this.isDone) return;
    if (this.isChanged) keepDraft(this.key, { typed: this.typed, base: this.base, etag: this.etag });
    else dropDraft(this.key);
  }

  // --- What is in the fields ---

  get typed() {
    const text = (name) => this.fields[name].value.trim() || null;
    return {
      name: this.fields.name.value.trim(), logo: text("logo"), url: text("url"),
      description: this.fields.description.value.trim() ? this.fields.description.value : null,
      organisations: [...this.organisations.chosen.values()].map(({ id, name }) => ({ organisationId: id, name })),
    };
  }

  put(data) {
    for (const name of ["name", "logo", "url", "description"]) this.fields[name].value = data[name] ?? "";
    const { chosen } = this.organisations;
    chosen.clear();
    for (const { organisationId, name } of data.organisations) chosen.set(organisationId, { id: organisationId, name });
    this.organisations.show();
    this.showLogo();
  }

  /// What a request has to say, and nothing that has not been changed.
  get changes() {
    const typed = this.typed;
    const changes = {};
    for (const name of ["name", "logo", "url", "description"]) {
      if (typed[name] !== lines(this.base[name])) changes[name] = typed[name];
    }
    if (ids(typed).join() !== ids(this.base).join()) changes.organisations = ids(typed);
    return changes;
  }

  get isChanged() {
    return Object.keys(this.changes).some((name) => this.id !== null || this.typed[name]?.length > 0);
  }

  // --- Saving ---

  async submit() {
    this.trouble.replaceChildren();
    for (const field of Object.values(this.fields)) {
      field.fail(null);
      field.note.replaceChildren();
    }
    const { name } = this.fields;
    if (!this.typed.name) name.fail(t("form.no-name"));
    else if ([...this.typed.name].length > 255) name.fail(t("form.long-name", { count: 255 }));
    // Half a name that was typed and not chosen would be lost without a word.
    await this.organisations.settle();
    if (this.focusWrong()) return;
    try {
      if (this.id) await this.patch();
      else await this.post();
    } catch (problem) {
      this.show(problem);
      return;
    }
    flashNext(t(this.base.id ? "form.saved" : "form.created"));
    this.leave(`#/campaigns/${this.id}`);
  }

  async post() {
    const { data } = await ask("POST", "/campaigns/", { body: { ...this.typed, organisations: ids(this.typed) } });
    this.id = data.campaignId;
  }

  async patch() {
    const body = this.changes;
    if (Object.keys(body).length > 0) await ask("PATCH", `/campaigns/${this.id}/`, { body, ifMatch: this.etag });
  }

  /// Puts what went wrong where it belongs.
  show(problem) {
    const { name, organisations, logo, url } = this.fields;
    const text = explain(problem, "campaign");
    const field = problem.code === "NameExists" ? name
      : problem.code === "ORGANISATION_NOT_FOUND" ? organisations
      : problem.code === "InvalidData" ? this.fields[/^\w+/.exec(problem.message)?.[0]] : null;
    if (field) {
      field.fail(field === organisations ? t("form.no-organisation")
        : field === logo || field === url ? `${t("form.bad-address")} ${text}` : text);
      this.focusWrong();
      return;
    }
    if (problem.status === 412) {
      this.say(t("form.changed"), button(t("form.merge"), (event) => whileBusy(event.currentTarget, () => this.merge())));
    } else if (problem.code === "CAMPAIGN_NOT_FOUND") {
      this.say(t("form.deleted"), button(t("form.make-new"), () => {
        this.id = null;
        this.base = nothing;
        this.etag = null;
        this.save.textContent = t("create");
        this.save.click();
      }));
    } else {
      this.say(text, problem.passes && button(t("again.now"), () => this.save.click()));
    }
  }

  /// Takes over what somebody else has changed, and leaves what was typed here. Where both have changed the same, one can choose.
  async merge() {
    let theirs;
    try {
      theirs = await fetchCampaign(this.id);
    } catch (problem) {
      this.show(problem);
      return;
    }
    const mine = this.typed;
    const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
    const value = (data, name) => (name === "organisations" ? ids(data) : lines(data[name]));
    const merged = {};
    let clashes = 0;
    for (const [name, field] of Object.entries(this.fields)) {
      const [was, is, typed] = [this.base, theirs.data, mine].map((data) => value(data, name));
      const isMine = !same(typed, was);
      merged[name] = isMine ? mine[name] : theirs.data[name];
      if (same(is, was) || same(is, typed)) continue;
      if (!isMine) {
        field.note.replaceChildren(h("p", {}, t("form.theirs")));
        continue;
      }
      clashes += 1;
      const text = name === "organisations" ? listed(theirs.data.organisations.map((one) => one.name)) : is;
      field.note.replaceChildren(
        h("p", {}, t("form.wrote"), " ", h("q", { dir: "auto" }, text || t("form.wrote-nothing"))),
        button(t("form.take"), () => {
          this.put({ ...this.typed, [name]: theirs.data[name] });
          this.remember();
          field.note.replaceChildren();
          field.focus();
        }, { class: "small" }));
    }
    this.base = theirs.data;
    this.etag = theirs.etag;
    this.put(merged);
    this.remember();
    this.say(t(clashes > 0 ? "form.clash" : "form.merged"));
    this.trouble.firstChild.classList.add("calm");
  }

  say(text, ...actions) {
    const box = alertBox(text, ...actions.filter(Boolean));
    this.trouble.replaceChildren(box);
    box.tabIndex = -1;
    box.focus();
    box.scrollIntoView({ block: "nearest" });
  }

  focusWrong() {
    const wrong = Object.values(this.fields).find((field) => field.isWrong);
    wrong?.focus();
    return wrong !== undefined;
  }

  // --- The logo ---

  /// It is always there, so that nothing moves away from under a finger when a field is left.
  showLogo() {
    this.preview.replaceChildren(logo(this.fields.logo.value.trim(), this.fields.name.value));
  }

  upload() {
    // The button stands in for it, since how it looks is up to the browser.
    const chosen = h("input", {
      type: "file", accept: kinds.join(), class: "visually-hidden", tabindex: "-1", "aria-hidden": "true",
    });
    const choose = button(t("upload"), () => chosen.click());
    const status = liveText({ class: "done" });
    chosen.addEventListener("change", () => whileBusy(choose, async () => {
      const file = chosen.files[0];
      chosen.value = "";
      if (!file) return;
      const field = this.fields.logo;
      field.fail(null);
      status.textContent = "";
      if (!kinds.includes(file.type)) return field.fail(t("upload.kinds"));
      const picture = await fitting(file);
      if (!picture) return field.fail(t("upload.bad"));
      try {
        const body = { data: await base64(picture), mime: picture.type, filename: picture.name };
        const answer = await ask("POST", "/system/image-upload/", { body });
        field.value = answer.data.url;
        status.textContent = t(picture === file ? "upload.done" : "upload.smaller", { name: file.name });
        this.showLogo();
        this.remember();
      } catch (problem) {
        field.fail(problem.code === "UnsupportedFile" ? t("upload.bad") : explain(problem, "campaign"));
      }
    }));
    return h("div", { class: "upload" }, this.preview, choose, chosen, status);
  }
}

function ids(data) {
  return data.organisations.map((organisation) => organisation.organisationId);
}

/// A text with its line ends as a field has them.
function lines(text) {
  return text?.replace(/\r\n?/g, "\n") ?? null;
}
