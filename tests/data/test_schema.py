import json

import numpy as np
import pytest

from chainrule.data import Schema, as_table, infer_schema, read_table, rows_with_target
from chainrule.errors import ChainruleError, DataError, SettingError

TASKS = {
    "abalone": "regression",
    "adult": "classification",
    "auto-mpg": "regression",
    "california-housing": "regression",
    "concrete": "regression",
    "covertype": "classification",
    "credit-g": "classification",
    "credit-scoring": "classification",
    "diamonds": "regression",
    "energy-efficiency": "regression",
    "heart-disease": "classification",
    "higgs-7k": "classification",
    "insurance": "regression",
    "kddcup99-10pct": "classification",
    "letter": "classification",
    "spambase": "classification",
    "titanic": "classification",
    "wine-quality": "classification",
}
LEFT_OUT = {
    "auto-mpg": ["name"],
    "covertype": ["Soil_Type15"],
    "kddcup99-10pct": ["num_outbound_cmds", "is_host_login"],
    "titanic": ["PassengerId", "Name", "Ticket", "Cabin"],
}


def test_every_dataset_of_columns_is_named_here(datasets):
    folders = {
        path.parent.name
        for path in datasets.glob("*/meta.json")
        if "image_shape" not in json.loads(path.read_text())
    }
    assert folders == set(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_schema_of_real_tables(datasets, name):
    meta = json.loads((datasets / name / "meta.json").read_text())
    target = meta["target"] if isinstance(meta["target"], str) else meta["target"][0]
    files = sorted(
        path for path in (datasets / name).iterdir() if path.suffix in (".csv", ".parquet")
    )
    table = read_table(str(files[0]))
    schema = infer_schema(table, target)
    assert schema.task == TASKS[name]
    assert "--task" in schema.task_reason or "text" in schema.task_reason
    left_out = [column.name for column in schema.columns if column.role == "left out"]
    if len(files) == 1 or name in LEFT_OUT:
        assert left_out == LEFT_OUT.get(name, [])
    assert schema.suspects == ()
    for column in meta["categorical"]:
        found = schema.column(column)
        assert found.kind == "category" or found.distinct <= 10 or column in ("site",)
    if len(files) == 1:
        for column, missing in meta["missing"].items():
            assert schema.column(column).missing == missing
    assert Schema.from_record(json.loads(json.dumps(schema.to_record()))) == schema


def table_of(rows=60, **columns):
    base = {"x": np.linspace(0, 1, rows) ** 2, "y": ["a", "b"] * (rows // 2)}
    return as_table({**base, **columns})


def test_what_is_left_out_is_said():
    table = table_of(
        same=["k"] * 60,
        empty=[None] * 60,
        sometimes=["k"] * 30 + [None] * 30,
        count=np.arange(100, 160)[::-1],
        user_id=np.arange(60) * 7 % 611,
        name=[f"person {i}" for i in range(60)],
        half=[f"person {i}" if i % 2 else None for i in range(60)],
        few=[f"kind {i % 20}" for i in range(60)],
    )
    schema = infer_schema(table, "y")
    reasons = {
        column.name: (column.kind, column.reason)
        for column in schema.columns
        if column.role == "left out"
    }
    assert reasons == {
        "same": ("constant", "its only value is 'k'"),
        "empty": ("constant", "it is empty in every row"),
        "sometimes": ("constant", "its only value is 'k'; only whether it is present is used"),
        "count": ("identifier", "it counts the rows: 60 whole numbers in steps of one"),
        "user_id": (
            "identifier",
            "whole numbers that all differ, and its name says that it is an identifier",
        ),
        "name": ("identifier", "text that tells rows apart: 60 different values in 60 rows"),
        "half": (
            "identifier",
            "text that tells rows apart: 30 different values in 30 rows; "
            "only whether it is present is used",
        ),
    }
    assert schema.inputs == ("x", "sometimes", "half", "few")
    assert schema.column("half").uses == ("presence",)


def test_a_table_of_nothing_but_a_count_keeps_it():
    table = as_table({"x": np.arange(50), "y": np.arange(50) ** 2 + 0.5})
    assert infer_schema(table, "y").inputs == ("x",)


def test_few_whole_numbers_are_used_value_by_value_too():
    table = table_of(
        klass=np.arange(60) % 3 + 1, flag=np.arange(60) % 2, part=np.arange(60) % 3 / 2
    )
    schema = infer_schema(table, "y")
    assert schema.column("klass").uses == ("value", "levels")
    assert schema.column("flag").uses == schema.column("part").uses == ("value",)


@pytest.mark.parametrize(
    "target, task",
    [
        (["a", "b"] * 30, "classification"),
        ([True, False] * 30, "classification"),
        (list(range(10)) * 6, "classification"),
        (list(range(12)) * 5, "regression"),
        ([0.5, 1.5] * 30, "regression"),
        ([3.0, 4.0, 5.0] * 20, "classification"),
        ([0, 1], "classification"),
        ([1, 2, 3, 4], "regression"),
    ],
)
def test_task_rule(target, task):
    table = as_table({"x": np.linspace(0, 1, len(target)) ** 2, "y": target})
    assert infer_schema(table, "y").task == task
    assert "--task" in infer_schema(table, "y").task_reason or task == "classification"


def test_task_can_be_overridden():
    table = as_table({"x": [0.1, 0.2, 0.5, 0.7], "y": [1, 2, 1, 2], "t": ["a", "b", "a", "b"]})
    assert infer_schema(table, "y", task="regression").task == "regression"
    with pytest.raises(DataError, match=r"column 't': 4 of 4 values are not numbers .*'a'"):
        infer_schema(table, "t", task="regression")
    with pytest.raises(SettingError, match="did you mean 'regression'"):
        infer_schema(table, "y", task="regresion")


@pytest.mark.parametrize(
    "target, words",
    [
        ([1.0] * 4, "one value only ('1')"),
        ([None] * 4, "missing in every row"),
        ([1.0, np.inf, 2.0, 3.0], "the target is inf in row 1"),
        (np.arange(4).astype("datetime64[D]"), "dates cannot be predicted"),
    ],
)
def test_targets_that_cannot_be_learned(target, words):
    table = as_table({"x": [0.1, 0.2, 0.5, 0.7], "y": target})
    with pytest.raises(DataError) as caught:
        infer_schema(table, "y")
    assert words in str(caught.value)


def test_roles():
    table = table_of(w=np.ones(60), g=["p", "q", "r"] * 20, t=np.arange(60), z=np.arange(60) % 7)
    schema = infer_schema(table, "y", weight="w", group="g", time="t", ignore=["z"])
    roles = {column.name: column.role for column in schema.columns}
    assert roles == {
        "x": "input", "y": "target", "w": "weight", "g": "group", "t": "time", "z": "ignored",
    }  # fmt: skip
    assert schema.inputs == ("x",)
    assert schema.named("group") == "g" and infer_schema(table, "y").named("group") is None
    with pytest.raises(DataError, match="no column 'Y'; did you mean 'y'"):
        infer_schema(table, "Y")
    with pytest.raises(DataError, match="cannot be both target and weight"):
        infer_schema(table, "y", weight="y")
    with pytest.raises(DataError, match="time must be dates or numbers"):
        infer_schema(table, "y", time="g")
    with pytest.raises(DataError, match=r"weight must be a number of 0 or more, got -1.0 in row 0"):
        infer_schema(table_of(w=-np.ones(60)), "y", weight="w")
    with pytest.raises(DataError, match="every weight is 0"):
        infer_schema(table_of(w=np.zeros(60)), "y", weight="w")


def test_kinds_can_be_overridden():
    table = table_of(
        zip=np.arange(60) % 30, spelled=["1,5", "2"] * 30, when=["1.2.2020", "3.4.2021"] * 30
    )
    kinds = {"zip": "category", "spelled": "number", "when": "datetime"}
    schema = infer_schema(table, "y", kinds=kinds)
    assert {name: schema.column(name).kind for name in kinds} == kinds
    assert infer_schema(table, "y", kinds={"zip": "identifier"}).inputs == ("x", "spelled", "when")
    mistakes = [({"zipp": "number"}, "did you mean 'zip'"), ({"zip": "nummer"}, "'number'")]
    for wrong, words in [*mistakes, ({"y": "boolean"}, "not true or false")]:
        with pytest.raises(ChainruleError, match=words):
            infer_schema(table, "y", kinds=wrong)


def test_suspects_are_reported_and_kept():
    noise = np.linspace(0, 1, 60) ** 3 * 17 % 1
    goal = np.sin(np.arange(60.0))
    table = as_table(
        {"x": noise, "twice": goal * 2 + 1e-9 * noise, "near": goal + noise, "y": goal}
    )
    schema = infer_schema(table, "y")
    assert len(schema.suspects) == 1 and "'twice'" in schema.suspects[0]
    assert "--ignore" in schema.suspects[0] and "twice" in schema.inputs
    coded = table_of(code=[1, 2] * 30, word=["no", "yes"] * 30, other=["p", "q", "q"] * 20)
    suspects = infer_schema(coded, "y").suspects
    assert [suspect.split("'")[1] for suspect in suspects] == ["code", "word"]


def test_rows_without_a_target_are_known():
    table = as_table({"x": [0.1, 0.2, 0.3, 0.4], "y": ["a", None, "b", "?"]})
    assert rows_with_target(table, infer_schema(table, "y")).tolist() == [0, 2]
    assert len(rows_with_target(table, infer_schema(table, None))) == 4


def test_words_of_truth_are_booleans():
    schema = infer_schema(table_of(flag=["TRUE", "false"] * 30, yes=["yes", "no"] * 30), "x")
    assert schema.column("flag").kind == "boolean"
    assert schema.column("yes").kind == "category"


def test_what_counts_the_rows_is_used_where_nothing_else_is_left():
    schema = infer_schema(as_table({"n": np.arange(60), "y": np.arange(60) / 3}), "y")
    assert schema.inputs == ("n",)
    assert "no other column is left" in schema.column("n").reason


def test_true_and_false_are_said_to_be_booleans():
    table = as_table({"x": [0.5, 1.5, 2.5], "y": ["True", "False", "True"]})
    assert infer_schema(table, "y").task_reason == "'y' holds booleans"
