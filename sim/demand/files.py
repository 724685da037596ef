"""Demand that comes in files: measured loads (CSV), RAMP input workbooks (.xlsx), household surveys (CSV)."""

from sim.demand.load_csv import FileLoad, read_load_csv
from sim.demand.ramp_workbook import read_ramp_workbook
from sim.demand.survey import read_survey
from sim.demand.user_list import UserList

__all__ = ("FileLoad", "UserList", "read_load_csv", "read_ramp_workbook", "read_survey")
