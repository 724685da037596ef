"""The kinds of numbers people write in files, checked where they are read, and the order of priority of customers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Number = Annotated[float, Field(strict=True)]  # strict: text and true/false are refused, not turned into a number
Whole = Annotated[int, Field(strict=True)]
Fraction = Annotated[Number, Field(ge=0.0, le=1.0)]
NotNegative = Annotated[Number, Field(ge=0.0)]
Positive = Annotated[Number, Field(gt=0.0)]
Count = Annotated[Whole, Field(ge=0, le=10_000_000)]
Priority = Literal["critical", "standard", "deferrable"]
PRIORITIES: tuple[Priority, ...] = ("critical", "standard", "deferrable")  # order in which they are served
