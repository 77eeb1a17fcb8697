"""Templates to pages: escaped, with their styles and scripts inside, and a policy that allows nothing else."""

import base64
import functools
import hashlib
import importlib.resources
import json
from collections.abc import Callable, Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from beam_taxi.errors import on_one_line
from beam_taxi.show import formats
from beam_taxi.show.figure_formats import figure
from beam_taxi.version import __version__

_PACKAGE = 'beam_taxi.show.html'

# What may end a script or begin a comment in one, as JSON also writes it. (Source: HTML, "Restrictions for contents of
# script elements".) The line ends U+2028 and U+2029 are written so by json.dumps, as is all that is not ASCII.
_ESCAPES = {ord(character): f'\\u{ord(character):04x}' for character in '<>&'}


def render(
  template: str,
  *,
  styles: Sequence[str] = (),
  scripts: Sequence[str] = (),
  code: Sequence[str] = (),
  linked: str | None = None,
  **values: Any,
) -> str:
  """A whole page.

  Args:
    template: a file of templates/, as a rule one that extends base.html, which says what there is to fill in.
    styles: files of assets/ that the page has besides base.css.
    scripts: those that it runs besides base.js, at its end.
    code: scripts that it may run later, as they are: those in them that no page should begin with.
    linked: for a page of many that share their styles and scripts, the way from the page to the folder that they are
      in; then the page may run any script of its site.
    values: what the template shows. A value for a script goes through the filter `as_json`.
  """
  styles, scripts = ('base.css', *styles), ('base.js', *scripts)
  if linked is None:
    own = [asset(name) for name in scripts]
    frame: dict[str, Any] = {
      'page_styles': [Markup(asset(name)) for name in styles],
      'page_scripts': [Markup(text) for text in own],
      'policy': _policy([*own, *code]),
    }
  else:
    frame = {'page_styles': styles, 'page_scripts': scripts, 'policy': _POLICY_OF_SITE}
  return _environment().get_template(template).render(version=__version__, linked=linked, **frame, **values)


@functools.cache
def asset(name: str) -> str:
  """A style or a script of assets/."""
  text = importlib.resources.files(_PACKAGE).joinpath('assets', name).read_text(encoding='utf-8')
  if '</s' in text:
    raise ValueError(f'{name}: has what would end the script or style element that it is put into')
  return text


def as_json(value: Any) -> Markup:
  """JSON for the inside of a `<script type="application/json">`. Raises ValueError for infinity and NaN."""
  return Markup(json.dumps(value, separators=(',', ':'), allow_nan=False).translate(_ESCAPES))


# A page that is read from a disk has an origin of its own, which 'self' need not mean. Styles may be in attributes.
_POLICY_OF_SITE = (
  "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src data:; "
  "base-uri 'none'; form-action 'none'"
)


def _policy(scripts: Sequence[str]) -> str:
  """A Content-Security-Policy: scripts by their SHA-256 alone, styles and images of the page itself, nothing else."""
  digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
  allowed = ' '.join(f"'sha256-{digest}'" for digest in dict.fromkeys(digests))
  return (
    f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
    "form-action 'none'"
  )


@functools.cache
def _environment() -> jinja2.Environment:
  environment = jinja2.Environment(
    loader=jinja2.PackageLoader(_PACKAGE, 'templates'),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
  filters: dict[str, Callable[..., str]] = {
    'as_json': as_json,
    'count': _or_empty(formats.count),
    'duration': _or_empty(formats.duration),
    'figure': figure,
    'file_name': formats.file_name,
    'line': lambda value: on_one_line(str(value)),
    'number': _or_empty(formats.number),
    'percent': _or_empty(lambda value: f'{value:.1%}'),
    'when': formats.when,
  }
  environment.filters |= filters
  return environment


def _or_empty(show: Callable[[Any], str]) -> Callable[[Any], str]:
  """A filter that shows nothing where there is nothing."""
  return lambda value: '' if value is None else show(value)
