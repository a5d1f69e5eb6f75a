"""Searches: the same on any threads, gone on with exactly, with the scores that training gives."""

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from tests.estimators import tables

from chainrule.data import Encoder
from chainrule.errors import SettingError, TrainingError, WriteError
from chainrule.estimators import TableSettings, fit_table, plan_table
from chainrule.tuning import (
    Range,
    Search,
    StoredTrials,
    best_trial,
    search_facts,
    search_record,
    space_of,
)
from chainrule.tuning.draws import LAG, Bayes, Chance
from chainrule.tuning.folds import members_of_folds
from chainrule.tuning.result import BY_CHANCE
from chainrule.tuning.study import check_storage

SPACE = {
    "learning_rate": Range(1e-4, 3e-2, log=True),
    "units": Range(4, 32, log=True),
    "layers": (1, 2),
    "batch_size": [16, 32],
    "bins": [0, 8],
}


def planned(only=tables.XOR, rows=160, **settings):
    chosen = TableSettings(**{"epochs": 9, "members": 2, "hidden": (8,)} | settings)
    return plan_table(tables.table(rows=rows, only=only), only[-1], chosen)


def searched(plan=None, method="random", count=12, **settings):
    space = space_of(settings.pop("space", SPACE))
    search = Search(plan or planned(), space, method, count, **settings)
    search.run()
    return search


def told(search):
    """Everything of the trials but their seconds."""
    return [replace(one, seconds=0.0) for one in search.trials]


@pytest.mark.parametrize("method", ["random", "bayesian", "hyperband", "grid"])
def test_threads_change_no_trial(method):
    space = {"units": [4, 8], "bins": [0, 8], "dropout": [0.0, 0.4]} if method == "grid" else SPACE
    count = None if method == "grid" else 24
    found = [
        told(searched(method=method, count=count, space=space, threads=threads))
        for threads in (1, 3)
    ]
    assert found[0] == found[1]
    assert len(found[0]) == (8 if method == "grid" else 24)
    settings = [tuple(one.settings.values()) for one in found[0]]
    assert len(set(settings)) == len(settings)


def test_later_brackets_are_drawn_near_what_did_well():
    plan = planned(epochs=9)
    search = searched(plan, "hyperband", 30)
    chance = Chance(space_of(SPACE), 0)
    drawn, learned = [], []
    for one in search.trials:
        by_chance = one.place == chance.place(one.number)
        assert by_chance == (one.bracket == 0 or one.number % 3 == 2)
        (drawn if by_chance else learned).append(one.settings["learning_rate"])
    assert np.median(learned) > 2 * np.median(drawn)  # so few epochs want large steps


def test_several_trials_are_trained_at_the_same_time():
    met = []

    def meet(progress):
        met.append(len(progress.running))

    plan = planned(epochs=30)
    search = Search(plan, space_of({"units": [4, 8]}), "grid", threads=2, watch=meet)
    search.run()
    assert max(met) == 2


@pytest.mark.parametrize("only, metric", [(tables.XOR, "roc_auc"), (tables.PRICE, "mae")])
@pytest.mark.parametrize("chosen", [False, True])
def test_a_trial_scores_as_training_with_its_settings_does(only, metric, chosen):
    plan = planned(only, metric=metric if chosen else None)
    space = {name: one for name, one in SPACE.items() if name != "bins"}
    for method in ("random", "hyperband"):
        search = searched(plan, method, 6, space=space)
        best = best_trial(search)
        settings = replace(plan.settings, members=1, **best.settings)
        again = plan_table(plan_table_source(only), only[-1], settings)
        if chosen:
            from chainrule.estimators import chosen_score

            rows = fit_table(again, score=chosen_score(again)).history
            sign = -1 if metric == "mae" else 1
            scores = [sign * row["score"] for row in rows]
        else:
            scores = [row["validation_loss"] for row in fit_table(again).history]
        assert list(best.scores) == scores[: best.epochs]
        assert best.score == best.scores[best.epoch - 1]


def plan_table_source(only):
    return tables.table(rows=160, only=only)


def test_the_best_trial_is_the_best():
    losses = searched()
    assert best_trial(losses).score == min(one.score for one in losses.trials)
    areas = searched(planned(metric="roc_auc"))
    assert best_trial(areas).score == max(one.score for one in areas.trials)


