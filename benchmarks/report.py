"""What `serving.py` measured, as tables and a plot in `benchmarks/README.md`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HERE = Path(__file__).parent
ALONE, MANY = 1, 16
"""Connections at which the servers are held against each other."""
GROWTH = {"tokens": "tokens a text", "texts": "texts a request", "connections": "connections"}


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold what one measurement gave.

    ``texts`` a second; ``p50`` and ``p99``, milliseconds of the clock a request; ``processor``, milliseconds a text.
    """

    texts: float
    p50: float
    p99: float
    processor: float

    @classmethod
    def of(cls, took: float, seconds: Sequence[float], processor: float, texts: int) -> "Figures":
        """Make the figures of requests that took so many seconds each, and ``took`` together."""
        p50, p99 = np.percentile(seconds, [50, 99]) * 1e3
        return cls(texts / took, float(p50), float(p99), processor / texts * 1e3)

    @classmethod
    def median(cls, rounds: Sequence["Figures"]) -> "Figures":
        """Return the median of each figure over the rounds."""
        return cls(*(median(getattr(each, name) for each in rounds) for name in cls.__slots__))


@dataclass(slots=True)
class Results:
    """Gather everything that was measured.

    ``resident`` has the MiB of each server, ``servers`` its figures by connections, ``single`` and ``batches`` those of
    the encoder by itself, ``growth`` those of the first server by what grows and its size.
    """

    facts: str
    resident: dict[str, float] = field(default_factory=dict)
    servers: dict[tuple[str, int], Figures] = field(default_factory=dict)
    encoder: dict[str, Figures] = field(default_factory=dict)
    growth: dict[str, dict[int, Figures]] = field(default_factory=dict)

    def around(self, name: str) -> float:
        """Return the milliseconds of processor time that a server takes a request around the encoder, asked alone."""
        return self.servers[name, ALONE].processor - self.encoder["single"].processor


def goals(results: Results) -> list[tuple[str, str, bool]]:
    """Return each goal, its figure and whether it is met; the first server is ours, on one thread, the third MLflow."""
    ours, _, theirs, _ = results.resident
    alone, many = (results.servers[ours, each] for each in (ALONE, MANY))
    cost, delay = results.around(ours), alone.p50 - results.encoder["single"].p50
    share, third = many.texts / results.encoder["batches"].texts, cost / results.around(theirs)
    faster, busier = (results.servers[ours, c].texts / results.servers[theirs, c].texts for c in (ALONE, MANY))
    held = results.resident[ours]
    return [
        ("processor time around the encoder at most 1 ms a request", f"{cost:.2f} ms", cost <= 1),
        ("p50 alone at most the encoder's and 2 ms", f"and {delay:.2f} ms", delay <= 2),
        (f"texts a second at {MANY} connections at least 0.9 of the encoder's", f"{share:.2f}", share >= 0.9),
        ("processor time around the encoder at most a third of MLflow's", f"{third:.2f}", third <= 1 / 3),
        ("requests a second alone at least 1.2 times MLflow's", f"{faster:.2f}", faster >= 1.2),
        (f"requests a second at {MANY} connections at least 1.5 times MLflow's", f"{busier:.2f}", busier >= 1.5),
        ("memory after a reload at most 650 MiB", f"{held:.0f} MiB", held <= 650),
    ]


def table(*lines: Sequence[str]) -> str:
    """Return lines of cells as Markdown, the first as the head."""
    head, *rows = lines
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rows))


