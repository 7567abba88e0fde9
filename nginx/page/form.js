// The form of a campaign: for a new one, and for one that is changed.

import { ask, explain } from "./api.js";
import { fetchCampaign, forgetCampaign, knownOrganisations } from "./campaigns.js";
import { alertBox, button, h, liveText, logo, whileBusy } from "./dom.js";
import { Field, numberOf, offer } from "./fields.js";
import { flashNext } from "./status.js";

const nothing = { id: null, name: "", logo: null, url: null, description: null, organisations: [] };
/// What was typed and not saved, by campaign, with what it was made from; so that a step back loses nothing.
const drafts = new Map();
/// Bytes.
const largestPicture = 1_048_576;
const pictures = ["image/png", "image/jpeg", "image/webp", "image/gif"];

export async function newView() {
  return new Form({ data: nothing, etag: null }).view();
}

export async function editView({ id }) {
  return new Form(await fetchCampaign(id)).view();
}

class Form {
  constructor(campaign) {
    this.key = campaign.data.id;
    const draft = drafts.get(this.key);
    // A draft goes on from what it was made from, so that a change of somebody else's since then is noticed.
    const { base, etag } = draft ?? { base: campaign.data, etag: campaign.etag };
    this.id = base.id;
    this.base = base;
    this.etag = etag;
    this.preview = h("span", { class: "preview" });
    this.fields = {
      name: new Field("Name", h("input", { autocomplete: "off", dir: "auto", required: true })),
      logo: new Field("Logo", h("input", { inputmode: "url", autocomplete: "off", spellcheck: "false" }),
        "An address that begins with https://, or a picture that you upload here.", { below: [this.upload()] }),
      url: new Field("Web page", h("input", { inputmode: "url", autocomplete: "off", spellcheck: "false" }),
        "Where one can read more, such as https://example.org/campaign."),
      description: new Field("Description", h("textarea", { rows: 6, dir: "auto" })),
      organisations: this.organisationField(),
    };
    this.trouble = h("div", {});
    this.save = h("button", { class: "primary" }, this.id ? "Save" : "Create");
    for (const name of ["name", "logo"]) this.fields[name].input.addEventListener("change", () => this.showLogo());
    this.put(draft?.typed ?? base);
  }

