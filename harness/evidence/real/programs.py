"""The programs that are watched, as Debian packages them, and what each is given to do."""

import base64
import hashlib
import http.client
import http.server
import json
import re
import socket
import struct
import threading
import urllib.parse

from evidence.common import children
from evidence.real.session import Program, start


def terminate(session):
    session.process.terminate()


def listens(name):
    """What waits until a socket in the folder takes connections."""
    return lambda session: session.connect(name).close()


# ---- memcached, redis: a request, and how many lines its answer has

def answers(session, *requests):
    client = session.connect("socket")
    stream = client.makefile("rwb")
    seen = []
    for request, lines in requests:
        stream.write(request)
        stream.flush()
        seen.append(b"".join(stream.readline() for _ in range(lines)))
    return seen


def memcached(times):
    return lambda session: answers(session, *[(b"set a 0 0 2\r\nhi\r\n", 1), (b"get a\r\n", 3), (b"get b\r\n", 1)] * times)


def redis(times):
    """With a key that expires, and a client that waits for what does not come: redis' own loop knows when."""
    return lambda session: answers(
        session, *[(b"SET a hi PX 60000\r\n", 1), (b"GET a\r\n", 2), (b"INCR n\r\n", 1)] * times,
        (b"SET b hi PX 20\r\n", 1), (b"BLPOP list 0.05\r\n", 1), (b"GET b\r\n", 1))


# ---- tmux

def ask_tmux(session, *words):
    """The server that is watched: -N starts no other."""
    return session.run("tmux", "-S", "socket", "-N", *words)


def with_shell(session):
    session.until(lambda: ask_tmux(session, "new-session", "-d", "-P", "-x", "80", "-y", "24", "sh"), "tmux listens")


def tmux(times):
    def load(session):
        def screen():
            return ask_tmux(session, "capture-pane", "-p").strip()

        # What is typed before the prompt is there stands elsewhere on the screen.
        prompt = session.until(screen, "its shell asks").splitlines()[-1]
        for number in range(times):
            ask_tmux(session, "send-keys", f"echo $((6 * {number}))", "Enter")
            session.until(lambda: screen().endswith(f"\n{6 * number}\n{prompt}"), "its shell has answered")
        return screen()
    return load


def kill_server(session):
    ask_tmux(session, "kill-server")


# ---- What asks a server by HTTP, or stands before one

