"""What a record says in rows, sentences and notes, and that it survives being saved."""

from __future__ import annotations

import json
import resource
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shim.bench import report
from shim.bench.candidates import Missing
from shim.bench.record import load, save, to_json
from shim.errors import InputError, MachineError
from tests.bench import fakes

if TYPE_CHECKING:
    from pathlib import Path

FLOOR = [100.0, 200.0, 100.0, 200.0, 100.0, 200.0, 100.0]
NOTHING = [launch / 2 for launch in FLOOR]
LEAN = [launch * 1.04 for launch in FLOOR]
BASH = [launch * 16 for launch in FLOOR]
RECORD = fakes.record({"uname-bash": BASH, "lean": LEAN, "nothing": NOTHING, "assembly": FLOOR})


def test_the_table_is_sorted_by_median_and_held_against_the_floor() -> None:
    table = report.rows(RECORD)
    assert [row.name for row in table] == ["nothing", "assembly", "lean", "uname-bash"]
    lean = table[2]
    assert lean.against_floor.median == pytest.approx(1.04)
    assert lean.against_floor.low == pytest.approx(1.04)
    assert lean.size == 3817
    assert (lean.cpu.median, lean.minor_faults, lean.kilobytes_read) == (7, 5, 4)


def test_comparisons_say_whether_a_bound_is_reached() -> None:
    assert [report.sentence(one) for one in report.comparisons(RECORD)] == [
        "lean takes 1.04 x [1.04, 1.04] as long as assembly; to reach: at most 1.05: reached",
        "uname-bash takes 15.4 x [15.4, 15.4] as long as lean; to reach: at least 15: reached",
    ]


def test_a_bound_that_is_missed_is_said_to_be() -> None:
    slow = fakes.record({"nothing": NOTHING, "assembly": FLOOR, "lean": BASH})
    (comparison,) = report.comparisons(slow)
    assert comparison.is_reached is False
    assert report.sentence(comparison).endswith("to reach: at most 1.05: not reached")


@pytest.mark.parametrize(
    "conditions", [{"memory": 128}, {"page_cache": "drop_caches", "read_ahead_kb": 8192}]
)
def test_throttled_starts_and_another_read_ahead_have_no_bounds(conditions: dict[str, Any]) -> None:
    launches = {"nothing": NOTHING, "assembly": FLOOR, "lean": LEAN, "full": LEAN}
    comparisons = report.comparisons(fakes.record(launches, **conditions))
    assert comparisons
    assert all(one.is_reached is None for one in comparisons)


def test_a_cold_full_launcher_is_held_against_the_lean_one() -> None:
    launches = {"nothing": NOTHING, "assembly": FLOOR, "lean": LEAN, "full": FLOOR}
    record = fakes.record(launches, page_cache="drop_caches")
    assert [report.sentence(one) for one in report.comparisons(record)] == [
        "full takes 0.96 x [0.96, 0.96] as long as lean; to reach: at most 1.3: reached"
    ]


def test_the_notes_name_machine_seed_and_what_the_clock_costs() -> None:
    notes = "\n".join(report.notes(RECORD))
    assert "x86_64, a CPU, 2 CPUs, kernel 6.1, a system, glibc 2.36" in notes
    assert "seed 7" in notes
    assert "of every launch time 0.5 µs are the clock's" in notes
    assert "interrupted" not in notes


def test_the_notes_of_a_cold_run_name_method_and_read_ahead() -> None:
    launches = {"nothing": NOTHING, "assembly": FLOOR}
    notes = "\n".join(report.notes(fakes.record(launches, page_cache="posix_fadvise")))
    assert "only the candidates' own files" in notes
    assert "read-ahead: 128 KB" in notes


def test_the_notes_of_a_throttled_run_name_the_share() -> None:
    notes = "\n".join(report.notes(fakes.record({"nothing": NOTHING}, memory=128)))
    assert "128 MB: 1.45 ms of CPU in each 20 ms" in notes


def test_what_was_left_out_and_what_was_interrupted_is_said() -> None:
    short = replace(
        fakes.record({"nothing": NOTHING, "assembly": FLOOR}, rounds=500),
        missing=(Missing(name="c-musl", title="C", reason="needs zig"),),
    )
    notes = report.notes(short)
    assert notes[0] == "interrupted after 7 of 500 rounds"
    assert notes[-1] == "not measured: c-musl: needs zig"


def test_a_record_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    save(RECORD, tmp_path / "bench.json")
    assert load(tmp_path / "bench.json") == RECORD
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]


def test_a_disk_without_room_leaves_the_old_record(tmp_path: Path) -> None:
    save(RECORD, tmp_path / "bench.json")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))
    try:
        with pytest.raises(MachineError, match="can't be written"):
            save(RECORD, tmp_path / "bench.json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert load(tmp_path / "bench.json") == RECORD
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in to_json(RECORD).items() if key != name}


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "[]",
        "{}",
        json.dumps({**to_json(RECORD), "format": 99}),
        json.dumps(_without("machine")),
        json.dumps({**to_json(RECORD), "candidates": []}),
        json.dumps(to_json(fakes.record({"nothing": [], "assembly": []}))),
        json.dumps(to_json(fakes.record({"nothing": [1], "assembly": [1, 2]}))),
        json.dumps(to_json(fakes.record({"nothing": [1], "assembly": [0]}))),
        json.dumps(to_json(fakes.record({"nothing": [1]}))),
        json.dumps(to_json(RECORD)).replace("500", '"x"'),
        json.dumps({**to_json(RECORD), "candidates": [{"name": "x", "title": "x", "samples": {}}]}),
    ],
)
def test_what_is_no_record_is_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bench.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"bench\.json: "):
        load(path)


def test_a_record_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't read it"):
        load(tmp_path / "bench.json")


def test_the_summary_is_plain_data() -> None:
    data = json.loads(json.dumps(report.summary_json(RECORD)))
    assert data["summary"][0]["name"] == "nothing"
    assert data["comparisons"][0]["isReached"] is True
