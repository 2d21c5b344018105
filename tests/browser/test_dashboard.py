"""The dashboard in Chromium against the real adminui and proxyd: what an administrator does, in order, on one
installation; then every page in light and dark, wide and narrow, with axe. Node drives the browser (flows.mjs, pages.mjs)."""
import json
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests/e2e"), HERE]

import seed  # noqa: E402
from lib.daemons import Stack  # noqa: E402
from lib.dns import Dns  # noqa: E402
from lib.origin import Origin  # noqa: E402

NEW_PASSWORD = "an example pass sentence"
SHOTS = os.path.join(ROOT, "build/screenshots")


def run(argv, timeout, **env):
    return subprocess.run(argv, cwd=HERE, env=dict(os.environ, **env), capture_output=True, text=True, timeout=timeout)


def need(folder, marker):
    """npm packages of a folder, installed once from its lock file."""
    if not os.path.exists(os.path.join(folder, "node_modules", marker)):
        r = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, capture_output=True, text=True,
                           timeout=300)
        assert r.returncode == 0, r.stderr[-3000:]


@pytest.fixture(scope="module", autouse=True)
def packages():
    need(HERE, "playwright-core")
    need(os.path.join(ROOT, "web"), "vitest")
    if not os.path.exists(os.path.join(ROOT, "web/dist/index.html")):
        r = subprocess.run(["npm", "run", "--silent", "build"], cwd=os.path.join(ROOT, "web"), capture_output=True, text=True, timeout=300)
        assert r.returncode == 0, r.stderr[-3000:]


@pytest.fixture(scope="module")
def world():
    with Dns({n: ["127.0.0.1"] for n in seed.NAMES}) as dns, Origin() as origin, Stack(proxy={"resolvers": dns.address}) as stack:
        yield stack, origin


def environment(stack, password):
    return {"DASHBOARD": f"https://127.0.0.1:{stack.admin_port}", "ADMIN_PASSWORD": password, "NEW_PASSWORD": NEW_PASSWORD,
            "PROXY": f"127.0.0.1:{stack.proxy_port}", "SCREENSHOTS": SHOTS}


def flow(world, name, password=NEW_PASSWORD):
    stack, _ = world
    r = run(["node", "flows.mjs", name], 180, **environment(stack, password))
    assert r.returncode == 0, f"{r.stdout}\n{r.stderr}"


def test_wrong_password(world):
    flow(world, "login", world[0].admin_password)


def test_first_run_wizard(world):
    stack, _ = world
    flow(world, "wizard", stack.admin_password)
    stack.api.login("admin", NEW_PASSWORD)
    assert stack.get("http://blocked.example/").status_code == 403


def test_edit_reorder_publish_roll_back(world):
    flow(world, "policy")


def test_two_people_edit(world):
    flow(world, "conflict")


def test_ten_thousand_rules(world):
    flow(world, "many")


def test_old_configuration(world):
    flow(world, "convert")


def test_simulate(world):
    flow(world, "simulate")


def test_categories(world):
    flow(world, "categories")


def test_subscriptions(world):
    flow(world, "subscriptions")


def test_log_and_live_tail(world):
    stack, origin = world
    seed.people(stack)
    seed.traffic(stack, origin, 60)
    stack.get("http://blocked.example/log-me")
    stack.log("host=blocked.example")
    flow(world, "log")


def test_a_record_explains_itself_and_an_exception(world):
    flow(world, "exceptions")


def test_findings_and_rehearsal(world):
    flow(world, "review")


def test_schedule_part_and_second_person(world):
    flow(world, "publishing")


def test_users_and_directory(world):
    flow(world, "users")


def test_pac(world):
    flow(world, "pac")


def test_parent_proxies(world):
    flow(world, "upstreams")


def test_bounds_on_clients_and_users(world):
    flow(world, "bounds")


def test_unsaved_work_is_not_lost_by_a_slip(world):
    flow(world, "unsaved")


def test_theme_language_search_logout(world):
    flow(world, "preferences")


def test_every_page(world):
    """No accessibility fault, no sideways scroll, no policy violation, no request elsewhere: 4 x 40 pages."""
    stack, origin = world
    seed.categories(stack)
    stack.publish(seed.document(), "Policy of the company")
    seed.traffic(stack, origin, 400)
    stack.log("verdict=blocked", want=5)
    r = run(["node", "pages.mjs"], 900, **environment(stack, NEW_PASSWORD))
    lines = [json.loads(x) for x in r.stdout.splitlines() if x.startswith("{")]
    bad = [f"{x['name']}: {p}" for x in lines for p in x["problems"]]
    assert not bad and r.returncode == 0, "\n".join(bad) + r.stderr[-2000:]
    assert len(lines) >= 150


def test_pages_are_light():
    r = subprocess.run(["node", "tools/size.mjs"], cwd=os.path.join(ROOT, "web"), capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stdout + r.stderr


def test_logic():
    r = subprocess.run(["npx", "--no-install", "vitest", "run"], cwd=os.path.join(ROOT, "web"), capture_output=True, text=True, timeout=300)
    assert r.returncode == 0, (r.stdout + r.stderr)[-4000:]


def test_types():
    r = subprocess.run(["npm", "run", "--silent", "check"], cwd=os.path.join(ROOT, "web"), capture_output=True, text=True, timeout=300)
    assert r.returncode == 0, (r.stdout + r.stderr)[-4000:]
