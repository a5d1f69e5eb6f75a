"""What is settled before training: parts, members, settings, refusals."""

import numpy as np
import pytest
from tests.estimators import tables

from chainrule.data import as_table
from chainrule.errors import DataError, SettingError
from chainrule.estimators import TableSettings, plan_table


def plan(only=None, target="same", **settings):
    return plan_table(tables.table(only=only), target, TableSettings(**settings))


def test_parts_are_disjoint_and_complete():
    made = plan(tables.XOR)
    test = set(made.test_rows.tolist())
    assert made.pool.rows + len(test) == 240
    assert len(test) == 48
    for member in made.members:
        assert not set(member.train) & set(member.validation)
        assert len(member.train) + len(member.validation) == made.pool.rows


def test_members_are_watched_on_different_rows():
    watched = [tuple(member.validation) for member in plan(tables.XOR, members=3).members]
    assert len(set(watched)) == 3


def test_a_group_falls_in_one_part_for_every_member():
    source = tables.table()
    made = plan_table(source, "same", TableSettings(group="group"))
    group = source.column("group").values
    tested = set(group[made.test_rows])
    pool = made.pool.column("group").values
    assert not tested & set(pool)
    for member in made.members:
        assert not set(pool[member.train]) & set(pool[member.validation])


def test_with_a_time_the_last_rows_are_the_test_and_validation_comes_before():
    made = plan(time="day")
    days = made.pool.column("day").values
    assert made.test_rows.min() > days.max()
    for member in made.members:
        assert days[member.validation].min() > days[member.train].max()


def test_own_test_and_validation_tables_are_used_whole():
    made = plan_table(
        tables.table(seed=1, only=tables.XOR), "same", TableSettings(members=1),
        test=tables.table(30, 2, tables.XOR), validation=tables.table(20, 3, tables.XOR),
    )  # fmt: skip
    assert made.rows == {"train": 240, "validation": 20, "test": 30}


def test_encoder_sees_training_rows_only_where_one_network_is_trained():
    source = tables.table(only=("size", "price"))
    made = plan_table(source, "price", TableSettings(members=1))
    learned = made.pool.take(made.members[0].train).column("size").values
    encoded = made.encoded(made.pool.take(made.members[0].train)).numbers[:, 0]
    np.testing.assert_allclose(
        encoded, (learned - learned.mean()) / learned.std(), rtol=1e-5, atol=1e-6
    )
    price = made.pool.take(made.members[0].train).column("price").values
    assert made.labels.mean == pytest.approx(price.mean(), rel=1e-12)
    assert made.labels.deviation == pytest.approx(price.std(), rel=1e-12)


def test_what_the_size_decides_is_filled_in_and_what_is_given_stays():
    chosen = plan(tables.XOR, hidden=(5,), dropout=0.0).chosen
    assert chosen.hidden == (5,)
    assert chosen.dropout == 0.0
    assert chosen.members == 16
    assert None not in (chosen.batch_size, chosen.learning_rate, chosen.weight_decay)


def test_strong_and_plain_settings_are_those_of_the_pages():
    plain = plan(tables.XOR, model="mlp").chosen
    assert (plain.hidden, plain.bins, plain.dropout, plain.weight_decay, plain.members) == (
        (100,), 0, 0.0, 0.0, 1
    )  # fmt: skip
    assert plan(tables.XOR, model="mlp").encoder.spread == ()


@pytest.mark.parametrize(
    "classes, rows, hidden, dropout, members",
    [
        (True, 1_000, (128, 64), 0.5, 16),
        (True, 1_001, (256, 128), 0.3, 8),
        (True, 5_000, (256, 128), 0.3, 8),
        (True, 5_001, (256, 128), 0.3, 4),
        (True, 100_000, (256, 128), 0.3, 4),
        (True, 100_001, (256, 128), 0.3, 1),
        (False, 1_000, (256, 128), 0.1, 8),
        (False, 5_001, (256, 128), 0.1, 4),
    ],
)
def test_networks_and_their_size_go_by_the_rows(classes, rows, hidden, dropout, members):
    x = np.arange(rows + 10)
    y = x % 2 == 0 if classes else x / 3
    table, test = as_table({"x": x[:rows], "y": y[:rows]}), as_table({"x": x[-10:], "y": y[-10:]})
    made = plan_table(table, "y", TableSettings(), test=test)
    assert made.pool.rows == rows
    assert len(made.members) == made.chosen.members == members
    assert (made.chosen.hidden, made.chosen.dropout) == (hidden, dropout)
    assert (made.chosen.bins, made.chosen.weight_decay) == (128, 0.1)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"positive": "maybe"}, "'maybe' is no label of 'same'; it has 'no', 'yes'"),
        ({"weight": "wieght"}, "did you mean 'weight'"),
        ({"ignore": ("lefft",)}, "did you mean 'left'"),
        ({"group": "grupo"}, "'group'"),
    ],
)
def test_settings_that_do_not_fit_the_table_are_refused(settings, words):
    with pytest.raises((SettingError, DataError), match=words):
        plan(**settings)


def test_a_positive_label_or_class_weight_of_a_number_is_refused():
    for settings in ({"positive": "1"}, {"class_weight": "balanced"}):
        with pytest.raises(SettingError, match="is a number, not a class"):
            plan(tables.PRICE, "price", **settings)


def test_a_test_table_without_the_target_is_refused():
    with pytest.raises(DataError, match="has no column 'same', the target"):
        plan_table(
            tables.table(only=tables.XOR), "same", TableSettings(),
            test=tables.table(only=("left", "right")),
        )  # fmt: skip


def test_negative_weights_are_refused():
    source = as_table({"x": [1.0, 2.0, 3.0], "w": [1.0, -1.0, 1.0], "y": ["a", "b", "a"]})
    with pytest.raises(DataError, match="'w'"):
        plan_table(source, "y", TableSettings(weight="w"))


def test_the_kind_of_a_column_can_be_corrected():
    source = tables.table(only=("group", "size", "same"))
    usual = plan_table(source, "same", TableSettings())
    told = plan_table(source, "same", TableSettings(kinds=("group=category",)))
    assert usual.schema.column("group").kind == "number"
    assert told.schema.column("group").kind == "category"
    assert "group = 3" in told.encoder.number_names
    for wrong in ("group", "group=text", "grup=number"):
        with pytest.raises((SettingError, DataError), match="kind|did you mean 'group'"):
            plan_table(source, "same", TableSettings(kinds=(wrong,)))


def test_with_a_time_no_statistic_sees_the_rows_that_come_later():
    made = plan(time="day", target="price", ignore=("same",))
    assert len(made.members) > 1
    early = made.pool.take(made.members[0].train)
    size = early.column("size").values
    place = made.encoder.number_names.index("size")
    np.testing.assert_allclose(
        made.encoded(early).numbers[:, place], (size - size.mean()) / size.std(),
        rtol=1e-5, atol=1e-6,
    )  # fmt: skip
    assert made.labels.mean == pytest.approx(early.column("price").values.mean())
    assert made.train_table.rows == early.rows


def test_a_plan_prints_what_was_understood():
    shown = repr(plan(tables.XOR)).splitlines()
    assert shown[0].startswith("TablePlan of 16 networks of hidden layers (128, 64): ")
    assert len(shown) == 1 + len(plan(tables.XOR).schema.columns)
    assert any(line.endswith(", target") for line in shown)
