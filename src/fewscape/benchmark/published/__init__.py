"""Published benchmarks, from training to the report."""

from fewscape.benchmark.published.files import (
    write_report_csv,
    write_report_html,
    write_report_latex,
    write_report_markdown,
)
from fewscape.benchmark.published.published_rows import (
    PublishedRow,
    describe_sources,
    find_published,
)
from fewscape.benchmark.published.scores import RunCounts, score_benchmark
from fewscape.benchmark.published.tables import make_benchmark_tables

__all__ = [
    "PublishedRow",
    "RunCounts",
    "describe_sources",
    "find_published",
    "make_benchmark_tables",
    "score_benchmark",
    "write_report_csv",
    "write_report_html",
    "write_report_latex",
    "write_report_markdown",
]
