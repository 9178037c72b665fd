"""The code location as Dagster sees it: the graph, and what loading it costs."""

import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from twin_assets.artifacts import to_table
from twin_assets.assets.verdicts import GATES
from twin_assets.definitions import build_definitions
from twin_assets.documents import CleanedDocument, Window
from twin_assets.partitions import JOB
from twin_assets.settings import TwinSettings

GRAPH = {
    "raw_documents": ([], "collect", {"python", "sqlite"}, "data", []),
    "cleaned_documents": (
        ["raw_documents"],
        "prepare",
        {"python", "parquet"},
        "data",
        ["documents_are_english", "documents_differ", "documents_say_something"],
    ),
    "chunks": (
        ["cleaned_documents"],
        "prepare",
        {"python", "parquet"},
        "data",
        ["chunks_cover_text", "chunks_have_length"],
    ),
    "windows": (["chunks"], "embed", {"python", "parquet"}, "ml", ["windows_hold_every_token"]),
    "embeddings": (
        ["windows"],
        "embed",
        {"torch", "parquet"},
        "ml",
        ["shift_is_small", "vectors_are_sound"],
    ),
    **{
        f"{backend}_index": (
            ["chunks", "cleaned_documents", "embeddings"],
            "index",
            {backend},
            "ml",
            ["index_holds_windows"],
        )
        for backend in ("faiss", "qdrant", "chroma")
    },
    "faiss_ivf": (["faiss_index"], "index", {"faiss"}, "ml", ["finds_what_exact_search_finds"]),
}
OVER_ALL_AUTHORS = {dg.AssetKey("faiss_ivf")}


@pytest.fixture
def definitions(settings: TwinSettings) -> dg.Definitions:
    return build_definitions(settings)


def test_the_asset_graph(definitions):
    graph = definitions.resolve_asset_graph()
    found = {}
    for node in graph.asset_nodes:
        checks = sorted(key.name for key in graph.get_check_keys_for_assets({node.key}))
        found[node.key.to_user_string()] = (
            sorted(key.to_user_string() for key in node.parent_keys),
            node.group_name,
            node.kinds,
            node.owners[0].removeprefix("team:"),
            checks,
        )
    assert found == GRAPH


def test_every_asset_is_partitioned_by_author_and_takes_several_in_one_run(definitions, settings):
    several = dg.BackfillPolicy.multi_run(max_partitions_per_run=settings.authors_per_run)
    nodes = definitions.resolve_asset_graph().asset_nodes
    for node in (node for node in nodes if node.key not in OVER_ALL_AUTHORS):
        assert node.partitions_def == dg.DynamicPartitionsDefinition(name="author")
        assert node.backfill_policy == several
        assert node.code_version
        assert node.description


def test_every_check_is_partitioned_by_author_and_the_gates_block(definitions):
    graph = definitions.resolve_asset_graph()
    for key in (key for key in graph.asset_check_keys if key.asset_key not in OVER_ALL_AUTHORS):
        spec = graph.get_check_spec(key)
        assert spec.blocking is (GATES.get(key.asset_key.to_user_string()) == key.name)
        assert spec.partitions_def == dg.DynamicPartitionsDefinition(name="author")


def test_the_raw_documents_are_of_the_kind_of_their_store(settings):
    mongodb = settings.model_copy(update={"raw_store": SecretStr("mongodb://db.example/twin")})
    nodes = build_definitions(mongodb).resolve_asset_graph().asset_nodes
    assert {"python", "mongodb"} in [node.kinds for node in nodes]
    assert not [node for node in nodes if "sqlite" in node.kinds]


def test_a_setting_changes_the_code_version_of_the_assets_it_concerns(settings):
    def versions(of: TwinSettings) -> dict[str, str | None]:
        nodes = build_definitions(of).resolve_asset_graph().asset_nodes
        return {node.key.to_user_string(): node.code_version for node in nodes}

    before = versions(settings)
    after = versions(settings.model_copy(update={"window_overlap": 16}))
    assert {name for name in before if before[name] != after[name]} == {"windows"}


def test_each_asset_leads_to_its_code(definitions, settings):
    def references(of: dg.Definitions) -> dict[str, object]:
        nodes = of.resolve_asset_graph().asset_nodes
        found = {n.key.to_user_string(): n.metadata["dagster/code_references"] for n in nodes}
        return {name: value.code_references[0] for name, value in found.items()}

    for name, reference in references(definitions).items():
        lines = Path(reference.file_path).read_text(encoding="utf-8").splitlines()
        function = "def index(" if name.endswith("_index") else f"def {name}("
        assert any(function in line for line in lines[reference.line_number - 1 :][:15]), name
    linked = settings.model_copy(update={"code_url": "https://github.com/me/twin/tree/main"})
    url = references(build_definitions(linked))["chunks"].url
    assert re.fullmatch(
        r"https://github\.com/me/twin/tree/main/twin_assets/assets/chunks\.py#L\d+", url
    )


def test_assets_in_parquet_say_their_columns(definitions):
    nodes = {n.key.to_user_string(): n for n in definitions.resolve_asset_graph().asset_nodes}
    for name, row_type in (("cleaned_documents", CleanedDocument), ("windows", Window)):
        schema = nodes[name].metadata["dagster/column_schema"]
        written = to_table(row_type, []).schema
        assert [(column.name, column.type) for column in schema.columns] == [
            (field.name, str(field.type)) for field in written
        ]
        nullable = [column.constraints.nullable for column in schema.columns]
        assert nullable == [field.nullable for field in written]


def test_the_job_and_the_sensor(definitions):
    repository = definitions.get_repository_def()
    assert repository.has_job(JOB)
    sensor = repository.get_sensor_def("new_raw_documents")
    assert sensor.job_name == JOB
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


@pytest.mark.parametrize(
    "code",
    [
        "import twin_assets.definitions",
        "import twin_serving.page",
        "from twin_serving.cli.app import build_app; build_app()",
    ],
)
def test_loading_imports_no_model_library(code, tmp_path):
    code += (
        "\nimport sys\n"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "[]"
