"""A short one of fault_run.py; by hand it runs for as long as one likes."""
import os

from fault_run import fault_run


def test_faults_under_load():
    fault_run(float(os.environ.get("FAULT_SECONDS", "24")))
