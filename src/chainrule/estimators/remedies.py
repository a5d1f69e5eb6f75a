"""What to try where the Doctor finds something in a table's network: the settings there are."""

from __future__ import annotations

from chainrule.reporting import Finding

__all__ = ["remedy_of"]

LOWER = "Try a tenth of the learning_rate."
DEEP = "Try normalization='batch', fewer layers in hidden, or a smaller learning_rate."
REMEDIES = {
    "vanishing gradient": DEEP,
    "exploding gradient": DEEP,
    "dead units": LOWER + " Or activation='elu'.",
    "saturated units": LOWER + " Or activation='relu'.",
    "symmetric units": "Try another seed, or more units in hidden.",
    "loss not finite": LOWER + " Look for numbers far from all others in the table too.",
    "learning rate too high": LOWER,
    "learning rate too low": "Try ten times the learning_rate, or more epochs.",
    "nothing learned": "Try another learning_rate or more epochs, and look whether the columns say "
    "anything of the target.",
    "overfitting": "Try more dropout, weight_decay or l2, or a smaller hidden.",
}
"""By kind, settings called as in Python; the command spells them --learning-rate."""


def remedy_of(finding: Finding) -> str:
    """What to set; empty where the best weights were kept and nothing need be done."""
    if finding.severity == "note":
        return ""
    return REMEDIES.get(finding.kind, "")
