"""A week known by formula, in five variants, against Microgrids.jl's own operation test.

Load falls in a straight line from 1000 kW to nothing, panels follow a raised cosine, the battery loses 5 % of what
passes through it, and the engine never charges. The numbers are those of Microgrids.jl (test/operation_tests.jl), which
its Python sibling 0.3.1 repeats; the share spilled at 30 min is the Julia value, the Python one forgets the step.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pytest

from sim.physics.battery import OneTank, Tanks
from sim.physics.genset import Genset, fuel_litres
from sim.physics.inverter import DIRECT
from sim.physics.operation import Drivers, Plant, State, Trajectory, operate
from sim.sizing.exact import YearTotals, totals_of

HOURS = 168


@dataclass(frozen=True, slots=True)
class WeekTotals:
    """What the week came to."""

    served_kwh: float
    unserved_kwh: float
    unserved_max_kw: float
    unserved_hours: float
    longest_outage_hours: float
    genset_kwh: float
    genset_hours: float
    fuel_litres: float
    cycles: float
    charge_kwh: float
    discharge_kwh: float
    loss_kwh: float
    spilled_kwh: float
    spilled_max_kw: float


@dataclass(frozen=True, slots=True)
class Variant:
    """What one variant changes."""

    dt_h: float = 1.0
    charge_per_h: float = 1.0
    discharge_per_h: float = 1.0
    fuel_intercept: float = 0.05


VARIANTS = {
    "base": Variant(),
    "dt_30min": Variant(dt_h=0.5),
    "const_eff_gen": Variant(fuel_intercept=0.0),
    "slow_charge": Variant(charge_per_h=1.0 / 30.0),
    "slow_discharge": Variant(discharge_per_h=1.0 / 30.0),
}
EXPECTED = {
    "base": WeekTotals(
        served_kwh=79511.76348979329,
        unserved_kwh=4988.236510206716,
        unserved_max_kw=477.01053219215305,
        unserved_hours=24.0,
        longest_outage_hours=10.0,
        genset_kwh=17702.8709319805,
        genset_hours=48.0,
        fuel_litres=5448.689023675317,
        cycles=1.9836794636446038,
        charge_kwh=14497.180620961004,
        discharge_kwh=9306.972942774242,
        loss_kwh=1190.2076781867618,
        spilled_kwh=17000.89976400046,
        spilled_max_kw=928.5714285714286,
    ),
    "dt_30min": WeekTotals(
        served_kwh=79366.07173689122,
        unserved_kwh=4883.928263108789,
        unserved_max_kw=477.01053219215316,
        unserved_hours=24.5,
        longest_outage_hours=10.0,
        genset_kwh=17556.50106581271,
        genset_hours=45.5,
        fuel_litres=5351.06025579505,
        cycles=1.983957030705077,
        charge_kwh=14498.929293441983,
        discharge_kwh=9308.555075018941,
        loss_kwh=1190.3742184230414,
        spilled_kwh=17000.055110498462,
        spilled_max_kw=928.5714285714286,
    ),
    "const_eff_gen": WeekTotals(
        served_kwh=79511.76348979329,
        unserved_kwh=4988.236510206716,
        unserved_max_kw=477.01053219215305,
        unserved_hours=24.0,
        longest_outage_hours=10.0,
        genset_kwh=17702.8709319805,
        genset_hours=48.0,
        fuel_litres=4248.689023675318,
        cycles=1.9836794636446038,
        charge_kwh=14497.180620961004,
        discharge_kwh=9306.972942774242,
        loss_kwh=1190.2076781867618,
        spilled_kwh=17000.89976400046,
        spilled_max_kw=928.5714285714286,
    ),
    "slow_charge": WeekTotals(
        served_kwh=79451.4196242678,
        unserved_kwh=5048.580375732203,
        unserved_max_kw=477.01053219215305,
        unserved_hours=25.0,
        longest_outage_hours=10.0,
        genset_kwh=19360.13144026613,
        genset_hours=54.0,
        fuel_litres=5996.431545663869,
        cycles=1.6823453629759864,
        charge_kwh=12598.775786748714,
        discharge_kwh=7589.368568963121,
        loss_kwh=1009.4072177855933,
        spilled_kwh=18899.304598212748,
        spilled_max_kw=799.9819620218454,
    ),
    "slow_discharge": WeekTotals(
        served_kwh=80171.36085007955,
        unserved_kwh=4328.639149920453,
        unserved_max_kw=357.1428571428572,
        unserved_hours=22.0,
        longest_outage_hours=10.0,
        genset_kwh=19764.429914552697,
        genset_hours=67.0,
        fuel_litres=6418.463179492645,
        cycles=1.737721284296193,
        charge_kwh=12947.644091066017,
        discharge_kwh=7905.011320488302,
        loss_kwh=1042.6327705777148,
        spilled_kwh=18550.436293895444,
        spilled_max_kw=928.5714285714286,
    ),
}
# fmt: off
ENERGY_KWH = (  # held at each hour of the base week, the start included
    2000.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0,
    1000.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0,
    1046.01714844, 1113.874291297, 1171.200963546, 1186.72969701, 1126.710757133, 1000.0,
    1000.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0,
    1000.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0,
    1000.0, 1000.0, 1000.0, 1000.0, 1047.482863921, 1176.10683548,
    1357.838269634, 1561.409698206, 1754.450656169, 1905.693675348, 1987.105110697, 1974.605110697,
    1841.735109376, 1579.235109376, 1187.105110697, 1000.0, 1000.0, 1000.0,
    1000.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0,
    1000.0, 1000.0, 1000.0, 1079.166666667, 1262.363816302, 1526.702073576,
    1844.147793444, 2183.433507729, 2512.188751407, 2799.1460563, 3016.271777364, 3140.676539268,
    3156.175109502, 3043.675109502, 2801.545110823, 2439.045110823, 1974.0640507, 1431.900713713,
    1000.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0,
    1000.0, 1000.0, 1094.6652369, 1309.546189281, 1628.45762463, 2028.510167618,
    2481.670173201, 2956.670173201, 3421.139702593, 3843.8112932, 4196.651299978, 4456.770347597,
    4607.983203544, 4641.911774973, 4549.781776294, 4337.281776294, 4022.300716171, 3630.137379184,
    3191.776320383, 2741.776320383, 2315.915261581, 1948.751924594, 1671.270864471, 1508.770864471,
    1479.140865792, 1580.926580078, 1811.306102692, 2161.901340787, 2616.527061851, 3152.293890553,
    3741.16818185, 4351.882467565, 4952.066282671, 5510.452158992, 5999.006451484, 6000.0,
    6000.0, 6000.0, 6000.0, 5937.5, 5772.518939877, 5530.35560289,
    5241.994544088, 4941.994544088, 4666.133485287, 4448.9701483, 4321.489088177, 4308.989088177,
    4417.895279848, 4655.395279848, 5021.489088177, 5507.798611986, 6000.0, 6000.0,
    6000.0, 6000.0, 6000.0, 6000.0, 6000.0, 6000.0,
    6000.0, 6000.0, 6000.0, 6000.0, 5985.018939877, 5892.85560289,
    5754.494544088, 5604.494544088, 5478.633485287, 5411.4701483, 5431.844427236, 5556.249189141,
    5800.869666527, 6000.0, 6000.0, 6000.0, 6000.0, 6000.0,
    6000.0, 6000.0, 6000.0, 6000.0, 6000.0, 6000.0,
    6000.0, 6000.0, 6000.0, 6000.0, 6000.0, 6000.0,
    6000.0,
)
# fmt: on


def world(variant: Variant) -> tuple[Drivers, Plant, State]:
    hours = np.arange(round(HOURS / variant.dt_h)) * variant.dt_h
    load_w, none = 1e6 * (1.0 - hours / HOURS), np.zeros(hours.size)
    pv = 0.5 * (1.0 - np.cos(2.0 * np.pi * hours / 24.0))
    drivers = Drivers(np.stack([load_w, none, none]), pv, none, none + 1.0, none + 1.0)
    rates_w = 6e6 * variant.charge_per_h, 6e6 * variant.discharge_per_h
    tank = OneTank(1e6, 6e6, 0.95, 1.0 / 1.05, *rates_w, 1.0)
    plant = Plant(1e6, 0.0, tank, DIRECT, Genset(5e5, 0.0), None, None, None)
    return drivers, plant, State(Tanks(2e6, 2e6), 0.0)


def totals(name: str) -> tuple[WeekTotals, YearTotals, Trajectory]:
    variant = VARIANTS[name]
    drivers, plant, start = world(variant)
    steps, _ = operate(drivers, plant, start, variant.dt_h)
    week = totals_of(drivers, plant, start, steps, variant.dt_h)
    litres = fuel_litres(week.genset_kwh * 1000.0, week.genset_hours, 5e5, variant.fuel_intercept, 0.24)
    found = WeekTotals(
        served_kwh=week.served_kwh,
        unserved_kwh=week.unserved_kwh,
        unserved_max_kw=float(steps.unserved_w.max()) / 1000.0,
        unserved_hours=week.unserved_hours,
        longest_outage_hours=week.longest_outage_hours,
        genset_kwh=week.genset_kwh,
        genset_hours=week.genset_hours,
        fuel_litres=litres,
        cycles=(week.battery_charge_kwh + week.battery_discharge_kwh) / 2.0 / 6000.0,  # as that tool counts them
        charge_kwh=week.battery_charge_kwh,
        discharge_kwh=week.battery_discharge_kwh,
        loss_kwh=week.battery_loss_kwh,
        spilled_kwh=week.spilled_kwh,
        spilled_max_kw=float(steps.spilled_w.max()) / 1000.0,
    )
    return found, week, steps


@pytest.mark.parametrize("name", VARIANTS)
def test_the_week_comes_to_what_microgrids_found(name: str) -> None:
    found, week, _ = totals(name)
    assert asdict(found) == pytest.approx(asdict(EXPECTED[name]), rel=1e-9)
    assert week.imbalance_kwh == pytest.approx(0.0, abs=1e-9 * week.load_kwh)


def test_the_battery_goes_where_microgrids_found_it() -> None:
    assert totals("base")[2].energy_wh / 1000.0 == pytest.approx(ENERGY_KWH[1:], rel=1e-9)


@pytest.mark.parametrize(("name", "spilled_share"), [("base", 0.20239166385714832), ("dt_30min", 0.202381608458315)])
def test_the_sun_of_the_week_does_not_depend_on_the_step(name: str, spilled_share: float) -> None:
    week = totals(name)[1]
    assert week.pv_kwh == pytest.approx(84000.0, rel=1e-9)
    assert week.spilled_kwh / week.pv_kwh == pytest.approx(spilled_share, rel=1e-9)
