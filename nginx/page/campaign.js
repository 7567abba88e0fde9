// One campaign, with its organisations and projects.

import { ask, explain } from "./api.js";
import { fetchCampaign, forgetCampaign, knownOrganisations } from "./campaigns.js";
import { confirmed } from "./dialogs.js";
import { alertBox, button, h, liveText, logo, outerLink, whileBusy } from "./dom.js";
import { Field, numberOf, offer } from "./fields.js";
import { forgetLink, link, lookThrough, lookUp, projectsOf, unlink } from "./projects.js";
import { flashNext } from "./status.js";

export async function campaignView({ id }) {
  const campaign = await fetchCampaign(id);
  const { data } = campaign;
  const projects = new Projects(id);
  return {
    title: data.name,
    element: h("article", { class: "campaign" },
      h("a", { class: "back", href: "#/" }, "All campaigns"),
      h("header", { class: "campaign-head" },
        logo(data.logo, data.name, "large"),
        h("div", {}, h("h1", { tabindex: "-1", dir: "auto" }, data.name), data.url && h("p", {}, outerLink(data.url)))),
      data.description
        ? h("p", { class: "description", dir: "auto" }, data.description)
        : h("p", { class: "hint" }, "There is no description."),
      h("div", { class: "actions for-coordinators" },
        h("a", { class: "button", href: `#/campaigns/${id}/edit` }, "Edit"),
        h("a", { class: "button", href: `#/campaigns/${id}/message` }, "Write to contributors"),
        button("Delete", () => remove(id, campaign), { class: "danger" })),
      new Organisations(id, data.organisations).element, projects.element),
    leave: () => projects.stop(),
  };
}

async function remove(id, campaign) {
  const isDone = await confirmed(
    "Delete this campaign?",
    `“${campaign.data.name}” is deleted with its links to projects and organisations. This cannot be undone.`,
    "Delete", async () => {
      try {
        await ask("DELETE", `/campaigns/${id}/`, { ifMatch: campaign.etag });
      } catch (problem) {
        if (problem.status === 412) {
          campaign = await fetchCampaign(id);
          problem.message = "Somebody has changed this campaign since you opened it. "
            + `It is called “${campaign.data.name}” now. Delete it all the same?`;
        }
        throw problem;
      }
    }, "campaign");
  if (!isDone) return;
  forgetCampaign(id);
  flashNext(`“${campaign.data.name}” is deleted.`);
  location.replace("#/");
}

/// What the two lists of links have in common: a title, a field for one more, and what comes of it.
class Links {
  constructor(title, id, label, input, hint) {
    this.id = id;
    this.items = h("ul", { class: "links" });
    this.status = liveText({ class: "done" });
    const submit = h("button", {}, "Link");
    this.field = new Field(label, input, hint, { beside: submit });
    this.form = h("form", { class: "for-coordinators", novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      whileBusy(submit, () => this.add());
    } }, this.field.element);
    const name = title.toLowerCase();
    this.title = h("h2", { id: `${name}-title`, tabindex: "-1" }, title);
    this.element = h("section", { "aria-labelledby": `${name}-title` }, this.title);
  }

  async add() {
    const number = numberOf(this.field.value);
    this.status.textContent = "";
    if (number === null) {
      this.field.fail(`Please give ${this.kind === "project" ? "the project" : "the organisation"}'s number.`);
      return this.field.focus();
    }
    try {
      await this.link(number);
      this.field.value = "";
      this.field.fail(null);
      await this.refresh();
      this.status.textContent = `${this.nameOf(number)} is linked.`;
    } catch (problem) {
      this.field.fail(explain(problem, this.kind));
      if (problem.code?.endsWith("Assigned") || problem.code === "CampaignAssignmentError") await this.refresh().catch(() => {});
    }
    this.field.focus();
  }

  /// A button that takes a link away, and once it has, one that brings it back.
  takeAway(number) {
    const element = button("Unlink", () => whileBusy(element, async () => {
      const name = this.nameOf(number);
      try {
        await this.unlink(number);
      } catch (problem) {
        if (problem.status !== 404) {
          this.status.replaceChildren(alertBox(explain(problem, this.kind)));
          return;
        }
        this.gone(number);
      }
      await this.refresh().catch(() => element.closest("li").remove());
      const back = button("Link it again", () => whileBusy(back, async () => {
        this.field.value = String(number);
        await this.add();
      }));
      this.status.replaceChildren(`${name} is no longer linked. `, back);
      back.focus();
    }), { class: "small for-coordinators", "aria-label": `Unlink ${this.nameOf(number)}` });
    return element;
  }

  gone() {}
}

