"""The places in a clone. Everything that is created locally goes to `.venv`, `node_modules` and `.local`.

The exception is `page_parts`, which are deployed with the function that serves them.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders and files of one clone, by their purpose."""

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
        """Git-ignored: logs, data, composed folders, and files that no package manager has a place for."""
        return self.root / ".local"

    @property
    def setup_log(self) -> Path:
        return self.local / "setup.log"

    @property
    def model_env(self) -> Path:
        """The local model's own environment, because syncing `.venv` removes packages that its lock does not name."""
        return self.local / "model-env"

    @property
    def jdk(self) -> Path:
        """The JDK that set-up installs if the machine has none that is new enough."""
        return self.local / "jdk"

    @property
    def page_parts(self) -> Path:
        """Git-ignored: the files of the API's page that come from npm."""
        return self.root / "functions" / "meta" / "docs" / "vendor"

    @property
    def firebase(self) -> Path:
        return self.root / "node_modules" / "firebase-tools" / "lib" / "bin" / "firebase.js"


LAYOUT = Layout(Path(__file__).resolve().parents[2])
"""The clone that this file belongs to."""
