// The HTML of messages. The service has made it safe already; here nothing but known elements gets through once more.

import { h, link, photo } from "./dom.js";

/// Elements that may be shown, and as what: a message's headings stand below those of the page.
const shown = {
  p: "p", br: "br", em: "em", strong: "strong", code: "code", pre: "pre", blockquote: "blockquote", ul: "ul", ol: "ol",
  li: "li", hr: "hr", h1: "h2", h2: "h3", h3: "h4", h4: "h5", h5: "h6", h6: "h6",
};
/// Their text is no text for people.
const dropped = ["script", "style", "template", "noscript", "iframe", "object", "svg", "math", "head", "title", "textarea"];

const policy = globalThis.trustedTypes?.createPolicy("message", { createHTML: (text) => text });

/// A message as elements, made one by one.
export function messageContent(html) {
  // What is parsed like this is in no window: nothing runs, and nothing is loaded.
  const parsed = new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
  return h("div", { class: "message-text", dir: "auto" }, copies(parsed.body));
}

function copies(parent) {
  return [...parent.childNodes].flatMap((node) => {
    if (node.nodeType === Node.TEXT_NODE) return [node.data];
    if (node.nodeType !== Node.ELEMENT_NODE || dropped.includes(node.localName)) return [];
    if (node.localName === "a") return [link(node.getAttribute("href") ?? "", copies(node))];
    if (node.localName === "img") return [photo(node.getAttribute("src"), node.getAttribute("alt"))];
    const tag = shown[node.localName];
    if (!tag) return copies(node);
    const start = node.localName === "ol" && /^\d{1,9}$/.test(node.getAttribute("start") ?? "") ? node.getAttribute("start") : null;
    return [h(tag, { start }, copies(node))];
  });
}
