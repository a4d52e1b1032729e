"""Where the built pages are, and what to say where they were never built."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from bodydouble.types import BodyDoubleError

PAGES = ("index.html", "stage.html")


def page_folder() -> Path:
    """The folder with index.html, stage.html and assets/.

    Raises BodyDoubleError where the package was installed without them.
    """
    folder = Path(str(files("bodydouble.stage"))) / "page"
    if not all((folder / page).is_file() for page in PAGES):
        raise BodyDoubleError(
            f"the pages are not built ({folder} lacks {' or '.join(PAGES)}); install Node.js 20.19 or newer, then "
            "`make page` in a source checkout, or install bodydouble again"
        )
    return folder
