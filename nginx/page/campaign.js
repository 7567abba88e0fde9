// One campaign, with its organisations and projects.

import { ask, explain } from "./api.js";
import { fetchCampaign } from "./campaigns.js";
import { confirmed } from "./dialogs.js";
import { alertBox, button, h, liveText, logo, outerLink, whileBusy } from "./dom.js";
import { parser } from "./markdown.js";
import { manages, me } from "./me.js";
import { findOrganisations } from "./organisations.js";
import { Picker } from "./picker.js";
import { findProjects, linkProject, projectPage, Projects, unlinkProject } from "./projects.js";
import { flashNext } from "./status.js";
import { listed, number, percent, t } from "./words.js";

export async function campaignView({ id }) {
  const [campaign, person] = await Promise.all([fetchCampaign(id), me().catch(() => null)]);
  const { data } = campaign;
  const text = await description(data.description);
  return {
    title: data.name, isPersonal: true,
    element: h("article", { class: "campaign" },
      h("a", { class: "back", href: "#/" }, t("back.all")),
      h("header", { class: "campaign-head" },
        logo(data.logo, data.name, "large"),
        h("div", {}, h("h1", { tabindex: "-1", dir: "auto" }, data.name), data.url && h("p", {}, outerLink(data.url)))),
      h("div", { class: "actions for-coordinators" },
        h("a", { class: "button", href: `#/campaigns/${id}/edit` }, t("edit")),
        h("a", { class: "button for-admins", href: `#/campaigns/${id}/message` }, t("letter.title")),
        h("a", { class: "button for-history", href: `#/campaigns/${id}/changes` }, t("history")),
        button(t("delete"), () => remove(id, campaign), { class: "danger" })),
      text,
      new Organisations(campaign, person).element, new ProjectList(campaign, person).element),
  };
}

