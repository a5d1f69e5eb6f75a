"""Tables on a terminal."""

from chainrule.cli.output import terminal_width, text_table


def test_the_width_is_that_of_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    assert terminal_width() == 72
    monkeypatch.setenv("COLUMNS", "3")
    assert terminal_width() == 40


def test_tables_are_as_wide_as_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    text = text_table(("column", "why"), [("age", "because " * 20)])
    assert 42 < max(map(len, text.splitlines())) <= 50
