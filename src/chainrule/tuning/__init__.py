"""Tuning: the settings with which a table's network does best on rows that it has not learned."""

from __future__ import annotations

from chainrule.tuning.asked import STUDY, Asked
from chainrule.tuning.border import load_optuna
from chainrule.tuning.checks import METHODS
from chainrule.tuning.defaults import default_space
from chainrule.tuning.estimator import (
    best_trial,
    check_found,
    clear_search,
    found_words,
    open_search,
    search_facts,
    states_folder,
    study_address,
    tune,
)
from chainrule.tuning.result import (
    Tuning,
    best_table,
    best_words,
    score_name,
    search_record,
    spelled_settings,
)
from chainrule.tuning.search import Search, SearchProgress, is_lower_better
from chainrule.tuning.space import Choice, Range, Space, space_of
from chainrule.tuning.study import StoredTrials, absolute_storage
from chainrule.tuning.trials import Trial
from chainrule.tuning.view import SearchView

__all__ = [
    "METHODS",
    "STUDY",
    "Asked",
    "Choice",
    "Range",
    "Search",
    "SearchProgress",
    "SearchView",
    "Space",
    "StoredTrials",
    "Trial",
    "Tuning",
    "absolute_storage",
    "best_table",
    "best_trial",
    "best_words",
    "check_found",
    "clear_search",
    "default_space",
    "found_words",
    "is_lower_better",
    "load_optuna",
    "open_search",
    "score_name",
    "search_facts",
    "search_record",
    "space_of",
    "spelled_settings",
    "states_folder",
    "study_address",
    "tune",
]
