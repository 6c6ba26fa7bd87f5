"""The picture of the README, docs/shift_map.png: what its first example draws, a little smaller.

python docs/picture.py writes it again. The lowest shifts are in the file, by which a test sees that it is
current.
"""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
DPI = 90


def example() -> str:
    """The first example of the README."""
    text = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- ci: first -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


def lowest(shifts) -> str:
    """The lowest shift in meV of every state and charge, as the file says it."""
    return " ".join(f"{value:.1f}" for value in shifts["shift_meV"].min("point").values.ravel())


if __name__ == "__main__":
    import spq

    names: dict = {}
    exec(compile(example().rsplit("\n", 2)[0], "README.md", "exec"), names)  # all but drawing it
    figure = spq.plot.shift_map(names["shifts"])
    about = {"Software": "spq", "Description": lowest(names["shifts"])}
    figure.savefig(FOLDER / "shift_map.png", dpi=DPI, metadata=about)
