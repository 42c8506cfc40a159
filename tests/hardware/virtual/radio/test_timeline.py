from hardware.virtual.radio.timeline import Timeline


def test_appointments_are_kept_in_order_and_may_make_others() -> None:
    timeline = Timeline(1000)
    kept: list[tuple[str, float]] = []

    def note(name: str) -> None:
        kept.append((name, timeline.monotonic_s()))
        if name == "b":
            timeline.call_later(1, lambda: note("d"))

    timeline.call_later(2, lambda: note("b"))
    timeline.call_later(1, lambda: note("a"))
    timeline.call_later(2, lambda: note("c"))
    timeline.call_later(2.5, lambda: note("never")).cancel()
    timeline.run_until(2)
    early = [name for name, _ in kept]
    timeline.run_until(10)
    assert early == ["a", "b", "c"]
    assert kept[-1] == ("d", 3.0)
    assert (timeline.monotonic_s(), timeline.utc_ms()) == (10.0, 11_000)
