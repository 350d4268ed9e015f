"""Argument checks whose messages say what was given, what is allowed and the likely fix."""

import sys
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from numbers import Real
from reprlib import Repr
from typing import TypeVar

import numpy as np

from spikecast.core.errors import FormatError, InputError, ShapeError, UnknownNameError

T = TypeVar("T")
LONGEST_QUOTE = 80  # characters of a file that a message repeats
_SHORT = Repr()
_SHORT.maxlevel, _SHORT.maxtuple, _SHORT.maxset, _SHORT.maxfrozenset = 3, 20, 20, 20
_SHORT.maxlist, _SHORT.maxdict = 20, 20
_SHORT.maxstring, _SHORT.maxlong, _SHORT.maxother = 10_000, 10_000, 10_000
LONGEST_INT = 1000  # bits of a whole number
MOST_DRAWS = 1_000_000
"""Draws of a null, or resamples of a bootstrap; more are hours for digits that nobody reads."""


def quote(value: object) -> str:
    r"""Return a value of a file as a message shows it: in one line, cut to 80 characters.

    Examples
    --------
    >>> quote("two\nlines"), quote({"a": 1}), len(quote("x" * 1000))
    ("'two\\nlines'", 'keys and values', 80)
    """
    if isinstance(value, dict | list):
        return "keys and values" if isinstance(value, dict) else f"a list of {len(value)}"
    # arrays and tables have several lines; tuples in tuples may hold one another without end
    text = " ".join(map(str.strip, _SHORT.repr(value).splitlines()))
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 3] + "..."


def shorten_line(text: object) -> str:
    """Return a text of a file or of a library as a part of a message: in one line, not too long."""
    plain = "".join(c if c.isprintable() else " " for c in str(text))
    line = " ".join(plain.split())
    return line if len(line) <= 2 * LONGEST_QUOTE else line[: 2 * LONGEST_QUOTE - 3] + "..."


def describe_error(error: Exception) -> str:
    r"""Return what an error of a library says as a part of a message; its kind where it is silent.

    Examples
    --------
    >>> describe_error(EOFError()), describe_error(ValueError("two\nlines"))
    ('EOFError', 'two lines')
    """
    return shorten_line(error) or type(error).__name__


def suggest_name(given: object, allowed: Iterable[object]) -> str:
    """Return ``' Did you mean ...?'`` for the nearest allowed name, or the list of them.

    Examples
    --------
    >>> suggest_name("VSIp", ["VISp", "MOs"])
    " Did you mean 'VISp'?"
    >>> suggest_name("glm", ["lstm", "poisson_glm"])
    " Did you mean 'poisson_glm'?"
    >>> suggest_name("zzz", ["VISp", "MOs"])
    ' Allowed: VISp, MOs.'
    """
    names = [str(name) for name in allowed]
    folded = {name.casefold(): name for name in names}
    text = (given if isinstance(given, str) else quote(given)).casefold()
    # a name that contains the given text is nearer than one that shares letters with it
    near = sorted((name for name in folded if len(text) > 2 and text in name), key=len)
    near = near or get_close_matches(text, folded, n=1, cutoff=0.5)
    if near:
        return f" Did you mean '{_shorten_name(folded[near[0]])}'?"
    shown = ", ".join(map(_shorten_name, names[:20])) + (", ..." if len(names) > 20 else "")
    return f" Allowed: {shown}." if names else ""


def _shorten_name(name: str) -> str:
    return name if len(name) <= LONGEST_QUOTE and name.isprintable() else shorten_line(name)


def check_one_of(what: str, given: T, allowed: Sequence[T]) -> T:
    """Return `given` if it is in `allowed`, else raise with the nearest allowed one."""
    if isinstance(given, Collection) and not isinstance(given, str | bytes):
        raise InputError(f"{what} is {quote(given)}; it must be one name")
    if given not in allowed:
        raise UnknownNameError(
            f"unknown {what} '{shorten_line(given)}'.{suggest_name(given, allowed)}"
        )
    return given


def check_in_range(what: str, given: float, low: float, high: float = np.inf) -> float:
    """Return `given` if ``low <= given <= high``, else raise."""
    number = isinstance(given, Real | np.number) and not isinstance(given, bool | np.bool_)
    if number and isinstance(given, int) and given.bit_length() > LONGEST_INT:
        raise InputError(f"{what} is a number of hundreds of digits")
    if not number or not low <= given <= high:
        bound = f"at least {low:g}" if high == np.inf else f"between {low:g} and {high:g}"
        said = f"{given:g}" if number else quote(given)
        raise InputError(f"{what} is {said}; it must be {bound}")
    return given


def check_count(what: str, given: int, low: int, high: int | None = None) -> int:
    """Return `given` if it is a whole number from `low` to `high`, else raise.

    Examples
    --------
    >>> check_count("folds", 2.5, 2)
    Traceback (most recent call last):
    ...
    spikecast.core.errors.InputError: folds is 2.5; it must be a whole number
    """
    check_in_range(what, given, low, np.inf if high is None else high)
    if given % 1:
        raise InputError(f"{what} is {given}; it must be a whole number")
    return int(given)


def check_truth(what: str, given: object) -> bool:
    """Return `given` if it is true or false, else raise: of an array, and of text, neither holds.

    Examples
    --------
    >>> check_truth("causal", "false")
    Traceback (most recent call last):
    ...
    spikecast.core.errors.InputError: causal is 'false'; it must be true or false
    """
    if not isinstance(given, bool | np.bool_):
        raise InputError(f"{what} is {quote(given)}; it must be true or false")
    return bool(given)


