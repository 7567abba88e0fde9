// What was typed and not saved or sent. It is kept in the tab, so that neither a step back nor loading the page again loses it.

const prefix = "campaigns-draft-";

export function draft(key) {
  try {
    return JSON.parse(sessionStorage.getItem(prefix + key));
  } catch {
    return null;
  }
}

export function keepDraft(key, value) {
  try {
    sessionStorage.setItem(prefix + key, JSON.stringify(value));
  } catch {
    // There is no room for it. It is still in the fields.
  }
}

export function dropDraft(key) {
  sessionStorage.removeItem(prefix + key);
}

/// When somebody signs out, for what they have written is theirs.
export function dropDrafts() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(prefix)) sessionStorage.removeItem(key);
}
