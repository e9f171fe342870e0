"""Forms: the base class and the few kinds of field the pages use, each drawn by `components/forms.html`.

A view declares a subclass of `Form`, asks `form.validate_on_submit()` and reads `form.<name>.data` as a plain value
(str, int, date, list). What a person typed is kept when it was wrong. No field takes personal data into a
message: errors say what to do, never what was typed.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, Field, PasswordField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, StopValidation

Choices = Iterable[tuple[str, Any]]


class Form(FlaskForm):
    """CSRF on, values trimmed but for passwords; `errors_in_order` feeds the error summary."""

    class Meta(FlaskForm.Meta):
        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Any:
            if not issubclass(unbound_field.field_class, PasswordField):  # a password counts as it was typed
                options["filters"] = [*options.get("filters", []), _trimmed]
            return unbound_field.bind(form=form, **options)

        def get_translations(self, form: Any) -> Any:
            """Our own messages only: every validator below carries its sentence."""
            return None

    def errors_in_order(self) -> list[tuple[str, str]]:
        """(id of the field, its label and sentence) for each wrong field, in the order of the page."""
        wrong = [field for field in self if field.errors]
        return [(f.id, _("%(field)s: %(fault)s", field=f.label.text, fault=f.errors[0])) for f in wrong]


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _rules(required: Any, rules: Sequence[Any]) -> list[Any]:
    """`required` is False, True or the sentence to show when the answer is missing."""
    if not required:
        return [Optional(), *rules]
    sentence = _l("Please fill this in") if required is True else required
    return [InputRequired(message=sentence), *rules]


def TextField(
    label: Any,
    *,
    required: Any = True,
    longest: int = 200,
    lines: int = 1,
    rules: Sequence[Any] = (),
    description: Any = "",
) -> Any:
    """One line of text, or several with `lines`."""
    kind = TextAreaField if lines > 1 else StringField
    too_long = _l("Use at most %(max)d characters", max=longest)
    extra = {"maxlength": longest} | ({"rows": lines} if lines > 1 else {})
    checks = _rules(required, [Length(max=longest, message=too_long), *rules])
    return kind(label, validators=checks, render_kw=extra, description=description)


def TickField(label: Any, *, required: Any = False) -> Any:
    """A single tick, off by default; `required` is the sentence shown when it must be ticked and is not."""
    return BooleanField(label, validators=[InputRequired(message=required)] if required else [])


def UploadField(label: Any, *, required: Any = True, accept: str = "") -> Any:
    """A file; `accept` as in HTML, such as `.csv,.xlsx`."""
    sentence = _l("Choose a file") if required is True else required
    return FileField(label, validators=_rules(sentence, []), render_kw={"accept": accept} if accept else None)


class _Chosen(Field):
    """Choices as (value, words) pairs; set `.choices` late if they come from the database. What was sent but never
    offered is refused and not repeated in the message."""

    many = select = False

    def __init__(self, label: Any, choices: Choices = (), *, required: Any = True, **options: Any) -> None:
        sentence = _l("Choose one") if required is True else required
        super().__init__(label, validators=_rules(sentence, []), **options)
        self.choices = list(choices)

    def iter_choices(self) -> Iterator[tuple[str, Any, bool]]:
        """(value, words, chosen) for the template."""
        chosen = self.data if self.many else [self.data]
        for value, words in self.choices:
            yield str(value), words, str(value) in [str(c) for c in chosen or () if c is not None]

    def pre_validate(self, form: Any) -> None:
        """Refuse what was not offered."""
        offered = {str(value) for value, _words in self.choices}
        chosen = self.data if self.many else [self.data]
        if any(value is not None and value not in offered for value in chosen or ()):
            raise StopValidation(str(_l("Choose from the list")))


class OneField(_Chosen):
    """One of several: radio buttons, or a drop-down list (`select=True`) for more than seven."""

    def __init__(self, label: Any, choices: Choices = (), *, select: bool = False, **options: Any) -> None:
        super().__init__(label, choices, **options)
        self.select = select

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = valuelist[0] if valuelist and valuelist[0] else None


class ManyField(_Chosen):
    """Any number of several: check boxes; the data is a list."""

    many = True

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = list(valuelist)


class _Typed(Field):
    """A text input whose words become another kind of value; the words stay when they do not."""

    def __init__(self, label: Any, *, required: Any = True, rules: Sequence[Any] = (), **options: Any) -> None:
        super().__init__(label, validators=_rules(required, rules), **options)
        self.typed = ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.typed = valuelist[0].strip() if valuelist else ""
        self.data = self.read(self.typed) if self.typed else None

    def text(self) -> str:
        """What the input shows."""
        return self.typed or ("" if self.data is None else self.show(self.data))

    def read(self, text: str) -> Any:
        return text

    def show(self, value: Any) -> str:
        return str(value)


class YuanField(_Typed):
    """An amount typed in yuan, read as whole fen; commas and the ¥ sign are taken in stride."""

    input_type, inputmode = "text", "decimal"

    def __init__(self, label: Any, *, least: int = 1, most: int = 10**12, **options: Any) -> None:
        super().__init__(label, **options)
        self.least, self.most = least, most

    def read(self, text: str) -> int:
        whole, _dot, rest = text.translate(str.maketrans("", "", ",，¥￥元 ")).partition(".")
        if not whole.isascii() or not (whole + rest).isdigit() or len(whole) > 12 or len(rest) > 2:
            raise ValueError(_l("Write an amount in yuan, such as 1,200 or 35.50"))
        fen = int(whole) * 100 + int((rest or "0").ljust(2, "0"))
        if not self.least <= fen <= self.most:
            raise ValueError(_l("This amount is outside what is allowed here"))
        return fen

    def show(self, value: int) -> str:
        whole, rest = divmod(value, 100)
        return f"{whole}.{rest:02d}" if rest else str(whole)


class CountField(_Typed):
    """A whole number between `least` and `most`."""

    input_type, inputmode = "text", "numeric"

    def __init__(self, label: Any, *, least: int = 0, most: int = 10**9, **options: Any) -> None:
        super().__init__(label, **options)
        self.least, self.most = least, most

    def read(self, text: str) -> int:
        digits = text.replace(",", "")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
            raise ValueError(_l("Write a whole number"))
        if not self.least <= int(digits) <= self.most:
            limits = {"least": self.least, "most": self.most}
            raise ValueError(_l("Write a number from %(least)s to %(most)s", **limits))
        return int(digits)


class DayField(_Typed):
    """A calendar day."""

    input_type = "date"

    def read(self, text: str) -> date:
        try:
            return date.fromisoformat(text.replace("/", "-"))
        except ValueError:
            raise ValueError(_l("Write a date, such as 2026-11-23")) from None


class CodeField(_Typed):
    """A short code a person copies from a message or a paper: spaces dropped, pasting allowed."""

    input_type, inputmode, autocomplete = "text", "numeric", "one-time-code"

    def read(self, text: str) -> str:
        return "".join(text.split())
