"""Ordinary least squares for a handful of columns. Three or four columns need no package for arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt

Row = Sequence[float]


class Singular(ValueError):
    """The columns do not determine the coefficients: too few rows, or one column follows from others."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients, the inverse of X'X, and the residuals in the order of the rows."""

    coefficients: tuple[float, ...]
    inverse: tuple[tuple[float, ...], ...]
    residuals: tuple[float, ...]

    @property
    def squares(self) -> float:
        """The sum of squared residuals."""
        return fsum(r * r for r in self.residuals)

    def at(self, row: Row) -> float:
        """Return the fitted value for a row."""
        return fsum(c * x for c, x in zip(self.coefficients, row, strict=True))

    def leverage(self, row: Row) -> float:
        """Return x'(X'X)⁻¹x: the variance of the fitted value at x, or of a sum of them, in units of σ²."""
        return fsum(
            a * c * b
            for a, line in zip(row, self.inverse, strict=True)
            for c, b in zip(line, row, strict=True)
        )


def least_squares(rows: Sequence[Row], values: Sequence[float]) -> Fit:
    """Return the fit of values = X·coefficients, one row of X each. Raises Singular.

    Normal equations by Cholesky, columns scaled to length 1: ample for the few and dissimilar columns here.
    """
    count = len(rows[0]) if rows else 0
    if len(rows) < count or not count:
        raise Singular(f"{len(rows)} rows for {count} columns")
    columns = list(zip(*rows, strict=True))
    scale = [sqrt(fsum(x * x for x in column)) for column in columns]
    if not all(scale):
        raise Singular("a column is zero throughout")
    # Its lower half: the other one is the same.
    normal = [
        [fsum(map(float.__mul__, columns[i], columns[j])) / (scale[i] * scale[j]) for j in range(i + 1)]
        for i in range(count)
    ]
    unit = _inverse(normal)
    inverse = tuple(tuple(unit[i][j] / (scale[i] * scale[j]) for j in range(count)) for i in range(count))
    moments = [fsum(map(float.__mul__, column, values)) for column in columns]
    coefficients = tuple(fsum(c * m for c, m in zip(line, moments, strict=True)) for line in inverse)
    fitted = (fsum(map(float.__mul__, coefficients, row)) for row in rows)
    residuals = tuple(value - fit for value, fit in zip(values, fitted, strict=True))
    return Fit(coefficients, inverse, residuals)


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    """Return the inverse of a symmetric positive definite matrix, of which the lower half is given."""
    n = len(matrix)
    lower = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = matrix[i][j] - fsum(lower[i][k] * lower[j][k] for k in range(j))
            if i == j:
                if rest < 1e-10:
                    raise Singular("one column follows from the others")
                lower[i][i] = sqrt(rest)
            else:
                lower[i][j] = rest / lower[j][j]
    columns = []
    for unit in range(n):
        y = [0.0] * n
        for i in range(n):
            y[i] = (float(i == unit) - fsum(lower[i][k] * y[k] for k in range(i))) / lower[i][i]
        for i in reversed(range(n)):
            y[i] = (y[i] - fsum(lower[k][i] * y[k] for k in range(i + 1, n))) / lower[i][i]
        columns.append(y)
    return columns
