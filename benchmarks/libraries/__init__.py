"""One training in four libraries: each module gives the calls that can be timed, by name.

Every call trains `case.epochs` epochs: shuffle, batches, forward, backward, Adam. Where a library
offers several good ways, each is a call, and the fastest one is what chainrule is compared with.
"""
