"""What a planner hands on: pages, tables and workbooks."""