def tables(results: Results) -> str:
    """Return what was measured as Markdown."""
    met = table(
        ("goal", "measured", "met"),
        *((goal, figure, "yes" if met else "**no**") for goal, figure, met in goals(results)),
    )
    single, batches = results.encoder["single"], results.encoder["batches"]
    rows = [
        ("the encoder by itself", "1", *_cells(single), "", ""),
        (
            "the encoder by itself, 32 texts at a time",
            "",
            f"{batches.texts:.1f}",
            "",
            "",
            f"{batches.processor:.2f}",
            "",
            "",
        ),
    ]
    for name, held in results.resident.items():
        extra = (f"{results.around(name):.2f}", f"{held:.0f}")
        rows += [(name, str(ALONE), *_cells(results.servers[name, ALONE]), *extra)]
        rows += [("", str(MANY), *_cells(results.servers[name, MANY]), "", "")]
    cells = ("texts/s", "p50, ms", "p99, ms", "processor, ms a text")
    servers = table(("", "connections", *cells, "around the encoder, ms", "memory, MiB"), *rows)
    grown = [
        table((name, *cells), *((str(size), *_cells(found)) for size, found in results.growth[what].items()))
        for what, name in GROWTH.items()
    ]
    first = next(iter(results.resident))
    return "\n".join([f"{results.facts}\n", met, servers, f"How the cost of {first}, grows:\n", *grown])


def _cells(found: Figures) -> tuple[str, str, str, str]:
    return f"{found.texts:.1f}", f"{found.p50:.1f}", f"{found.p99:.1f}", f"{found.processor:.2f}"


def plot(results: Results) -> Figure:
    """Draw the servers beside each other, and below them how the cost of ours grows."""
    figure = Figure(figsize=(11, 6.4), layout="constrained")
    above, below = figure.subplots(2, 3)
    names = list(results.resident)
    short = [name.replace(", ", "\n").replace(" models serve", "") for name in names]
    encoder = results.encoder["single"].processor
    for shift, connections in ((-0.2, ALONE), (0.2, MANY)):
        rates = [results.servers[name, connections].texts for name in names]
        label = f"{connections} connection{'s' * (connections > 1)}"
        above[0].bar([i + shift for i in range(len(names))], rates, 0.38, label=label)
    above[0].axhline(results.encoder["batches"].texts, color="0.4", ls=":", label="the encoder, 32 texts at a time")
    above[0].set(title="texts a second", ylim=(0, above[0].get_ylim()[1] * 1.3))
    above[1].bar(short, [encoder] * len(names), color="0.75", label="the encoder")
    above[1].bar(short, [results.around(name) for name in names], bottom=encoder, label="around it")
    above[1].set(title="processor time alone, ms a request", ylim=(0, above[1].get_ylim()[1] * 1.2))
    above[2].bar(short, [results.resident[name] for name in names])
    above[2].set(title="memory, MiB")
    for axes in above:
        axes.set_xticks(range(len(names)), short, fontsize="x-small")
    _line(below[0], results, "tokens", ("p50", "processor"))
    _line(below[1], results, "texts", ("processor",))
    _line(below[2], results, "connections", ("p50", "p99"))
    for axes in (*above[:2], *below):
        axes.legend(frameon=False, fontsize="small")
    return figure


LINES = {"p50": "p50, ms", "p99": "p99, ms", "processor": "processor, ms a text"}


def _line(axes: Axes, results: Results, what: str, shown: Sequence[str]) -> None:
    sizes = results.growth[what]
    for name in shown:
        axes.plot(list(sizes), [getattr(found, name) for found in sizes.values()], marker="o", label=LINES[name])
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(sizes), [str(size) for size in sizes])
    axes.set(xlabel=GROWTH[what], ylim=(0, axes.get_ylim()[1] * 1.1))


def put(file: Path, name: str, text: str) -> None:
    """Put a text into a file of Markdown, between the marker lines of a name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = file.read_text("utf-8").partition(begin)
    file.write_text(f"{before}{begin}\n{text}{end}{rest.partition(end)[2]}", "utf-8")


def write(results: Results) -> None:
    """Put tables and plot into the README, between its marker lines."""
    drawn = "![the servers beside each other, and how the cost of the first grows](serving.png)"
    put(HERE / "README.md", "serving", f"{tables(results)}\n{drawn}\n")
    plot(results).savefig(HERE / "serving.png", dpi=110, metadata={"Software": None})
