"""Where the veteran's index of a large past is kept between two commands: files beside the ledger, lost without loss."""

import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


class FolderShelf:
    """Keeps arrays in a folder, one file for each name."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``; it is made when something is first kept."""
        self._folder = folder

    def take(self, name: str) -> Mapping[str, Any] | None:
        """Return what was put there under a name; nothing where that cannot be read."""
        import numpy as np

        try:
            with (self._folder / f"{name}.npz").open("rb") as file:
                kept = np.load(file, allow_pickle=False)
                return {key: kept[key] for key in kept.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def put(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Keep arrays under a name: whole, or not at all."""
        import numpy as np

        path = self._folder / f"{name}.npz"
        draft = path.with_suffix(f".{os.getpid()}.part")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                with draft.open("wb") as file:
                    np.savez(file, **arrays)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
