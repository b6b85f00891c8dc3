"""The commands that read a file of rows and tell or write something of it: audit, score, benchmark."""

from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from models.axes import read_axes
from models.bundle import RELEASED, STORE, load_bundle, read_manifest, serving
from models.encoder import Encoder
from models.errors import AuditError, ScoreError, StoreError, TableError
from training import benchmark as benchmarks
from training import report, stance_file
from training.corpus import AXES, corpus_files, read_corpus
from training.forms import Options
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

    if not html.absolute().parent.is_dir():
        raise StoreError(f"{html}: cannot be written, for there is no folder {html.absolute().parent}; make it first")
    if html.is_dir():
        raise StoreError(f"{html}: is a folder; name a file in it")
    corpus = read_corpus(corpus_files(data, with_ or ()), read_axes(AXES))
    found = look_through(corpus, encoder_folder(store), store / CACHE)
    report.tables(found.tables)
    try:
        write_page(found, html)
    except OSError as error:
        raise StoreError(f"{html}: cannot be written ({error.strerror}); name another file with --html") from error
    count = len(found.faults)
    report.out.print(f"{count or 'no'} fault{'s' * (count != 1)}; the report is {html}", soft_wrap=True)
    if found.faults:
        raise AuditError("mend these:\n" + "\n".join(f"  {fault}" for fault in found.faults))


def score(
    source: Annotated[
        str,
        typer.Argument(metavar="INPUT", help="Rows of text, .csv, .jsonl or .parquet: a file, folder, pattern."),
    ],
    target: Annotated[
        str, typer.Argument(metavar="OUTPUT", help="Where to write them: the suffix says the form; none: a folder.")
    ],
    bundle: Annotated[Path | None, typer.Option(help="Folder of a bundle; by default the one that serves.")] = None,
    text_column: Annotated[str, typer.Option(help="The column, or key, that holds the text.")] = "text",
    encoding: Annotated[str, typer.Option(help="Of CSV files.")] = "utf-8",
    spreadsheet: Annotated[bool, typer.Option("--spreadsheet", help="Lead cells that run as formulas by '.")] = False,
    articles: Annotated[
        bool, typer.Option("--articles", help="Split each text into statements first, a row a statement.")
    ] = False,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Dask scheduler; by default the cores here work.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes to start here; by default one a core.")] = None,
    summary: Annotated[Path | None, typer.Option(help="A file for the counts and speeds as JSON.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over an OUTPUT that exists.")] = False,
    store: Store = STORE,
) -> None:
    """Score every row of a file, or of many, with the bundle that serves; all columns stay, the stances are added.

    With the extra `scale` Dask shares the work out: INPUT and OUTPUT may be folders or addresses of any storage that
    fsspec knows, and a run that was cut short goes on when it is started again. Without it one process scores one file.

    Examples:

    `python -m training score statements.csv stances.csv`

    `python -m training score archive.parquet stances.parquet --text-column body --articles`

    `python -m training score archive/ stances/ --workers 8 --summary stances.json`

    `python -m training score "s3://desk/archive/*.parquet" s3://desk/stances/ --scheduler tcp://scheduler:8786`
    """
    folder = bundle or serving(store)
    options, began = Options(text_column, encoding, spreadsheet, articles), perf_counter()
    many = "://" in source or "*" in source or Path(source).is_dir() or not Path(target).suffix
    if find_spec("distributed") or scheduler or workers or many:
        with extra("scale"):
            from training.scaling.score import score as score_many
        found = score_many(source, target, folder, options, overwrite, scheduler, workers)
    else:
        found = score_file(load_bundle(folder), Path(source), Path(target), options, overwrite)
    report.scored(found)
    if summary:
        try:
            summary.write_text(found.told(read_manifest(folder).version, perf_counter() - began), "utf-8")
        except OSError as error:
            raise StoreError(f"{summary}: {error.strerror}; {target} stands without it") from error
    if found.failures:
        raise ScoreError(f"{len(found.failures)} parts of {source} are not in {target}; say it again to try them again")
    report.out.print(f"wrote {target}", soft_wrap=True)


def benchmark(
    file: Annotated[Path, typer.Argument(help="Rows with text, label and target: CSV, JSON lines or Parquet.")],
    test: Annotated[Path | None, typer.Option(help="Rows to test on; FILE is then only learnt from.")] = None,
    folds: Annotated[Path | None, typer.Option(help="Rows with id and fold, of the same forms.")] = None,
    k: Annotated[int, typer.Option(min=2, help="Folds to make where none are given; a text stays in one.")] = 5,
    classes: Annotated[str, typer.Option(help="Labels whose F1 is averaged, with commas; by default all.")] = "",
    encoder: Annotated[Path | None, typer.Option(help="Folder of an encoder; by default the one that serves.")] = None,
    finetune: Annotated[
        bool,
        typer.Option(
            "--finetune", help="Fine-tune the base encoder on the file as well: an hour or two a fold on two cores."
        ),
    ] = False,
    base: Base = None,
    store: Store = STORE,
) -> None:
    """Hold the pipeline against published tables: n-grams, frozen vectors and both on any labelled stance file.

    Where every target has 100 rows to learn from each gets a model of its own, else one answers for all of them from
    text and target together; figures are the mean over the targets, and those of all rows together. Rare labels are
    favoured as far as rows not learnt from say they should.

    A run with `--finetune` that was cut short goes on when it is started again.

    Examples:

    `python -m training benchmark ruarg/train.csv --folds ruarg/cv5_folds.csv --classes FAVOR,AGAINST,OTHER`

    `python -m training benchmark rusentne/train.csv --test rusentne/test.csv --classes positive,negative --finetune`
    """
    rows, parts = stance_file.read(file, test, folds, k)
    named = [name.strip() for name in classes.split(",") if name.strip()]
    if unknown := set(named) - set(rows["label"]):
        labels = ", ".join(sorted(rows["label"].unique()))
        raise TableError(f"{file}: no row is labelled {', '.join(sorted(unknown))}; there are {labels}")
    if base and not finetune:
        raise TableError("--base is what --finetune begins from; add that, or leave --base out")
    if folds and (left := int((parts < 0).sum())):
        report.warn(f"{folds} does not name {left} of the {len(rows)} rows: they are learnt from, not tested")
    for doubt in stance_file.doubts(rows, parts):
        report.warn(doubt)
    report.out.print("a model a target" if benchmarks.own_heads(rows, parts) else "one model for all targets")
    frozen = Encoder.read(encoder_folder(store, encoder, required=True) or RELEASED)
    if not finetune:
        report.benchmark(benchmarks.benchmark(rows, parts, frozen, named), named)
        return
    with extra("finetune"):
        from training.tuning.transfer import tuner
    with tuner(rows, parts, base, ENCODERS) as tune:
        report.benchmark(benchmarks.benchmark(rows, parts, frozen, named, tune), named)
