// Markdown as elements, made one by one from what the vendored parser has found. No HTML comes of it on the way.

import { h, link, photo } from "./dom.js";

const tags = {
  paragraph: "p", emph: "em", strong: "strong", block_quote: "blockquote", item: "li", thematic_break: "hr", linebreak: "br",
  // Of a line break people expect that it is one, as the service does in letters.
  softbreak: "br",
};
const bare = /(https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]*_])/;

/// Gets the parser. It is as large as all the rest, and the list needs none.
export async function parser() {
  globalThis.commonmark ?? await import("./commonmark.js");
  const parser = new globalThis.commonmark.Parser();
  return (text) => h("div", { class: "message-text", dir: "auto" }, children(parser.parse(text), false));
}

function children(node, isInLink) {
  const found = [];
  for (let child = node.firstChild; child; child = child.next) found.push(...elements(child, isInLink));
  return found;
}

function elements(node, isInLink) {
  switch (node.type) {
    case "text":
      return isInLink ? [node.literal] : node.literal.split(bare).map((text, place) => (place % 2 ? link(text, [text]) : text));
    case "html_inline":
      return [node.literal];
    case "html_block":
      return [h("p", {}, node.literal)];
    case "code":
      return [h("code", {}, node.literal)];
    case "code_block":
      return [h("pre", {}, h("code", {}, node.literal))];
    case "heading":
      // Those of a text stand below those of the page.
      return [h(`h${Math.min(node.level + 1, 6)}`, {}, children(node, isInLink))];
    case "list":
      return [h(node.listType === "ordered" ? "ol" : "ul", { start: node.listStart === 1 ? null : node.listStart }, children(node, isInLink))];
    case "link":
      return [isInLink ? h("span", {}, children(node, true)) : link(node.destination, children(node, true))];
    case "image":
      return [photo(node.destination, plain(node))];
    case "paragraph":
      if (node.parent.type === "item" && node.parent.listTight) return children(node, isInLink);
      // falls through
    default:
      return [h(tags[node.type] ?? "span", {}, children(node, isInLink))];
  }
}

function plain(node) {
  let text = "";
  const walker = node.walker();
  for (let event = walker.next(); event; event = walker.next()) text += event.node.literal ?? "";
  return text;
}
