// Shows pieces of HTML in a page in every way, touches all of it, and keeps a record of what ran.
// The page has set `pieces` (an array of texts), `bases` (the schemes that links may lead to) and, while it was parsed,
// `record`: whoever runs a script that it should not run ends up there.
"use strict";

const events = [
  "click", "dblclick", "mousedown", "mouseup", "mouseover", "mouseenter", "mousemove", "mouseout", "pointerdown",
  "pointerenter", "pointerover", "touchstart", "focus", "focusin", "blur", "keydown", "keyup", "input", "change",
  "submit", "toggle", "load", "error", "pageshow", "animationstart", "animationend", "transitionend", "beginEvent",
  "wheel", "scroll", "copy", "paste", "drag", "drop", "contextmenu", "cancel", "start", "finish",
];

// A link to a script does not navigate, it runs, so that it is left alone. All others must not lead away from here.
addEventListener("click", (event) => {
  const link = event.target.closest("a, area");
  const target = link && (link.href instanceof SVGAnimatedString ? link.href.baseVal : link.href);
  if (!/^\s*javascript:/i.test(target || "")) event.preventDefault();
});
addEventListener("submit", (event) => event.preventDefault());

function touch(element) {
  for (const name of events) {
    element.dispatchEvent(new Event(name, { bubbles: name !== "click", cancelable: true }));
  }
  element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  // Links are not among them, for it takes long, and the event above does as much.
  if (element.matches("input, button, select, textarea, [tabindex], [contenteditable]")) element.focus();
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// What a browser's own parser makes of them, by the rules of the contract.
function dangers(place) {
  const allowed = {
    a: ["href", "title"], img: ["src", "alt", "title"], code: ["class"], ol: ["start"], p: [], br: [], em: [],
    strong: [], pre: [], blockquote: [], ul: [], li: [], hr: [], h1: [], h2: [], h3: [], h4: [], h5: [], h6: [],
  };
  const found = [];
  const walker = document.createTreeWalker(place, NodeFilter.SHOW_ALL);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.nodeType === Node.TEXT_NODE) continue;
    const names = node.nodeType === Node.ELEMENT_NODE ? allowed[node.localName] : undefined;
    if (!names || node.namespaceURI !== "http://www.w3.org/1999/xhtml") {
      found.push(node.nodeName);
      continue;
    }
    for (const attribute of node.attributes) {
      if (!names.includes(attribute.name)) found.push(`${node.localName} ${attribute.name}`);
    }
    for (const url of [node.href, node.src]) {
      // What is no URL leads nowhere.
      if (url && URL.canParse(url, document.baseURI) && !bases.includes(new URL(url, document.baseURI).protocol)) {
        found.push(url);
      }
    }
  }
  return found;
}

async function look() {
  const places = [...document.querySelectorAll("div.piece")];
  for (const [number, piece] of pieces.entries()) {
    const place = document.createElement("div");
    place.dataset.piece = `${number} by innerHTML`;
    place.innerHTML = piece;
    document.body.append(place);
    places.push(place);
  }
  await pause(200);
  const found = [];
  for (const [number, place] of places.entries()) {
    now = place.dataset.piece;
    for (const danger of dangers(place)) found.push(`${now}: ${danger}`);
    for (const element of place.querySelectorAll("*")) touch(element);
    // What a click on a script's link runs comes after this, so that it is waited for now and then.
    if (number % 20 === 0) await pause(0);
  }
  now = "at the end";
  await pause(1000);
  return { pieces: pieces.length, places: places.length, ran: record, dangers: found };
}

async function run() {
  const result = document.createElement("pre");
  result.id = "result";
  const text = JSON.stringify(await look().catch((error) => ({ error: String(error) })));
  const ascii = text.replace(/[^ -~]/g, (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"));
  result.textContent = btoa(ascii);
  document.body.replaceChildren(result);
}

addEventListener("load", run);
