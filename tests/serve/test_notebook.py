import urllib.request

import pytest

from fewscape.serve import annotate
from tests.serve.scenes import TWO_CLASSES, write_scene


@pytest.mark.enable_socket
def test_a_notebook_shows_the_page_and_reads_what_is_drawn(tmp_path):
    page = annotate(write_scene(tmp_path))
    try:
        assert page.address in page._repr_html_()
        with urllib.request.urlopen(page.address) as answer:
            policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'self' http://localhost:*" in policy
        page.session.desks[0].drawing.change(TWO_CLASSES)
        assert page.files == (tmp_path / "scene.examples.gpkg",)
        geopandas = pytest.importorskip("geopandas", reason="geopandas is not installed")
        assert isinstance(page.examples(), geopandas.GeoDataFrame)
    finally:
        page.close()
