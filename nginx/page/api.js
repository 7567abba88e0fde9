// Asks the campaign API, and says in words what went wrong.

import { currentToken } from "./session.js";

const base = "/api/v2";

export class Problem extends Error {
  constructor(status, code, text, retryAfter = 0, isChange = false) {
    super(text);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
    this.isChange = isChange;
  }

  /// Whether trying again may help.
  get passes() {
    return [0, 429, 502, 503, 504].includes(this.status);
  }
}

/// Told when the service does not take the token; it gives a new one, or null.
export const whoIsAsking = { renew: async () => null };

/// Asks, and gives the answer's JSON with its ETag.
///
/// `signedIn`: the request needs a token. Where there is none, or one that is no good, the user is asked for it, and the
/// request is made again.
export async function ask(method, path, { body, ifMatch, signedIn = method !== "GET" } = {}) {
  for (;;) {
    if (signedIn && !currentToken() && !(await whoIsAsking.renew(null))) throw notSignedIn();
    try {
      return await askOnce(method, path, body, ifMatch, signedIn ? currentToken() : null);
    } catch (problem) {
      if (problem.status !== 401 || !signedIn) throw problem;
      if (!(await whoIsAsking.renew(problem))) throw notSignedIn();
    }
  }
}

/// The same with a token that is not kept yet.
export async function askOnce(method, path, body, ifMatch, token) {
  const headers = {};
  if (token) headers.Authorization = `Token ${token}`;
  if (ifMatch) headers["If-Match"] = ifMatch;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const isChange = method !== "GET";
  let answer;
  let json = null;
  try {
    answer = await fetch(base + path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(30000),
    });
    json = await answer.json();
  } catch (error) {
    if (answer && error instanceof SyntaxError) json = null;
    else throw new Problem(0, "Unreachable", String(error), 0, isChange);
  }
  if (answer.ok && json !== null) return { data: json, etag: answer.headers.get("ETag") };
  const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  throw new Problem(
    answer.ok ? 502 : answer.status, json?.SubCode ?? json?.error?.sub_code ?? "",
    json?.Error ?? json?.error?.message ?? "", retryAfter, isChange);
}

function notSignedIn() {
  return new Problem(401, "InvalidToken", "");
}

const forbidden = {
  campaign: "Your user may not change campaigns. Whoever manages an organisation may.",
  project: "Your user does not manage this project, so it cannot be linked or taken away with this token.",
  organisation: "Your user does not manage this organisation, so it cannot be linked or taken away with this token.",
  message: "Only administrators may write to all contributors.",
  inbox: "Your user may not change anything.",
};

const missing = {
  CAMPAIGN_NOT_FOUND: "This campaign is not there. It may have been deleted.",
  PROJECT_NOT_FOUND: "There is no project with this number.",
  ORGANISATION_NOT_FOUND: "There is no organisation with this number.",
  PROJECT_CAMPAIGN_NOT_FOUND: "This project is not linked any more.",
  ORGANISATION_CAMPAIGN_NOT_FOUND: "This organisation is not linked any more.",
  MESSAGE_NOT_FOUND: "This message is not there. It may have been deleted.",
};

/// What went wrong, for people.
///
/// `about`: what was to be done, where a 403 has to be told: campaign, project, organisation, message or inbox.
export function explain(problem, about) {
  if (!(problem instanceof Problem)) throw problem;
  const { status, code, message } = problem;
  if (status === 0) {
    const where = navigator.onLine ? "The service cannot be reached at the moment." : "You seem to be offline.";
    return problem.isChange ? `${where} Whether the change was made is not known; what you typed is still here.` : where;
  }
  if (status === 401) return "A token is needed for this.";
  if (status === 403) {
    if (code === "AccessOtherUserMessage") return "This message was sent to somebody else.";
    if (/READ_ONLY/.test(message)) return "Your user may read everything, and change nothing.";
    return forbidden[about] ?? message;
  }
  if (code in missing) return missing[code];
  if (code === "NameExists") return "Another campaign has this name already. Please choose another one.";
  if (code === "CampaignAssignmentError" || code === "CampaignAlreadyAssigned") return "This one is linked already.";
  if (status === 413) return "This is too large: all of it together may have 1 MiB.";
  if (status === 503 || status === 502 || status === 504 || status === 429) {
    const when = problem.retryAfter > 0 ? `in ${problem.retryAfter} seconds` : "in a moment";
    const what = problem.isChange && status === 503 ? " Nothing was changed." : "";
    return `The service is busy or has trouble with its disk.${what} Please try again ${when}.`;
  }
  return message || "Something went wrong.";
}
