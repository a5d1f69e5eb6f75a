"""Keras 3 on PyTorch, and PyTorch, imported once."""

import os
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras
    import torch

__all__ = ["keras", "torch"]
