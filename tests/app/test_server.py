"""The server of the page: who gets in, what is served, what is refused."""

from __future__ import annotations

import hashlib
import json
import socket

import pytest

from chainrule.app.server.gate import HEADERS
from tests.app.serving import TOKEN, Serving


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "static" / "view").mkdir(parents=True)
    (folder / "secret.html").write_text("secret")
    files = folder / "static"
    (files / "index.html").write_text("<!doctype html><title>π</title>", encoding="utf-8")
    (files / "view" / "graph.js").write_text("export const a = 1;")
    (files / "notes.txt").write_text("not for the page")
    (files / "link.js").symlink_to(folder / "secret.html")
    with Serving(files, rate=1e6, burst=10**6) as serving:
        yield serving


def test_the_page_and_its_files(server):
    page = server.get("")
    assert (page.status, page.body.decode()) == (200, "<!doctype html><title>π</title>")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    script = server.get("static/view/graph.js")
    assert (script.status, script.body) == (200, b"export const a = 1;")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert server.get("", "HEAD").body == b""


def test_a_file_that_the_browser_has_is_not_sent_again(server):
    first = server.get("")
    again = server.get("", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert server.get("", if_none_match='"other"').status == 200


@pytest.mark.parametrize(
    "path",
    [
        "static/",
        "static/../secret.html",
        "static/%2e%2e/secret.html",
        "static/..%2fsecret.html",
        "static/..%5csecret.html",
        "static//etc/passwd",
        "static/%2fetc%2fpasswd",
        "static/view",
        "static/view/../index.html",
        "static/view/graph.js%00",
        "static/notes.txt",
        "static/link.js",
        "secret.html",
        "api/content/",
        "api/other",
        "program/../index.html",
        f"program/{'0' * 64}.js",
        "favicon.ico",
        "?",
        "/",
    ],
)
def test_nothing_else_is_found(server, path):
    if path == "?":
        assert server.get(path).status == 200
        return
    answer = server.get(path)
    assert answer.status in {404, 405}
    assert answer.body == b""


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "*",
        f"/{TOKEN}",
        f"/{TOKEN[:-1]}/",
        f"/{TOKEN}x/",
        f"//{TOKEN}/",
        f"/{TOKEN.upper()}/",
        "/π/".encode().decode("latin-1"),
        "/%ff/",
        f"http://127.0.0.1/{TOKEN}/",
        f"/wrong/?token={TOKEN}",
        "/static/index.html",
    ],
)
def test_without_the_token_there_is_nothing(server, path):
    answer = raw(server, f"GET {path or '/'} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n")
    assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
    assert answer.endswith((b"\r\n\r\n", b"Invalid HTTP request received."))


def raw(server: Serving, head: str) -> bytes:
    """What the server says to these lines, which a client of HTTP may not want to send."""
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        end = "Connection: close\r\n\r\n" if head.endswith("\n") else ""
        connection.sendall((head + end).encode("latin-1"))
        found = b""
        while more := connection.recv(65536):
            found += more
    return found


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example:{port}",
        "evil.example@127.0.0.1:{port}",
        "127.0.0.1:{port}.evil.example",
        "127.0.0.2:{port}",
        "0.0.0.0:{port}",
        "[::1]:{port}",
        "2130706433:{port}",
        "127.1:{port}",
        "",
    ],
)
def test_other_names_of_this_machine_are_refused(server, host):
    answer = server.get("", host=host.format(port=server.port))
    assert (answer.status, answer.code) == (421, "E508")


def test_a_host_is_named_once(server):
    head = f"GET /{TOKEN}/ HTTP/1.1\r\n"
    ours = f"Host: 127.0.0.1:{server.port}\r\n"
    assert b" 200 " in raw(server, head + ours)[:20]
    assert b" 400 " in raw(server, head + ours + "Host: evil.example\r\n")[:20]
    assert b" 400 " in raw(server, head)[:20]
    assert b" 421 " in raw(server, f"GET /{TOKEN}/ HTTP/1.0\r\n")[:20]


