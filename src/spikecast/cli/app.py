"""What all commands share: how they are found, their errors, progress bar and exit status."""

import ast
import errno
import io
import logging
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any

import typer
from pydantic import Field
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

import spikecast.cli
from spikecast.cli.environment import set_environment
from spikecast.cli.options import Option, Options, options
from spikecast.cli.signals import END_SIGNALS, interrupted_by
from spikecast.core.checks import shorten_line
from spikecast.core.errors import InputError, NotCutError, SpikecastError
from spikecast.core.files import NO_ROOM
from spikecast.core.schema import Block
from spikecast.data.selection import Selection

SHARED = ("app", "environment", "options", "signals", "__main__")
"""Files of this folder that are no commands."""

UsageError: Any = typer.BadParameter.__base__  # typer does not export it

LONGEST = 2000  # characters of an error: a table may have thousands of columns, by their names

console = Console(stderr=True, highlight=False)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="show no progress")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="a run directory")]


class Execution(Block):
    """Where a run is written, and how its jobs are done."""

    out: Path | None = Field(None, description="run directory; default runs/<session>_<target>")
    workers: int | None = Field(
        None, ge=1, description="processes (default: cores); does not change any number"
    )
    engine: str = Field(
        "local", description="where jobs run: local, dask-local, or dask://HOST:PORT (a scheduler)"
    )
    resume: bool = Field(False, description="go on with an interrupted run")
    overwrite: bool = Field(False, description="replace the run that is there")
    track: str | None = Field(
        None, description="also log to a tracker: tensorboard or mlflow (extras); default: none"
    )
    quiet: bool = Field(False, description="show no progress")


def execution_options(*names: str, **helps: str) -> Options:
    """Return options of :class:`Execution`, all by default; some with a help of their own.

    Examples
    --------
    >>> list(execution_options("out", "resume"))
    ['out', 'resume']
    """
    shorts = {"quiet": "-q"}
    made = (
        Option(name, help=helps.get(name, ""), short=shorts.get(name, ""))
        for name in names or Execution.model_fields
    )
    return options(*made)


UNCUT = "Data not cut into trials yet (inspect DATA lists the choices)"
SELECTION_NAMES = {"bin_size": "bin"}


def selection_options(block: str = "") -> Options:
    """Return the options of a :class:`Selection`; `block` is the place of its fields in another.

    Examples
    --------
    >>> list(selection_options("data"))
    ['align', 'window', 'bin', 'units', 'area_column', 'trials', 'frame_rate']
    """
    prefix = f"{block}." if block else ""
    return options(
        *(
            Option(f"{prefix}{name}", SELECTION_NAMES.get(name, ""), panel=UNCUT)
            for name in Selection.model_fields
        )
    )


def spell_cut(proposal: dict[str, object]) -> str:
    """Return the flags of settings that cut a session.

    Examples
    --------
    >>> spell_cut({"align": "go cue", "window": (-0.5, 1.0), "bin_size": 0.01})
    "--align 'go cue' --window -0.5 1 --bin 0.01"
    """
    flags = {one.field: one.flag for one in selection_options().values()}
    words: list[str] = []
    for name, value in proposal.items():
        parts = value if isinstance(value, tuple) else (value,)
        spelled = (f"{part:g}" if isinstance(part, float) else str(part) for part in parts)
        words += [flags[name], *spelled]
    return shlex.join(words)


