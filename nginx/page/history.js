// Who changed what, and when: of one campaign, or of all, the deleted ones too.

import { ask } from "./api.js";
import { button, h, logo, time, whileBusy } from "./dom.js";
import { organisations } from "./organisations.js";
import { findProjects } from "./projects.js";
import { parts, t } from "./words.js";

const perPage = 20;
const labels = {
  name: "form.name", logo: "form.logo", url: "form.url", description: "form.description", organisations: "organisations",
};

export const allChangesView = () => new History("/campaigns/changes/", null).view();
export const changesView = ({ id }) => new History(`/campaigns/${id}/changes/`, id).view();

class History {
  page = 0;
  /// By number: what a project is called, or null when that is not to be known.
  projects = new Map();

  constructor(path, campaign) {
    this.path = path;
    this.campaign = campaign;
    this.items = h("ol", { class: "links history" });
    this.more = button(t("history.more"), () => whileBusy(this.more, async () => {
      const next = this.items.childElementCount;
      await this.load();
      this.items.children[next]?.focus();
    }), { class: "more" });
  }

  async view() {
    const known = await organisations().catch(() => []);
    this.organisations = new Map(known.map(({ organisationId, name }) => [organisationId, name]));
    await this.load();
    const title = this.campaign && this.name ? t("history.of", { name: this.name }) : t("history.all");
    return {
      title,
      element: h("article", {},
        this.campaign ? h("a", { class: "back", href: `#/campaigns/${this.campaign}` }, t("back.campaign"))
          : h("a", { class: "back", href: "#/" }, t("back.all")),
        h("h1", { tabindex: "-1" }, title),
        this.items.childElementCount > 0 ? this.items : h("p", { class: "hint" }, t("history.empty")), this.more,
        this.campaign && h("a", { class: "button", href: "#/changes" }, t("history.all"))),
    };
  }

  async load() {
    const { data } = await ask("GET", `${this.path}?page=${this.page + 1}&pageSize=${perPage}`, { signedIn: true });
    this.page += 1;
    this.name ??= data.changes[0]?.campaignName;
    const linked = data.changes.map(({ fields: { project } }) => project && (project.from ?? project.to)).filter(Boolean);
    await Promise.all([...new Set(linked)].filter((id) => !this.projects.has(id)).map(async (id) => {
      const found = await findProjects(`#${id}`).catch(() => []);
      this.projects.set(id, found.find((one) => one.id === id)?.name ?? null);
    }));
    this.items.append(...data.changes.map((change) => this.item(change)));
    this.more.hidden = !data.pagination.hasNext;
  }

  item({ date, userId, username, campaignId, campaignName, action, fields }) {
    const user = username ?? t("history.user", { id: String(userId) });
    const link = fields.project ?? fields.organisation;
    const number = link && (link.from ?? link.to);
    const name = (fields.organisation ? this.organisations : this.projects).get(number) ?? `#${number}`;
    // One that is deleted has a history, and no view.
    const view = action === "deleted" ? "/changes" : "";
    return h("li", { tabindex: "-1" }, logo(null, user),
      h("div", { class: "link-text" },
        h("span", {}, parts(`change.${action}`, {
          user: h("bdi", { class: "name" }, user), name: h("bdi", {}, name),
          campaign: h("a", { href: `#/campaigns/${campaignId}${view}` }, h("bdi", {}, campaignName ?? `#${campaignId}`)),
        })),
        h("span", { class: "hint" }, time(date)),
        !link && Object.entries(fields).map(([field, value]) => this.difference(field, value, action === "created"))));
  }

  difference(field, { from, to }, isNew) {
    const text = (value) => (value === null || value === undefined || value.length === 0 ? t("form.wrote-nothing")
      : field === "organisations" ? value.map((id) => this.organisations.get(id) ?? `#${id}`).join(", ") : String(value));
    return h("dl", { class: "difference" }, h("dt", {}, t(labels[field] ?? "form.description")),
      !isNew && h("dd", {}, h("span", { class: "hint" }, t("history.before")), h("del", { dir: "auto" }, text(from))),
      h("dd", {}, h("span", { class: "hint" }, t("history.after")), h("ins", { dir: "auto" }, text(to))));
  }
}
