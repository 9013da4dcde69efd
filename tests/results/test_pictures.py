"""Histograms and curves as PNG and SVG files."""

from __future__ import annotations

import html
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_ionq.results.pictures import (
    check_matplotlib,
    check_picture_path,
    save_curves,
    save_histogram,
)
from tests.results.test_histogram import failed, result
from tests.support.facts import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_ionq.results.models import CircuitResult, JobResults

pytestmark = pytest.mark.one_airflow

PNG = b"\x89PNG\r\n"


@pytest.fixture
def _text_in_pictures() -> Iterator[None]:
    """Keep texts in SVG files as text, so that they can be found. Without matplotlib, skip the test."""
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        yield


def texts(data: bytes) -> list[str]:
    """Return the texts in an SVG file; a text of several lines has several."""
    lines = re.findall(r"<(?:text|tspan)\b[^>]*>([^<]*)<", data.decode())
    return [html.unescape(line) for line in lines if line.strip()]


def never(path: str, data: bytes) -> None:
    """Fail the test: there is nothing to write."""
    pytest.fail(f"{len(data)} bytes were written to {path}")


def drawn(results: Any) -> list[str]:
    """Return the texts of the histogram of some results."""
    pictures: dict[str, bytes] = {}
    save_histogram(results, "histogram.svg", write=pictures.__setitem__)
    return texts(pictures["histogram.svg"])


@pytest.mark.usefixtures("_text_in_pictures")
def test_a_histogram_shows_what_its_text_shows() -> None:
    assert set(drawn(result(counts={"11": 250, "00": 750}))) == {
        "bell, job j-1",
        "1,000 shots, measured counts, bit 0 rightmost",
        *("00", "75.0 %  (750)"),
        *("11", "25.0 %  (250)"),
    }


@pytest.mark.usefixtures("_text_in_pictures")
def test_the_first_state_and_its_value_are_at_the_top() -> None:
    pictures: dict[str, bytes] = {}
    save_histogram(result(counts={"11": 250, "00": 750}), "a.svg", write=pictures.__setitem__)
    heights = {
        text: float(height)
        for height, text in re.findall(r'<text\b[^>]*\by="([\d.]+)"[^>]*>([^<]+)<', pictures["a.svg"].decode())
    }
    in_order = sorted(heights, key=heights.__getitem__)
    assert in_order.index("00") < in_order.index("11")
    assert in_order.index("75.0 %  (750)") < in_order.index("25.0 %  (250)")


@pytest.mark.usefixtures("_text_in_pictures")
def test_a_histogram_of_many_states_shows_the_most_frequent() -> None:
    shown = drawn(result(counts={}, probabilities={f"{state:05b}": state / 496 for state in range(32)}))
    assert [text for text in shown if re.fullmatch("[01]+", text)] == [f"{state:05b}" for state in range(31, 15, -1)]
    assert "and 15 more states with 24.2 % together" in shown


@pytest.mark.usefixtures("_text_in_pictures")
@pytest.mark.parametrize(
    ("circuits", "titles"),
    [
        ([result(), failed()], ["2 circuits, 1,000 shots, measured counts, bit 0 rightmost", "bell", "wide"]),
        ([result(), result(name=None, shots=3)], ["2 circuits", "bell", "circuits[1]"]),
        ([result()] * 50, ["The first 16 of 50 circuits, 1,000 shots, measured counts, bit 0 rightmost"]),
    ],
)
def test_several_circuits_have_a_panel_each(circuits: list[CircuitResult], titles: list[str]) -> None:
    results: JobResults = {"job_id": "j-9", "status": "completed", "type": "t", "circuits": circuits}
    shown = drawn(results)
    assert [title for title in titles if title not in shown] == []
    assert shown.count("00") == min(sum("counts" in circuit for circuit in circuits), 16)


