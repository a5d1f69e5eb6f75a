"""Checkpoints of several networks that are trained at once."""

import time

from chainrule.estimators import Keeper
from chainrule.training import read_checkpoint


def test_a_network_whose_fellow_ends_is_kept_on(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    keeper = Keeper(path, {"rows": 3})
    while not keeper.is_wanted(0):
        time.sleep(0.05)
    keeper.give(0, {"done": False, "history": []}, running=(0, 1), seconds=1.0)
    assert not path.exists()  # the other has not given its state yet
    keeper.end(1, {"done": True, "history": []})
    assert keeper.is_wanted(0)
    keeper.give(0, {"done": False, "history": [{"epoch": 1}]}, running=(0,), seconds=2.0)
    kept = read_checkpoint(path)
    assert kept["members"]["0"]["history"] == [{"epoch": 1}]
    assert kept["members"]["1"]["done"]
    assert Keeper(path, {"rows": 3}).state_of(1) == {"done": True, "history": []}
