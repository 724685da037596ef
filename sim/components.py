"""What a system is made of: the catalogue entries a planner names, with the numbers the planner changed."""

from __future__ import annotations

from dataclasses import dataclass

from sim.catalogue import Battery, Genset, Inverter, Panel, adjusted, load
from sim.scenario import System
from sim.scenario_rules import NO_INVERTER


@dataclass(frozen=True, slots=True)
class Components:
    """What a system is made of: its catalogue entries and the planner's choices."""

    system: System
    panel: Panel
    battery: Battery
    inverter: Inverter | None  # None: loads on the DC bus
    genset: Genset

    @property
    def on_ac(self) -> bool:
        """Return whether the panels feed the AC bus through an inverter of their own."""
        return self.system.coupling == "ac" and self.inverter is not None

    @property
    def own_systems(self) -> bool:
        """Return whether every customer has a system of their own; else all share one."""
        return self.system.topology != "microgrid"


def components_of(system: System) -> Components:
    """Return the catalogue entries a system names, with the numbers its `parameters` change."""
    direct = system.topology != "microgrid" or system.inverter == NO_INVERTER
    changes = system.parameters
    return Components(
        system,
        adjusted(load("panels", system.panel), changes.get("panel", {})),
        adjusted(load("batteries", system.battery), changes.get("battery", {})),
        None if direct else adjusted(load("inverters", system.inverter), changes.get("inverter", {})),
        adjusted(load("gensets", system.genset), changes.get("genset", {})),
    )
