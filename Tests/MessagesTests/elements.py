"""Parses HTML fragments, and says what is in them.

Reads a JSON array of fragments from standard input. For each, prints what Python's HTML parser finds: the elements with
their attributes in order, everything that is neither element nor text (comments, declarations, ...), and the text.
`xml` is what an XML parser finds: the names of the elements and their attributes, or null when it is not well-formed.
Where the two agree, there is no way to read it that only some parsers take.
"""

import html.parser
import json
import re
import sys
import xml.parsers.expat

# What XML has no way to write; for HTML these are characters like others.
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Elements(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.elements, self.others, self.text = [], [], ""

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag] + [[name, value or ""] for name, value in attributes])

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.others.append("comment " + data)

    def handle_decl(self, data):
        self.others.append("declaration " + data)

    def handle_pi(self, data):
        self.others.append("instruction " + data)

    def unknown_decl(self, data):
        self.others.append("section " + data)


def by_xml(fragment):
    found = []
    parser = xml.parsers.expat.ParserCreate()
    parser.ordered_attributes = True
    parser.StartElementHandler = lambda tag, attributes: found.append([tag, *attributes[::2]])
    try:
        parser.Parse("<x>" + NO_XML.sub("\ufffd", fragment) + "</x>", True)
    except xml.parsers.expat.ExpatError:
        return None
    return found[1:]


def parse(fragment):
    parser = Elements()
    parser.feed(fragment)
    parser.close()
    elements = [
        {"name": tag, "attributes": [{"name": name, "value": value} for name, value in attributes]}
        for tag, *attributes in parser.elements
    ]
    return {"elements": elements, "others": parser.others, "text": parser.text, "xml": by_xml(fragment)}


json.dump([parse(fragment) for fragment in json.load(sys.stdin)], sys.stdout)
