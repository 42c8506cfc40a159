"""What is different between two settings is all it takes to make one of the other."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.changes import changes, digest
from wire.changes import parts

values = st.recursive(
    st.integers(0, 10**6) | st.text(max_size=6) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def made(old: bytes, told: bytes) -> bytes:
    return b"".join(old[p[0] : sum(p)] if isinstance(p, tuple) else p for p in parts(told, len(old)))


@settings(max_examples=100)
@given(values, values)
def test_changes_make_the_new_out_of_the_old(one: Any, other: Any) -> None:
    old, new = compact(one), compact(other)
    told = changes(old, new)
    assert told[:8] == digest(old) + digest(new)
    assert made(old, told) == new


def test_another_interval_is_a_few_bytes() -> None:
    old = {"node": 21, "interval_s": 600, "channels": [{"name": str(i), "quantity": i} for i in range(40)]}
    told = changes(compact(old), compact({**old, "interval_s": 300}))
    assert len(told) <= 8 + 3 + 3 + 2
