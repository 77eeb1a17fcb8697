"""Pages: what is escaped, what a script may hold, and what a page lets run."""

import base64
import hashlib
import json
import re

import jinja2
import pytest

from beam_taxi.show.html import rendering as pages
from beam_taxi.show.html.rendering import as_json, render


@pytest.mark.parametrize(
  'text', ['</script><script>x</script>', '<!--', ']]>', '\u2028\u2029', '"\'&amp;', '\ud800', 'שלום', '{{7*7}}']
)
def test_json_for_a_script_reads_back_and_has_nothing_that_ends_it(text: str) -> None:
  written = as_json({text: [text]})

  assert json.loads(written) == {text: [text]}
  assert written.isascii()
  assert not re.search('[<>&]', written)


@pytest.mark.parametrize('number', [float('nan'), float('inf')])
def test_json_has_only_numbers_that_json_knows(number: float) -> None:
  with pytest.raises(ValueError, match='not JSON compliant'):
    as_json([number])


def test_templates_escape_what_is_put_in() -> None:
  environment = pages._environment()
  template = environment.from_string('<p title="{{ text }}">{{ text }}</p>')

  assert template.render(text='"><script>') == '<p title="&#34;&gt;&lt;script&gt;">&#34;&gt;&lt;script&gt;</p>'


def test_a_template_that_names_what_is_not_given_fails() -> None:
  with pytest.raises(jinja2.UndefinedError):
    pages._environment().from_string('{{ nothing }}').render()


def test_a_page_allows_its_own_scripts_alone() -> None:
  page = render('base.html', code=['later()'])
  [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
  allowed = set(re.findall(r'sha256-([\w+/=]+)', policy.replace('&#39;', "'")))
  scripts = re.findall(r'<script>(.*?)</script>', page, re.DOTALL)

  assert {
    base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in [*scripts, 'later()']
  } == allowed
  assert 'default-src &#39;none&#39;' in policy
  assert 'unsafe-inline' not in policy.split('style-src')[0]


def test_a_page_names_nothing_to_fetch() -> None:
  page = render('base.html')

  assert not re.search(r'(src|href)="(?!#|data:)', page)
  assert not re.search(r'url\(|@import', page)


def test_assets_may_not_end_what_they_are_put_into(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
  (tmp_path / 'assets').mkdir()
  (tmp_path / 'assets' / 'bad.js').write_text('"</script>"')
  monkeypatch.setattr(pages.importlib.resources, 'files', lambda _: tmp_path)

  with pytest.raises(ValueError, match=r'bad\.js'):
    pages.asset('bad.js')
