"""A model keeps rows of training, whatever is in them, and its file too."""

import numpy as np

from chainrule.data import as_table
from chainrule.estimators import TableSettings, fit_table, load_table_model, plan_table
from chainrule.files import load_model_file, save_model


def rows_with_all_kinds(rows=400):
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    x[::9] = np.nan
    day = np.datetime64("2024-03-01T10:30") + rng.integers(0, 90, rows).astype("timedelta64[D]")
    day[3::11] = np.datetime64("NaT")
    town = rng.choice(["Bergen", "Oslo", "N\N{LATIN SMALL LETTER A WITH RING ABOVE}"], rows)
    return as_table({
        "x": x, "day": day, "town": np.where(rng.random(rows) < 0.1, None, town),
        "sold": rng.random(rows) < 0.5, "key": [f"key {i}" for i in range(rows)],
        "y": rng.choice(["a", "b"], rows),
    })  # fmt: skip


def spelled(table, names):
    return [str(row) for row in zip(*(table.columns[n].values for n in names), strict=True)]


def test_rows_of_training_are_kept_in_the_file(tmp_path):
    table = rows_with_all_kinds()
    plan = plan_table(table, "y", TableSettings(epochs=1, members=1, hidden=(4,)))
    model = fit_table(plan)
    kept = model.background
    assert kept.names == ("x", "day", "town", "sold")
    assert kept.rows == 100
    learned = plan.pool.take(plan.members[0].train)
    assert set(spelled(kept, kept.names)) <= set(spelled(learned, kept.names))
    model.save(tmp_path / "model.safetensors")
    loaded = load_table_model(tmp_path / "model.safetensors").background
    for name, column in kept.columns.items():
        np.testing.assert_array_equal(loaded.columns[name].values, column.values)
        np.testing.assert_array_equal(loaded.columns[name].missing, column.missing)
    np.testing.assert_array_equal(model.predict(loaded).probabilities,
                                  model.predict(kept).probabilities)  # fmt: skip


def test_a_file_without_them_opens(tmp_path):
    table = rows_with_all_kinds(60)
    model = fit_table(plan_table(table, "y", TableSettings(epochs=1, members=1, hidden=(4,))))
    model.save(tmp_path / "new.safetensors")
    record, arrays = load_model_file(tmp_path / "new.safetensors")
    del record["background"]
    save_model(tmp_path / "old.safetensors", record, arrays)
    assert load_table_model(tmp_path / "old.safetensors").background is None
