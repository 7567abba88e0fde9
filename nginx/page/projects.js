// The projects: those of a campaign, and those that somebody looks for.

import { ask } from "./api.js";

/// Projects that fit a question, page after page, as far as they are needed.
export class Projects {
  #page = 0;
  #isDone = false;
  found = [];
  total = 0;

  constructor(query) {
    this.query = query;
  }

  /// Goes on until enough of them are there, or all.
  async get(isEnough) {
    while (!this.#isDone && !isEnough(this.found)) {
      const query = new URLSearchParams({ ...this.query, omitMapResults: true, page: this.#page + 1 });
      const { data } = await ask("GET", `/projects/?${query}`, { known: true });
      this.#page += 1;
      this.#isDone = !data.pagination.hasNext;
      this.total = data.pagination.total;
      this.found.push(...data.results);
    }
    return this.found;
  }
}

/// What somebody has typed or pasted to say which project they mean: its name, its number, or its address in a Tasking Manager.
export function wanted(text) {
  return /\/projects\/(\d{1,15})(?![\d])/.exec(text)?.[1] ?? text.trim();
}

/// Projects that somebody may link, by their name or number.
export async function findProjects(text, mine) {
  const query = { textSearch: wanted(text), ...(mine ? { managedByMe: true } : {}) };
  const found = await new Projects(query).get((found) => found.length > 0);
  return found.map((project) => ({
    id: project.projectId, name: project.name, more: project.organisationName, logo: project.organisationLogo, value: project,
  }));
}

export const linkProject = (project, campaign) => ask("POST", `/projects/${project}/campaigns/${campaign}/`);
export const unlinkProject = (project, campaign) => ask("DELETE", `/projects/${project}/campaigns/${campaign}/`);

let page = null;

/// The page of a project in the Tasking Manager, whose address the web server knows.
export async function projectPage(project) {
  page ??= fetch("settings.json").then((answer) => answer.json()).then((settings) => settings.taskingManager).catch(() => null);
  const address = await page;
  return address ? `${address}/projects/${project}` : null;
}
