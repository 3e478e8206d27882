from pathlib import Path

import pytest

from fewscape.raster import Source, to_source


@pytest.mark.parametrize(
    ("given", "address", "name", "stem", "printed"),
    [
        ("a/town.tif", "a/town.tif", "town.tif", "town", "a/town.tif"),
        (Path("a/b.c.tif"), "a/b.c.tif", "b.c.tif", "b.c", "a/b.c.tif"),
        (
            "https://host//a/my%20town.tif?sig=x/y.z",
            "/vsicurl/https://host//a/my%20town.tif?sig=x/y.z",
            "my_town.tif",
            "my_town",
            "https://host//a/my%20town.tif",
        ),
        ("HTTP://h/a.tif", "/vsicurl/HTTP://h/a.tif", "a.tif", "a", "HTTP://h/a.tif"),
        ("/vsicurl/http://h/a.tif", "/vsicurl/http://h/a.tif", "a.tif", "a", "http://h/a.tif"),
        ("s3://bucket/k/a.tif", "s3://bucket/k/a.tif", "a.tif", "a", "s3://bucket/k/a.tif"),
        ("/vsis3/b/a.tif", "/vsis3/b/a.tif", "a.tif", "a", "/vsis3/b/a.tif"),
        ("/vsizip/x.zip/a.tif", "/vsizip/x.zip/a.tif", "a.tif", "a", "/vsizip/x.zip/a.tif"),
        ("https://host/", "/vsicurl/https://host/", "host", "host", "https://host/"),
        (
            'NETCDF:"x.nc":red',
            'NETCDF:"x.nc":red',
            "NETCDF_x_nc_red",
            "NETCDF_x_nc_red",
            'NETCDF:"x.nc":red',
        ),
    ],
)
def test_addresses_and_names(given, address, name, stem, printed):
    source = to_source(given)
    assert (source.address, source.name, source.stem) == (address, name, stem)
    assert str(source) == printed
    assert to_source(source) is source


def test_only_files_of_this_machine_have_a_path():
    assert to_source("a/town.tif").path == Path("a/town.tif")
    assert to_source("https://host/a/town.tif").path == Path("town.tif")
    assert to_source("https://host/a/town.tif").file is None
    assert to_source("C:/a/town.tif").is_virtual is False
    assert Source("a/data.tif", "item.tif").path == Path("item.tif")
    assert Source("a/data.tif", "item.tif").file == Path("a/data.tif")
