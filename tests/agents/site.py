"""A small web application on this machine, with everything that makes pages hard to operate."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SLOW_SECONDS = 110.0

FORM = """<!doctype html><title>Form</title>
<meta name="viewport" content="width=device-width, minimum-scale=1">
<style>
  body { margin: 0; font: 16px sans-serif }
  .at { position: absolute; box-sizing: border-box }
</style>
<form action="/saved" method="post">
  <input class="at" style="left:40px; top:40px; width:300px; height:40px" name="name">
  <input class="at" style="left:40px; top:100px; width:30px; height:30px" type="checkbox"
    name="agree">
  <select class="at" style="left:40px; top:150px; width:200px; height:40px" name="colour">
    <option>Red<option>Green<option>Blue</select>
  <button class="at" style="left:40px; top:210px; width:200px; height:40px">Save</button>
</form>
<button class="at" style="left:400px; top:40px; width:200px; height:40px"
  onclick="document.title = confirm('Delete everything?') ? 'deleted' : 'kept'">Delete</button>
<a class="at" style="left:400px; top:100px; width:200px; height:40px" href="OTHER/page">Other</a>
<a class="at" style="left:400px; top:150px; width:200px; height:40px" href="/redirect">Redirect</a>
<a class="at" style="left:400px; top:200px; width:200px; height:40px" href="/next"
  target="_blank">New tab</a>
<a class="at" style="left:400px; top:250px; width:200px; height:40px" href="OTHER/page"
  target="_blank">Other in a new tab</a>
<a class="at" style="left:400px; top:300px; width:200px; height:40px" href="/slow">Slow</a>
<a class="at" style="left:400px; top:350px; width:200px; height:40px" href="/broken">Broken</a>
<a class="at" style="left:400px; top:400px; width:200px; height:40px" href="/file">File</a>
<button class="at" style="left:400px; top:450px; width:200px; height:40px"
  onclick="for (;;) {}">Hang</button>
<button class="at" style="left:400px; top:500px; width:200px; height:40px"
  onclick="fetch('OTHER/data').catch(() => fetch('/redirect').catch(
    () => document.title = 'blocked'))">Fetch</button>
<div id="list" class="at" style="left:640px; top:40px; width:200px; height:200px; overflow:auto">
  <div style="height:2000px; background:linear-gradient(white, navy)"></div></div>
<div id="box" class="at" style="left:640px; top:300px; width:60px; height:60px; background:red">
</div>
<script>
  document.getElementById("list").onscroll = event =>
    document.title = "scrolled " + Math.round(event.target.scrollTop);
  let held = false, box = document.getElementById("box");
  box.onmousedown = event => { held = true; event.preventDefault(); };
  document.onmousemove = event => {
    if (!held) return;
    box.style.left = event.clientX - 30 + "px"; box.style.top = event.clientY - 30 + "px";
  };
  document.onmouseup = () => {
    if (held) document.title = "dropped " + box.style.left + " " + box.style.top;
    held = false;
  };
  document.ontouchstart = event =>
    document.title = "touched " + Math.round(event.touches[0].clientX);
  document.oncontextmenu = event => { document.title = "menu"; event.preventDefault(); };
  document.ondblclick = () => document.title = "twice";
</script>"""


WIDE = """<!doctype html><title>Wide</title><body style="margin:0">
<button style="position:absolute; left:700px; top:1000px; width:200px; height:100px"
  onclick="document.title = 'hit'">Far</button>"""
"""A page that knows nothing of small screens: they show it shrunk."""


class Site:
    """The application, what it was asked, and the address of a site that must not be reached."""

    def __init__(self, address: str, other: str) -> None:
        self.address, self.other = address, other
        self.asked: list[str] = []
        self.other_asked: list[str] = []
        self.saved: list[dict[str, list[str]]] = []


@contextmanager
def serve_site() -> Iterator[Site]:
    """Runs the application and the other site until the block ends."""
    site = Site("", "")
    over = threading.Event()

    class Other(_Handler):
        def do_GET(self) -> None:
            site.other_asked.append(self.path)
            self.answer("<title>Other</title>reached")

    class Application(_Handler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            match urlsplit(self.path).path:
                case "/":
                    self.answer(FORM.replace("OTHER", site.other))
                case "/next":
                    self.answer("<title>Next</title><h1>Next</h1>")
                case "/wide":
                    self.answer(WIDE)
                case "/redirect":
                    self.answer("", status=302, Location=f"{site.other}/page")
                case "/slow":
                    over.wait(SLOW_SECONDS)
                case "/broken":
                    self.answer("<title>Broken</title>It failed.", status=500)
                case "/file":
                    disposition = 'attachment; filename="../report.txt"'
                    self.answer("numbers", **{"Content-Disposition": disposition})
                case _:
                    self.answer("", status=404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            site.saved.append(parse_qs(body.decode("utf-8")))
            self.answer("<title>Saved</title><h1>Saved</h1>")

    servers = [_Server(("127.0.0.1", 0), handler) for handler in (Application, Other)]
    site.address, site.other = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield site
    finally:
        over.set()
        for server in servers:
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    def answer(self, body: str, *, status: int = 200, **headers: str) -> None:
        data = body.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Says nothing."""
