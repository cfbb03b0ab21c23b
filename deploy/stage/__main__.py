"""`python -m deploy.stage [--into FOLDER] [NAME …]`: stages the named functions, or all functions."""

import argparse
import os
import sys
from pathlib import Path

from deploy.stage.problem import StagingFailed
from deploy.stage.settings import refuse_missing
from deploy.stage.staging import BUILT, ROOT, runtimes, stage


def main() -> int:
    """Runs the command and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.stage", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a function; by default, all functions are staged")
    parser.add_argument("--into", type=Path, default=BUILT, help="the folder that will contain the functions' folders")
    arguments = parser.parse_args()
    names: list[str] = arguments.names or list(runtimes())
    print(f"· Staging {len(names)} functions in {arguments.into}", flush=True)
    try:
        if project := os.environ.get("GCLOUD_PROJECT"):  # set by the Firebase CLI, which is about to deploy there
            refuse_missing(project, ROOT / "deploy" / "settings")
        stage(names, arguments.into, lambda line: print(line, flush=True))
    except StagingFailed as failed:
        print(f"\n✗ {failed.what}.\n  {failed.remedy}", file=sys.stderr, flush=True)
        return 1
    print("✓ Staged")
    return 0


if __name__ == "__main__":
    sys.exit(main())
