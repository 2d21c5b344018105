"""Makes tests/e2e importable as `lib`, says which build is under test, and sets up what many tests begin with."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def pytest_report_header(config):
    from lib.daemons import BUILD
    return f"programs under test: {BUILD}"


@pytest.fixture(scope="module")
def admin():
    """adminui alone, logged in."""
    from lib.daemons import Stack
    with Stack(start=False) as s:
        s.start_adminui()
        s.log_in()
        yield s


@pytest.fixture()
def o():
    """An origin of this test's own."""
    from lib.origin import Origin
    with Origin() as origin:
        yield origin