@pytest.mark.parametrize("method", ["bayesian", "hyperband"])
@pytest.mark.parametrize("keeps_states", [False, True])
def test_a_study_that_was_cut_ends_as_one_that_was_not(method, keeps_states, tmp_path):
    plan = planned()
    whole = told(searched(plan, method, 20))
    address = f"sqlite:///{tmp_path / 'study.sqlite3'}"
    for most in (25, 60, None):
        search = search_of_study(plan, method, 20, address, resume=most != 25)
        search.folder = tmp_path if keeps_states else None
        search.watch = stopping_after(most)
        search.run()
        assert search.interrupted == (most is not None)
        assert len(search.stored.trials()) == 20 or most
    assert told(search) == whole
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_search_may_go_on_to_more_trials(tmp_path):
    plan = planned()
    address = f"sqlite:///{tmp_path / 'study.sqlite3'}"
    search_of_study(plan, "bayesian", 5, address, resume=False).run()
    more = search_of_study(plan, "bayesian", 12, address, resume=True)
    more.run()
    assert told(more) == told(searched(plan, "bayesian", 12))
    with pytest.raises(SettingError, match="there are 12 already, and 11 would be fewer"):
        search_of_study(plan, "bayesian", 11, address, resume=True)


def test_hyperband_goes_on_to_more_trials_from_whole_brackets(tmp_path):
    plan = planned()  # brackets that begin with 9, 5 and 3 trials
    address = f"sqlite:///{tmp_path / 'study.sqlite3'}"
    for before, count in ((None, 9), (9, 31), (31, 43)):
        resume = before is not None
        search_of_study(plan, "hyperband", count, address, resume=resume).run()
    more = search_of_study(plan, "hyperband", 46, address, resume=True)
    assert more.found == 43
    more.run()
    assert told(more) == told(searched(plan, "hyperband", 46))
    said = r"shares out 46 trials .* and 51 would give other .* go on with 46, .*\(one of 9, 14, 17"
    with pytest.raises(SettingError, match=said):
        search_of_study(plan, "hyperband", 51, address, resume=True)


def test_what_was_found_is_not_told_again(tmp_path):
    plan = planned()
    address = f"sqlite:///{tmp_path / 'study.sqlite3'}"
    search_of_study(plan, "random", 5, address, resume=False).run()
    done, lasts = [], []
    search = search_of_study(plan, "random", 7, address, resume=True)
    search.watch = lambda news: (done.append(news.done), lasts.append(news.last.number))
    assert (search.found, search.is_over) == (5, False)
    search.run()
    assert min(done) == 5
    assert min(lasts) == 4
    assert search_of_study(plan, "random", 7, address, resume=True).is_over


def test_the_share_that_is_over_goes_on_from_half_trained_networks(tmp_path):
    shares = []
    address = f"sqlite:///{tmp_path / 'study.sqlite3'}"
    for most in (20, None):
        search = search_of_study(planned(), "hyperband", None, address, resume=most is None)
        search.folder = tmp_path
        stop = stopping_after(most)
        search.watch = lambda news, stop=stop: (shares.append(news.share), stop(news))
        search.run()
    assert shares[21] >= 0.7 * shares[20] > 3 / 69  # of the epochs of a round


def test_so_many_places_of_a_bayesian_search_are_drawn_by_chance():
    found = []
    for sign in (1, -1):
        draws, places = Bayes(space_of(SPACE), 0), []
        for number in range(BY_CHANCE + 1):
            if number >= LAG:
                draws.tell(number - LAG, sign * places[number - LAG]["learning_rate"])
            places.append(draws.place(number))
        found.append(places)
    one, other = found
    assert one[:BY_CHANCE] == other[:BY_CHANCE]
    assert one[BY_CHANCE] != other[BY_CHANCE]
    search = searched(method="bayesian", count=1)
    assert search_record(search, 0.0)["by_chance"] == BY_CHANCE == 17


def test_the_share_that_is_over_counts_all_folds():
    for method in ("hyperband", "random"):
        shares = []
        search = Search(planned(), space_of(SPACE), method, 6, folds=3, threads=1)
        search.watch = lambda news, shares=shares: shares.append((news.done, news.share))
        search.run()
        assert max(share for done, share in shares if share and done < 3) < 0.8


