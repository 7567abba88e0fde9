// Asks the campaign API, and says in words what went wrong.

import { currentToken } from "./session.js";
import { t } from "./words.js";

const base = "api/v2";
/// How long nothing may arrive. A long answer may take longer, as long as it comes. Milliseconds.
const patience = 30000;

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
/// request is made again. `known`: the token is sent along if there is one. `arriving`: told the text of the answer, again
/// and again, as far as it has arrived.
export async function ask(method, path, { body, ifMatch, signedIn = method !== "GET", known = false, arriving } = {}) {
  for (;;) {
    if (signedIn && !currentToken() && !(await whoIsAsking.renew(null))) throw notSignedIn();
    try {
      return await askOnce(method, path, body, ifMatch, signedIn || known ? currentToken() : null, arriving);
    } catch (problem) {
      if (problem.status !== 401 || !signedIn) throw problem;
      if (!(await whoIsAsking.renew(problem))) throw notSignedIn();
    }
  }
}

/// The same with a token that is not kept yet.
export async function askOnce(method, path, body, ifMatch, token, arriving) {
  const headers = {};
  if (token) headers.Authorization = `Token ${token}`;
  if (ifMatch) headers["If-Match"] = ifMatch;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const isChange = method !== "GET";
  let answer;
  let json = null;
  try {
    answer = await answered(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    json = JSON.parse(await textOf(answer, answer.ok ? arriving : null));
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

async function answered(path, options) {
  const { early } = globalThis.start;
  const isPublic = options.method === "GET" && !options.headers.Authorization;
  if (isPublic && early.has(path)) {
    const promise = early.get(path);
    early.delete(path);
    const answer = await inTime(promise);
    if (answer) return answer;
  }
  const stop = new AbortController();
  return inTime(fetch(base + path, { ...options, signal: stop.signal }), () => stop.abort());
}

async function textOf(answer, arriving) {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (reader) {
    const { done, value } = await inTime(reader.read(), () => reader.cancel().catch(() => {}));
    if (done) break;
    text += value;
    arriving?.(text);
  }
  return text;
}

/// What a promise gives, if it does so before patience ends.
function inTime(promise, giveUp) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      giveUp?.();
      reject(new Error());
    }, patience);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function notSignedIn() {
  return new Problem(401, "InvalidToken", "");
}

const forbidden = {
  campaign: "forbidden.campaign", project: "forbidden.project", organisation: "forbidden.organisation",
  message: "forbidden.message", inbox: "forbidden.inbox",
};

const missing = {
  CAMPAIGN_NOT_FOUND: "missing.campaign", PROJECT_NOT_FOUND: "missing.project", ORGANISATION_NOT_FOUND: "missing.organisation",
  PROJECT_CAMPAIGN_NOT_FOUND: "missing.project-link", ORGANISATION_CAMPAIGN_NOT_FOUND: "missing.organisation-link",
  MESSAGE_NOT_FOUND: "missing.message", USER_NOT_FOUND: "missing.user",
};

/// What went wrong, for people.
///
/// `about`: what was to be done, where a 403 has to be told: campaign, project, organisation, message or inbox.
export function explain(problem, about) {
  if (!(problem instanceof Problem)) throw problem;
  const { status, code, message, isChange } = problem;
  const unknown = isChange ? ` ${t("problem.unknown")}` : "";
  if (status === 0) return t(navigator.onLine ? "problem.unreachable" : "problem.offline") + unknown;
  if (status === 401) return t("problem.token");
  if (status === 403) {
    if (code === "AccessOtherUserMessage") return t("forbidden.others");
    if (/READ_ONLY/.test(message)) return t("forbidden.read-only");
    return t(forbidden[about] ?? "forbidden");
  }
  if (status === 404) return t(missing[code] ?? "missing");
  if (code === "NameExists") return t("problem.name-exists");
  if (code === "CampaignAssignmentError" || code === "CampaignAlreadyAssigned") return t("problem.linked");
  if (status === 412) return t("problem.changed");
  if (status === 413) return t("problem.large");
  if (!problem.passes) return t("problem.refused", { reason: message || String(status) });
  const again = problem.retryAfter > 0 ? t("again.seconds", { count: problem.retryAfter }) : t("again");
  if (status === 429) return `${t("problem.often")} ${again}`;
  if (status === 503) return `${t("problem.busy")}${isChange ? ` ${t("problem.unchanged")}` : ""} ${again}`;
  return `${t("problem.silent")}${unknown} ${again}`;
}
