"""nginx/serve in a scratch folder, and a client for it."""

import glob
import gzip
import http.client
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import time

from common import SECRET, Broken, Hang, Site, make_token, within


def free_port():
    """A port that nobody listens on, below those that Linux takes for outgoing connections."""
    while True:
        with socket.socket() as probe:
            port = random.randrange(10_000, 32_000)
            try:
                probe.bind(("", port))
                return port
            except OSError:
                pass


class Server:
    """nginx and campaignd as `nginx/serve` runs them."""

    def __init__(self, torture, name, **site):
        self.torture = torture
        self.site = Site(torture, name, **site)
        # A copy, so that what it makes for itself is in the scratch folder.
        shutil.copytree(os.path.join(torture.root, "nginx"), os.path.join(self.site.path, "nginx"))
        self.runs = os.path.join(torture.scratch, f"r{len(name)}")
        os.makedirs(self.runs, exist_ok=True)
        os.chmod(self.runs, 0o755)
        os.chmod(torture.scratch, 0o755)
        self.port = free_port()
        self.log = open(os.path.join(self.site.path, "serve.log"), "wb")
        self.process = subprocess.Popen(
            [os.path.join(self.site.path, "nginx", "serve"), "--binary", torture.binary, "--data", self.site.data, "--port", str(self.port), "--http-port", "0", "--no-limits"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env={"PATH": os.environ["PATH"], "TM_SECRET": SECRET, "XDG_RUNTIME_DIR": self.runs, "LOG_LEVEL": "warning"})
        torture.started(self.process)
        deadline = time.monotonic() + within(30)
        while "READY" not in self.words():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Broken(f"nginx/serve does not start: {self.words()[-500:]}")
            time.sleep(0.05)
        self.run = glob.glob(os.path.join(self.runs, "campaignd.*"))[0]
        self.socket = os.path.join(self.run, "campaignd.sock")
        self.context = ssl.create_default_context(cafile=self.certificate)

    @property
    def certificate(self):
        return os.path.join(self.site.path, ".demo", "tls", "cert.pem")

    @property
    def url(self):
        return f"https://localhost:{self.port}/api/v2"

    def words(self):
        with open(self.log.name, errors="replace") as log:
            return log.read()

    def daemon_pid(self):
        try:
            with open(os.path.join(self.run, "campaignd.pid")) as file:
                return int(file.read())
        except (OSError, ValueError):
            return 0

    def connect(self, timeout=20):
        """A TLS connection."""
        plain = socket.create_connection(("127.0.0.1", self.port), within(timeout))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(plain, server_hostname="localhost")

    def browser(self, timeout=20):
        return Browser(self, timeout)

    def get(self, target):
        browser = self.browser()
        try:
            return browser.ask("GET", "/api/v2" + target)
        finally:
            browser.close()

    def usage(self):
        """campaignd's memory, open files and threads."""
        pid = self.daemon_pid()
        with open(f"/proc/{pid}/statm") as statm:
            memory = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return memory, len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.torture.find("nginx/serve does not end")
                self.process.kill()
        self.log.close()
        if not os.path.exists(self.run):
            return
        self.torture.find("nginx/serve left its folder behind")


class PlainNginx:
    """nginx with the service's own configuration and plain HTTP, in front of a socket that the caller looks after."""

    def __init__(self, torture, folder, path):
        self.torture = torture
        self.port = free_port()
        os.makedirs(folder)
        source = os.path.join(torture.root, "nginx")
        with open(os.path.join(source, "campaigns.conf")) as file, open(os.path.join(folder, "campaigns.conf"), "w") as copy:
            # As nginx/serve --no-limits has it.
            copy.writelines(line for line in file if not line.lstrip().startswith(("limit_req ", "limit_conn ")))
        with open(os.path.join(source, "campaigns-http.conf")) as file:
            text = file.read().replace("/run/campaignd/campaignd.sock", path).replace("/var/lib/campaignd", folder)
        with open(os.path.join(folder, "campaigns-http.conf"), "w") as file:
            file.write(text)
        shutil.copy(os.path.join(source, "campaigns-origins.conf"), folder)
        with open(os.path.join(folder, "nginx.conf"), "w") as file:
            file.write(
                ("user root;\n" if os.geteuid() == 0 else "") + "daemon off; pid nginx.pid; worker_processes 2; error_log error.log error;\n"
                "events { worker_connections 1024; }\nhttp { access_log off; client_body_temp_path body; fastcgi_temp_path f; proxy_temp_path p;"
                " scgi_temp_path s; uwsgi_temp_path u; include campaigns-http.conf;\n"
                f"server {{ include campaigns.conf; listen 127.0.0.1:{self.port}; keepalive_requests 1000000; }} }}\n")
        self.process = subprocess.Popen(
            ["nginx", "-p", folder + "/", "-c", os.path.join(folder, "nginx.conf"), "-e", os.path.join(folder, "error.log")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        torture.started(self.process)
        deadline = time.monotonic() + within(10)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    with open(os.path.join(folder, "error.log")) as log:
                        raise Broken(f"nginx does not start: {log.read()[-300:]}") from None
                time.sleep(0.02)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


class Reply:
    def __init__(self, answer, body, took):
        self.status, self.took = answer.status, took
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self.body = gzip.decompress(body) if body and self.headers.get("content-encoding") == "gzip" else body

    def __repr__(self):
        return f"{self.status} {self.body[:160]!r}"


class Browser:
    """One kept HTTPS connection; connects again where the last answer ended it."""

    def __init__(self, server, timeout):
        self.server, self.timeout, self.connection = server, timeout, None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def ask(self, method, target, body=None, headers=None, token=None):
        """Throws OSError and http.client.HTTPException when there is no answer."""
        fields = dict(headers or {})
        if token:
            fields["Authorization"] = f"Token {token}"
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
                self.connection.sock = self.server.connect(self.timeout)
            began = time.monotonic()
            try:
                self.connection.request(method, target, body=body, headers=fields)
                answer = self.connection.getresponse()
                data = answer.read()
                if answer.will_close:
                    self.close()
                return Reply(answer, data, time.monotonic() - began)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # A kept connection may have been closed meanwhile; a new one may not.
                if fresh or attempt == 2 or isinstance(error, socket.timeout):
                    raise
