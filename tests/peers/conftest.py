"""Comparisons with Keras and PyTorch run where both are installed; elsewhere none is collected.

At the end stands how many numbers of ours agree with each, and of the others why not.
"""

from collections import defaultdict
from importlib.util import find_spec

import pytest

PEERS = ("Keras", "PyTorch")
MOST = 4
"""So many names are shown for one reason."""
HERE = all(find_spec(name) for name in ("keras", "torch"))
collect_ignore_glob = [] if HERE else ["test_*.py", "libraries.py", "compare.py"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "peers" in item.path.parts:
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning:keras"))


@pytest.fixture(autouse=True)
def _float64():
    from tests.peers.libraries import keras

    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


@pytest.fixture
def compared(record_property):
    """Says what a test compares with whom, for the count at the end.

    kind
        agrees; differs: by intention, as the reason says; lacks: the peer has nothing of the kind.
    """

    def compared(peer, label, kind="agrees", reason=""):
        record_property("peer", (peer, label, kind, reason))

    return compared


def pytest_terminal_summary(terminalreporter):
    counts = {peer: [0, 0] for peer in PEERS}
    others = {kind: defaultdict(list) for kind in ("failed", "differs", "lacks")}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, said in report.user_properties:
                if name == "peer" and report.when == "call":
                    _count(counts, others, outcome, *said)
    if any(total for _, total in counts.values()):
        _show(terminalreporter, counts, others)


def _count(counts, others, outcome, peer, label, kind, reason):
    if outcome == "failed":
        others["failed"][peer, "a fault, of ours or of the comparison"].append(label)
    elif kind != "agrees":
        others[kind][peer, reason].append(label)
    counts[peer][0] += outcome == "passed" and kind == "agrees"
    counts[peer][1] += outcome == "failed" or kind != "lacks"


def _show(terminalreporter, counts, others):
    terminalreporter.section("peers")
    found = (f"{peer} {agree} of {total}" for peer, (agree, total) in counts.items())
    terminalreporter.line(f"peers: {', '.join(found)} agree")
    titles = {
        "failed": "do not agree",
        "differs": "different by intention, as tested",
        "lacks": "the peer has nothing of the kind",
    }
    for kind, title in titles.items():
        if others[kind]:
            terminalreporter.line(f"{title}:")
        for (peer, reason), labels in others[kind].items():
            most = len(labels) if kind == "failed" else MOST
            more = [f"{len(labels) - most} more"] if len(labels) > most else []
            terminalreporter.line(f"  {peer}: {reason}: {'; '.join([*labels[:most], *more])}")
