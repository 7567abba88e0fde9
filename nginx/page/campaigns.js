// What is known of the campaigns: the list, and the single ones, which are asked for as they come into view.

import { ask } from "./api.js";

/// By id: what the service last said, with its ETag.
const known = new Map();
const waiting = [];
let running = 0;
/// More at once would only queue up in the browser, in front of what somebody clicks on.
const atOnce = 6;

/// The ids and names of all.
export async function list() {
  const { data } = await ask("GET", "/campaigns/");
  return data.campaigns;
}

/// One campaign as it is now.
export async function fetchCampaign(id) {
  const answer = await ask("GET", `/campaigns/${id}/`);
  known.set(id, answer);
  return answer;
}

export function forgetCampaign(id) {
  known.delete(id);
}

/// Organisations that were seen anywhere, by id: the API has no list of them.
export function knownOrganisations() {
  const organisations = new Map();
  for (const { data } of known.values()) {
    for (const organisation of data.organisations) organisations.set(organisation.organisationId, organisation);
  }
  return organisations;
}

/// Hands over a campaign for its card, when it is its turn.
///
/// Returns a function that withdraws the wish, if nothing has been asked yet.
export function whenShown(id, show) {
  const campaign = known.get(id);
  if (campaign) {
    show(campaign.data);
    return () => {};
  }
  const wish = { id, show };
  waiting.push(wish);
  next();
  return () => {
    const place = waiting.indexOf(wish);
    if (place >= 0) waiting.splice(place, 1);
  };
}

async function next() {
  if (running >= atOnce || waiting.length === 0) return;
  const { id, show } = waiting.shift();
  running += 1;
  try {
    show((known.get(id) ?? (await fetchCampaign(id))).data);
  } catch {
    // The card stays as it is: with its name, and letters for a logo.
  } finally {
    running -= 1;
    next();
  }
}
