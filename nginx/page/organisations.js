// The organisations, of which there are few: all are asked for at once, and found by their names here.

import { ask } from "./api.js";
import { folded } from "./dom.js";

let asked = null;

/// All, by name.
export function organisations() {
  return (asked ??= ask("GET", "/organisations/?omitManagerList=true").then(({ data }) => data.organisations,
    (problem) => {
      asked = null;
      throw problem;
    }));
}

/// Those whose name has all words of a text, or whose number it is.
export async function findOrganisations(text, isFit = () => true) {
  const words = folded(text).split(/\s+/).filter(Boolean);
  const number = /^\s*#?(\d{1,15})\s*$/.exec(text)?.[1];
  const found = (await organisations()).filter((organisation) => isFit(organisation)
    && (String(organisation.organisationId) === number || words.every((word) => folded(organisation.name ?? "").includes(word))));
  return found.map((organisation) => ({
    id: organisation.organisationId, name: organisation.name, logo: organisation.logo, value: organisation,
  }));
}
