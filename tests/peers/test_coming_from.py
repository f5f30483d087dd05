"""The names that docs/from_pytorch.md translates are PyTorch's."""

from tests.test_docs import DOCS, missing


def test_names_of_pytorch_exist() -> None:
    assert not missing("torch", DOCS / "from_pytorch.md")
