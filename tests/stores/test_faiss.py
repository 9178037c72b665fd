import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from builders import ADA, partition

from twin_assets.documents import Category
from twin_assets.errors import BadInputError, IndexCorruptedError
from twin_assets.settings import TwinSettings
from twin_assets.stores import create_store
from twin_assets.stores.faiss import FaissStore
from twin_assets.stores.manifest import file_digest


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.fixture
def store(tmp_path: Path) -> FaissStore:
    return FaissStore(tmp_path)


@pytest.mark.parametrize("form", ["pickle", "array of objects"])
def test_a_pickle_is_never_loaded_even_with_the_right_checksum(
    store: FaissStore, tmp_path: Path, form: str
) -> None:
    version = store.publish(partition(ADA, [(Category.ARTICLE, 3)])).version
    folder = tmp_path / "ada" / "versions" / version
    path, sprung = folder / "article_chunks_embedded.npy", tmp_path / "sprung"
    if form == "pickle":
        path.write_bytes(pickle.dumps(Trap(sprung)))
    else:
        np.save(path, np.array([Trap(sprung)], dtype=object), allow_pickle=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][path.name] = file_digest(path)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for read in (lambda: store.open({"ada": version}), lambda: store.verify("ada", version)):
        with pytest.raises(IndexCorruptedError, match=r"cannot be read.*twin build --author ada"):
            read()
    assert not sprung.exists()


def test_the_only_backend_is_faiss(settings: TwinSettings) -> None:
    store = create_store("faiss", settings)
    store.publish(partition())
    assert (settings.indexes_path / "faiss" / "ada" / "versions").is_dir()
    with pytest.raises(BadInputError, match="no index backend 'lance'; use faiss"):
        create_store("lance", settings)
