from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from device_configs import board, schema, site_schema
from device_configs.entry import MEANING, SLUG, Entry, QuantityName, Slug, Text, Word

MODELS = [
    model
    for module in (board, schema, site_schema)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, Entry) and model is not Entry
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_documented(model: type[BaseModel]) -> None:
    assert model.__doc__
    assert [name for name, field in model.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_default_can_be_changed_by_someone(model: type[BaseModel]) -> None:
    assert model.model_config.get("frozen") is True
    assert model.model_config.get("extra") == "forbid"
    assert model.model_config.get("strict") is True


@pytest.mark.parametrize(
    ("kind", "value", "right"),
    [
        (Slug, "narvik-demo", True), (Slug, "0", True), (Slug, "-a", False), (Slug, "", False),
        (Slug, "a" * 33, False), (Slug, "a\n", False), (Slug, "Å", False), (Slug, "a/b", False),
        (Slug, "a+b", False), (Slug, "#", False),
        (Word, "up_loop", True), (Word, "1up", False), (Word, "up-loop", False),
        (Text, "to\nlinjer, æøå ±", True), (Text, "", False), (Text, "a\x1b[0m", False),
        (Text, "a\x00", False),
        (QuantityName, "loop_ua", True), (QuantityName, "loop_ma", False),
    ],
)  # fmt: skip
def test_types(kind: Any, value: str, right: bool) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(kind)
    if right:
        assert adapter.validate_python(value) == value
    else:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_every_pattern_has_a_meaning() -> None:
    assert SLUG in MEANING
    assert all(MEANING.values())
