"""The plan file that a page shows can be read as it stands."""

import re
from pathlib import Path

from microgrid.billing.plans import EnergyRules, faults
from microgrid.config import read
from microgrid.plan_file import PlanFile
from tests.flows.village import START


def test_the_plan_of_the_page_is_a_plan(project: Path, tmp_path: Path) -> None:
    page = (project / "docs/how-to/change-a-price.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "plan.yaml").write_text(shown, encoding="utf-8")
    plan = read(tmp_path / "plan.yaml", PlanFile).version_of("home", 2, START)
    assert isinstance(plan.rules, EnergyRules)
    assert faults(plan) == ()
    assert plan.for_class("institution").tax.rate_ppm == 0
