"""Predictions that know something of the truth, and scikit-learn's scores of them."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn import metrics as peer


def sample(rows, classes, seed, *, ties=False, dtype=np.float64):
    """Codes and probabilities that know something of them."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, rows)
    logits = rng.normal(size=(rows, classes))
    logits[np.arange(rows), truth] += 1
    if ties:
        logits = np.round(logits)
    table = np.exp(logits)
    return truth, (table / table.sum(axis=1, keepdims=True)).astype(dtype)


def peer_scores(truth, table, weights, predicted=None, positive=1):
    """The same scores by scikit-learn, class by class where it wants all classes."""
    classes = table.shape[1]
    predicted = table.argmax(axis=1) if predicted is None else predicted
    how = {"sample_weight": weights}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = {
            "accuracy": peer.accuracy_score(truth, predicted, **how),
            "balanced_accuracy": peer.balanced_accuracy_score(truth, predicted, **how),
            "log_loss": peer.log_loss(truth, table, labels=range(classes), **how),
            "f1_macro": peer.f1_score(truth, predicted, average="macro", zero_division=0, **how),
        }
        if classes == 2:
            yes, guess = truth == positive, predicted == positive
            column = table[:, positive]
            scores["roc_auc"] = peer.roc_auc_score(yes, column, **how)
            scores["precision"] = peer.precision_score(yes, guess, zero_division=0, **how)
            scores["recall"] = peer.recall_score(yes, guess, **how)
            scores["f1"] = peer.f1_score(yes, guess, **how)
            scores["average_precision"] = peer.average_precision_score(yes, column, **how)
        else:
            present = [k for k in range(classes) if 0 < (truth == k).sum() < len(truth)]
            each = [peer.roc_auc_score(truth == k, table[:, k], **how) for k in present]
            scores["roc_auc"] = np.mean(each)
    return scores
