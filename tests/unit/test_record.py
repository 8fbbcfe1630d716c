"""Plain values: fields, defaults, equality, and what a wrong call says."""

from __future__ import annotations

from typing import Any

import pytest

from telex.core.record import Record


class Point(Record):
    """A place."""

    x: int
    y: int = 0


class Named(Point):
    """A place with a name."""

    name: str


class Route(Record):
    """Places."""

    points: list[Point]
    ends: tuple[Point, ...] = ()


def test_fields_are_given_by_name_and_defaults_fill_the_rest() -> None:
    assert Point(x=1).as_dict() == {"x": 1, "y": 0}
    assert Point(x=1, y=2).as_dict() == {"x": 1, "y": 2}


def test_a_row_gives_the_fields_in_their_order() -> None:
    assert Named.of_row((1, 2, "a")) == Named(x=1, y=2, name="a")
    assert Point.of_row(iter([1, 2])) == Point(x=1, y=2)


@pytest.mark.parametrize("row", [(), (1,), (1, 2, 3)])
def test_a_row_of_another_length_is_refused(row: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="zip"):
        Point.of_row(row)


def test_fields_of_a_base_come_first() -> None:
    assert Named.fields() == ["x", "y", "name"]
    assert Named(x=1, name="a").as_dict() == {"x": 1, "y": 0, "name": "a"}
    assert Point.fields() == ["x", "y"]


def test_the_list_of_fields_is_the_callers_own() -> None:
    Point.fields().clear()
    assert Point.fields() == ["x", "y"]


def make(kind: type[Record], *places: Any, **fields: Any) -> Record:
    return kind(*places, **fields)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(TypeError, match="Point needs x"):
        make(Point, y=1)


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(TypeError, match="Point has no field z"):
        make(Point, x=1, z=2)


def test_fields_have_no_order_to_be_given_in() -> None:
    with pytest.raises(TypeError):
        make(Point, 1)


def test_equality_is_of_kind_and_content() -> None:
    assert Point(x=1) == Point(x=1, y=0)
    assert Point(x=1) != Point(x=2)
    assert Point(x=1) != Named(x=1, name="")
    assert Point(x=1) != {"x": 1, "y": 0}


def test_equal_values_have_one_hash() -> None:
    assert len({Point(x=1), Point(x=1), Point(x=2)}) == 2


def test_nested_values_become_plain_too() -> None:
    route = Route(points=[Point(x=1)], ends=(Point(x=2), Point(x=3)))
    assert route.as_dict() == {"points": [{"x": 1, "y": 0}], "ends": [{"x": 2, "y": 0}, {"x": 3, "y": 0}]}
    assert make(Route, points=Point(x=1)).as_dict()["points"] == {"x": 1, "y": 0}


def test_a_value_shows_itself() -> None:
    assert repr(Named(x=1, name="a")) == "Named(x=1, y=0, name='a')"


def test_a_field_may_be_changed_without_touching_others_of_its_kind() -> None:
    first, second = Point(x=1), Point(x=1)
    first.y = 5
    assert second.y == 0
