import pytest
import rasterio

from fewscape.core import ConfigError
from fewscape.raster import Retry, to_source
from fewscape.raster.opening.remote import find_refusal, is_remote, set_up_network


def test_waiting_times_and_tries_are_checked():
    assert Retry(4, 0.5).delays == (0.5, 1.0, 2.0)
    assert Retry(1).delays == ()
    for wrong in ({"tries": 0}, {"delay": -1}, {"timeout": 0}):
        with pytest.raises(ConfigError, match="the defaults are 4 tries"):
            Retry(**wrong)


def test_the_users_own_settings_are_kept(monkeypatch):
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "7")
    with set_up_network(Retry(timeout=9)):
        options = rasterio.env.getenv()
    assert "GDAL_HTTP_MAX_RETRY" not in options
    assert options["GDAL_HTTP_LOW_SPEED_TIME"] == "9"
    assert options["GDAL_DISABLE_READDIR_ON_OPEN"] == "EMPTY_DIR"


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        ("https://host/a.tif", True),
        ("s3://bucket/a.tif", True),
        ("/vsis3/bucket/a.tif", True),
        ("/vsizip/vsicurl/https://host/a.zip/a.tif", True),
        ("/vsizip/a.zip/a.tif", False),
        ("a.tif", False),
        ("absent.vrt", False),
    ],
)
def test_what_needs_the_network(address, remote):
    assert is_remote(to_source(address)) is remote


@pytest.mark.parametrize(
    ("cause", "word"),
    [
        ("HTTP response code: 404", "address"),
        ("HTTP response code on http://host:4013/a.tif: 403", "signature"),
        ("Range downloading not supported by this server!", "download"),
        ("HTTP response code: 503", None),
        ("'http://127.0.0.1:40153/a.tif' not recognized", None),
    ],
)
def test_what_no_second_try_mends(cause, word):
    found = find_refusal(cause)
    assert word in found if word else found is None