def test_a_study_that_was_left_without_a_trial_is_free_for_a_new_search(tmp_path):
    address = f"sqlite:///{tmp_path / 'study.sqlite3'}"
    search_of_study(planned(), "random", 1, address, resume=False)
    other = planned(tables.PRICE)
    with pytest.raises(SettingError, match="is of another table"):
        search_of_study(other, "random", 2, address, resume=True)
    search_of_study(other, "random", 2, address, resume=False).run()
    assert search_of_study(other, "random", 2, address, resume=True).found == 2


def stopping_after(most):
    """A watcher that presses Ctrl-C when it has been told so many times."""
    told = itertools.count()

    def watch(progress):
        if next(told) == most:
            raise KeyboardInterrupt

    return watch


def search_of_study(plan, method, count, address, **more):
    space = space_of(SPACE)
    facts = search_facts(plan, space, method, count, None, 0)
    stored = StoredTrials(address, "s", space, facts, lower_is_better=True, **more)
    return Search(plan, space, method, count, stored=stored)


def test_what_a_study_holds_is_what_optuna_reads(tmp_path):
    import optuna

    plan = planned()
    address = f"sqlite:///{tmp_path / 'study.sqlite3'}"
    search = search_of_study(plan, "hyperband", 9, address, resume=False)
    search.run()
    study = optuna.load_study(study_name="s", storage=address)
    assert study.best_value == best_trial(search).score
    for ours, theirs in zip(search.trials, study.trials, strict=True):
        assert theirs.params == ours.place
        assert theirs.intermediate_values == dict(enumerate(ours.scores, 1))
        wanted = "COMPLETE" if ours.state == "complete" else "PRUNED"
        assert theirs.state.name == wanted
    assert len(study.get_trials(states=[optuna.trial.TrialState.PRUNED])) > 0


@pytest.mark.parametrize(
    "change, said",
    [
        ({"rows": 150}, "is of another table; make it as it was"),
        ({"only": ("left", "right", "size", "same")}, "is of another table"),
        ({"metric": "roc_auc"}, "is of another metric ('validation loss', not 'roc_auc')"),
        ({"epochs": 5}, "is of other settings"),
    ],
)
def test_a_study_of_something_else_is_refused(tmp_path, change, said):
    address = f"sqlite:///{tmp_path / 'study.sqlite3'}"
    search_of_study(planned(), "random", 1, address, resume=False).run()
    with pytest.raises(SettingError) as caught:
        search_of_study(planned(**change), "random", 2, address, resume=True)
    assert said in str(caught.value)


def test_other_refusals_of_a_study(tmp_path):
    import optuna

    address = f"sqlite:///{tmp_path / 'study.sqlite3'}"
    plan = planned()
    search_of_study(plan, "random", 1, address, resume=False).run()
    with pytest.raises(SettingError, match="has 1 trials already; resume it"):
        search_of_study(plan, "random", 2, address, resume=False)
    with pytest.raises(SettingError, match=r"is of another method \('random', not 'bayesian'\)"):
        search_of_study(plan, "bayesian", 2, address, resume=True)
    own = optuna.create_study(storage=address, study_name="own")
    own.add_trial(optuna.trial.create_trial(value=1.0))
    with pytest.raises(SettingError, match="'own' .* is not one of chainrule"):
        space = space_of(SPACE)
        StoredTrials(address, "own", space, {}, lower_is_better=True, resume=True)
    for place in ("sqlite:////nowhere/at/all.db", "nonsense", "postgresql://a:secret@b:1/c"):
        said = "storage: .* (cannot be reached|needs a driver)"
        with pytest.raises(SettingError, match=said) as caught:
            search_of_study(plan, "random", 2, place, resume=False)
        assert "secret" not in str(caught.value)
    with pytest.raises(SettingError, match=r"storage: redis://a:\.\.\.@b cannot be used"):
        check_storage("redis://a:se/cr@t@b")


def test_a_storage_that_goes_away_is_a_sentence_and_no_other_fault_is(tmp_path):
    file = tmp_path / "study.sqlite3"
    search = search_of_study(planned(), "random", 2, f"sqlite:///{file}", resume=False)
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(WriteError, match="storage: .* cannot be reached .*database"):
        search.run()
    fresh = search_of_study(
        planned(), "random", 1, f"sqlite:///{tmp_path / 'b.sqlite3'}", resume=False
    )
    [trial] = searched(count=1).trials
    with pytest.raises(TypeError):
        fresh.stored.add(replace(trial, place=None))


