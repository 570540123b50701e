"""Servers that speak as AndroidWorld's and OSWorld's do, around a drawn screen."""

import contextlib
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import PIL.Image


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the world of the server."""

    def do_GET(self) -> None:
        self._answer("GET", {})

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer("POST", json.loads(data or b"{}"))

    def _answer(self, method: str, body: dict[str, Any]) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, data = self.server.world.answer(method, parts.path, query, body)  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps quiet."""


@contextlib.contextmanager
def serving(world: object) -> Iterator[str]:
    """The address of a server of a world."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.world = world  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Phone:
    """As server/android_server.py: two kinds of tasks, each done by one right action."""

    def __init__(self) -> None:
        self.goals = {"ClockAlarm": "Open the clock.", "NotesAdd": "Write a note."}
        self.wanted: dict[str, dict[str, Any]] = {
            "ClockAlarm": {"action_type": "open_app", "app_name": "Clock"},
            "NotesAdd": {"action_type": "click", "x": 56, "y": 84},
        }
        self.calls: list[str] = []
        self.actions: list[dict[str, Any]] = []
        self.task = ""
        self.is_gone = False
        self.screen: object = None

    def answer(
        self, method: str, path: str, query: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, bytes]:
        if self.is_gone:
            return 503, b"the emulator is gone"
        self.calls.append(f"{method} {path}")
        status, found = self._answer(f"{method} {path}", query, body)
        return status, json.dumps(found).encode()

    def _answer(self, call: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, object]:
        match call:
            case "GET /health":
                return 200, {"status": "success"}
            case "GET /suite/reinitialize":
                assert query["task_family"] == "android_world"
                return 200, {"status": "success"}
            case "GET /suite/task_list":
                assert query == {"max_index": "-1"}
                return 200, {"task_list": list(self.goals)}
            case "POST /reset":
                assert query == {"go_home": "true"}
                self.actions = []
                return 200, {"status": "success"}
            case "POST /task/initialize":
                if query["task_type"] not in self.goals:
                    return 500, {"detail": "Internal Server Error"}
                self.task = query["task_type"]
                return 200, {"status": "success"}
            case "GET /task/goal":
                return 200, {"goal": self.goals[query["task_type"]]}
            case "GET /screenshot":
                assert query == {"wait_to_stabilize": "true"}
                picture = np.full((280, 140, 3), 255, np.uint8)
                picture[: 10 * len(self.actions)] = 0
                return 200, {"pixels": picture.tolist() if self.screen is None else self.screen}
            case "POST /execute_action":
                if body.get("action_type") == "input_text" and not body["text"]:
                    return 500, {"detail": "no text"}
                self.actions.append(body)
                return 200, {"status": "success"}
            case "GET /task/score":
                return 200, {"score": float(self.wanted[self.task] in self.actions)}
            case "POST /task/tear_down":
                self.task = ""
                return 200, {"status": "success"}
        return 404, {"detail": "Not Found"}


class Machine:
    """As desktop_env/server/main.py: shows its screen and runs commands, here only remembered."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.fails = False

    def answer(
        self, method: str, path: str, query: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, bytes]:
        if (method, path) == ("GET", "/screenshot"):
            file = io.BytesIO()
            shade = 255 - 5 * len(self.commands)
            PIL.Image.new("RGB", (280, 140), (shade, shade, shade)).save(file, "PNG")
            return 200, file.getvalue()
        if (method, path) == ("POST", "/execute"):
            assert body["shell"] is False
            self.commands.append(body["command"])
            told = {"status": "success", "output": "", "error": "", "returncode": 0}
            if self.fails:
                told |= {"error": "no display", "returncode": 1}
            return 200, json.dumps(told).encode()
        return 404, b"not found"


class Desktop:
    """As desktop_env.DesktopEnv, around a machine that is served."""

    def __init__(self, url: str, machine: Machine) -> None:
        parts = urlsplit(url)
        self.vm_ip, self.server_port = str(parts.hostname), int(parts.port or 0)
        self.machine = machine
        self.steps: list[str] = []
        self.config: dict[str, Any] = {}
        self.is_closed = False

    def reset(self, task_config: dict[str, Any]) -> object:
        if task_config["id"] == "broken":
            raise RuntimeError("Environment setup failed after 5 attempts")
        self.config, self.steps, self.machine.commands = task_config, [], []
        return {}

    def step(self, action: str, pause: float) -> object:
        self.steps.append(action)
        return {}

    def evaluate(self) -> float:
        if self.config["evaluator"]["func"] == "infeasible":
            return float(self.steps[-1] == "FAIL")
        wanted = self.config["evaluator"]["expected"]
        return float(any(wanted in command[2] for command in self.machine.commands))

    def close(self) -> None:
        self.is_closed = True
