// Which projects a campaign has. The API tells which campaigns a project has, and not the other way round; so what was
// found out about projects is kept here for as long as the page is open.

import { ask } from "./api.js";

/// By project: the ids of its campaigns.
const known = new Map();

export function projectsOf(campaign) {
  return [...known].filter(([, campaigns]) => campaigns.includes(campaign)).map(([project]) => project)
    .sort((one, other) => one - other);
}

/// Whether a project is linked to a campaign.
export async function lookUp(project, campaign) {
  const { data } = await ask("GET", `/projects/${project}/campaigns/`);
  known.set(project, data.campaigns.map(({ id }) => id));
  return known.get(project).includes(campaign);
}

export async function link(project, campaign) {
  await ask("POST", `/projects/${project}/campaigns/${campaign}/`);
  known.set(project, [...(known.get(project) ?? []), campaign]);
}

export async function unlink(project, campaign) {
  await ask("DELETE", `/projects/${project}/campaigns/${campaign}/`);
  forgetLink(project, campaign);
}

export function forgetLink(project, campaign) {
  known.set(project, (known.get(project) ?? []).filter((id) => id !== campaign));
}

/// Looks at one project after the other, a few at once.
///
/// `progress` is told after each how many have been looked at, and says false when that is enough.
export async function lookThrough(from, to, progress) {
  let next = from;
  let seen = 0;
  let goesOn = true;
  const worker = async () => {
    while (goesOn && next <= to) {
      const project = next;
      next += 1;
      try {
        await lookUp(project, 0);
      } catch (problem) {
        if (problem.status !== 404) {
          goesOn = false;
          throw problem;
        }
        known.delete(project);
      }
      seen += 1;
      if (!progress(seen)) goesOn = false;
    }
  };
  await Promise.all([1, 2, 3, 4, 5, 6].map(worker));
}
