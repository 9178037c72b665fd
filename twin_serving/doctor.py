"""Whether everything that is configured works: each service asked, its version, what to do."""

import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import anyio

from twin_assets.buckets import BucketPath
from twin_assets.errors import BadInputError, ModelError, StorageError, TwinError
from twin_assets.model_folder import find_model, is_at_hand
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import PACKAGED_MODEL, TwinSettings, check_binding, is_loopback
from twin_assets.stores import BACKENDS, backends_in_use, create_store
from twin_serving.catalog import open_instance
from twin_serving.llm import create_model
from twin_serving.retrieval.cross_encoder import find_cross_encoder
from twin_serving.telemetry import Telemetry

_LEAST_FREE = 1 << 30  # bytes; a build writes its vectors twice for a moment
_SHORTEST_KEY = 16  # characters; 16 drawn at random cannot be tried out
_CONNECT_SECONDS = 3.0
_PORTS = {"http": 80, "https": 443}

Check = Callable[[TwinSettings], str]
"""Says what was found, or raises what is wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A service, whether it is fine, and what it is, or what is wrong and what to do.

    One that is not ``used`` is configured, and nothing that is done now needs it.
    """

    service: str
    fine: bool
    detail: str
    used: bool = True


def examine(settings: TwinSettings) -> Iterator[Finding]:
    """Yield what is found of each service, one after another; a fault is a finding too."""
    yield _found("home", _home, settings)
    yield _found("raw store", _raw_store, settings)
    yield _found("artifacts", _artifacts, settings)
    yield _found("embedding model", _embedding_model, settings)
    yield _found("rerank", _rerank, settings)
    in_use = {settings.index, *backends_in_use(settings)}
    for backend in BACKENDS:
        if backend in in_use:
            used = backend == settings.index
            yield _found(f"index {backend}", _index_of(backend), settings, used)
    yield _found("Dagster", _dagster, settings)
    yield _found("language model", _language_model, settings)
    yield _found("telemetry", _telemetry, settings)
    yield _found("access", _access, settings)


def _found(service: str, check: Check, settings: TwinSettings, used: bool = True) -> Finding:
    try:
        return Finding(service, True, check(settings), used)
    except TwinError as error:
        return Finding(service, False, str(error), used)
    except Exception as error:  # its text may hold anything, a password too
        line = f"It fails in a way that nobody foresaw ({type(error).__name__})."
        return Finding(service, False, line, used)


def _home(settings: TwinSettings) -> str:
    root = settings.root
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    _try_writing(there)
    free = shutil.disk_usage(there).free
    if free < _LEAST_FREE:
        raise StorageError(f"TWIN_HOME {root} has {free >> 20:,} MB left. Free space.")
    made = "" if there == root else "; the first import makes it"
    return f"{root}, {free >> 30:,} GB free{made}"


def _try_writing(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error.strerror}. Give yourself the right to, or set "
            "TWIN_HOME to another folder."
        ) from None


def _raw_store(settings: TwinSettings) -> str:
    if not settings.raw_store.get_secret_value() and not settings.raw_store_path.is_file():
        return "no documents yet: `twin import` or `twin add` some"
    with closing(open_raw_store(settings)) as store:
        return f"{store.describe()}, authors: {len(store.authors())}"


def _artifacts(settings: TwinSettings) -> str:
    folder = settings.artifacts_path
    if isinstance(folder, BucketPath):
        return f"{sum(1 for _ in folder.files()):,} files in {folder}"
    if not folder.is_dir():
        return "none yet; the first build makes them"
    _try_writing(folder)
    return f"{sum(path.is_file() for path in folder.rglob('*')):,} files in {folder}"


def _embedding_model(settings: TwinSettings) -> str:
    name = settings.embedding_model
    if not is_at_hand(name):
        raise ModelError(
            f"TWIN_EMBEDDING_MODEL={name} is not on this machine. A build gets it from the hub, if "
            f"it is there; or name a folder, or {PACKAGED_MODEL}."
        )
    model = find_model(name)
    return f"{name}, reads {model.max_tokens} tokens, weights {model.weights_sha256()[:12]}"


def _rerank(settings: TwinSettings) -> str:
    folder = find_cross_encoder(settings.cross_encoder)
    if folder is None:
        return f"late interaction; the cross-encoder {settings.cross_encoder} is not at hand"
    if not any(folder.glob("*.safetensors")):
        raise BadInputError(
            f"The cross-encoder in {folder} has no *.safetensors weights. Set TWIN_CROSS_ENCODER."
        )
    return f"the cross-encoder {settings.cross_encoder}"


def _index_of(backend: str) -> Check:
    def check(settings: TwinSettings) -> str:
        store = create_store(backend, settings)
        return f"{store.describe()}, authors served: {len(store.authors())}"

    return check


def _dagster(settings: TwinSettings) -> str:
    version = metadata.version("dagster")
    if not settings.dagster_home.is_dir():
        return f"Dagster {version}; the first build makes its instance"
    try:
        with open_instance(settings) as instance:
            runs = instance.get_runs_count()
    except TwinError:
        raise
    except Exception as error:  # its text may hold the storage's password
        raise StorageError(
            f"Dagster's storage cannot be used ({type(error).__name__}). Check dagster.yaml in "
            f"{settings.dagster_home}, and that its database is up."
        ) from None
    return f"Dagster {version}, runs: {runs:,}"


def _language_model(settings: TwinSettings) -> str:
    model = create_model(settings)
    if model is None:
        return "none: answers quote the sources (TWIN_LLM)"
    anyio.run(model.health)
    info = anyio.run(model.info)
    reads = f", reads {info.context_tokens:,} tokens" if info.context_tokens else ""
    return f"{model.provider}: {info.name}{reads}"


def _telemetry(settings: TwinSettings) -> str:
    endpoint = Telemetry().endpoint
    if endpoint is None:
        return "none is sent (OTEL_EXPORTER_OTLP_ENDPOINT)"
    try:
        parts = urlsplit(endpoint)
        place = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise BadInputError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is no address, which looks like http://host:4318."
        ) from None
    shown = f"{place[0]}:{place[1]}"
    try:
        socket.create_connection(place, timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise StorageError(
            f"Nothing can be sent to {shown}: {error.strerror or error}. Start the collector, or "
            "unset OTEL_EXPORTER_OTLP_ENDPOINT."
        ) from None
    return f"spans are sent to {shown}, where something listens"


def _access(settings: TwinSettings) -> str:
    check_binding(settings)
    key = settings.api_key.get_secret_value()
    if not key:
        return f"{settings.host} answers this machine alone, without a key"
    if len(key) < _SHORTEST_KEY:
        raise BadInputError(
            f"TWIN_API_KEY has fewer than {_SHORTEST_KEY} characters. Draw a longer one."
        )
    who = "this machine alone" if is_loopback(settings.host) else "other machines too"
    return f"{settings.host} answers {who}, with a key"