class Organisations extends Links {
  kind = "organisation";

  constructor(id, organisations) {
    const choices = h("datalist", { id: "organisation-choices" });
    super("Organisations", id, "Link an organisation", h("input", {
      autocomplete: "off", list: "organisation-choices", size: 28, onfocus: () => offer(choices, knownOrganisations()),
    }), "Its number, or the name of one that has been seen on this page.");
    this.element.append(this.items, this.status, this.form, choices);
    this.show(organisations);
  }

  show(organisations) {
    this.items.replaceChildren(...organisations.map((organisation) => h("li", {},
      logo(organisation.logo, organisation.name),
      h("span", { class: "link-text" }, h("span", { class: "name", dir: "auto" }, organisation.name),
        organisation.url && outerLink(organisation.url)),
      this.takeAway(organisation.organisationId))));
    if (organisations.length === 0) this.items.append(h("li", { class: "hint" }, "No organisation takes part yet."));
  }

  nameOf(number) {
    return knownOrganisations().get(number)?.name ?? `Organisation ${number}`;
  }

  async refresh() {
    this.show((await fetchCampaign(this.id)).data.organisations);
  }

  link(number) { return ask("POST", `/organisations/${number}/campaigns/${this.id}/`); }
  unlink(number) { return ask("DELETE", `/organisations/${number}/campaigns/${this.id}/`); }
}

/// The largest number of projects that are looked through at a time.
const atMost = 1000;

class Projects extends Links {
  kind = "project";
  isStopped = false;

  constructor(id) {
    super("Projects", id, "Link a project", h("input", { inputmode: "numeric", autocomplete: "off", size: 10 }), "Its number.");
    const number = (value) => h("input", { inputmode: "numeric", autocomplete: "off", size: 6, value });
    this.look = h("button", {}, "Look");
    this.from = new Field("From number", number("1"));
    this.to = new Field("To number", number("100"), null, { beside: this.look });
    this.progress = liveText({ class: "done" });
    this.isLooking = false;
    const search = h("form", { novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      if (this.isLooking) this.isStopped = true;
      else this.lookThrough();
    } }, h("fieldset", {}, h("legend", {}, "Look for projects"),
      h("div", { class: "row" }, this.from.element, this.to.element)));
    this.element.append(
      h("p", { class: "hint" }, "The service can say which campaigns a project has, but not which projects a campaign has. "
        + "So the projects are found by asking for one number after the other."),
      this.items, this.status, search, this.progress, this.form);
    this.show();
  }

  show() {
    this.items.replaceChildren(...projectsOf(this.id).map((project) => h("li", {},
      h("span", { class: "link-text" }, h("span", { class: "name" }, `Project ${project}`)), this.takeAway(project))));
  }

  stop() { this.isStopped = true; }
  nameOf(number) { return `Project ${number}`; }
  async refresh() { this.show(); }
  gone(number) { forgetLink(number, this.id); }
  unlink(number) { return unlink(number, this.id); }

  async link(number) {
    try {
      await link(number, this.id);
    } catch (problem) {
      if (problem.code === "CampaignAssignmentError") await lookUp(number, this.id);
      throw problem;
    }
  }

  async lookThrough() {
    const [from, to] = [numberOf(this.from.value), numberOf(this.to.value)];
    this.from.fail(from === null ? "Please give a number." : null);
    this.to.fail(to === null ? "Please give a number."
      : to < from ? "This is less than the first number."
      : to - from >= atMost ? `At most ${atMost} at a time, please.` : null);
    for (const field of [this.from, this.to]) if (field.isWrong) return field.focus();
    this.isLooking = true;
    this.isStopped = false;
    this.look.textContent = "Stop";
    const found = () => projectsOf(this.id).filter((project) => project >= from && project <= to).length;
    let seen = 0;
    try {
      await lookThrough(from, to, (count) => {
        seen = count;
        if (count % 25 === 0) {
          this.show();
          this.progress.textContent = `${count} of ${to - from + 1} looked at …`;
        }
        return !this.isStopped;
      });
      this.progress.textContent = `${seen} numbers looked at: ${found() === 0 ? "no project" : found() === 1
        ? "one project" : `${found()} projects`} of this campaign.`;
    } catch (problem) {
      this.progress.textContent = explain(problem);
    }
    this.show();
    this.isLooking = false;
    this.look.textContent = "Look";
  }
}
