"""The commands that read a file of rows and tell or write something of it: audit, score, benchmark."""

from pathlib import Path
from typing import Annotated

import typer

from models.axes import read_axes
from models.bundle import RELEASED, STORE, load_bundle, serving
from models.encoder import Encoder
from models.errors import AuditError, TableError
from training import benchmark as benchmarks
from training import report
from training.corpus import AXES, corpus_files, read_corpus
from training.ground import CACHE, ENCODERS, encoder_folder
from training.options import Base, Data, Store, With, extra
from training.score import score as score_file


def audit(
    data: Data = None,
    with_: With = None,
    html: Annotated[Path, typer.Option(help="Where to write the report with its plots.")] = Path("audit.html"),
    store: Store = STORE,
) -> None:
    """Look the corpus through: what it holds, what is wrong with it, what gives its labels away; fails on faults.

    Example:

    `python -m training audit`
    """
    with extra("train"):
        from training.audit import audit as look_through
        from training.audit_page import write_page

    corpus = read_corpus(corpus_files(data, with_ or ()), read_axes(AXES))
    found = look_through(corpus, encoder_folder(store), store / CACHE)
    report.tables(found.tables)
    write_page(found, html)
    report.out.print(f"{len(found.faults)} faults; the report is {html}")
    if found.faults:
        raise AuditError("mend these:\n" + "\n".join(f"  {fault}" for fault in found.faults))


def score(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="Rows of text: .csv, .jsonl or .parquet.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Where to write them; the suffix says the form.")],
    bundle: Annotated[Path | None, typer.Option(help="Folder of a bundle; by default the one that serves.")] = None,
    text_column: Annotated[str, typer.Option(help="The column, or key, that holds the text.")] = "text",
    encoding: Annotated[str, typer.Option(help="Of a CSV file.")] = "utf-8",
    spreadsheet: Annotated[bool, typer.Option("--spreadsheet", help="Lead cells that run as formulas by '.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over an OUTPUT that exists.")] = False,
    store: Store = STORE,
) -> None:
    """Score every row of a file with the bundle that serves; all columns stay, the stances are added.

    Examples:

    `python -m training score statements.csv stances.csv`

    `python -m training score archive.parquet stances.parquet --text-column body`
    """
    loaded = load_bundle(bundle or serving(store))
    report.scored(score_file(loaded, source, target, text_column, encoding, spreadsheet, overwrite))
    report.out.print(f"wrote {target}", soft_wrap=True)


def benchmark(
    file: Annotated[Path, typer.Argument(help="A CSV file with the columns text, label and target.")],
    test: Annotated[Path | None, typer.Option(help="Rows to test on; FILE is then only learnt from.")] = None,
    folds: Annotated[Path | None, typer.Option(help="A CSV file with the columns id and fold.")] = None,
    k: Annotated[int, typer.Option(min=2, help="Folds to make where none are given; a text stays in one.")] = 5,
    classes: Annotated[str, typer.Option(help="Labels whose F1 is averaged, with commas; by default all.")] = "",
    encoder: Annotated[Path | None, typer.Option(help="Folder of an encoder; by default the one that serves.")] = None,
    finetune: Annotated[
        bool, typer.Option("--finetune", help="Fine-tune the base encoder on the file as well; minutes a fold.")
    ] = False,
    base: Base = None,
    store: Store = STORE,
) -> None:
    """Hold the pipeline against published tables: n-grams and frozen vectors on any labelled stance file.

    A run with `--finetune` that was cut short goes on when it is started again.

    Examples:

    `python -m training benchmark ruarg/train.csv --folds ruarg/cv5_folds.csv --classes FAVOR,AGAINST,OTHER`

    `python -m training benchmark rusentne/train.csv --test rusentne/test.csv --classes positive,negative --finetune`
    """
    rows, parts = benchmarks.read(file, test, folds, k)
    named = [name.strip() for name in classes.split(",") if name.strip()] or sorted(rows["label"].unique())
    if unknown := set(named) - set(rows["label"]):
        raise TableError(f"{file}: no row is labelled {', '.join(sorted(unknown))}")
    frozen = Encoder.read(encoder_folder(store, encoder, required=True) or RELEASED)
    if not finetune:
        report.benchmark(benchmarks.benchmark(rows, parts, frozen, named), named)
        return
    with extra("finetune"):
        from training.tuning.transfer import tuner
    with tuner(rows, parts, named, base, ENCODERS) as tune:
        report.benchmark(benchmarks.benchmark(rows, parts, frozen, named, tune), named)