def test_both_names_of_this_machine_are_known(server):
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{server.port}"
        assert server.get("", host=host, origin=f"http://{host}").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "https://127.0.0.1:{port}"},
        {"origin": "http://localhost:{port}"},
        {"origin": "http://127.0.0.1:{port}/"},
        {"origin": "http://127.0.0.1:{port}", "sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": ""},
    ],
    ids=str,
)
def test_other_pages_are_refused(server, headers):
    given = {name: value.format(port=server.port) for name, value in headers.items()}
    for answer in (server.get("", **given), server.post('{"source": "x"}', **given)):
        assert (answer.status, answer.code) == (403, "E507")


def test_the_page_itself_and_no_page_get_in(server):
    origin = f"http://127.0.0.1:{server.port}"
    assert server.post('{"source": "x"}', origin=origin, sec_fetch_site="same-origin").status == 200
    assert server.get("", sec_fetch_site="none").status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "TRACE", "OTHER"])
def test_computations_are_posted(server, method):
    assert server.get("api/content", method).status == 405


def test_no_other_site_may_read_answers(server):
    origin = f"http://127.0.0.1:{server.port}"
    answers = [
        server.get("", origin=origin),
        server.get("api/content", "OPTIONS", origin=origin, access_control_request_method="POST"),
    ]
    for answer in answers:
        assert not any(name.startswith("access-control") for name in answer.headers)


def test_every_answer_has_the_headers(server):
    answers = {
        200: server.get(""),
        304: server.get("", if_none_match=server.get("").headers["etag"]),
        400: server.post("no JSON"),
        403: server.get("", origin="null"),
        404: server.get("nothing"),
        405: server.get("api/content"),
        413: server.post(b"x" * 70_000),
        415: server.post("{}", content_type="text/plain"),
        421: server.get("", host="evil.example"),
        422: server.compute("large"),
        500: server.compute("fail"),
    }
    for status, answer in answers.items():
        assert answer.status == status
        assert HEADERS.items() <= answer.headers.items()
        wanted = "no-cache" if status in {304, 200} else "no-store"
        assert answer.headers["cache-control"] == wanted
        assert "server" not in answer.headers
    assert server.compute("x").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx", "text/json"],
)
def test_only_json_is_read(server, kind):
    answer = server.post('{"source": "x"}', content_type=kind)
    assert (answer.status, answer.code) == (415, "E502")


def test_json_may_say_how_it_is_encoded(server):
    kind = "Application/JSON; charset=utf-8"
    assert server.post('{"source": "x"}', content_type=kind).status == 200


@pytest.mark.parametrize("length", ["yes", "no"])
def test_a_huge_body_is_refused(server, length):
    body = b'{"source": "' + b"x" * 100_000 + b'"}'
    answer = server.post(body if length == "yes" else iter([body[:50_000], body[50_000:]]))
    assert (answer.status, answer.code) == (413, "E503")


def test_a_request_that_never_ends_is_refused(tmp_path):
    head = f"POST /{TOKEN}/api/content HTTP/1.1\r\nContent-Type: application/json\r\n"
    with Serving(tmp_path, upload=0.1) as server:
        answer = raw(server, f"{head}Host: localhost:{server.port}\r\nContent-Length: 10\r\n")
    assert b" 408 " in answer[:20]


def test_a_huge_head_is_refused(server):
    assert b" 400 " in raw(server, "GET / HTTP/1.1\r\nCookie: " + "x" * 17_000)[:20]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "x*y",
        b"\xff\xfe",
        "[" * 60_000,
        '{"a":' * 10_000,
        '{"source": "x", "options": ' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"source": "x", "values": {"x": NaN}}',
        '{"source": "x", "values": {"x": -Infinity}}',
        '{"source": "x", "values": {"x": 1e999}}',
        '{"source": "x", "values": {"x": ' + "1" * 400 + "}}",
        '{"source": "x", "values": {"x": ' + "1" * 10_000 + "}}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_request_is_refused(server, body):
    answer = server.post(body)
    assert (answer.status, answer.code) == (400, "E501")


