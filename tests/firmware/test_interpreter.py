"""The interpreter the firmware tests run on is the real one, with the heap of a node."""

import pytest


def double(vectors):
    return [value * 2 for value in vectors]


def runtime(vectors):
    import sys

    return [sys.implementation.name for _ in vectors]


def test_it_is_micropython_with_the_firmware_on_its_path(micropython):
    out = micropython("import sys, gc; print(sys.implementation.name, gc.mem_free() < 160 * 1024, sys.path)")
    assert out.startswith("micropython True") and "firmware/lib" in out


def test_a_failing_script_fails_the_test_with_its_own_words(micropython):
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        micropython("1 // 0")


def test_the_same_vectors_on_both_runtimes(on_both):
    assert on_both(double, [1, -2, 1 << 70]) == [2, -4, 1 << 71]


def test_a_difference_between_the_runtimes_is_caught(on_both):
    with pytest.raises(AssertionError, match="vector 0: micropython gives 'micropython', cpython 'cpython'"):
        on_both(runtime, [0])
