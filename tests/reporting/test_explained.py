"""The section of a report on what a model goes by, of a record put together by hand."""

import re

from tests.reporting.pages import Page
from tests.reporting.test_report import HOSTILE, class_run, number_run

from chainrule.reporting import write_report


def curve(output, means, **more):
    return {
        "output": output, "means": means, "intervals": [[m - 0.1, m + 0.1] for m in means],
        "ice": [], "apart": 0.1, "against": None, **more,
    }  # fmt: skip


def dependence(column, curves, **more):
    return {
        "method": "pdp", "column": column, "kind": "number", "scale": "probability",
        "target": "kind", "grid": [0.0, 1.0, 4.0], "labels": ["0", "1", "4"], "counts": [],
        "marks": [0.0, 0.5, 4.0], "rows": 300, "ice_rows": [1, 2], "curves": curves, "spread": 0.4,
        "findings": [f"Rows differ by {column}."],
        "cannot_tell": [f"What {column} does alone.", "Always."], **more,
    }  # fmt: skip


def record(columns, dependences):
    return {
        "reason": "",
        "importance": {
            "method": "permutation", "scale": "roc_auc", "base": 0.91, "prediction": None,
            "rows": 1234, "repeats": 5, "columns": columns, "cannot_tell": ["Causes."],
        },
        "dependence": dependences,
    }  # fmt: skip


COLUMNS = [
    {"column": HOSTILE, "value": 0.2, "interval": [0.1, 0.3]},
    {"column": "small", "value": -0.0004, "interval": None},
]
PLACES = {"kind": "category", "grid": ["a", HOSTILE], "labels": ["a", HOSTILE], "marks": []}
DATES = ["2024-01-01", "2024-02-01", "2025-01-01"]


def page(run):
    found = Page(write_report(run).read_text("utf-8"))
    found.check()
    return found


def test_importances_curves_and_lists_are_shown(tmp_path):
    single = curve("yes", [0.2, 0.4, 0.6], ice=[[0.1, 0.2, 0.3], [0.5, 0.6, 0.9]])
    town = dependence("town", [curve("yes", [0.25, 0.75])], **PLACES, counts=[1200, 34])
    day = dependence("day", [curve("yes", [0.1, 0.2, 0.3])], kind="datetime", grid=DATES,
                     labels=DATES, marks=DATES)  # fmt: skip
    run = class_run(tmp_path / "run", ["no", "yes"])
    run.write_explained(record(COLUMNS, [dependence("age", [single]), town, day]))
    found = page(run)
    for part in (
        "How much roc_auc (", "among 1,234 test rows, 5 times each; it is 0.9100 as they are.",
        f"{HOSTILE} 0.200 0.100 to 0.300", "small 0.000", "By age", "Rows differ by age.",
        "a 1,200 rows 0.2500", f"{HOSTILE} 34 rows 0.7500", "probability of yes",
        "2024-01-01", "2025-01-01", "What this cannot tell Causes. What age does alone.",
    ):  # fmt: skip
        assert " ".join(part.split()) in found.text, part
    assert "Always." not in found.text
    (label,) = (one for one in found.labels() if "by age" in one)
    assert label == "Mean answer by age: yes from 0.2 at 0 to 0.6 at 4."
    text = (tmp_path / "run" / "report.html").read_text()
    section = text[text.index('id="explained"') : text.index('id="training"')]
    assert len(re.findall(r'class="line c6 faint" d="M', section)) == 2 + 2  # and two legends


def test_mean_sizes_of_shap_values_stand_beside(tmp_path):
    run = class_run(tmp_path / "run", ["no", "yes"])
    sizes = {
        "output": "yes", "scale": "probability", "rows": 80,
        "columns": [{"column": "small", "value": 0.0123, "interval": None}],
    }  # fmt: skip
    run.write_explained({**record(COLUMNS, []), "shap": sizes})
    found = page(run)
    assert "Moves: how far a column moves the probability of yes from the mean" in found.text
    assert "small 0.000 0.0123" in found.text


def test_several_classes_are_lines_of_a_legend(tmp_path):
    curves = [curve(name, [0.2, 0.3, 0.5]) for name in ("red", "green", "blue")]
    run = class_run(tmp_path / "run", ["red", "green", "blue"])
    run.write_explained(record(COLUMNS, [dependence("age", curves)]))
    found = page(run)
    assert "By age red green blue probability" in found.text
    assert "single rows" not in found.text


def test_many_columns_are_cut_and_numbers_in_their_unit(tmp_path):
    columns = [
        {"column": f"c{number}", "value": 5000.0 - number, "interval": [4000.0, 6000.0]}
        for number in range(33)
    ]
    run = number_run(tmp_path / "run")
    price = dependence("area", [curve("price", [1e5, 2e5, 3e5])], scale="number", target="price")
    run.write_explained(record(columns, [price]))
    found = page(run)
    assert "c19 4,981 4,000 to 6,000" in found.text and "c20 " not in found.text
    assert "And 13 more columns, of less." in found.text


def test_a_reason_stands_where_nothing_was_explained(tmp_path):
    run = number_run(tmp_path / "run")
    run.write_explained({"reason": "There are no test rows."})
    assert "What the model goes by There are no test rows." in page(run).text


