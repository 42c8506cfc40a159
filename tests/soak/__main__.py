"""`./run soak`: see runner.py."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    # Instead of this folder, whose soaks have the names of packages, the repository is searched.
    root = Path(__file__).parents[2]
    sys.path[:1] = [str(root), str(root / "firmware/lib")]
    sys.exit(importlib.import_module("tests.soak.runner").main(sys.argv[1:]))