class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.path.encode() * 100
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def with_server(session):
    """A server in this process, at the word SERVER."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = True
    session.stack.callback(server.server_close)
    session.stack.callback(server.shutdown)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    session.words["SERVER"] = str(server.server_address[1])


def nghttpx(requests, clients, at_once):
    """at_once: of each client."""
    def load(session):
        said = session.run("h2load", "-n", str(requests), "-c", str(clients), "-m", str(at_once), "-B", "unix:front", "http://localhost/page")
        return re.findall(r"(?m)^(?:requests|status codes): .*", said)
    return load


def pages(session):
    """Each file that it wrote."""
    session.ends()
    return sorted((path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in session.folder.glob("page*"))


# ---- named

ZONE = """$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
host A 192.0.2.7
"""
CONFIG = """options {
  directory "."; pid-file none; session-keyfile none;
  listen-on { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; dnssec-validation no;
};
controls { };
zone "test" { type primary; file "zone"; };
"""


def with_zone(session):
    (session.folder / "zone").write_text(ZONE)
    (session.folder / "named.conf").write_text(CONFIG)


def question(number, name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", number, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


def connect(session):
    try:
        return socket.create_connection(("127.0.0.1", int(session.words["PORT"])), timeout=children.TIMEOUT)
    except ConnectionRefusedError:
        return None


def takes_connections(session):
    session.until(lambda: connect(session), "it listens").close()


def named(by_udp, by_tcp):
    """Questions by UDP, and two at a time by TCP, where each connection has a time limit."""
    def load(session):
        seen = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(children.TIMEOUT)
            client.connect(("127.0.0.1", int(session.words["PORT"])))
            for number in range(by_udp):
                client.send(question(number, "host.test"))
                seen.append(client.recv(512))
        for number in range(by_tcp):
            with connect(session) as client, client.makefile("rb") as stream:
                for name in ("host.test", "nobody.test"):
                    asked = question(number, name)
                    client.sendall(struct.pack(">H", len(asked)) + asked)
                    seen.append(stream.read(*struct.unpack(">H", stream.read(2))))
        return seen
    return load


# ---- nvim

SCRIPT = """let g:seen = []
call timer_start(5, {-> add(g:seen, 'tick')}, {'repeat': 20})
call timer_stop(timer_start(600000, {-> add(g:seen, 'late')}))
call timer_start(600000, {-> add(g:seen, 'never')})
let job = jobstart(['echo', 'hello'], {'on_stdout': {_, lines, __ -> extend(g:seen, lines)}})
call jobwait([job])
call wait(100000, 'len(g:seen) >= 22', 5)
call writefile(sort(g:seen), 'seen')
qall!
"""


def with_script(session):
    (session.folder / "script.vim").write_text(SCRIPT)


def nvim(session):
    session.ends()
    return (session.folder / "seen").read_text().split()


# ---- transmission

CONTENT = bytes(range(256)) * 400


def encoded(value):
    """As torrents are written."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    return b"d" + b"".join(encoded(key) + encoded(value[key]) for key in sorted(value)) + b"e"


def with_download(session):
    """A file that is there already, so that nobody has to be asked for it."""
    (session.folder / "file").write_bytes(CONTENT)
    (session.folder / "settings.json").write_text(json.dumps({
        "bind-address-ipv4": "127.0.0.1", "bind-address-ipv6": "::1", "dht-enabled": False, "lpd-enabled": False, "pex-enabled": False,
        "utp-enabled": False, "port-forwarding-enabled": False, "peer-port-random-on-start": True, "rpc-bind-address": "127.0.0.1",
        "rpc-authentication-required": False, "download-dir": str(session.folder), "incomplete-dir-enabled": False}))


def ask_transmission(session, method, **arguments):
    """None where it did not answer yet."""
    server = http.client.HTTPConnection("127.0.0.1", int(session.words["PORT"]), timeout=children.TIMEOUT)
    head = {}
    try:
        for _ in range(2):  # it wants its number with every request, and tells it with its first answer
            server.request("POST", "/transmission/rpc", json.dumps({"method": method, "arguments": arguments}), head)
            answer = server.getresponse()
            text = answer.read()
            if answer.status != 409:
                return json.loads(text)
            head["X-Transmission-Session-Id"] = answer.headers["X-Transmission-Session-Id"]
    except ConnectionRefusedError:
        return None
    finally:
        server.close()


def transmission(session):
    pieces = b"".join(hashlib.sha1(CONTENT[start:start + 16384]).digest() for start in range(0, len(CONTENT), 16384))
    torrent = encoded({b"info": {b"length": len(CONTENT), b"name": b"file", b"piece length": 16384, b"pieces": pieces, b"private": 1}})
    added = ask_transmission(session, "torrent-add", metainfo=base64.b64encode(torrent).decode())

    def looked_at():
        fields = ["name", "percentDone", "leftUntilDone", "error"]
        torrents = ask_transmission(session, "torrent-get", fields=fields)["arguments"]["torrents"]
        return torrents if torrents[0]["percentDone"] == 1 else None
    return added["result"], session.until(looked_at, "it has looked at the file")


# ---- What ends by itself

def printed(session):
    session.ends()
    return (session.folder / "out").read_text()


def with_bus(session):
    address = f"unix:path={urllib.parse.quote(str(session.folder / 'bus'))}"
    bus = start(["dbus-daemon", "--session", "--nofork", "--nosyslog", f"--address={address}"], session.folder)
    session.stack.callback(children.end, bus)
    while not (session.folder / "bus").exists() and not children.wait(bus, 0.01):
        pass
    session.env["DBUS_SESSION_BUS_ADDRESS"] = address


SLEEP = "import asyncio; asyncio.run(asyncio.sleep(0.1)); print(list(range(3)))"
PROGRAMS = (
    Program("memcached", "memcached", "600 requests, then SIGTERM", ("memcached", "-u", "root", "-s", "socket"),
            memcached(200), ready=listens("socket"), end=terminate),
    Program("redis-server", "redis-server", "600 requests, a key that expires, a client that waits, then SIGTERM",
            ("redis-server", "--port", "0", "--unixsocket", "socket", "--save", ""), redis(200), ready=listens("socket"), end=terminate),
    Program("tmux", "tmux", "a session, some lines typed, `kill-server`", ("tmux", "-S", "socket", "-f", "/dev/null", "-D"),
            tmux(5), ready=with_shell, end=kill_server),
    Program("nghttpx", "nghttp2-proxy", "200 requests of 2 clients by HTTP/2, then SIGTERM",
            ("nghttpx", "--conf=/dev/null", "--single-process", "--workers=1", "-f", "unix:front;no-tls", "-b", "127.0.0.1,SERVER"),
            nghttpx(200, 2, 1), with_server, listens("front"), terminate, (("h2load", "nghttp2-client"),)),
    Program("named", "bind9", "140 questions, by UDP and TCP, then SIGTERM",
            ("named", "-g", "-c", "named.conf", "-n", "1", "-p", "PORT"), named(100, 20), with_zone, takes_connections, terminate),
    Program("nvim", "neovim", "a script with three timers", ("nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", "script.vim"),
            nvim, with_script),
    Program("transmission-daemon", "transmission-daemon", "is given a file that is there already, then SIGTERM",
            ("transmission-daemon", "-f", "-g", ".", "-p", "PORT"), transmission, with_download, takes_connections, terminate),
    Program("curl", "curl", "gets 20 pages at once", ("curl", "-sSZ", "-o", "page#1", "http://127.0.0.1:SERVER/[1-20]"), pages, with_server),
    Program("gdbus", "libglib2.0-bin", "waits until a name is there, which it is",
            ("gdbus", "wait", "--session", "--timeout", "60", "org.freedesktop.DBus"), printed, with_bus, also=(("dbus-daemon", "dbus-daemon"),)),
    Program("gio", "libglib2.0-bin", "lists a folder's attributes", ("gio", "info", "/"), printed),
    Program("python3", "python3", "waits a tenth of a second", ("python3", "-c", SLEEP), printed),
)


def curl_multi(program):
    """watched_curl of harness/tests/loops/."""
    def before(session):
        (session.folder / program.name).symlink_to(program)
        with_server(session)
    return Program("curl's multi interface", "libcurl4-openssl-dev", f"[{program.name}](../harness/tests/loops/{program.name}.cc), on libuv, gets "
                   "60 pages, 6 at a time", (f"./{program.name}", "http://127.0.0.1:SERVER/", "60", "6"), printed, before)
