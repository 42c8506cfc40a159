"""What servers say, and what it means."""

import pytest

from cloud_sync.verdict import Hold, Later, Ok, Refused, TooLarge, judge, reason_in, retry_after_s

# Answers as servers give them (InfluxDB 1.6.7 and VictoriaMetrics 1.79.5 recorded, others as documented).
CONFLICT_1X = (
    '{"error":"partial write: field type conflict: input field \\"f\\" on measurement \\"m\\" is type float, '
    'already exists as type integer dropped=1"}'
)
V3 = (
    '{"error":"partial write of line protocol occurred","data":[{"original_line":"m f=","line_number":2,'
    '"error_message":"no field value"}]}'
)


@pytest.mark.parametrize(
    ("status", "text", "meant"),
    [
        (204, "", Ok),
        (200, "<html>Log in to the guest network</html>", Hold),
        (202, "", Hold),
        (301, "moved", Hold),
        (201, V3, Refused),
        (400, CONFLICT_1X, Refused),
        (400, V3, Refused),
        (400, '{"error":"unexpected EOF"}', Refused),
        (409, "", Refused),
        (418, "", Refused),
        (422, '{"code":"unprocessable entity","message":"failure writing points to database"}', Refused),
        (401, '{"error":"authorization failed"}', Hold),
        (403, '{"code":"forbidden","message":"insufficient permissions for write"}', Hold),
        (404, '{"error":"database not found: \\"x\\""}', Hold),
        (407, "", Hold),
        (413, '{"error":"Request Entity Too Large"}', TooLarge),
        (408, "", Later),
        (429, "", Later),
        (500, '{"error":"timeout"}', Later),
        (500, '{"code":"internal error","message":"partial write: field type conflict"}', Refused),
        (502, "bad gateway", Later),
        (503, "", Later),
    ],
)
def test_answers(status: int, text: str, meant: type[object]) -> None:
    assert type(judge(status, text)) is meant


def test_reasons() -> None:
    assert reason_in(CONFLICT_1X).startswith('partial write: field type conflict: input field "f"')
    assert "no field value" in reason_in(V3)
    assert (
        reason_in('{"code":"forbidden","message":"insufficient permissions"}') == "insufficient permissions"
    )
    assert reason_in("two\nlines") == "two lines"
    assert reason_in("[1]") == "[1]"
    assert len(reason_in("x" * 5000)) == 500
    assert judge(400, "") == Refused(400, "status 400 without a reason")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("999999", 3600.0),
        ("nan", None),
        ("soon", None),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, now_s=1_700_000_000) == seconds
    verdict = judge(429, "", retry_after=header, now_s=1_700_000_000)
    assert isinstance(verdict, Later)
    assert verdict.after_s == seconds
