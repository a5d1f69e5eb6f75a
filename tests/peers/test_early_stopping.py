"""When training ends, and with which weights: sequences of values, drawn, for both."""

import numpy as np
import pytest
from tests.peers.libraries import keras

import chainrule


class Model:
    """What early stopping needs of a model: the weights are the epoch's number."""

    stop_training = False
    weights = 0

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def stopped(rule, sequence, monitor):
    model = Model()
    rule.set_model(model)
    rule.on_train_begin()
    epochs = 0
    for epoch, value in enumerate(sequence):
        epochs, model.weights = epoch + 1, epoch
        rule.on_epoch_end(epoch, {monitor: value})
        if model.stop_training:
            break
    rule.on_train_end()
    return epochs, rule.stopped_epoch, rule.best_epoch, model.weights


@pytest.mark.parametrize("seed", range(60))
def test_early_stopping(seed, compared):
    compared("Keras", f"EarlyStopping {seed}")
    rng = np.random.default_rng(seed)
    sequence = np.round(rng.normal(size=12).cumsum() * 0.1 + 1, 2).tolist()
    monitor = ("val_loss", "val_accuracy")[seed % 2]
    settings = {
        "monitor": monitor,
        "mode": ("min", "max")[seed % 2],
        "min_delta": float(rng.choice([0, 0.05])),
        "patience": int(rng.integers(0, 5)),
        "restore_best_weights": bool(rng.integers(2)),
        "start_from_epoch": int(rng.choice([0, 0, 3])),
        "baseline": [None, None, 0.9, 0.2][int(rng.integers(4))],
    }
    mine = stopped(chainrule.callbacks.EarlyStopping(**settings), sequence, monitor)
    assert mine == stopped(keras.callbacks.EarlyStopping(**settings), sequence, monitor)
