"""Keras 3 on PyTorch, and PyTorch, imported once."""

import os
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras
    import torch
    from keras.src.backend.common import dtypes

# Keras computes products and means of float64 in float32, to be as JAX is by default; here not.
dtypes.BIT64_TO_BIT32_DTYPE.pop("float64")

__all__ = ["keras", "torch"]
