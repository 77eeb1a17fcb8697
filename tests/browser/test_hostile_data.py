"""Names and values that are markup and script stay text: nothing that the data says is run."""

import csv
import pathlib
import re

import pytest
from end_to_end.commands import beam_taxi

from beam_taxi.show.report.report_page import page_of
from beam_taxi.show.report.sources import source_of_path

HOSTILE = [
  '<script>window.hacked=1</script>',
  '</script><script>window.hacked=2</script>',
  '<!--<script>window.hacked=3</script>',
  '"onerror=window.hacked=4 x="',
  '<img src=x onerror=window.hacked=5>',
  '"><svg onload=window.hacked=6>',
  '{{7*7}}{% raw %}${7*7}',
  'javascript:window.hacked=7',
  "'-(window.hacked=8)-'",
  '\u2028window.hacked=9\u2029',
  '</style><style>*{display:none!important}</style>',
  ']]>&lt;b&gt;&#x3c;',
  'datum["x"] + (window.hacked=10)',
  '\u202eabc\u05d0\u05d1 \u0645\u0631\u062d\u0628\u0627',
  'line one\nline two\t\x01',
  'long ' * 400,
]
FILE = '<img src=x onerror=window.hacked=11>.csv'


@pytest.fixture(scope='session')
def hostile_out(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """A run over a CSV where each column's name, and each value of every other column, is hostile."""
  folder = tmp_path_factory.mktemp('hostile')
  rows = [
    [value if place % 2 else str(number * (place + 1)) for place, value in enumerate(HOSTILE[1:] + HOSTILE[:1])]
    for number, value in enumerate([*HOSTILE, *HOSTILE[:8]])
  ]
  texts = [[HOSTILE[(number + place) % len(HOSTILE)] for place in range(4)] for number in range(len(rows))]
  with open(folder / FILE, 'w', newline='', encoding='utf-8') as file:
    writer = csv.writer(file)
    writer.writerow([*HOSTILE, *(f'text {place}' for place in range(4))])
    writer.writerows([*row, *text] for row, text in zip(rows, texts, strict=True))
  done = beam_taxi(folder, '--input', FILE, '--output', 'out', '--run_id', 'bad')
  assert done.returncode == 0, done.stderr
  assert 'has no report' not in done.stderr
  return folder / 'out' / 'runs' / 'bad'


# In the page, for there are thousands. Gives what the tooltips say.
_POINT_AT_MARKS = """() => [...document.querySelectorAll('.charts svg.marks .mark-rect path')]
  .filter((_, place) => place % 7 === 0)
  .map((mark) => {
    for (const type of ['pointerover', 'pointermove', 'mouseover', 'mousemove'])
      mark.dispatchEvent(new PointerEvent(type, { bubbles: true, cancelable: true, composed: true }));
    return document.querySelector('#vg-tooltip-element').textContent;
  })
  .join('')"""


def look_everywhere(opened) -> None:
  """Opens each feature and node, and holds the mouse over what charts say."""
  page = opened.page
  for button in page.locator('button.open').all():
    button.click()
  page.wait_for_function(
    'document.querySelectorAll(".charts").length === document.querySelectorAll(".charts[data-drawn]").length'
  )
  told = page.evaluate(_POINT_AT_MARKS)
  assert '<script>' in told
  for node in page.locator('.lineage a[data-node]').all():
    node.click()
  for order in ('name', 'uneven', 'missing'):
    page.select_option('#sort', order)
  for text in ('<script', '"onerror', '\u05d0'):
    page.fill('#filter', text)
  page.fill('#filter', '')


def test_nothing_that_the_data_says_is_run(hostile_out: pathlib.Path, open_page) -> None:
  opened = open_page(hostile_out / 'report' / 'index.html')
  look_everywhere(opened)
  opened.page.evaluate('scrollTo(0, 0)')
  opened.shoot('report-hostile')

  assert opened.page.evaluate('window.hacked') is None
  assert opened.seen.dialogs == []
  assert opened.seen.errors == []
  assert len(opened.seen.requests) == 1
  assert opened.page.locator('main img, main script, main style').count() == 0
  assert FILE in opened.page.text_content('#overview')
  assert FILE in opened.page.text_content('#lineage')


def test_names_are_shown_as_they_are(hostile_out: pathlib.Path, open_page) -> None:
  opened = open_page(hostile_out / 'report' / 'index.html', width=390)
  shown = opened.page.locator('button.open bdi').all_text_contents()

  assert {name[:400] for name in HOSTILE} <= set(shown)
  assert opened.page.evaluate('document.documentElement.scrollWidth') == 390


def test_two_sides_and_a_frame_run_nothing_either(hostile_out: pathlib.Path, open_page, tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'two.html'
  path.write_text(page_of([source_of_path(str(hostile_out)), source_of_path(str(hostile_out / 'statistics'))]), 'utf-8')
  opened = open_page(path)
  look_everywhere(opened)

  assert opened.page.evaluate('window.hacked') is None
  assert opened.seen.errors == []


def test_a_script_that_came_in_all_the_same_would_not_run(hostile_out: pathlib.Path, open_page, tmp_path) -> None:
  """Were a name not escaped one day, the page's policy would stop it."""
  page = (hostile_out / 'report' / 'index.html').read_text(encoding='utf-8')
  broken = re.sub(
    '<main ', '<script>window.hacked=1</script><img src=x onerror="window.hacked=2"><main ', page, count=1
  )
  path = tmp_path / 'broken.html'
  path.write_text(broken, encoding='utf-8')
  opened = open_page(path)

  assert opened.page.evaluate('window.hacked') is None
  assert any('Content Security Policy' in error for error in opened.seen.errors)
