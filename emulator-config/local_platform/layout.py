"""Names the files and folders of a clone. Local files are created only in `.venv`, `node_modules` and `.local`.

The exception is `page_parts`, whose files are deployed with the function that serves them.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The files and folders of one clone."""

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
        """Logs, data, composed folders, and files that no package manager owns. Git ignores this folder."""
        return self.root / ".local"

    @property
    def setup_log(self) -> Path:
        return self.local / "setup.log"

    @property
    def model_env(self) -> Path:
        """The local model's own environment. Syncing `.venv` would remove packages that are not in the lock file."""
        return self.local / "model-env"

    @property
    def jdk(self) -> Path:
        """The JDK that set-up installs if the machine's Java is missing or too old."""
        return self.local / "jdk"

    @property
    def page_parts(self) -> Path:
        """The files of the API page that come from npm. Git ignores this folder."""
        return self.root / "functions" / "meta" / "docs" / "vendor"

    @property
    def test_clients(self) -> Path:
        """The packages of the clients that the end-to-end tests start."""
        return self.root / "tests" / "e2e" / "clients"

    @property
    def firebase(self) -> Path:
        return self.root / "node_modules" / "firebase-tools" / "lib" / "bin" / "firebase.js"


LAYOUT = Layout(Path(__file__).resolve().parents[2])
"""The clone that this file belongs to."""
