"""What `scale.py` measured, as tables and a plot here, and what a million costs in `docs/scaling.md`."""

from dataclasses import dataclass, field
from statistics import mean

from matplotlib.figure import Figure

from benchmarks.report import HERE, put, table

MILLION = 1_000_000
MOST_GROWTH = 64
"""MiB by which a process may be larger at a larger input than at the smallest: what its allocator keeps."""
TOLD = {"client": "client, MiB", "worker": "largest worker, MiB", "rate": "statements/s"}


@dataclass(frozen=True, slots=True)
class Memory:
    """Hold the peaks of a run, in MiB, of the client and of the largest worker; and the statements a second."""

    client: float
    worker: float
    rate: float


@dataclass(slots=True)
class Results:
    """Gather everything that was measured, in statements a second; ``memory`` by kind of input and its rows.

    ``encoder`` is the encoder alone and ``loop`` a plain loop over the whole model, in one process; ``loops`` are two
    such loops at once, together, which is what the two cores have to give; ``workers`` is the scoring by their number.
    """

    facts: str
    encoder: list[float] = field(default_factory=list)
    loop: list[float] = field(default_factory=list)
    loops: list[float] = field(default_factory=list)
    workers: dict[int, float] = field(default_factory=dict)
    memory: dict[tuple[str, int], Memory] = field(default_factory=dict)

    @property
    def efficiency(self) -> float:
        """Return what two workers do, of twice what one does."""
        return self.workers[2] / (2 * self.workers[1])

    def grown(self) -> float:
        """Return by how many MiB a process is larger at most than at the smallest input of the same kind."""
        found = []
        for kind in {kind for kind, _ in self.memory}:
            least, *more = (self.memory[key] for key in sorted(self.memory) if key[0] == kind)
            found += [grown for each in more for grown in (each.client - least.client, each.worker - least.worker)]
        return max(found, default=0.0)


def goals(results: Results) -> list[tuple[str, str, bool]]:
    """Return each goal, its figure and whether it is met."""
    share, efficiency, grown = results.workers[1] / mean(results.encoder), results.efficiency, results.grown()
    return [
        ("one worker at least 0.9 of the encoder alone on one core", f"{share:.2f}", share >= 0.9),
        ("scaling efficiency on two workers at least 0.9", f"{efficiency:.2f}", efficiency >= 0.9),
        (f"memory flat: at most {MOST_GROWTH} MiB more", f"{grown:+.0f} MiB", grown <= MOST_GROWTH),
    ]


def tables(results: Results) -> str:
    """Return what was measured as Markdown."""
    met = [(goal, figure, "yes" if met else "**no**") for goal, figure, met in goals(results)]
    speeds = speed(results).items()
    memory = [
        (kind, f"{rows:,}", f"{held.client:.0f}", f"{held.worker:.0f}", f"{held.rate:.0f}")
        for (kind, rows), held in results.memory.items()
    ]
    return "\n".join(
        [
            f"{results.facts}\n",
            table(("goal", "measured", "met"), *met),
            table(("", "statements/s"), *((name, f"{rate:.1f}") for name, rate in speeds)),
            table(("input", "statements", *TOLD.values()), *memory),
        ]
    )


def speed(results: Results) -> dict[str, float]:
    """Return what is drawn and told of speed, statements a second by what did it."""
    return {
        "the encoder alone": mean(results.encoder),
        "a plain loop": mean(results.loop),
        "two loops at once": mean(results.loops),
        **{f"Dask, {n} worker{'s' * (n > 1)}": rate for n, rate in results.workers.items()},
    }


def cost(results: Results) -> str:
    """Return what a million statements take, by workers, as Markdown."""
    rows = []
    for workers, rate in results.workers.items():
        seconds = MILLION / rate
        told = f"{rate:.0f}", f"{seconds / 3600:.1f}", f"{workers * seconds / 3600:.1f}"
        rows.append((str(workers), *told))
    return table(("workers", "statements/s", "hours a million", "core hours a million"), *rows)


def plot(results: Results) -> Figure:
    """Draw speeds beside each other, and memory over the size of the input."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    found = speed(results)
    left.barh(list(found)[::-1], list(found.values())[::-1])
    left.set(xlabel="statements a second")
    for kind in dict.fromkeys(kind for kind, _ in results.memory):
        sizes = [size for each, size in results.memory if each == kind]
        for who in ("client", "worker"):
            held = [getattr(results.memory[kind, size], who) for size in sizes]
            right.plot(sizes, held, marker="o", label=f"{kind}: {who}")
    right.set(xscale="log", xlabel="statements", ylabel="most resident, MiB", ylim=(0, None))
    right.legend(frameon=False, fontsize="small")
    return figure


def write(results: Results) -> None:
    """Put tables and plot into the README, and the cost of a million into the document on scaling."""
    drawn = "![statements a second, and memory over the size of the input](scale.png)"
    put(HERE / "README.md", "scale", f"{tables(results)}\n{drawn}\n")
    put(HERE.parent / "docs" / "scaling.md", "cost", f"{results.facts}\n\n{cost(results)}")
    plot(results).savefig(HERE / "scale.png", dpi=110, metadata={"Software": None})