def test_a_run_without_the_file_has_no_section(tmp_path):
    run = number_run(tmp_path / "run")
    assert "What the model goes by" not in page(run).text
    assert run.read_explained() is None


def test_missing_numbers_stand_beside_and_of_many_classes_it_is_said(tmp_path):
    lacking = {"grid": [0.0, 1.0, 9.5, None], "labels": ["0", "1", "9.5", "missing"], "missing": 0}
    age = dependence("age", [curve("yes", [0.2, 0.4, 0.6, 0.3])], **lacking)
    run = class_run(tmp_path / "run", ["no", "yes"])
    run.write_explained(record(COLUMNS, [age]))
    found = page(run)
    assert "By age mean with its interval single rows missing" in found.text
    (label,) = (one for one in found.labels() if "by age" in one)
    assert label == "Mean answer by age: yes from 0.2 at 0 to 0.6 at 9.5, 0.3 where missing."
    assert " 5 7.5 age Rows differ" in found.text  # no 10 stands below the missing ones
    many = [curve(f"k{number}", [0.2, 0.3, 0.5]) for number in range(9)]
    run.write_explained(record(COLUMNS, [dependence("size", many)]))
    assert "By size (6 of 9 classes) k0 k1 k2 k3 k4 k5 probability" in page(run).text


def test_what_all_pictures_say_is_said_once(tmp_path):
    few = {"cannot_tell": ["Few rows.", "Always."]}
    yes = curve("yes", [0.2, 0.4, 0.6])
    run = class_run(tmp_path / "run", ["no", "yes"])
    run.write_explained(record(COLUMNS, [dependence(name, [yes], **few) for name in "ab"]))
    assert page(run).text.count("Few rows.") == 1


def test_what_shap_values_cannot_tell_is_said_too(tmp_path):
    run = class_run(tmp_path / "run", ["no", "yes"])
    kept = record(COLUMNS, [dependence("a", [curve("yes", [0.2, 0.4, 0.6])])])
    shap = {**kept["importance"], "method": "shap", "scale": "probability", "output": "yes"}
    run.write_explained({**kept, "shap": {**shap, "cannot_tell": ["Causes too.", "Likely rows."]}})
    text = page(run).text
    assert "Likely rows." in text and "Causes too." not in text


def single(row, why, output, columns, **more):
    columns = [{"column": name, "cell": cell, "value": value} for name, cell, value in columns]
    return {
        "row": row, "why": why, "output": output, "scale": "probability", "prediction": 0.9546,
        "truth": output, "base": 0.3893, "columns": columns,
        "others": {"count": 0, "value": 0}, **more,
    }  # fmt: skip


def test_single_rows_are_explained_with_the_commands_for_others(tmp_path):
    highest = single(1412, ["highest answer", "furthest off"], "yes",
                     [(HOSTILE, "<b>", 0.4), ("age", None, -0.0347)], truth="no",
                     others={"count": 3, "value": 0.2})  # fmt: skip
    lowest = single(8, ["lowest answer"], "yes", [("ticket", "x" * 99, -0.3)], prediction=0.0893)
    sizes = {"output": "yes", "scale": "probability", "rows": 80, "columns": []}
    run = class_run(tmp_path / "run", ["no", "yes"])
    run.write_explained({**record(COLUMNS, []), "shap": sizes, "rows": [highest, lowest]})
    found = page(run)
    for part in (
        "The rows that stand out of 1,234 test rows:", "Highest answer and furthest off: row 1,412",
        "probability of yes: 0.9546, base 0.3893, truth no",
        f"{HOSTILE} <b> +0.400 age missing -0.035 3 other columns +0.200",
        "Lowest answer: row 8", "x" * 39 + "\N{HORIZONTAL ELLIPSIS} -0.300",
        f"chainrule explain {run.path} --row N", "--method lime", "--unit dense_0.0",
    ):  # fmt: skip
        assert " ".join(part.split()) in found.text, part
    price = single(3, ["lowest answer"], "price", [("area", 60.5, -12345.6)], scale="number",
                   prediction=100_000.4, base=112_346.0, truth=98_765.4)  # fmt: skip
    run.write_explained({**record(COLUMNS, []), "shap": sizes, "rows": [price]})
    assert "price: 100,000, base 112,346, truth 98,765 area 60.5 -12,346" in page(run).text


def test_the_command_names_a_table_where_the_run_does_not_know_of_it(tmp_path):
    run = class_run(tmp_path / "run", ["no", "yes"])
    run.write_explained(record(COLUMNS, []))
    config = run.read_config()
    run.write_config({**config, "data": "-"})
    assert f"chainrule explain {run.path} DATA --row N" in page(run).text


def test_below_whole_numbers_no_halves_stand(tmp_path):
    level = {"grid": [1, 2, 3], "labels": ["1", "2", "3"], "marks": [1, 2, 3]}
    run = class_run(tmp_path / "run", ["no", "yes"])
    curves = [curve("yes", [0.21, 0.41, 0.61])]
    run.write_explained(record(COLUMNS, [dependence("level", curves, **level)]))
    assert " 1 2 3 level Rows differ" in page(run).text
