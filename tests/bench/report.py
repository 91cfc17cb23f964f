"""Figures of the benchmark: each measured several times, told as its median, beside its target where it has one."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Target:
    """What a figure should be: at least, or at most."""

    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f"≥ {_number(self.least)}" if self.least is not None else f"≤ {_number(self.most or 0.0)}"


@dataclass
class Figures:
    """What one part of the benchmark measured, by name, in order; every run's value is kept."""

    values: dict[str, list[float]] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> None:
        """Add one run's value."""
        self.values.setdefault(name, []).append(value)
        if at_least is not None or at_most is not None:
            self.targets[name] = Target(at_least, at_most)

    def ratio(
        self, name: str, above: str, below: str, *, at_least: float | None = None, at_most: float | None = None
    ) -> None:
        """Add the ratio of two figures' medians."""
        self.add(name, self.median(above) / self.median(below), at_least=at_least, at_most=at_most)

    def median(self, name: str) -> float:
        return median(self.values[name])

    def as_json(self) -> dict[str, Any]:
        """Return every figure: its median, runs, target, and whether it was met."""
        return {"notes": self.notes, "figures": {name: self._one(name) for name in self.values}}

    def _one(self, name: str) -> dict[str, Any]:
        value, target = self.median(name), self.targets.get(name)
        said = {"median": value, "runs": self.values[name]}
        return said if target is None else {**said, "target": str(target), "met": target.met(value)}


def show(parts: dict[str, Figures], console: Console) -> None:
    """Print one table of all parts."""
    table = Table(title="Hearth, on one real Kafka on this machine: medians")
    for column, right in (("", False), ("median", True), ("runs", True), ("target", True), ("met", False)):
        table.add_column(column, justify="right" if right else "left")
    for title, figures in parts.items():
        table.add_section()
        table.add_row(f"[bold]{title}[/bold]")
        for name, runs in figures.values.items():
            target = figures.targets.get(name)
            met = "" if target is None else "yes" if target.met(figures.median(name)) else "[bold]no[/bold]"
            spread = "" if len(runs) < 2 else f"{_number(min(runs))} … {_number(max(runs))}"
            table.add_row(f"  {name}", _number(figures.median(name)), spread, str(target or ""), met)
        for note in figures.notes:
            table.add_row(f"  [dim]{note}[/dim]")
    console.print(table)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
