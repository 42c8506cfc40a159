"""What a link has to spare depends on the spreading factor; a node without a radio has none."""

from dataclasses import replace

import pytest

from gateway.model import Heard
from gateway.web.links import SNR_LEAST, links, margin_db
from tests.gateway.web.made import intake


@pytest.mark.parametrize("factor", SNR_LEAST)
def test_at_the_least_ratio_there_is_nothing_to_spare(factor: int) -> None:
    assert margin_db(Heard("c1", -120, SNR_LEAST[factor], factor)) == 0


def test_each_receiver_is_a_link() -> None:
    assert links(None) == links(intake(660, 640)) == ()
    by = (Heard("c1", -101, 4.0, 9), Heard("x", -118, -9.0, 6))
    found = links(replace(intake(660, 640), receivers=by))
    assert [(link.heard, link.margin_db) for link in found] == [(by[0], 16.5), (by[1], None)]
