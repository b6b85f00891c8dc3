"""The commands of ``python -m training``."""

import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from models.axes import read_axes
from models.bundle import STORE, Bundle, current, load_bundle, open_store, read_manifest, serving, write_bundle
from models.errors import BundleError, StanceError
from models.manifest import Manifest
from training import files, report, tracking
from training import release as releases
from training.baseline import ngram_answers
from training.card import card
from training.corpus import AXES, Corpus, corpus_files, read_corpus, read_texts
from training.evaluate import evaluate as evaluate_bundle
from training.fit import SELECTIVE_ACCURACY
from training.fit import fit as fit_model
from training.ground import CACHE, ENCODERS, encoded, encoder_folder, ngrams
from training.options import Base, Data, Store, With, extra

app = typer.Typer(
    help="Make a stance model: fit it, measure it, release it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for command in (files.audit, files.score, files.benchmark):
    app.command()(command)


@app.command()
def fit(
    data: Data = None,
    with_: With = None,
    encoder: Annotated[
        Path | None, typer.Option(help="Folder of an encoder; by default the one that serves or ships.")
    ] = None,
    features: Annotated[
        Literal["encoder", "ngrams"] | None,
        typer.Option(help="What the heads stand on; n-grams where there is no encoder."),
    ] = None,
    accuracy: Annotated[
        float, typer.Option(min=0.5, max=1, help="Share of the certain answers that is to be right.")
    ] = SELECTIVE_ACCURACY,
    no_track: Annotated[bool, typer.Option("--no-track", help="Fit without MLflow.")] = False,
    store: Store = STORE,
) -> None:
    """Fit a model and write it to the store as a new version; what serves does not change.

    Examples:

    `python -m training fit`

    `python -m training fit --with my-rows.csv --no-track`

    `python -m training fit --encoder models/encoders/0a1b2c3d`
    """
    open_store(store)
    folder = None if features == "ngrams" else encoder_folder(store, encoder, features == "encoder")
    ground = partial(encoded, folder=folder, cache=store / CACHE) if folder else ngrams
    corpus = read_corpus(corpus_files(data, with_ or ()), read_axes(AXES))
    if corpus.left_out:
        report.warn(f"{corpus.left_out} corrected rows left out: their texts are examined on")
    run = None if no_track else tracking.begin()
    try:
        fitted = fit_model(corpus, ground, run, accuracy)
        text = card(fitted)
        bundle = write_bundle(store, fitted.model, fitted.facts, fitted.golden, text, folder, fitted.reference)
    except BaseException:
        if run:
            tracking.abandon(run)
        raise
    if run:
        tracking.record(run, corpus, fitted, bundle, text)
    report.figures(fitted.model.axes, fitted.facts.metrics)
    if fitted.facts.last_feedback is not None:
        report.out.print(f"learnt from people's corrections up to feedback {fitted.facts.last_feedback}")
    _compare(store, Bundle(bundle, read_manifest(bundle), fitted.model, text, fitted.reference), corpus)
    report.out.print(f"wrote {bundle}\nto serve it: python -m training release {fitted.model.version}", soft_wrap=True)


@app.command()
def finetune(
    data: Data = None,
    with_: With = None,
    base: Base = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs; several then teach one network together.")] = 2,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the rows; the best by the held-out ones counts.")] = 8,
    layers: Annotated[
        int | None, typer.Option(min=1, help="Layers of a student that the tuned network teaches; ships if it holds.")
    ] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of a bundle that teaches every seed, so that one does for several; may be repeated."),
    ] = None,
    unlabelled: Annotated[
        list[Path] | None,
        typer.Option(help="File of unlabelled texts, column `text`, taught by what teachers answer; may be repeated."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the encoders.")] = ENCODERS,
) -> None:
    """Fine-tune an encoder on part `encoder` of the corpus; a run cut short goes on when it is started again.

    Examples:

    `python -m training finetune`

    `python -m training finetune --layers 6 --unlabelled news.csv`

    `python -m training finetune --base intfloat/multilingual-e5-small --seeds 1`

    `python -m training finetune --teacher models/released --seeds 1`

    `python -m training finetune --base models/released --teacher models/released --seeds 1 --epochs 3`
    """
    with extra("finetune"):
        from training.tuning.finetune import finetune as tune

    fitted = [load_bundle(folder) for folder in teacher or ()]
    corpus = read_corpus(corpus_files(data, with_ or ()), read_axes(AXES))
    texts = read_texts(unlabelled, corpus) if unlabelled else []
    if unlabelled:
        report.out.print(f"{len(texts):,} unlabelled texts, those that stand in the corpus or in gold-dev left out")
    folder = tune(corpus, base, seeds, epochs, layers, fitted, texts, out)
    report.out.print(f"wrote {folder}\nto fit heads on it: python -m training fit --encoder {folder}", soft_wrap=True)


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="Labelled rows: JSON lines, CSV or Parquet.")],
    bundle: Annotated[Path | None, typer.Option(help="Folder of a bundle; by default the one that serves.")] = None,
    against: Annotated[Path | None, typer.Option(help="Folder of a bundle to compare it with, row by row.")] = None,
    store: Store = STORE,
) -> None:
    """Score labelled rows with the bundle that serves: figures with intervals, by slices, and the surest errors.

    Examples:

    `python -m training evaluate data/gold-dev.jsonl`

    `python -m training evaluate mine.csv --against models/store/20260102T030405Z-0a1b2c3d`
    """
    loaded = load_bundle(bundle or serving(store))
    other = load_bundle(against) if against else None
    axes = read_axes(AXES)
    rows = read_corpus([file], axes, gold=None)
    with report.out.status("n-grams, the baseline, are fitted on the corpus"):
        beside = ngram_answers(read_corpus(corpus_files(), axes), rows.frame, store / CACHE)
    found = evaluate_bundle(loaded, rows, other, beside)
    report.out.print(f"{loaded.manifest.version} on {file}", soft_wrap=True)
    if found.seen:
        report.warn(f"{found.seen} of these texts were trained on, so the figures flatter")
    report.figures(found.axes, found.metrics)
    if other:
        if found.other_seen:
            told = f"{found.other_seen} of these texts were trained on by {other.manifest.version}"
            report.warn(f"{told}, so the comparison favours it")
        report.comparison(loaded.manifest.version, other.manifest.version, found.compared, "these rows")
    report.mistakes(found.mistakes)


