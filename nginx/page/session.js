// The token of whoever uses the page. It is kept for as long as the tab is open, and goes nowhere but to this site's API.

const place = "campaigns-token";
let token = sessionStorage.getItem(place);

export const changed = new EventTarget();

export function currentToken() {
  return token;
}

export function keep(text) {
  token = text;
  sessionStorage.setItem(place, text);
  changed.dispatchEvent(new Event("change"));
}

export function forget() {
  token = null;
  sessionStorage.removeItem(place);
  changed.dispatchEvent(new Event("change"));
}

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
