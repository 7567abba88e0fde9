// The token of whoever uses the page. It is kept for as long as the tab is open, or on the device if they wish so, and goes
// nowhere but to this site's API.

import { dropDrafts } from "./drafts.js";

const place = "campaigns-token";
const kept = () => sessionStorage.getItem(place) ?? localStorage.getItem(place);
let token = kept();

export const changed = new EventTarget();

export function currentToken() {
  return token;
}

/// `stays`: other tabs have it too, and it is still there when the browser is closed.
export function keep(text, stays = localStorage.getItem(place) !== null) {
  token = text;
  sessionStorage.removeItem(place);
  localStorage.removeItem(place);
  (stays ? localStorage : sessionStorage).setItem(place, text);
  changed.dispatchEvent(new Event("change"));
}

export function forget() {
  token = null;
  sessionStorage.removeItem(place);
  localStorage.removeItem(place);
  dropDrafts();
  changed.dispatchEvent(new Event("change"));
}

// Another tab has signed in or out.
addEventListener("storage", ({ key }) => {
  if (key !== place || kept() === token) return;
  token = kept();
  changed.dispatchEvent(new Event("change"));
});

/// A token as it was pasted, without what people copy along with it.
export function tidied(text) {
  return text.trim().replace(/^authorization:\s*/i, "").replace(/^token\s+/i, "").replace(/^["']|["']$/g, "").trim();
}

/// What a token says of itself: the user's id, and until when it is good. Whether it is true, the service knows.
export function contents(text) {
  try {
    const [payload, time] = atob(text).split(".").map((part) => atob(part.replace(/-/g, "+").replace(/_/g, "/")));
    const seconds = [...time].reduce((sum, character) => sum * 256 + character.charCodeAt(0), 0);
    return { user: String(JSON.parse(payload)), until: new Date((seconds + 604800) * 1000) };
  } catch {
    return { user: null, until: null };
  }
}
