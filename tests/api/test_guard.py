"""What stands before every request: the key, the host's name, the size."""

import base64
import socket
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from app_servers import SERVED
from gradio.utils import get_upload_folder
from pydantic import SecretStr

from twin_assets.errors import BadInputError
from twin_assets.settings import check_binding, is_loopback, load_settings
from twin_serving.api import create_app
from twin_serving.twin import Twin

pytestmark = SERVED

KEY = "kälte-and-heat"


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.fixture
def guarded(serve) -> httpx.Client:
    return serve(api_key=SecretStr(KEY))


GUARDED = [
    "/",
    "/authors",
    "/indexes",
    "/metrics",
    "/v1/models",
    "/openapi.json",
    "/mcp",
    "/config",
]


def test_the_key_guards_all_but_health(guarded: httpx.Client) -> None:
    for path in GUARDED:
        response = guarded.get(path)
        assert response.status_code == 401
        assert response.headers["content-type"] == "application/problem+json"
        assert "Basic" in response.headers["www-authenticate"]
    assert guarded.post("/rag", json={"query": "Why?"}).status_code == 401
    assert guarded.get("/healthz").status_code == 200
    assert guarded.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", f"Bearer {KEY}"),
        ("authorization", f"bearer {KEY}"),
        ("authorization", basic(KEY)),
        ("x-api-key", KEY),
    ],
)
def test_the_key_is_taken_in_three_ways(guarded: httpx.Client, name: str, value: str) -> None:
    headers = [(name.encode(), value.encode())]
    assert guarded.get("/authors", headers=headers).status_code == 200
    assert guarded.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "value",
    [
        "Bearer wrong",
        "Bearer",
        basic("wrong"),
        "Basic %%%",
        "Basic é",
        "Digest x",
        f"Bearer {KEY}x",
    ],
)
def test_another_key_is_refused(guarded: httpx.Client, value: str) -> None:
    headers = [(b"authorization", value.encode())]
    response = guarded.get("/authors", headers=headers)
    assert response.status_code == 401
    assert "wrong" not in response.text


def test_a_path_cannot_be_written_so_that_it_is_open(guarded: httpx.Client) -> None:
    for path in ("//authors", "/healthz/../authors", "/healthz/", "/healthz%2f..%2fauthors"):
        assert guarded.get(path).status_code == 401


def test_with_a_key_any_host_name_does(guarded: httpx.Client) -> None:
    headers = [(b"host", b"twin.example"), (b"x-api-key", KEY.encode())]
    assert guarded.get("/authors", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "1.2.3.4:80"]
)
def test_without_a_key_only_this_machine_s_names_do(client: httpx.Client, host: str) -> None:
    response = client.get("/authors", headers={"host": host})
    assert response.status_code in (400, 421)


@pytest.mark.parametrize("host", ["localhost", "localhost:7860", "127.0.0.1:1", "[::1]:7860"])
def test_this_machine_s_names(client: httpx.Client, host: str) -> None:
    assert client.get("/authors", headers={"host": host}).status_code == 200


def test_a_request_that_is_too_large(client: httpx.Client) -> None:
    large = b'{"query": "' + b"a" * (1 << 20) + b'"}'
    headers = {"content-type": "application/json"}
    assert client.post("/rag", content=large, headers=headers).status_code == 413
    parts = (large[at : at + 65536] for at in range(0, len(large), 65536))
    assert client.post("/rag", content=parts, headers=headers).status_code == 413


def test_beyond_this_machine_a_key_is_needed(sample_home) -> None:
    exposed = sample_home.model_copy(update={"host": "::"})
    with pytest.raises(BadInputError, match="TWIN_API_KEY is empty"):
        create_app(Twin(exposed))
    check_binding(exposed.model_copy(update={"api_key": SecretStr(KEY)}))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("::", False),
        ("192.168.0.1", False),
        (socket.gethostname() + ".example", False),
        ("", False),
    ],
)
def test_what_is_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.fixture
def signed(serve) -> httpx.Client:
    return serve(api_key=SecretStr(KEY), page_users=SecretStr("ann:päss:word, bob:other"))


def test_people_sign_in_to_the_page_and_the_key_guards_the_rest(signed: httpx.Client) -> None:
    for path in ("/authors", "/indexes", "/metrics", "/v1/models", "/openapi.json", "/mcp"):
        assert signed.get(path).status_code == 401
    assert signed.post("/rag", json={"query": "Why?"}).status_code == 401
    assert signed.get("/authors", headers={"x-api-key": KEY.encode()}).status_code == 200
    assert signed.get("/").status_code == 200  # the form
    for guarded in ("/config", "/gradio_api/info", "/gradio_api/queue/data?session_hash=x"):
        assert signed.get(guarded).status_code == 401
    for name, password in (("ann", "other"), ("", ""), ("eve", ""), ("bob", "päss:word")):
        wrong = signed.post("/login", data={"username": name, "password": password})
        assert wrong.status_code in (400, 422)
        assert signed.get("/config").status_code == 401
    assert signed.post("/login", data={"username": "ann", "password": "päss:word"}).is_success
    assert signed.get("/config").status_code == 200
    assert signed.get("/authors").status_code == 401  # a visitor has no key


def test_people_who_sign_in_want_a_key_for_the_api(sample_home) -> None:
    users = {"page_users": SecretStr("ann:word")}
    with pytest.raises(BadInputError, match="TWIN_API_KEY is empty"):
        check_binding(sample_home.model_copy(update=users))


@pytest.mark.parametrize("users", ["ann", "ann:", ":word", "ann:word,bob"])
def test_a_user_without_a_password_is_refused(users: str) -> None:
    with pytest.raises(BadInputError, match="TWIN_PAGE_USERS") as caught:
        load_settings(page_users=users, _env_file=None)
    assert "word" not in str(caught.value).replace("PASSWORD", "").replace("password", "")


def test_a_visitor_cannot_have_the_page_read_a_file_of_the_server(
    client: httpx.Client, tmp_path
) -> None:
    secret = tmp_path / f"{uuid4()}.txt"
    secret.write_text("the secret words")
    config = client.get("/config").json()
    asking = next(one for one in config["dependencies"] if one["api_name"] == "_on_ask")
    taken = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    payload = {"data": [taken] * len(asking["inputs"]), "fn_index": asking["id"]}
    client.post("/gradio_api/queue/join", json=payload | {"session_hash": "visitor"})
    told = client.get("/gradio_api/queue/data", params={"session_hash": "visitor"}).text
    assert '"success":false' in told
    assert not list(Path(get_upload_folder()).rglob(secret.name))
