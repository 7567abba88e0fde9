"""Reads e-mails with Python's own package, as a mail program would, and says what is in them.

Reads a JSON array of e-mails, each in Base64, from standard input, and prints an array of objects.
"""

import base64
import email
import email.policy
import email.utils
import json
import sys


def addresses(header):
    return [address.addr_spec for address in header.addresses]


def part(message):
    content = message.get_payload(decode=True)
    return {
        "type": message.get_content_type(),
        "charset": message.get_content_charset(),
        "text": content.decode("utf-8"),
        "defects": [repr(defect) for defect in message.defects],
    }


def read(mail):
    message = email.message_from_bytes(mail, policy=email.policy.default)
    head = mail.split(b"\n\n")[0].split(b"\n")
    defects = [repr(defect) for defect in message.defects]
    defects += [f"{name}: {defect!r}" for name, value in message.items() for defect in value.defects]
    return {
        "names": message.keys(),
        "to": addresses(message["To"]),
        "from": addresses(message["From"]),
        "fromName": message["From"].addresses[0].display_name,
        "subject": str(message["Subject"]),
        "time": int(email.utils.parsedate_to_datetime(message["Date"]).timestamp()),
        "id": str(message["Message-ID"]),
        "unsubscribe": str(message["List-Unsubscribe"]),
        "type": message.get_content_type(),
        "parts": [part(each) for each in message.iter_parts()],
        "defects": defects,
        "longestLine": max(map(len, mail.split(b"\n"))),
        "longestEncodedLine": max([len(line) for line in head if b"=?" in line] or [0]),
        "isPlain": all(byte == 10 or 32 <= byte < 127 for byte in mail),
    }


json.dump([read(base64.b64decode(mail)) for mail in json.load(sys.stdin)], sys.stdout)
