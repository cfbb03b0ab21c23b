"""`firebase.json` matches the schema that the Firebase CLI publishes for it."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_CHECK = """
const Ajv = require(process.cwd() + "/node_modules/ajv");
const schema = require(process.cwd() + "/node_modules/firebase-tools/schema/firebase-config.json");
const ajv = new (Ajv.default || Ajv)({ allowUnionTypes: true, strict: false, validateFormats: false });
const config = JSON.parse(require("fs").readFileSync(0, "utf8"));
if (!ajv.validate(schema, config)) { console.log(ajv.errorsText()); }
"""


def schema_errors(config: dict[str, Any]) -> str:
    """Returns the errors that the installed CLI's schema finds, or an empty string."""
    command = ["node", "-e", _CHECK]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(config), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_firebase_json_matches_the_schema() -> None:
    """`firebase.json` matches the schema. The CLI itself would ignore unknown keys."""
    assert schema_errors(json.loads((ROOT / "firebase.json").read_text())) == ""


def test_a_misspelled_key_is_found() -> None:
    """The schema rejects a misspelled key in a codebase and in Hosting."""
    config = json.loads((ROOT / "firebase.json").read_text())
    config["functions"][0]["sauce"] = config["functions"][0].pop("source")
    assert "functions" in schema_errors(config)
    config = json.loads((ROOT / "firebase.json").read_text())
    config["hosting"]["rewrite"] = config["hosting"].pop("rewrites")
    assert "hosting" in schema_errors(config)


def test_the_documented_end_dates_of_the_runtime_match_the_cli() -> None:
    """docs/guides/operations.md states the runtime's end dates, and the runtime is still generally available."""
    (runtime,) = {codebase["runtime"] for codebase in json.loads((ROOT / "firebase.json").read_text())["functions"]}
    types = ROOT / "node_modules/firebase-tools/lib/deploy/functions/runtimes/supported/types.js"
    entry = types.read_text().partition(f" {runtime}: {{")[2].partition("}")[0]
    operations = (ROOT / "docs/guides/operations.md").read_text()
    assert 'status: "GA"' in entry
    for date in re.findall(r'"(\d{4}-\d{2}-\d{2})"', entry):
        assert date in operations
