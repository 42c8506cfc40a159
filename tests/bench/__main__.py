"""`./run bench`: see runner.py."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    # Instead of this folder, whose benches have the names of packages (`wire`), the repository is searched.
    root = Path(__file__).parents[2]
    sys.path[:1] = [str(root), str(root / "firmware/lib")]
    sys.exit(importlib.import_module("tests.bench.runner").main(sys.argv[1:]))