@pytest.mark.usefixtures("_text_in_pictures")
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("results", "text"),
    [
        (failed(), "failed: NotEnoughQubits: too wide"),
        (failed(failure={"message": "wide " * 30}), "wide wide wide wide wide wide"),
        ([], "0 circuits"),
        ({"job_id": "j-1", "circuits": []}, "0 circuits"),
        (result(name="$a_b$ and $"), "$a_b$ and $, job j-1"),
        (result(counts={"0" * 100: 1, "1" * 100: 3}), "1" * 100),
        ([result(counts={"0" * 100: 1, "1" * 100: 3})] * 16, "1" * 100),
        (result(name="<b>"), "<b>, job j-1"),
    ],
)
def test_any_results_can_be_drawn(results: Any, text: str) -> None:
    assert any(text in line for line in drawn(results))


@pytest.mark.usefixtures("_text_in_pictures")
@pytest.mark.parametrize("ending", ["png", "PNG", "svg"])
def test_the_ending_of_the_path_is_the_format(tmp_path: Path, ending: str) -> None:
    pictures: dict[str, bytes] = {}
    path = tmp_path / f"histogram.{ending}"
    save_histogram(result(), path, write=pictures.__setitem__)
    save_curves({"energy": [1, 2]}, f"s3://bucket/curve.{ending}", write=pictures.__setitem__)
    assert list(pictures) == [str(path), f"s3://bucket/curve.{ending}"]
    for data in pictures.values():
        assert data.startswith(b"<?xml" if ending == "svg" else PNG)


@pytest.mark.usefixtures("_text_in_pictures")
@pytest.mark.parametrize(
    "curves",
    [
        {},
        {"energy": []},
        {"energy": [1]},
        {"energy": [2, 2, 2]},
        {"energy": [math.nan, math.inf]},
        {"energy": [1.0, math.nan, 3.0], "gradient": list(range(500))},
    ],
)
def test_any_curves_can_be_drawn(curves: dict[str, list[float]]) -> None:
    pictures: dict[str, bytes] = {}
    save_curves(curves, "s3://bucket/curve.svg", write=pictures.__setitem__)
    (shown,) = (texts(data) for data in pictures.values())
    assert list(pictures) == ["s3://bucket/curve.svg"]
    assert [label for label in curves if label not in shown] == []


@pytest.mark.usefixtures("_text_in_pictures")
def test_drawing_needs_no_screen_and_no_pyplot() -> None:
    code = """
import sys
from airflow_provider_ionq.results.pictures import check_matplotlib, check_picture_path, save_curves
check_picture_path("path", "/a.png")
check_matplotlib()
assert "matplotlib" not in sys.modules
save_curves({"energy": [1.0, 2.0]}, "curve.png", write=lambda path, data: None)
assert "matplotlib" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("path", ["histogram.gif", "histogram", "", "png", "s3://bucket/png", None, 7, b"a.png"])
def test_a_path_with_another_ending_is_refused_before_anything_is_drawn(path: Any) -> None:
    refused = f".png | .svg | {path!r}"
    with pytest.raises(ValueError, match=facts(f"histogram_path | {refused}")):
        check_picture_path("histogram_path", path)
    with pytest.raises(ValueError, match=facts(f"path | {refused}")):
        save_histogram(result(), path, write=never)
    with pytest.raises(ValueError, match=facts(f"path | {refused}")):
        save_curves({}, path, write=never)


@pytest.mark.parametrize("path", ["/a.png", "/A.SVG", Path("/a.svg"), "s3://bucket/{{ ds }}.png"])
def test_paths_of_pictures_are_accepted(path: Any) -> None:
    check_picture_path("histogram_path", path)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    needed = r"pip install 'airflow-provider-ionq\[plot\]'"
    with pytest.raises(ImportError, match=needed):
        check_matplotlib()
    with pytest.raises(ImportError, match=needed):
        save_histogram(result(), "a.png", write=never)
    with pytest.raises(ImportError, match=needed):
        save_curves({}, "a.png", write=never)
