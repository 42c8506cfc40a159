import warnings

import pytest

from gateway.sending import DeliveryError, send_by_apprise

with warnings.catch_warnings():  # those of its own imports are for its makers
    warnings.simplefilter("ignore")
    import apprise

    apprise.Apprise().add("json://localhost")


def test_why_a_channel_did_not_take_a_message_is_told_without_its_secrets() -> None:
    with pytest.raises(DeliveryError, match="Connection error") as caught:
        send_by_apprise("json://user:secret@127.0.0.1:9/hook", "t", "b")
    assert "secret" not in str(caught.value)
    with pytest.raises(DeliveryError, match="does not know this kind"):
        send_by_apprise("carrierpigeon://loft", "t", "b")
