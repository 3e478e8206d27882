import pytest

from fewscape.cli.parser import Parser

EXAMPLE = """\
example:
  fewscape data synthesize
  fewscape episodes make --root data \\
      --output mine.json
  fewscape episodes show mine.json"""


@pytest.fixture
def parser():
    parser = Parser(prog="fewscape map", epilog="example:\n  fewscape map scene.tif")
    parser.add_argument("scenes", nargs="*")
    parser.add_argument("--max_shots", type=int)
    parser.add_argument("--output")
    parser.add_argument("--nodata", type=float)
    return parser


@pytest.fixture
def parser_with_verbs():
    parser = Parser(prog="fewscape episodes", epilog=EXAMPLE)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("make", help="draw them").add_argument("--min_share", type=float)
    verbs.add_parser("show").add_argument("--per_class", type=int)
    return parser


@pytest.mark.parametrize(
    "words",
    [["--max_shots", "3"], ["--max-shots", "3"], ["--max_shots=3"], ["--max-shots=3"]],
)
def test_underscores_and_hyphens_mean_the_same(parser, words):
    assert parser.parse_args(words).max_shots == 3


def test_values_keep_their_hyphens(parser):
    arguments = parser.parse_args(["a-b.tif", "--output=my-maps", "--nodata", "-9999"])
    assert arguments.scenes == ["a-b.tif"]
    assert arguments.output == "my-maps"
    assert arguments.nodata == -9999


def test_two_hyphens_end_the_options(parser):
    assert parser.parse_args(["--max-shots", "2", "--", "--a-b"]).scenes == ["--a-b"]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("--max_shot=3", "there is no option --max_shot; did you mean --max_shots?"),
        ("--max-shoots", "there is no option --max-shoots; did you mean --max_shots?"),
        ("--outptu", "there is no option --outptu; did you mean --output?"),
        ("--max", "there is no option --max"),  # no abbreviations
        ("--zzz", "there is no option --zzz\n"),
    ],
)
def test_an_unknown_option_names_the_nearest(parser, capsys, word, sentence):
    with pytest.raises(SystemExit) as stop:
        parser.parse_args([word])
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: {sentence}")
    assert told.endswith("see: fewscape map --help\n")


def test_an_unknown_option_is_told_before_a_missing_one(capsys):
    parser = Parser()
    parser.add_argument("--examples", required=True)
    with pytest.raises(SystemExit):
        parser.parse_args(["--exmples", "a.gpkg"])
    assert "no option --exmples; did you mean --examples?" in capsys.readouterr().err


def test_verbs_have_options_of_their_own(parser_with_verbs):
    arguments = parser_with_verbs.parse_args(["make", "--min-share", "0.1"])
    assert (arguments.verb, arguments.min_share) == ("make", 0.1)


def test_unknown_options_of_verbs_name_the_nearest(parser_with_verbs, capsys):
    with pytest.raises(SystemExit):
        parser_with_verbs.parse_args(["show", "--per-clas", "2"])
    told = capsys.readouterr().err
    assert "no option --per-clas; did you mean --per_class?" in told
    assert "see: fewscape episodes show --help" in told


def test_an_unknown_verb_lists_the_known(parser_with_verbs, capsys):
    with pytest.raises(SystemExit) as stop:
        parser_with_verbs.parse_args(["makex"])
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert "make" in told
    assert "show" in told


def test_each_verb_shows_its_summary_and_its_part_of_the_example(parser_with_verbs, capsys):
    told = []
    for words in (["--help"], ["make", "--help"], ["show", "--help"]):
        with pytest.raises(SystemExit):
            parser_with_verbs.parse_args(words)
        told.append(capsys.readouterr().out)
    assert told[0].endswith(f"\n{EXAMPLE}\n")
    assert "\n\ndraw them\n\n" in told[1]
    make, more, show = EXAMPLE.splitlines()[2:]
    assert told[1].endswith(f"\nexample:\n{make}\n{more}\n")
    assert told[2].endswith(f"\nexample:\n{show}\n")
