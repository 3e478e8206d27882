import pytest

from fewscape.core import ConfigError, find_packaged, list_packaged, packaged_folder


def test_packaged_files_have_names():
    assert {"embedded", "aerial4/common", "aerial4/mgcl"} <= set(list_packaged("recipes"))
    assert list_packaged("manifests") == ["aerial4-1shot", "aerial4-5shot"]


@pytest.mark.parametrize("name", ["aerial4/mgcl", "aerial4/mgcl.yaml"])
def test_a_packaged_file_is_found_by_its_name(name):
    assert find_packaged("recipes", name) == packaged_folder("recipes") / "aerial4" / "mgcl.yaml"


def test_a_file_of_the_user_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "embedded").write_text("model: {}")
    assert find_packaged("recipes", "embedded").read_text() == "model: {}"


def test_an_unknown_name_lists_what_exists():
    with pytest.raises(
        ConfigError, match=r"there is no recipe 'aerial4/mgclx'.*did you mean 'aerial4/mgcl'\?"
    ) as caught:
        find_packaged("recipes", "aerial4/mgclx")
    assert all(name in str(caught.value) for name in list_packaged("recipes"))
