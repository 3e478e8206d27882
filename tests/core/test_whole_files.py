import multiprocessing
import os
import signal
import time

import pytest

from fewscape.core import settle_folder, write_bytes, write_folder, write_whole


def list_names(folder):
    return [path.name for path in folder.iterdir()]


def fail_within(writing):
    with writing as draft:
        if draft.is_dir():
            (draft / "weights").write_text("half")
        else:
            draft.write_text("half")
        raise OSError("full")


def test_a_file_is_written_whole(tmp_path):
    path = tmp_path / "deep" / "a.json"
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert list_names(path.parent) == ["a.json"]


def test_an_error_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="full"):
        fail_within(write_whole(path))
    assert path.read_text() == "old"
    assert list_names(tmp_path) == ["a.txt"]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real" / "a.txt")
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "a.txt").read_bytes() == b"new"


def test_a_folder_is_replaced_and_foreign_files_stay(tmp_path):
    best = tmp_path / "best"
    best.mkdir()
    (best / "weights").write_text("old")
    (best / "notes.txt").write_text("mine")
    with write_folder(best) as draft:
        (draft / "weights").write_text("new")
    assert (best / "weights").read_text() == "new"
    assert (best / "notes.txt").read_text() == "mine"
    assert list_names(tmp_path) == ["best"]


def test_an_error_leaves_the_old_folder(tmp_path):
    best = tmp_path / "best"
    best.mkdir()
    (best / "weights").write_text("old")
    with pytest.raises(OSError, match="full"):
        fail_within(write_folder(best))
    assert (best / "weights").read_text() == "old"
    assert list_names(tmp_path) == ["best"]


def test_systems_that_cannot_exchange_names(tmp_path, monkeypatch):
    monkeypatch.setattr("fewscape.core.whole_files.sys.platform", "win32")
    best = tmp_path / "best"
    for word in ("old", "new"):
        with write_folder(best) as draft:
            (draft / "weights").write_text(word)
    assert (best / "weights").read_text() == "new"
    assert list_names(tmp_path) == ["best"]


def test_a_kill_between_two_renames_is_undone(tmp_path):
    replaced = tmp_path / ".best.replaced"
    replaced.mkdir()
    (replaced / "weights").write_text("old")
    settle_folder(tmp_path / "best")
    assert (tmp_path / "best" / "weights").read_text() == "old"
    assert list_names(tmp_path) == ["best"]


def keep_writing(best):
    number = 0
    while True:
        number += 1
        with write_folder(best) as draft:
            for name in "abc":
                (draft / name).write_text(str(number) * 1000)


def test_there_is_a_whole_folder_whenever_the_process_is_killed(tmp_path):
    best = tmp_path / "best"
    context = multiprocessing.get_context("fork")
    for turn in range(12):
        writer = context.Process(target=keep_writing, args=(best,))
        writer.start()
        while not best.is_dir():
            time.sleep(0.001)
        time.sleep(0.003 * turn)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        assert len({(best / name).read_text()[:1] for name in "abc"}) == 1
        assert {len((best / name).read_text()) % 1000 for name in "abc"} == {0}
