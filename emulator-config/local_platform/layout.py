"""Where things lie in a clone. Everything that is made locally goes to `.venv`, `node_modules` and `.local`.

But for `page_parts`, as they are deployed with the function that serves them.
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
        """Git-ignored: logs, data, composed folders, and what no package manager has a place for."""
        return self.root / ".local"

    @property
    def setup_log(self) -> Path:
        return self.local / "setup.log"

    @property
    def model_env(self) -> Path:
        """The local model's own environment, since syncing `.venv` removes what its lock does not name."""
        return self.local / "model-env"

    @property
    def jdk(self) -> Path:
        """The JDK that set-up installs where the machine has none that is new enough."""
        return self.local / "jdk"

    @property
    def page_parts(self) -> Path:
        """Git-ignored: what the API's page takes from npm."""
        return self.root / "functions" / "meta" / "docs" / "vendor"

    @property
    def firebase(self) -> Path:
        return self.root / "node_modules" / "firebase-tools" / "lib" / "bin" / "firebase.js"


LAYOUT = Layout(Path(__file__).resolve().parents[2])
"""The clone that this file belongs to."""
