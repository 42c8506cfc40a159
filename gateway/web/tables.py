"""Tables as CSV. Norwegian Excel wants a byte order mark, semicolons and decimal commas."""

import csv
import io
from collections.abc import Iterable, Sequence

from starlette.responses import Response

from gateway.web.words import Words

BOM = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(header: Sequence[str], lines: Iterable[Sequence[object]], say: Words) -> str:
    """Return a CSV file. Text that a spreadsheet would take for a formula is put behind an apostrophe."""
    comma = say.language == "nb"
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";" if comma else ",", lineterminator="\r\n")
    writer.writerow(header)
    for line in lines:
        writer.writerow([_cell(value, comma) for value in line])
    return BOM + stream.getvalue()


def csv_response(name: str, header: Sequence[str], lines: Iterable[Sequence[object]], say: Words) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(csv_text(header, lines, say), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: object, comma: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        text = f"{value:.6f}".rstrip("0").rstrip(".")
        return text.replace(".", ",") if comma else text
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
