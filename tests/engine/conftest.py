"""Both engines, for what they must agree on."""

import pytest
from tests.engine.networks import ENGINES


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.param
