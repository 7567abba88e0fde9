// Who is signed in, and what they may do.

import { askOnce } from "./api.js";
import { changed, contents, currentToken } from "./session.js";

const nobody = {
  id: null, name: null, picture: null, wantsLetters: null, isAdmin: false, mayChange: false, mayWrite: false, managed: new Set(),
};
let asked = null;

changed.addEventListener("change", () => { asked = null; });

/// Whoever the token belongs to. Of somebody whose token the service does not take, nothing is known and nothing allowed.
export function me() {
  return (asked ??= find().catch((problem) => {
    asked = null;
    if (problem.status === 401) return nobody;
    throw problem;
  }));
}

/// After a change of what is asked for.
export function forgetMe() {
  asked = null;
}

async function find() {
  const token = currentToken();
  const { user } = contents(token ?? "");
  if (!token || !/^\d{1,15}$/.test(user ?? "")) return nobody;
  const get = async (path) => (await askOnce("GET", path, undefined, undefined, token)).data;
  const [record, { organisations }] = await Promise.all([
    get(`/users/${user}/`).catch((problem) => {
      if (problem.status === 404) return null;
      throw problem;
    }),
    get(`/organisations/?omitManagerList=true&manager_user_id=${user}`),
  ]);
  // A good token without a record has no rights.
  if (!record) return { ...nobody, id: Number(user) };
  const isAdmin = record.role === "ADMIN";
  const managed = new Set(organisations.map(({ organisationId }) => organisationId));
  return {
    id: record.id, name: record.username, picture: record.pictureUrl, wantsLetters: record.projectsNotifications !== false,
    isAdmin, mayWrite: isAdmin, mayChange: isAdmin || (record.role !== "READ_ONLY" && managed.size > 0),
    isReadOnly: record.role === "READ_ONLY", managed,
  };
}

/// Whether somebody may link an organisation.
export function manages(person, organisation) {
  return person.isAdmin || (person.mayChange && person.managed.has(organisation));
}