def to_list(what: str, given: object, needed: str = "a name, or a list of names") -> list:
    """Return what a list, an array or another collection holds; a text is one thing of its own.

    Examples
    --------
    >>> to_list("source", "VISp"), to_list("source", ("VISp", "MD"))
    (['VISp'], ['VISp', 'MD'])
    >>> to_list("source", 3)
    Traceback (most recent call last):
    ...
    spikecast.core.errors.InputError: source is 3; it must be a name, or a list of names
    """
    if isinstance(given, str):
        return [given]
    try:
        return list(given)  # type: ignore[call-overload]
    except TypeError:  # also an array without an axis
        raise InputError(f"{what} is {quote(given)}; it must be {needed}") from None


def check_unmasked(what: str, values: object) -> None:
    """Raise where a masked array hides values: NumPy drops the mask, and they would be taken."""
    if np.ma.is_masked(values):
        n = int(np.ma.count_masked(values))
        raise InputError(
            f"{what} is masked in {n} places: leave these out, or fill them (array.filled(...))"
        )


def check_labels(what: str, values: Sequence | np.ndarray) -> None:
    """Raise where labels are hidden, or are complex numbers, which lose a part as classes."""
    check_unmasked(what, values)
    if np.asarray(values).dtype.kind == "c":
        raise InputError(f"{what} holds complex numbers; give one of their parts")


def to_numeric(what: str, values: object) -> np.ndarray:
    """Return an array of real numbers; raise where values are hidden, or are no numbers.

    Examples
    --------
    >>> to_numeric("rate", [[1, 2]])
    array([[1, 2]])
    >>> to_numeric("rate", None)
    Traceback (most recent call last):
    ...
    spikecast.core.errors.InputError: rate must be an array of numbers, not NoneType
    """
    if type(values) is np.ndarray and values.dtype.kind in "fiub":
        return values
    check_unmasked(what, values)
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # lists of other lengths, a tensor
        raise InputError(f"{what} must be an array of numbers: {describe_error(error)}") from None
    if array.dtype.kind not in "fiub":
        given = array.dtype if array.ndim else type(values).__name__
        raise InputError(f"{what} must be an array of numbers, not {given}")
    return array


def check_same_length(first: str, n_first: int, second: str, n_second: int) -> None:
    """Raise when two things that describe the same axis have different lengths."""
    if n_first != n_second:
        raise ShapeError(
            f"{first} has length {n_first} but {second} has {n_second}; they must be equal"
        )


def check_same_shape(first: str, a: np.ndarray, second: str, b: np.ndarray) -> None:
    """Raise when two arrays differ in shape: (N,) against (N, 1) is never broadcast."""
    check_unmasked(first, a)
    check_unmasked(second, b)
    if np.shape(a) != np.shape(b):
        raise ShapeError(
            f"{first} has shape {np.shape(a)} but {second} has {np.shape(b)}; "
            "they must be equal (nothing is broadcast)"
        )


def check_finite(what: str, array: np.ndarray) -> None:
    """Raise when a float array holds NaN or infinity."""
    check_unmasked(what, array)
    array = np.asarray(array)
    # a sum is finite only if every element is: a mask of the array's size is made only if needed
    with np.errstate(invalid="ignore", over="ignore"):
        if array.dtype.kind != "f" or np.isfinite(array.sum(dtype=np.float64)):
            return
    bad = array.size - np.isfinite(array).sum()
    if bad:
        raise InputError(f"{what} holds {bad} NaN or infinite values; remove or fill them first")


def check_unicode(what: str, array: np.ndarray) -> None:
    """Raise a FormatError where an array of text, as a file had it, holds what is no Unicode.

    numpy takes any number for a letter, and fails only when the text is used.
    """
    if array.dtype.kind != "U" or not array.size or not array.dtype.itemsize:
        return
    codes = np.ascontiguousarray(array).view(array.dtype.byteorder + "u4")
    if codes.max() > sys.maxunicode or ((codes >= 0xD800) & (codes < 0xE000)).any():
        raise FormatError(f"{what} holds text that is no Unicode")


def check_three_axes(what: str, array: np.ndarray) -> None:
    """Raise unless `array` has the three axes trial x time x neuron."""
    check_unmasked(what, array)
    if np.ndim(array) != 3:
        raise ShapeError(
            f"{what} has shape {np.shape(array)}; it must have three axes, trial x time x neuron"
        )
    # of an xarray.DataArray; it would be taken by place
    named = [axis for axis in getattr(array, "dims", ()) if axis in ("trial", "time", "neuron")]
    if named != sorted(named, key=("trial", "time", "neuron").index):
        raise ShapeError(f"{what} has the axes {', '.join(named)}; transpose them")


def check_kind(value: object, *kinds: type) -> None:
    """Raise InputError unless `value` is an object of a class, or of one of several.

    Examples
    --------
    >>> check_kind(1.0, int)
    Traceback (most recent call last):
    ...
    spikecast.core.errors.InputError: float was given; int is needed
    """
    if not isinstance(value, kinds):
        needed = " or ".join(kind.__name__ for kind in kinds)
        raise InputError(f"{_name_kind(value)} was given; {needed} is needed")


def check_method(what: str, value: object, method: str, needed: str) -> None:
    """Raise InputError unless `value` is an object, and no class, with a method.

    Examples
    --------
    >>> check_method("executor", dict, "submit", "an Executor, or None")
    Traceback (most recent call last):
    ...
    spikecast.core.errors.InputError: executor is the class dict; it must be an Executor, or None
    """
    if isinstance(value, type) or not callable(getattr(value, method, None)):
        raise InputError(f"{what} is {_name_kind(value)}; it must be {needed}")


def _name_kind(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return "None" if value is None else type(value).__name__
