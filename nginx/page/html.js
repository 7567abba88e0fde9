// The HTML of messages. The service has made it safe already; here nothing but known elements gets through once more.

import { h, webAddress } from "./dom.js";

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
    if (node.localName === "a") return [link(node)];
    if (node.localName === "img") return [picture(node)];
    const tag = shown[node.localName];
    if (!tag) return copies(node);
    const start = node.localName === "ol" && /^\d{1,9}$/.test(node.getAttribute("start") ?? "") ? node.getAttribute("start") : null;
    return [h(tag, { start }, copies(node))];
  });
}

function link(node) {
  const text = node.getAttribute("href") ?? "";
  const href = /^mailto:/i.test(text) ? text : webAddress(text)?.href;
  return href ? h("a", { href, rel: "noopener noreferrer" }, copies(node)) : h("span", {}, copies(node));
}

/// Not the picture itself: whoever shows it is seen by the site that it comes from.
function picture(node) {
  const url = webAddress(node.getAttribute("src"));
  const label = `Picture: ${node.getAttribute("alt") || url?.hostname || "without a description"}`;
  return url ? h("a", { href: url.href, rel: "noopener noreferrer" }, label) : h("span", {}, label);
}
