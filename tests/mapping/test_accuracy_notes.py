import json

import numpy as np
import pytest

from fewscape.mapping.engine.accuracy_notes import (
    advise,
    describe_lone_class,
    encode_accuracy,
    list_accuracy,
    note_accuracy,
)
from fewscape.mapping.engine.own_accuracy import ClassAccuracy, OwnAccuracy, Score

HALF = Score(0.5, 0.314159, 0.75)
GOOD = Score(0.95, 0.9, 1.0)


def make(*classes, mean=HALF, confused=None):
    num = len(classes)
    unknown = np.full((num, num), np.nan)
    return OwnAccuracy(classes, unknown, unknown[0], mean, 1.25, confused, unknown[0])


OWN = make(
    ClassAccuracy("background", 3, 1234, GOOD),
    ClassAccuracy("road", 2, 56, HALF),
    ClassAccuracy("swimming pool", 1, 7, None),
    confused=("background", "road"),
)


def test_the_list_is_aligned():
    assert list_accuracy(OWN) == [
        "class          polygons  pixels  expected IoU, % (95 %)",
        "background            3   1,234  95 (90 to 100)",
        "road                  2      56  50 (31 to 75)",
        "swimming pool         1       7  -",
        "mean                             50 (31 to 75)",
    ]


def test_advice_is_one_line():
    assert advise(OWN) == (
        "draw at least one more polygon of 'swimming pool' so that its accuracy can be "
        "estimated; draw 2 more polygons of 'road': it is confused with 'background'"
    )


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (make(ClassAccuracy("a", 3, 9, GOOD), ClassAccuracy("b", 3, 9, GOOD)), ""),
        (
            make(
                ClassAccuracy("a", 3, 9, GOOD),
                ClassAccuracy("b", 3, 9, GOOD),
                confused=("a", "b"),
            ),
            "",
        ),
        (
            make(ClassAccuracy("a", 1, 9, None), ClassAccuracy("b", 1, 9, None), mean=None),
            "draw at least one more polygon of 'a' and 'b' so that their accuracies can be "
            "estimated",
        ),
        (
            make(
                ClassAccuracy("a", 1, 9, None),
                ClassAccuracy("b", 2, 9, HALF),
                confused=("a", "b"),
            ),
            "draw at least one more polygon of 'a' so that its accuracy can be estimated; draw 2 "
            "more polygons of 'b': it is confused with 'a'",
        ),
        (make(ClassAccuracy("a", 1, 9, None), mean=None), ""),
    ],
)
def test_advice_only_where_something_is_amiss(own, told):
    assert advise(own) == told


def test_one_class_alone_is_told():
    alone = make(ClassAccuracy("a", 4, 9, None), mean=None)
    assert describe_lone_class(alone).startswith(
        "only 'a' was drawn, so unlabelled ground is unknown"
    )
    assert describe_lone_class(OWN) == ""


def test_the_tag_is_json_with_few_digits():
    assert json.loads(encode_accuracy(OWN)) == {
        "classes": {
            "background": [0.95, 0.9, 1.0],
            "road": [0.5, 0.314, 0.75],
            "swimming pool": None,
        },
        "mean": [0.5, 0.314, 0.75],
        "polygons": {"background": 3, "road": 2, "swimming pool": 1},
        "temperature": 1.25,
    }


def test_the_note_tells_mean_and_classes():
    (note,) = note_accuracy(OWN, "s.tif")
    assert note == (
        "expected IoU on 's.tif', estimated from the examples, % (95 %): mean 50 (31 to 75); "
        "background 95 (90 to 100), road 50 (31 to 75), swimming pool -"
    )
    assert note_accuracy(make(ClassAccuracy("a", 1, 9, None), mean=None), "s.tif") == ()