@pytest.mark.parametrize(
    ("job", "request_", "words"),
    [
        ("content", [], "the request is [], not an object"),
        ("content", {}, "needs the field 'source'"),
        ("content", {"source": 3}, "source is 3, not a text"),
        ("content", {"source": "\ud800"}, "not a text"),
        ("content", {"source": "x", "__class__": "y"}, "has no field '__class__'"),
        ("content", {"source": "x", "form": "python"}, "one of auto, text, latex"),
        ("content", {"source": "x", "form": ["text"]}, "one of auto, text, latex"),
        ("content", {"source": "x", "kinds": []}, "kinds is [], not an object"),
        ("content", {"source": "x", "kinds": {"x": "leaf"}}, "kinds['x'] is 'leaf'"),
        ("content", {"source": "x", "kinds": None}, "kinds is None"),
        ("content", {"source": "x", "values": {"x": "1"}}, "values['x'] is '1', not a finite"),
        ("content", {"source": "x", "values": {"x": True}}, "values['x'] is True, not a finite"),
        ("content", {"source": "x", "values": {"\udfff": 1}}, "a name in values"),
        (
            "content",
            {"source": "x", "options": {"style": {}}},
            "options['style'] is {}",
        ),
        ("content", {"source": "x", "options": {"nodes": [1]}}, "not a text"),
        ("export", {"source": "x"}, "needs the field 'as'"),
        ("export", {"source": "x", "as": "exe"}, "as is 'exe', not one of svg"),
        ("exercise", {"seed": 1.5}, "seed is 1.5, not a whole number"),
        ("exercise", {"seed": -1}, "seed is -1, not a whole number"),
        ("exercise", {"seed": True}, "seed is True, not a whole number"),
        ("exercise", {"seed": 1, "source": "x"}, "has no field 'source'"),
    ],
)
def test_a_request_of_another_form_is_refused_with_the_reason(server, job, request_, words):
    answer = server.post(json.dumps(request_), job)
    assert (answer.status, answer.code) == (400, "E501")
    assert words in answer.json["error"]["message"]


def test_a_job_gets_what_was_asked_and_what_was_left_out(server):
    options = {"style": "values", "digits": 4, "legend": False, "nodes": ["symbol"]}
    given = {"form": "latex", "kinds": {"w": "parameter"}, "values": {"θ": 2}, "options": options}
    asked = {"source": "w θ", "of": "θ", **given}
    assert server.compute(**asked).json["asked"] == asked | {"rest": "θ"}
    standard = {"form": "auto", "kinds": {}, "values": {}, "of": "", "options": {}}
    answer = server.compute("x", "export", **{"as": "svg"})
    assert answer.json["asked"] == {"source": "x", "as": "svg", **standard}
    assert server.post('{"seed": 7}', "exercise").json["asked"] == {
        "name": "",
        "seed": 7,
        "difficulty": 1,
        "options": {},
    }


def test_an_error_in_the_formula_is_an_answer(server):
    answer = server.compute("refuse me")
    assert answer.status == 200
    assert answer.json["error"] == {
        "code": "E101",
        "message": "unknown function 'refuse' at column 1",
        "hint": "what?",
        "start": 0,
        "end": 6,
        "text": "refuse me",
    }


def test_a_program_has_an_address(server):
    program = b"export const name = 'this';"
    url = server.compute("program this").json["program"]["url"]
    assert url == f"program/{hashlib.sha256(program).hexdigest()}.js"
    answer = server.get(url)
    assert (answer.status, answer.body) == (200, program)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


def test_who_asks_too_often_is_told_to_wait(tmp_path):
    with Serving(tmp_path, rate=1e-6, burst=3) as server:
        answers = [server.post("no JSON") for _ in range(5)]
    assert [answer.status for answer in answers] == [400, 400, 400, 429, 429]
    assert answers[-1].code == "E505"
    assert answers[-1].headers["retry-after"] == "1"
    assert HEADERS.items() <= answers[-1].headers.items()
