"""An S3 server on loopback, behind a door that can be made to fail."""

import contextlib
import http.client
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Door(ThreadingHTTPServer):
    """A proxy before an S3 server that fails some requests, as networks do.

    Attributes:
        fail: called with a request's method and path; what it says happens to it: `error` (a 500),
            `refuse` (a 403), `drop` (the connection is closed), `slow` (the answer waits a moment),
            or nothing.
        log: method and path of every request.
    """

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Pass)
        self.behind = urlsplit(behind).netloc
        self.fail = lambda method, path: ""
        self.log: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections that a client closed are nobody's business."""


class _Pass(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Door

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.log.append((self.command, self.path))
        what = self.server.fail(self.command, self.path)
        if what == "drop":
            self.close_connection = True
            return
        if what == "refuse":
            self._answer(403, {}, b"<Error><Code>AccessDenied</Code></Error>")
            return
        if what == "slow":
            threading.Event().wait(0.2)
        if what == "error":
            self._answer(500, {}, b"<Error><Code>InternalError</Code></Error>")
            return
        behind = http.client.HTTPConnection(self.server.behind, timeout=30)
        with contextlib.closing(behind):
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            self._answer(answer.status, dict(answer.getheaders()), answer.read())

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        is_head = self.command == "HEAD"
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if is_head else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if not is_head:
            self.wfile.write(body)
        self.wfile.flush()


@contextlib.contextmanager
def serve() -> Iterator[Door]:
    """An S3 server with a bucket named `bucket`, and the door before it."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="someone",
        aws_secret_access_key=SECRET,
    ).create_bucket(Bucket="bucket")
    door = Door(url)
    thread = threading.Thread(target=door.serve_forever, daemon=True)
    thread.start()
    try:
        yield door
    finally:
        door.shutdown()
        door.server_close()
        thread.join(30)
        server.stop()


SECRET = "the-secret-of-the-tests"


def environment(door: Door) -> dict[str, str]:
    """What a user would set."""
    return {
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": door.url,
    }
