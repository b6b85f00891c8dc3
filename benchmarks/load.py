"""Send requests over so many kept connections and time each: the client of `serving.py`, a process of its own.

It reads what to send as JSON from standard input and writes what came to standard output. One thread waits on plain
sockets, requests are made ready before the clock runs and answers are read after it has stopped, for the client shares
the cores with the server that it measures: some 35 microseconds a request, where httpx takes 400.
"""

import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
PATIENCE = 120.0
"""Seconds without any answer after which the server is taken to hang."""


@dataclass(slots=True)
class Connection:
    """Hold a kept connection: which request is on its way, since when, and what has come of the answer."""

    socket: socket.socket
    request: int = 0
    began: float = 0.0
    came: bytes = b""

    def whole(self) -> bool:
        """Say whether the answer has come to its end."""
        head = self.came.find(b"\r\n\r\n")
        if head < 0:
            return False
        length = LENGTH.search(self.came, 0, head)
        assert length, "an answer without Content-Length"
        return len(self.came) - head - 4 >= int(length[1])


def send(port: int, requests: Sequence[bytes], connections: int) -> tuple[float, list[float], list[bytes]]:
    """Return the seconds that all requests took, those of each, and the answers, in order."""
    seconds, answers = [0.0] * len(requests), [b""] * len(requests)
    numbers: Iterator[int] = iter(range(len(requests)))
    with selectors.DefaultSelector() as selector:
        for _ in range(min(connections, len(requests))):
            made = socket.create_connection(("127.0.0.1", port))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(made, selectors.EVENT_READ, Connection(made))
        began = time.perf_counter()
        for key in list(selector.get_map().values()):
            _next(selector, key.data, requests, numbers)
        while selector.get_map():
            ready = selector.select(PATIENCE)
            assert ready, f"no answer within {PATIENCE:g} seconds"
            for key, _ in ready:
                connection: Connection = key.data
                piece = connection.socket.recv(1 << 20)
                assert piece, "the server closed a connection"
                connection.came += piece
                if connection.whole():
                    seconds[connection.request] = time.perf_counter() - connection.began
                    answers[connection.request] = connection.came
                    _next(selector, connection, requests, numbers)
        return time.perf_counter() - began, seconds, answers


def _next(
    selector: selectors.BaseSelector, connection: Connection, requests: Sequence[bytes], numbers: Iterator[int]
) -> None:
    number = next(numbers, None)
    if number is None:
        selector.unregister(connection.socket)
        connection.socket.close()
        return
    connection.request, connection.came, connection.began = number, b"", time.perf_counter()
    connection.socket.sendall(requests[number])


def main() -> None:
    """Send what standard input says; an answer of another status than 200 is an error."""
    asked = json.load(sys.stdin)
    headers = {"Host": f"127.0.0.1:{asked['port']}", "Content-Type": "application/json", **asked["headers"]}
    head = f"POST {asked['path']} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    bodies = [json.dumps(body, ensure_ascii=False).encode() for body in asked["bodies"]]
    requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    took, seconds, answers = send(asked["port"], requests, asked["connections"])
    for answer in answers:
        if not answer.startswith(b"HTTP/1.1 200 "):
            sys.exit(f"an answer is not 200: {answer[:300].decode(errors='replace')}")
    found = [json.loads(answer.partition(b"\r\n\r\n")[2]) for answer in answers]
    json.dump({"took": took, "seconds": seconds, "answers": found}, sys.stdout)


if __name__ == "__main__":
    main()
