"""Makes tests/e2e importable as `lib`, and says which build is under test."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def pytest_report_header(config):
    from lib.daemons import BUILD
    return f"programs under test: {BUILD}"
