from gateway.alerts.standing import _typeset, standing, watch_counts
from gateway.alerts.state import Phase, State
from gateway.alerts.watches import watches
from tests.gateway.alerts.made import T0, site

WATCHES = {watch.id: watch for watch in watches(site())}


def active(rule: str, node: int = 11, **changes: object) -> tuple[tuple[str, int], State]:
    return (rule, node), State(Phase.ALERTING, 1, T0, value=5.0, raised_at_s=T0).but(**changes)


def test_the_most_urgent_unacknowledged_and_oldest_comes_first() -> None:
    states = dict(
        [
            active("kulvert-60"),
            active("stiger-fort", raised_at_s=T0 + 5),
            active("rista-tettes", acknowledged_by="vakt"),
            active("kulvert-100", raised_at_s=T0 + 9),
            active("kulvert-100", 12),
            (("isfare", 11), State()),
        ]
    )
    assert [each.id for each in standing(WATCHES, states)] == [
        "kulvert-100/12", "kulvert-100/11", "rista-tettes/11", "stiger-fort/11", "kulvert-60/11",
    ]  # fmt: skip


def test_a_sensor_that_failed_since_is_told() -> None:
    (each,) = standing(WATCHES, dict([active("kulvert-100", bad_s=T0 + 60)]))
    assert not each.monitored
    assert each.as_json()["texts"]["en"]["name"] == "The culvert is full"


def test_what_is_not_being_watched_is_counted() -> None:
    states = [State(), State(Phase.ERROR), State(shelved_until_s=T0), State(out_of_service_by="x")]
    assert watch_counts(states) == {"normal": 3, "error": 1, "shelved": 1, "out_of_service": 1}


def test_the_page_has_true_minus_signs_and_ranges_keep_their_dash() -> None:
    assert _typeset("foran rista -6 cm, 20-30 %") == "foran rista \u22126 cm, 20-30 %"