class CommandFolder(TyperGroup):
    """The commands of this folder; one is imported when it is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        files = {module.name for module in iter_modules(spikecast.cli.__path__)}
        names = sorted(name.replace("_", "-") for name in files.difference(SHARED))
        commands: dict[str, Any] = dict.fromkeys(names)
        self.commands = commands
        self.listing = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name, or None; while the help lists them, its description."""
        if cmd_name not in self.commands:
            return None
        return describe_command(cmd_name) if self.listing else load_command(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, without importing the commands that it lists: that takes seconds."""
        with self._list_only():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what the Tab key proposes, without importing commands either."""
        with self._list_only():
            return super().shell_complete(ctx, incomplete)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; asked to end before it says how to go on, it ends with a line, too."""
        try:
            with interrupted_by(*END_SIGNALS):
                return super().invoke(ctx)
        except KeyboardInterrupt:
            show("interrupted", error=True)
            raise typer.Exit(130) from None

    @contextmanager
    def _list_only(self) -> Iterator[None]:
        self.listing = True
        try:
            yield
        finally:
            self.listing = False


SETTINGS: dict[str, Any] = {
    "no_args_is_help": True,
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
app = typer.Typer(cls=CommandFolder, **SETTINGS | {"add_completion": True})


def print_version(asked: bool) -> None:
    """Print the version and end, as other programs do."""
    if asked:
        show(spikecast.__version__)
        raise typer.Exit


@app.callback()
def describe(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, help="print the version")
    ] = False,
) -> None:
    """Honest prediction between populations of neurons: from a recording to a report."""


def describe_command(name: str) -> TyperCommand:
    """Return a command that only has a help: the docstring in its file, which is not imported."""
    file = name.replace("-", "_")
    text = Path(spikecast.cli.__path__[0], f"{file}.py").read_text(encoding="utf-8")
    about = ""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == file:
            about = ast.get_docstring(node) or ""
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == file:
            given = {one.arg: one.value for one in getattr(node.value, "keywords", ())}
            about = ast.literal_eval(given["help"])
    return TyperCommand(name, help=about)


def load_command(name: str) -> Any:
    """Import a command's file and return what typer runs."""
    file = name.replace("-", "_")
    command = getattr(import_module(f"spikecast.cli.{file}"), file)
    if isinstance(command, typer.Typer):
        group = get_group(command)
        group.name = name
        return group
    single = typer.Typer(**SETTINGS)
    single.command(name, no_args_is_help=False)(command)
    return get_command(single)


def main() -> None:
    """Run the command line; the entry point of ``spikecast``."""
    for stream in (sys.stdout, sys.stderr):  # names in data may have letters that a terminal lacks
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # of folders it cannot write into
    logging.getLogger("spikecast").addHandler(_ShowWarnings(logging.WARNING))
    try:
        set_environment()
        status = app(standalone_mode=False)
    except typer.Abort:
        raise SystemExit(1) from None
    except UsageError as error:
        message = error.format_message().rstrip(".")
        if message:  # where no command was named, typer has printed the help
            more = f"; see {error.ctx.command_path} --help" if error.ctx else ""
            print_error(f"{message}{more}")
        raise SystemExit(2) from None
    except NotCutError as error:
        print_error(
            f"{error.problem}. For example {spell_cut(error.proposal)}; spikecast inspect lists "
            "all of it"
        )
        raise SystemExit(2) from None
    except SpikecastError as error:
        print_error(str(error))
        raise SystemExit(2) from None
    except OSError as error:
        no_folder = "No usable temporary directory" in str(error.strerror)  # all are full
        if error.filename is None and error.errno not in NO_ROOM and not no_folder:
            raise
        place = "" if error.filename is None else f": '{error.filename}'"
        print_error(f"{error.strerror}{place}")  # a name that no file can have, a full disk
        raise SystemExit(2) from None
    except (MemoryError, ImportError) as error:  # a library may find no room
        if isinstance(error, ImportError) and "failed to map segment" not in str(error):
            raise
        print_error(f"there is too little memory: {shorten_line(error) or 'take fewer trials'}")
        raise SystemExit(2) from None
    raise SystemExit(status if isinstance(status, int) else 0)


def show(text: object, error: bool = False) -> None:
    """Print a text on standard output, or standard error.

    Names in data may hold what a terminal obeys (escape sequences): such characters are spaces.
    """
    plain = "".join(c if c.isprintable() or c in "\n\t" else " " for c in str(text))
    print(plain, file=sys.stderr if error else sys.stdout)


def print_error(message: str) -> None:
    """Print an error on standard error, in one line."""
    line = " ".join(message.splitlines())
    show(f"error: {line if len(line) <= LONGEST else line[:LONGEST] + ' ...'}", error=True)


class _ShowWarnings(logging.Handler):
    """Shows what is written into a run's log as a warning."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING:  # errors end the command with a line of their own
            print_warning(record.getMessage())


def print_warning(message: str) -> None:
    """Print a warning on standard error, in one line."""
    show("warning: " + " ".join(message.splitlines()), error=True)


@contextmanager
def resumable(out: Path, options: str = "and --resume --out {out}") -> Iterator[None]:
    """On Ctrl-C, or where the disk is full, say how to go on, in one line (status 130, or 2).

    A process that is asked to end (SIGTERM, as a queue sends it, or SIGHUP, of a terminal that is
    closed) ends as by Ctrl-C: it ends its processes, and removes what is temporary.
    `options` are added to the command to go on, where something was begun.
    """
    try:
        with interrupted_by(*END_SIGNALS):
            yield
    except KeyboardInterrupt:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        show(f"interrupted; {_say_how_to_go_on(out, options)}", error=True)
        if before != signal.SIG_IGN:  # once more: the process ends without a traceback
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        raise typer.Exit(130) from None
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        full = "a file became too large" if error.errno == errno.EFBIG else "the disk is full"
        room = f"{full}; make room (temporary files lie in {tempfile.gettempdir()})"
        print_error(f"{room} and {_say_how_to_go_on(out, options)}")
        raise typer.Exit(2) from None


def _say_how_to_go_on(out: Path, options: str) -> str:
    begun = out.is_dir() and any(not path.name.startswith(".") for path in out.iterdir())
    return f"go on with the same command {options.format(out=out) if begun else ''}".rstrip()


@contextmanager
def progress_bar(quiet: bool, unit: str = "fits") -> Iterator[Callable[[str, int, int], None]]:
    """Yield a progress function that draws one bar, on standard error."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden, transient=True) as bars:
        bar = bars.add_task("starting", total=None, count="")

        def progress(what: str, done: int, total: int) -> None:
            count = f"{done} of {total} {unit}" if total else ""
            bars.update(bar, description=what, completed=done, total=total or None, count=count)

        yield progress


def choose_folder(stem: Path, resume: bool) -> Path:
    """Return where a command without ``--out`` writes: `stem`, with a number where it is taken.

    To resume, the one of them that is not finished, or the last where all are. Raises an InputError
    where several are not finished.
    """
    taken = [stem] if stem.exists() else []
    while taken and (following := stem.with_name(f"{stem.name}-{len(taken) + 1}")).exists():
        taken.append(following)
    from spikecast.runs.run_directory import is_finished  # only now: the help needs no library

    if not resume:
        return stem.with_name(f"{stem.name}-{len(taken) + 1}") if taken else stem
    unfinished = [folder for folder in taken if not is_finished(folder)]
    if len(unfinished) > 1:
        raise InputError(
            f"{len(unfinished)} runs are not finished ({', '.join(map(str, unfinished))}): "
            "name the one to resume, --out"
        )
    return (unfinished or taken or [stem])[-1]