  view() {
    const title = this.id ? "Edit the campaign" : "New campaign";
    const { name, logo, url, description, organisations } = this.fields;
    const leaving = (event) => { if (this.isChanged) event.preventDefault(); };
    addEventListener("beforeunload", leaving);
    return {
      title, focus: this.id ? null : name.input,
      element: h("form", { class: "form", novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        whileBusy(this.save, () => this.submit());
      } },
      h("a", { class: "back", href: this.back }, this.id ? "Back to the campaign" : "All campaigns"),
      h("h1", { tabindex: "-1" }, title), this.trouble,
      name.element, description.element, url.element, logo.element, organisations.element,
      h("div", { class: "actions" }, this.save, button("Cancel", () => this.leave()))),
      leave: () => {
        removeEventListener("beforeunload", leaving);
        if (this.isChanged && !this.isDone) drafts.set(this.key, { typed: this.typed, base: this.base, etag: this.etag });
        else drafts.delete(this.key);
      },
    };
  }

  get back() {
    return this.id ? `#/campaigns/${this.id}` : "#/";
  }

  leave() {
    this.isDone = true;
    location.replace(this.back);
  }

  // --- What is in the fields ---

  get typed() {
    const text = (name) => this.fields[name].value.trim() || null;
    return {
      name: this.fields.name.value.trim(), logo: text("logo"), url: text("url"),
      description: this.fields.description.value.trim() ? this.fields.description.value : null,
      organisations: [...this.chosen.values()],
    };
  }

  put(data) {
    for (const name of ["name", "logo", "url", "description"]) this.fields[name].value = data[name] ?? "";
    this.chosen = new Map(data.organisations.map((organisation) => [organisation.organisationId, organisation]));
    this.showChosen();
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
    return Object.keys(this.changes).length > 0;
  }

  // --- Saving ---

  async submit() {
    this.trouble.replaceChildren();
    for (const field of Object.values(this.fields)) {
      field.fail(null);
      field.note.replaceChildren();
    }
    const { name } = this.fields;
    if (!this.typed.name) name.fail("A campaign needs a name.");
    else if ([...this.typed.name].length > 255) name.fail("A name may have 255 characters, and this one has more.");
    // Half a number that was typed and not added would be lost without a word.
    if (this.fields.organisations.value.trim() && !(await this.addOrganisation())) return;
    if (this.focusWrong()) return;
    try {
      if (this.id) await this.patch();
      else await this.post();
    } catch (problem) {
      this.show(problem);
      return;
    }
    this.isDone = true;
    forgetCampaign(this.id);
    flashNext(this.base.id ? "Your changes are saved." : "The campaign is there.");
    // In place of the form, for there is nothing to go back to.
    location.replace(`#/campaigns/${this.id}`);
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
    const { name, organisations } = this.fields;
    const text = explain(problem, "campaign");
    const field = problem.code === "NameExists" ? name
      : problem.code === "ORGANISATION_NOT_FOUND" ? organisations
      : problem.code === "InvalidData" ? this.fields[/^\w+/.exec(problem.message)?.[0]] : null;
    if (field) {
      field.fail(field === organisations ? "One of these organisations is not there any more." : text);
      this.focusWrong();
      return;
    }
    if (problem.status === 412) {
      this.say("Somebody else has changed this campaign since you opened it, so yours was not saved. "
        + "What you have typed is still here.",
        button("Load the other's changes", (event) => whileBusy(event.currentTarget, () => this.merge())));
    } else if (problem.code === "CAMPAIGN_NOT_FOUND") {
      this.say("Somebody has deleted this campaign meanwhile. What you have typed is still here.",
        button("Make a new campaign of it", () => {
          this.id = null;
          this.base = nothing;
          this.etag = null;
          this.save.textContent = "Create";
          this.save.click();
        }));
    } else {
      this.say(text, problem.passes && button("Try again", () => this.save.click()));
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
        field.note.replaceChildren(h("p", {}, "This was changed by somebody else."));
        continue;
      }
      clashes += 1;
      const text = name === "organisations" ? theirs.data.organisations.map((one) => one.name).join(", ") : is;
      field.note.replaceChildren(
        h("p", {}, "Somebody else has written: ", h("q", { dir: "auto" }, text || "nothing")),
        button("Take theirs", () => {
          this.put({ ...this.typed, [name]: theirs.data[name] });
          field.note.replaceChildren();
          field.focus();
        }, { class: "small" }));
    }
    this.base = theirs.data;
    this.etag = theirs.etag;
    this.put(merged);
    this.say(clashes > 0
      ? "You have both changed the same. Yours is in the fields, and theirs stands below it. Choose, and save again."
      : "The other's changes are in the fields now, beside yours. Have a look, and save again.");
    this.trouble.firstChild.classList.add("notice");
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
      type: "file", accept: pictures.join(), class: "visually-hidden", tabindex: "-1", "aria-hidden": "true",
    });
    const choose = button("Upload a picture", () => chosen.click());
    const status = liveText({ class: "done" });
    chosen.addEventListener("change", () => whileBusy(choose, async () => {
      const file = chosen.files[0];
      chosen.value = "";
      if (!file) return;
      const field = this.fields.logo;
      field.fail(null);
      status.textContent = "";
      if (!pictures.includes(file.type)) return field.fail("Only PNG, JPEG, WebP and GIF can be used.");
      if (file.size > largestPicture) {
        return field.fail(`This picture has ${Math.ceil(file.size / 1024)} KiB, and 1,024 are the most that fits.`);
      }
      try {
        const data = await base64(file);
        const answer = await ask("POST", "/system/image-upload/", { body: { data, mime: file.type, filename: file.name } });
        field.value = answer.data.url;
        status.textContent = `${file.name} is uploaded.`;
        this.showLogo();
      } catch (problem) {
        field.fail(problem.code === "UnsupportedFile" ? "This file is no picture that can be used, whatever it is called."
          : problem.status === 413 ? "This picture is too large." : explain(problem, "campaign"));
      }
    }));
    return h("div", { class: "upload" }, this.preview, choose, chosen, status);
  }

  // --- The organisations ---

  organisationField() {
    const choices = h("datalist", { id: "organisation-choices" });
    this.chips = h("ul", { class: "chips" });
    const input = h("input", {
      autocomplete: "off", list: "organisation-choices", onfocus: () => offer(choices, knownOrganisations()),
      onkeydown: (event) => {
        if (event.key !== "Enter" || !input.value.trim()) return;
        event.preventDefault();
        this.addOrganisation();
      },
    });
    const add = button("Add", () => whileBusy(add, () => this.addOrganisation()));
    const field = new Field("Organisations", input, "The number of one, or the name of one that has been seen on this page.",
      { beside: add, below: [choices, this.chips] });
    return field;
  }

  async addOrganisation() {
    const field = this.fields.organisations;
    const number = numberOf(field.value);
    if (number === null) field.fail("Please give the organisation's number.");
    else {
      try {
        if (!knownOrganisations().has(number)) await ask("GET", `/organisations/${number}/campaigns/`);
        this.chosen.set(number, knownOrganisations().get(number) ?? { organisationId: number, name: `Organisation ${number}` });
        field.value = "";
        field.fail(null);
        this.showChosen();
      } catch (problem) {
        field.fail(explain(problem));
      }
    }
    field.focus();
    return !field.isWrong;
  }

  showChosen() {
    this.chips.replaceChildren(...[...this.chosen.values()].map(({ organisationId, name }) => h("li", {},
      h("span", { dir: "auto" }, name),
      button("✕", () => {
        this.chosen.delete(organisationId);
        this.showChosen();
        this.fields.organisations.focus();
      }, { class: "small", "aria-label": `Take away ${name}` }))));
  }
}

function ids(data) {
  return data.organisations.map((organisation) => organisation.organisationId);
}

/// A text with its line ends as a field has them.
function lines(text) {
  return text?.replace(/\r\n?/g, "\n") ?? null;
}

/// The bytes of a file in Base64.
function base64(file) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => done(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => fail(reader.error));
    reader.readAsDataURL(file);
  });
}
