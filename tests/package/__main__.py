"""
Build wheel and sdist and open them: what should be in is in, and nothing else.

With a folder as its argument, the two files are kept there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tracked(*patterns: str) -> set[str]:
    """Return the files of the repository under these paths."""
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(listed.stdout.split())


def main() -> None:
    """Build, open and compare."""
    with tempfile.TemporaryDirectory() as out:
        build = [sys.executable, "-m", "build", "--installer", "uv", "--outdir", out, str(ROOT)]
        subprocess.run(build, check=True, capture_output=True)
        (wheel,) = Path(out).glob("*.whl")
        (sdist,) = Path(out).glob("*.tar.gz")
        check_wheel(wheel)
        check_sdist(sdist)
        for kept in sys.argv[1:2]:
            Path(kept).mkdir(parents=True, exist_ok=True)
            shutil.copy(wheel, kept)
            shutil.copy(sdist, kept)
        print(f"{wheel.name} ({wheel.stat().st_size} bytes) and {sdist.name} hold what they should and no more.")


def check_wheel(wheel: Path) -> None:
    """Compare the wheel with the package's files, and read its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (info,) = {name.split("/")[0] for name in names if name.split("/")[0].endswith(".dist-info")}
        package = {name for name in names if not name.startswith(info)}
        examples = {f"airflow_provider_ionq/{path}" for path in tracked("example_dags")}
        expect("wheel", package, tracked("airflow_provider_ionq") | examples)
        meta = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
        expect("dist-info", {name.removeprefix(f"{info}/") for name in names - package}, meta)
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        entry_points = archive.read(f"{info}/entry_points.txt").decode()
    assert "airflow_provider_ionq/py.typed" in package
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    always = {line.split(">")[0] for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    expect("dependencies", always, {"apache-airflow", "apache-airflow-providers-common-compat", "requests", "urllib3"})
    assert "provider_info = airflow_provider_ionq.get_provider_info:get_provider_info" in entry_points
    assert any(url.startswith("Documentation, https://") for url in metadata.get_all("Project-URL", []))
    # An index shows the description without the repository around it.
    relative = re.findall(r"\]\((?!https?://|mailto:|#)[^)]*\)", str(metadata.get_payload()))
    assert not relative, f"the description has links that lead nowhere: {relative}"
    assert "ionq-emulator = airflow_provider_ionq.emulator.__main__:main" in entry_points


def check_sdist(sdist: Path) -> None:
    """Compare the sdist with the repository's files."""
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    pages = {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"}
    customary = pages | {"Makefile", "pyproject.toml", ".gitignore", "PKG-INFO"}
    expect("sdist", names, tracked("airflow_provider_ionq", "benchmarks", "docs", "example_dags", "tests") | customary)


def expect(what: str, found: set[str], wanted: set[str]) -> None:
    """Exit naming the differences, if there are any."""
    if found != wanted:
        sys.exit(f"{what}: missing {sorted(wanted - found)}, too many {sorted(found - wanted)}")


if __name__ == "__main__":
    main()
