"""Names the files and folders of a clone. Whatever is created locally goes to `.venv`, `node_modules` and `.local`.

The exception is `page_parts`: these files are deployed with the function that serves them.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders and files of one clone, by purpose."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def uv(self) -> Path:
        return self.venv / "bin" / "uv"

    @property
    def lock(self) -> Path:
        return self.root / "requirements" / "lock.txt"

    @property
    def local(self) -> Path:
        """Git-ignored: logs, data, composed folders, and files that belong to no package manager."""
        return self.root / ".local"

    @property
    def setup_log(self) -> Path:
        return self.local / "setup.log"

    @property
    def model_env(self) -> Path:
        """The local model's own environment; syncing `.venv` would remove packages that are not in the lock."""
        return self.local / "model-env"

    @property
    def jdk(self) -> Path:
        """The JDK that set-up installs if the machine's Java is missing or too old."""
        return self.local / "jdk"

    @property
    def page_parts(self) -> Path:
        """Git-ignored: the files of the API page that come from npm."""
        return self.root / "functions" / "meta" / "docs" / "vendor"

    @property
    def firebase(self) -> Path:
        return self.root / "node_modules" / "firebase-tools" / "lib" / "bin" / "firebase.js"


LAYOUT = Layout(Path(__file__).resolve().parents[2])
"""The clone that this file belongs to."""
