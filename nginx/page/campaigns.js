// The campaigns as the service tells of them, kept for when there is no connection.

import { ask } from "./api.js";

/// By id: what the service has last said.
const known = new Map();
/// Letters of all descriptions together that are kept. More would take too much of a telephone's memory.
const room = 6_000_000;

/// All, in one request. `glimpse`: told the first of them once, where the rest takes longer than a moment.
export async function list(glimpse) {
  const { data } = await ask("GET", "/campaigns/?details=true", { arriving: glimpse && first(glimpse) });
  // Many campaigns have the same few organisations, which are kept once.
  const organisations = new Map();
  let letters = 0;
  known.clear();
  for (const campaign of data.campaigns) {
    campaign.organisations = (campaign.organisations ?? []).map((one) => {
      if (!organisations.has(one.organisationId)) organisations.set(one.organisationId, one);
      return organisations.get(one.organisationId);
    });
    letters += campaign.description?.length ?? 0;
    if (letters > room) campaign.description = null;
    known.set(campaign.id, campaign);
  }
  return data.campaigns;
}

/// Finds the campaigns in the beginning of a list.
function first(glimpse) {
  const begun = performance.now();
  let isDone = false;
  return (text) => {
    if (isDone || performance.now() - begun < 200) return;
    // Where one campaign ends and the next begins. A quotation mark in a text has a backslash before it.
    const end = text.lastIndexOf('},{"id":');
    if (end < 0) return;
    isDone = true;
    glimpse(JSON.parse(`${text.slice(0, end + 1)}]}`).campaigns);
  };
}

/// One campaign as it is now, or without a connection as it was last seen.
export async function fetchCampaign(id) {
  try {
    const answer = await ask("GET", `/campaigns/${id}/`);
    known.set(id, answer.data);
    return answer;
  } catch (problem) {
    if (problem.status !== 0 || !known.has(id)) throw problem;
    return { data: known.get(id), etag: null };
  }
}
