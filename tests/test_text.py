"""Tables of text: aligned, wrapped, safe to print."""

import pytest

from chainrule.text import aligned, spell_cell, spell_score

HEADER = ("column", "n", "why")
ROWS = [
    ("age", "12", ""),
    ("a column with a name that is much too long for a table", "1", "because " * 20),
    ("名前", "123", "wide letters"),
]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_lines_end_where_the_terminal_does(width):
    text = aligned(HEADER, ROWS, right=(1,), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count("because") == 20


@pytest.mark.parametrize("width", [40, 60, 100])
def test_long_names_are_cut_where_they_do_not_differ(width):
    names = [f"a-rather-long-name-of-a-table-{number}" for number in range(3)]
    names.append("名前" * 20)
    lines = aligned(("run", "state"), [(one, "done") for one in names], width=width).splitlines()
    assert [line.split()[0][-2:] for line in lines[1:4]] == ["-0", "-1", "-2"]
    assert all(line.split()[0].startswith("a-rather"[: width // 10]) for line in lines[1:4])
    cell = lines[4].split()[0]
    assert cell.startswith("名") and "..." in cell and 2 * len(cell) - 3 <= 32


def test_cells_of_whole_columns_are_not_cut():
    rows = [("a" * 30, "2026-11-22 05:36", "last")]
    assert " 2026-11-22 05:36 " in aligned(("a", "when", "b"), rows, whole=(1,), width=40)


def test_numbers_stand_under_each_other():
    text = aligned(("name", "n"), [("a", "1"), ("b", "1,234")], right=(1,), indent="")
    assert text.splitlines() == ["name      n", "a         1", "b     1,234"]


def test_wide_letters_count_twice():
    lines = aligned(("a", "b"), [("名前", "x"), ("abcd", "x")], indent="").splitlines()
    assert lines[1:] == ["名前  x", "abcd  x"]


@pytest.mark.parametrize("evil", ["\x1b[31mred", "a\rb", "a\tb", "a\nb", "\x9b2J", "\x00"])
def test_names_cannot_control_the_terminal(evil):
    text = aligned(("name", "why"), [(evil, "last"), ("x", evil)])
    assert all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.mark.parametrize(
    "value, digits, text",
    [(0.5, 4, "0.5000"), (-1234.5, 1, "-1,234.5"), (None, 2, "-"), (1e15, 0, "1e+15"),
     (1e-7, 4, "1e-07"), (0.0, 4, "0.0000")],
)  # fmt: skip
def test_scores_are_short(value, digits, text):
    assert spell_score(value, digits) == text


def test_cells_are_spelled_alike():
    cells = [spell_cell(one) for one in (None, False, 28476.712, 3, "Köln")]
    assert cells == ["missing", "false", "28,476.7", "3", "Köln"]


def test_no_number_is_cut_however_narrow():
    rows = [("a long name of a score", "8,812,345.25", "8,801,111.25 to 8,899,999.75")]
    text = aligned(("score", "value of all rows", "95 % interval"), rows, right=(1, 2), width=30)
    assert "8,812,345.25" in text and "8,801,111.25 to 8,899,999.75" in text
    assert "value of all rows" in text and "a ...ore" in text