/// The description as Markdown, if it has any.
async function description(text) {
  if (!text) return h("p", { class: "hint" }, t("campaign.no-description"));
  try {
    if (/[*_\x60[<#>&\\]|https?:|^ *([-+]|\d+[.)]) |\n/m.test(text)) {
      const element = (await parser())(text);
      element.classList.add("description");
      return element;
    }
  } catch {
    // Without the parser it is shown as it is.
  }
  return h("p", { class: "description plain", dir: "auto" }, text);
}

async function remove(id, campaign) {
  const isDone = await confirmed(
    t("campaign.delete"), t("campaign.delete.text", { name: campaign.data.name }), t("delete"), async () => {
      try {
        await ask("DELETE", `/campaigns/${id}/`, { ifMatch: campaign.etag });
      } catch (problem) {
        if (problem.status !== 412) throw problem;
        campaign = await fetchCampaign(id);
        problem.explained = t("campaign.delete.changed", { name: campaign.data.name });
        throw problem;
      }
    }, "campaign");
  if (!isDone) return;
  flashNext(t("campaign.deleted", { name: campaign.data.name }));
  location.replace("#/");
}

/// What the two lists of links have in common: a title, a field to choose more, and what comes of it.
class Links {
  constructor(kind, campaign, person, find) {
    this.kind = kind;
    this.campaign = campaign.data;
    this.id = campaign.data.id;
    this.person = person;
    this.linked = new Map();
    this.items = h("ul", { class: "links" });
    this.status = liveText({ class: "done" });
    this.title = h("h2", { id: `${kind}-title`, tabindex: "-1" }, t(`${kind}s`));
    this.element = h("section", { "aria-labelledby": `${kind}-title` }, this.title, this.items);
    const submit = h("button", {}, t("link"));
    this.picker = new Picker(t(`${kind}.link`), t(`${kind}.link.hint`), find,
      { isTaken: (id) => this.linked.has(id), beside: submit });
    this.form = h("form", { novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      whileBusy(submit, () => this.add());
    } }, this.picker.element);
  }

  /// Says how it went. There is one such place, so that nothing old stands beside it.
  say(...content) {
    this.picker.field.fail(null);
    this.status.replaceChildren(...content);
  }

  async add() {
    this.say();
    if (!(await this.picker.settle())) return this.picker.input.focus();
    const chosen = [...this.picker.chosen.values()];
    if (chosen.length === 0) {
      this.picker.field.fail(t("picker.none"));
      return this.picker.input.focus();
    }
    const done = [];
    let trouble = null;
    for (const { id, name } of chosen) {
      try {
        await this.link(id);
        done.push(name ?? `#${id}`);
      } catch (problem) {
        // Somebody else was first, and so it is as it should be.
        if (problem.code === "CampaignAssignmentError" || problem.code === "CampaignAlreadyAssigned") done.push(name ?? `#${id}`);
        else {
          trouble = alertBox(`${name ?? `#${id}`}: ${explain(problem, this.kind)}`);
          break;
        }
      }
      this.picker.chosen.delete(id);
    }
    this.picker.show();
    await this.refresh().catch(() => {});
    this.say(done.length > 0 ? t("linked", { count: done.length, names: listed(done) }) : "", trouble ?? "");
    this.picker.input.focus();
  }

  /// A button that takes a link away, and once it has, one that brings it back.
  takeAway(id, name) {
    const element = button(t("unlink"), () => whileBusy(element, async () => {
      try {
        await this.unlink(id);
      } catch (problem) {
        if (problem.status !== 404) return this.say(alertBox(explain(problem, this.kind)));
      }
      await this.refresh().catch(() => element.closest("li").remove());
      const back = button(t("relink"), () => whileBusy(back, async () => {
        try {
          await this.link(id);
          await this.refresh();
          this.say(t("linked", { count: 1, names: name }));
          this.title.focus();
        } catch (problem) {
          this.say(alertBox(explain(problem, this.kind)));
        }
      }));
      this.say(`${t("unlinked", { name })} `, back);
      back.focus();
    }), { class: "small", "aria-label": t("unlink.named", { name }) });
    return element;
  }
}

class Organisations extends Links {
  constructor(campaign, person) {
    super("organisation", campaign, person,
      (text) => findOrganisations(text, ({ organisationId }) => manages(person, organisationId)));
    this.element.append(this.status);
    if (person?.mayChange) this.element.append(this.form);
    this.show(campaign.data.organisations);
  }

  show(organisations) {
    this.linked = new Map(organisations.map((one) => [one.organisationId, one]));
    this.items.replaceChildren(...organisations.map((organisation) => h("li", {},
      logo(organisation.logo, organisation.name),
      h("span", { class: "link-text" }, h("bdi", { class: "name" }, organisation.name),
        organisation.url && outerLink(organisation.url)),
      this.person && manages(this.person, organisation.organisationId)
        && this.takeAway(organisation.organisationId, organisation.name ?? `#${organisation.organisationId}`))));
    if (organisations.length === 0) this.items.append(h("li", { class: "hint" }, t("organisations.none")));
  }

  async refresh() {
    this.show((await fetchCampaign(this.id)).data.organisations);
  }

  link(organisation) { return ask("POST", `/organisations/${organisation}/campaigns/${this.id}/`); }
  unlink(organisation) { return ask("DELETE", `/organisations/${organisation}/campaigns/${this.id}/`); }
}

/// As many projects are shown at a time.
const step = 50;

class ProjectList extends Links {
  constructor(campaign, person) {
    super("project", campaign, person, (text) => findProjects(text, !person.isAdmin));
    this.shown = step;
    this.more = button(t("projects.more"), () => whileBusy(this.more, () => this.showMore()), { class: "more" });
    this.more.hidden = true;
    this.element.append(this.more, this.status);
    // Somebody may manage a project and no organisation.
    if (person?.id && !person.isReadOnly) this.element.append(this.form);
    this.items.append(h("li", { class: "hint" }, t("loading")));
    this.refresh().catch((problem) => {
      this.items.replaceChildren();
      this.say(alertBox(explain(problem)));
    });
  }

  async refresh() {
    const query = { campaign: this.campaign.name };
    this.projects = new Projects(query);
    this.mine = this.person?.id && !this.person.isAdmin ? new Projects({ ...query, managedByMe: true }) : null;
    await this.show();
  }

  async showMore() {
    const first = this.shown;
    this.shown += step;
    try {
      await this.show();
      (this.items.children[first]?.querySelector("a, button") ?? this.title).focus();
    } catch (problem) {
      this.say(alertBox(explain(problem)));
    }
  }

  async show() {
    const found = (await this.projects.get((found) => found.length >= this.shown)).slice(0, this.shown);
    const last = found.at(-1)?.projectId ?? 0;
    const mine = new Set((await this.mine?.get((mine) => (mine.at(-1)?.projectId ?? 0) >= last))?.map((one) => one.projectId));
    const items = await Promise.all(found.map((project) => this.item(project, this.person?.isAdmin || mine.has(project.projectId))));
    this.linked = new Map(this.projects.found.map((one) => [one.projectId, one]));
    this.items.replaceChildren(...items);
    if (found.length === 0) this.items.append(h("li", { class: "hint" }, t("projects.none")));
    this.title.replaceChildren(t("projects"), ...(this.projects.total > 0 ? [" ", h("span", { class: "count" }, number(this.projects.total))] : []));
    this.more.hidden = this.projects.total <= this.shown;
  }

  async item(project, isMine) {
    const { projectId, organisationName, percentMapped, percentValidated, status } = project;
    const name = project.name ?? t("project.named", { id: String(projectId) });
    const address = await projectPage(projectId);
    const bar = (key, value) => value !== null && h("span", { class: "progress" },
      h("progress", { value, max: 100, "aria-hidden": "true" }), t(key, { percent: percent(value) }));
    return h("li", {},
      h("span", { class: "link-text" },
        h("span", { class: "name" }, address ? h("a", { href: address, rel: "noopener noreferrer" }, h("bdi", {}, name)) : h("bdi", {}, name)),
        h("span", { class: "hint" }, `#${projectId}`, organisationName && " · ", organisationName && h("bdi", {}, organisationName),
          status !== "PUBLISHED" && ` · ${t(status === "DRAFT" ? "project.draft" : "project.archived")}`),
        h("span", { class: "hint bars" }, bar("project.mapped", percentMapped), bar("project.validated", percentValidated))),
      isMine && this.takeAway(projectId, name));
  }

  link(project) { return linkProject(project, this.id); }
  unlink(project) { return unlinkProject(project, this.id); }
}
