// Signing in with OpenStreetMap, where the service knows how.

import { ask } from "./api.js";
import { home, webAddress } from "./dom.js";
import { keep } from "./session.js";

const place = "campaigns-osm";
const here = home.href;

/// Where one signs in, or null where that is not possible.
export async function osm() {
  try {
    const { data } = await ask("GET", `/system/authentication/login/?redirect_uri=${encodeURIComponent(here)}`);
    return webAddress(data.auth_url) && data.state ? data : null;
  } catch {
    return null;
  }
}

/// Leads to OpenStreetMap, and remembers where to come back to. `stays`: whether one stays signed in on this device.
export function goToOSM({ auth_url: address, state }, stays) {
  sessionStorage.setItem(place, JSON.stringify({ state, stays, hash: location.hash }));
  location.assign(webAddress(address).href);
}

/// Ends the way that has led to OpenStreetMap and back. Null: nobody comes from there; otherwise whether it has worked.
export async function comeFromOSM() {
  const query = new URLSearchParams(location.search);
  if (!query.has("state")) return null;
  let begun = null;
  try {
    begun = JSON.parse(sessionStorage.getItem(place));
  } catch {
    // Somebody else has put it there.
  }
  sessionStorage.removeItem(place);
  // Neither stays in the address, for it could be passed on.
  history.replaceState(null, "", `${home.pathname}${begun?.hash ?? ""}`);
  // Whoever was led here by somebody else would be signed in as them.
  if (!begun?.state || begun.state !== query.get("state") || !query.get("code")) return false;
  try {
    const back = new URLSearchParams({ code: query.get("code"), redirect_uri: here });
    const { data } = await ask("GET", `/system/authentication/callback/?${back}`);
    keep(btoa(data.session_token), begun.stays);
    return true;
  } catch {
    return false;
  }
}
