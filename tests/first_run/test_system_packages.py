"""System packages: only what is wanted and missing, and the machine's service policy is left as it was."""

from pathlib import Path

import pytest

from microgrid import first_run, system_packages
from microgrid.system_packages import REFUSE_STARTS, services_kept_still


class Stopped(Exception):  # noqa: N818 - stands for whatever stops an installation
    """Something went wrong half way."""


def stop_half_way(policy: Path) -> None:
    """Begin to keep services still, and fail."""
    with services_kept_still(policy):
        assert policy.read_text(encoding="utf-8") == REFUSE_STARTS
        raise Stopped


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """Return where this machine keeps its service policy."""
    return tmp_path / "policy-rc.d"


def test_starts_are_refused_only_meanwhile(policy: Path) -> None:
    with services_kept_still(policy):
        assert policy.read_text(encoding="utf-8") == REFUSE_STARTS
        assert policy.stat().st_mode & 0o777 == 0o755
    assert list(policy.parent.iterdir()) == []


def test_the_machines_own_policy_comes_back_even_after_a_failure(policy: Path) -> None:
    policy.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    policy.chmod(0o700)
    with pytest.raises(Stopped):
        stop_half_way(policy)
    assert policy.read_text(encoding="utf-8") == "#!/bin/sh\nexit 0\n"
    assert policy.stat().st_mode & 0o777 == 0o700
    assert list(policy.parent.iterdir()) == [policy]


def test_what_a_killed_run_left_is_put_right_by_the_next(policy: Path) -> None:
    policy.with_name("policy-rc.d.before-microgrid").write_text("own\n", encoding="utf-8")
    policy.write_text(REFUSE_STARTS, encoding="utf-8")
    with services_kept_still(policy):
        pass
    assert policy.read_text(encoding="utf-8") == "own\n"
    policy.write_text(REFUSE_STARTS, encoding="utf-8")
    with services_kept_still(policy):
        pass
    assert list(policy.parent.iterdir()) == []


def test_only_what_a_test_wants_and_the_machine_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert system_packages.missing(tmp_path) == ()
    (tmp_path / "tests" / "web").mkdir(parents=True)
    assert [package.name for package in system_packages.missing(tmp_path)] == ["chromium"]
    (tmp_path / "chromium").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "chromium").chmod(0o755)
    assert system_packages.missing(tmp_path) == ()


def test_a_broker_counts_where_debian_puts_it_outside_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "tests" / "bridge").mkdir(parents=True)
    names = [package.name for package in system_packages.missing(tmp_path)]
    assert names == ([] if Path("/usr/sbin/mosquitto").exists() else ["mosquitto"])


def test_what_did_not_run_is_one_line_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "tests" / "web").mkdir(parents=True)
    assert first_run.add_system_packages(tmp_path, allowed=False) == "without chromium (120 MB)"
    browser, counts = first_run.not_run(tmp_path, long=False)
    assert browser.startswith("NOT RUN: tests that open the report in a browser: no chromium here; ")
    assert browser.endswith("  apt-get install -y --no-install-recommends chromium")
    assert counts.endswith("  python3 -m microgrid.bootstrap test --long")
    assert first_run.not_run(tmp_path, long=True) == [browser]
