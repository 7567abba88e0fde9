"""testssl.sh looks at the server. It takes a minute, however long the part has; a quick run looks at protocols and ciphers alone."""

import json
import os
import subprocess

import web

# What a server for trying things on one's own machine cannot have: a certificate that others have signed, and HSTS, which would
# keep the browser from plain HTTP on localhost. The lack of TLS 1.0 and 1.1 is meant.
EXPECTED = {"cert_chain_of_trust", "cert_revocation", "cert_crlDistributionPoints", "cert_ocspURL", "OCSP_stapling", "DNS_CAArecord", "HSTS", "HSTS_multiple", "HTTP_status_code", "security_headers", "engine_problem"}


def run(torture):
    server = web.Server(torture, "tls")
    report = os.path.join(torture.scratch, "testssl.json")
    looks = ["-p", "-s"] if torture.quick else ["-p", "-s", "-f", "-P", "-S", "-h", "-U"]
    try:
        ran = subprocess.run(
            ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--jsonfile", report, *looks, "--ip", "127.0.0.1", f"localhost:{server.port}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    finally:
        server.end()
    if not os.path.exists(report):
        return torture.find(f"testssl.sh does not run: {(ran.stdout + ran.stderr)[-300:]}")
    with open(report) as file:
        looked_at = json.load(file)
    for item in looked_at:
        torture.count("checks of testssl.sh")
        if item["severity"] not in ("OK", "INFO", "DEBUG") and item["id"] not in EXPECTED:
            torture.find(f"testssl.sh: {item['severity']} {item['id']}: {item['finding']}")
    offered = {item["id"]: item["finding"] for item in looked_at}
    for protocol in ("SSLv2", "SSLv3", "TLS1", "TLS1_1"):
        if not offered.get(protocol, "").startswith("not offered"):
            torture.find(f"testssl.sh says of {protocol}: {offered.get(protocol)}")
    for protocol in ("TLS1_2", "TLS1_3"):
        if not offered.get(protocol, "").startswith("offered"):
            torture.find(f"testssl.sh says of {protocol}: {offered.get(protocol)}")
    server.site.remove()