def test_folds_share_out_the_rows_and_their_scores_are_averaged():
    plan = planned(rows=100)
    members = members_of_folds(plan, 4)
    watched = np.concatenate([one.validation for one in members])
    assert np.array_equal(np.sort(watched), np.arange(plan.pool.rows))
    for one in members:
        assert not np.intersect1d(one.train, one.validation).size
        assert len(one.train) + len(one.validation) == plan.pool.rows
        classes = plan.pool.column("same").codes[one.validation]
        assert 0.3 < classes.mean() < 0.7
    space = {"units": [8], "learning_rate": [0.01]}
    [trial] = searched(plan, "grid", None, space=space, folds=4).trials
    losses = []
    for member in members:
        learned = plan.pool.take(member.train)
        settings = replace(plan.settings, members=1, **trial.settings)
        one = replace(
            plan,
            settings=settings,
            chosen=replace(plan.chosen, members=1, **trial.settings),
            members=(member,),
            encoder=Encoder.fit(learned, plan.schema, scaling="standard", bins=plan.chosen.bins),
        )
        losses.append(min(row["validation_loss"] for row in fit_table(one).history))
    assert trial.score == pytest.approx(np.mean(losses), rel=1e-12)


def test_folds_keep_groups_together_and_time_in_order():
    names = (*tables.XOR[:2], "group", "day", "same")
    grouped = plan_table(
        tables.table(only=names), "same", TableSettings(group="group", members=1, ignore=("day",))
    )
    groups = grouped.pool.column("group").values
    for one in members_of_folds(grouped, 3):
        assert not np.intersect1d(groups[one.train], groups[one.validation]).size
    timed = plan_table(
        tables.table(only=names), "same", TableSettings(time="day", members=1, ignore=("group",))
    )
    days = timed.pool.column("day").values
    found = members_of_folds(timed, 4)
    assert len(found) == 4
    for one in found:
        assert days[one.train].max() < days[one.validation].min()


def test_a_trial_that_fails_is_told_and_the_others_go_on():
    space = {"learning_rate": [1e-3, 1e30, 1e-2]}
    plan = planned(tables.PRICE)
    for method, count in (("grid", None), ("bayesian", 12)):
        search = searched(plan, method, count, space=space)
        failed = [one for one in search.trials if one.state == "failed"]
        assert failed
        assert all(one.settings["learning_rate"] == 1e30 for one in failed)
        assert "the loss is" in failed[0].message
        assert best_trial(search).settings["learning_rate"] < 1
    hopeless = searched(plan, "grid", None, space={"learning_rate": [1e30, 1e31]})
    with pytest.raises(TrainingError, match="all 2 trials failed; the first one: the loss is"):
        best_trial(hopeless)


def test_the_time_limit_ends_a_search_and_keeps_what_is_done():
    began = time.monotonic()
    plan = planned(epochs=100_000, patience=100_000)
    search = searched(plan, "random", None, time_limit=1.0)
    assert time.monotonic() - began < 20
    assert {one.state for one in search.trials} == {"stopped"}
    assert best_trial(search).epochs >= 1


def test_hyperband_ends_after_a_round_also_where_there_is_time_left():
    search = searched(planned(epochs=2), "hyperband", None, time_limit=60)
    assert search.planned == len(search.trials) == 1
    assert searched(planned(epochs=2), "hyperband", 3, time_limit=60).planned == 3


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"method": "genetic"}, "method: 'genetic' is not known"),
        ({"count": 0}, "trials must be a whole number of 1 or more"),
        ({"time_limit": 0}, "time_limit must be a number of seconds above 0"),
        ({"folds": 1}, "tune: folds must be a whole number of 2 or more, got 1"),
        ({"folds": 1000}, "folds: 1,000 folds of 128 rows cannot be; ask for 128 or fewer"),
        ({"method": "hyperband", "space": {"epochs": [3, 9]}}, "hyperband shares out the epochs"),
    ],
)
def test_what_no_search_can_be_made_of_is_one_sentence(settings, said):
    with pytest.raises(SettingError) as caught:
        searched(**settings)
    assert said in str(caught.value)