@app.command()
def release(
    version: Annotated[str | None, typer.Argument(help="A version of the store; by default the newest.")] = None,
    force: Annotated[
        str | None, typer.Option(metavar="WHY", help="Release in spite of the gate; WHY is logged.")
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Copy it to models/released as well, for a maintainer to commit.")
    ] = False,
    store: Store = STORE,
) -> None:
    """Ask the gate and make a version the one that serves.

    Examples:

    `python -m training release`

    `python -m training release 20260102T030405Z-0a1b2c3d --force "new axis, nothing to compare with"`
    """
    left = _released(store)
    bundle, figures = releases.release(store, version, force)
    for axis, c in figures.items():
        report.out.print(
            f"{axis}: {c['difference']:+.3f} macro-F1 [{c['low']:+.3f}, {c['high']:+.3f}], {c['rows']} rows"
        )
    report.out.print(f"released {bundle.manifest.version}")
    if publish:
        report.out.print(f"published to {releases.publish(store)}", soft_wrap=True)
    tracking.crown(bundle.manifest, left)


@app.command()
def rollback(
    why: Annotated[str | None, typer.Option(help="A reason for the log.")] = None,
    store: Store = STORE,
) -> None:
    """Serve the version that was released before the current one; from the first release, the one that ships.

    Example:

    `python -m training rollback --why "wrong on headlines"`
    """
    left = _released(store)
    bundle = releases.rollback(store, why)
    report.out.print(f"went back to {bundle.manifest.version if bundle else 'what ships with the repository'}")
    tracking.crown(bundle.manifest if bundle else None, left)


def _compare(store: Path, challenger: Bundle, corpus: Corpus) -> None:
    try:
        champion = releases.champion(store)
    except BundleError as error:
        report.warn(f"nothing to compare with: what serves cannot be loaded: {error}")
        return
    if champion:
        compared = releases.compare(challenger, champion, corpus.part("exam"))
        names = challenger.manifest.version, champion.manifest.version
        report.comparison(*names, compared, "the grounded exam rows new to both")


def _released(store: Path) -> Manifest | None:
    place = current(store)
    with suppress(BundleError):  # what is damaged can be left all the same
        return read_manifest(place) if place else None
    return None


def main() -> None:
    """Run a command; an error that is ours is told in its own words, without a trace."""
    try:
        app(prog_name="python -m training")
    except StanceError as error:
        report.err.print(f"[red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
