"""The site in a real browser: what its scripts do, that it asks nobody for anything, and how it looks.

Screenshots stay in build/screenshots/.
"""

import datetime
import itertools
import pathlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import site_stores as stores

from beam_taxi.metadata.runs import Run
from beam_taxi.metadata.store import connect
from beam_taxi.show.site.building import build_site, write_site
from beam_taxi.show.site.page_contents import Site
from beam_taxi.show.site.store_contents import Records, RunRecord

expect = pytest.importorskip('playwright.sync_api').expect

SCREENSHOTS = pathlib.Path(__file__).parents[2] / 'build' / 'screenshots'

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\'&amp;'

Open = Callable[..., Any]


@pytest.fixture
def open_site(chromium: Any) -> Iterator[Open]:
  """Opens a file, and fails the test if the page says anything on the console, asks to be told or asks anybody."""
  said: list[str] = []
  contexts = []

  def opened(path: pathlib.Path, fragment: str = '', width: int = 1280, theme: str = 'light') -> Any:
    context = chromium.new_context(viewport={'width': width, 'height': 900}, color_scheme=theme)
    contexts.append(context)
    page = context.new_page()
    page.on('console', lambda message: said.append(f'console: {message.text}'))
    page.on('pageerror', lambda error: said.append(f'error: {error}'))
    page.on('dialog', lambda dialog: (said.append(f'dialog: {dialog.message}'), dialog.dismiss()))
    page.on('request', lambda request: request.url.startswith(('file:', 'data:')) or said.append(request.url))
    page.on('requestfailed', lambda request: said.append(f'failed: {request.url}'))
    page.goto(path.as_uri() + fragment)
    return page

  yield opened
  for context in contexts:
    context.close()
  assert said == []


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """Of 120 runs of ours in two pipelines, with statistics, and of two of TFX."""
  folder = tmp_path_factory.mktemp('site')
  uri = f'sqlite:///{folder}/metadata.sqlite'
  stores.fill(connect(uri), folder)
  build_site(connect(uri), uri, str(folder / 'site'), 200)
  return folder / 'site'


@pytest.fixture(scope='module')
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  folder = tmp_path_factory.mktemp('hostile')
  uri = f'sqlite:///{folder}/metadata.sqlite'
  stores.fill_with(connect(uri), folder, HOSTILE)
  build_site(connect(uri), uri, str(folder / 'site'), 200)
  return folder / 'site'


def listed(page: Any) -> list[str]:
  return page.locator('.listing tbody tr td:first-child').all_inner_texts()


def status(page: Any) -> str:
  return page.get_by_role('status').inner_text()


def test_runs_are_turned_page_by_page(site: pathlib.Path, open_site: Open) -> None:
  page = open_site(site / 'index.html')
  assert status(page) == '1 to 50 of 122'
  first = listed(page)

  page.get_by_role('button', name='Older').click()
  expect(page.get_by_role('status')).to_have_text('51 to 100 of 122')
  assert not set(listed(page)) & set(first)

  page.get_by_role('button', name='Newer').click()
  expect(page.get_by_role('status')).to_have_text('1 to 50 of 122')
  assert listed(page) == first


def test_rows_that_the_script_writes_are_those_that_stood_there(site: pathlib.Path, open_site: Open) -> None:
  page = open_site(site / 'index.html')
  cells = page.locator('.listing tbody td').all_inner_texts()
  links = page.locator('.listing tbody a').evaluate_all('links => links.map(link => link.href)')

  page.locator('[name=q]').fill(' ')
  expect(page).to_have_url(re.compile('#'))

  assert page.locator('.listing tbody td').all_inner_texts() == cells
  assert page.locator('.listing tbody a').evaluate_all('links => links.map(link => link.href)') == links


def test_runs_are_searched_by_all_words(site: pathlib.Path, open_site: Open) -> None:
  page = open_site(site / 'index.html')

  page.locator('[name=q]').fill('TAXI failed')
  page.locator('[name=pipeline]').select_option('taxi_hourly')
  expect(page.get_by_role('status')).to_have_text('1 to 2 of 2')

  page.locator('[name=q]').fill('nothing like it')
  expect(page.get_by_role('status')).to_have_text('No such run')


def test_what_was_searched_is_in_the_pages_address(site: pathlib.Path, open_site: Open) -> None:
  page = open_site(site / 'index.html', '#state=FAILED&q=taxi')
  expect(page.locator('[name=state]')).to_have_value('FAILED')
  expect(page.locator('.listing tbody .badge').first).to_have_text('FAILED')

  page.get_by_role('button', name='Rows', exact=True).click()
  expect(page).to_have_url(re.compile('state=FAILED.*sort=-6'))


def test_runs_are_sorted_either_way(site: pathlib.Path, open_site: Open) -> None:
  page = open_site(site / 'index.html')

  def rows() -> list[int]:
    return [int(text.replace(',', '')) for text in page.locator('td.rows').all_inner_texts() if text]

  page.get_by_role('button', name='Rows', exact=True).click()
  expect(page.locator('th[aria-sort=descending]')).to_have_text('Rows')
  assert rows() == sorted(rows(), reverse=True)
  page.get_by_role('button', name='Rows', exact=True).click()
  expect(page.locator('th[aria-sort=ascending]')).to_have_text('Rows')
  assert rows() == sorted(rows())


def test_artifacts_are_searched(site: pathlib.Path, open_site: Open) -> None:
  page = open_site(site / 'artifacts.html')

  page.locator('[name=type]').select_option('Schema')
  page.locator('[name=q]').fill('run-0007')
  expect(page.get_by_role('status')).to_have_text('1 to 1 of 1')
  page.locator('.listing tbody a').first.click()
  expect(page.locator('h1')).to_contain_text('Schema')


def test_a_pipeline_leads_to_its_runs_in_the_index(site: pathlib.Path, open_site: Open) -> None:
  page = open_site(site / 'pipelines' / 'taxi_hourly.html')

  page.get_by_role('link', name='All 40 runs').click()
  expect(page.get_by_role('status')).to_have_text('1 to 40 of 40')


def test_a_pipelines_features_are_searched_in_one_split(site: pathlib.Path, open_site: Open) -> None:
  page = open_site(site / 'pipelines' / 'taxi_daily.html')
  assert page.locator('.split:visible').count() == 1

  page.locator('[name=split]').select_option('eval')
  page.locator('[name=q]').fill('FAR')
  expect(page.locator('.split:visible tbody tr:visible th')).to_have_text(['fare'])


def test_a_lineage_leads_from_page_to_page(site: pathlib.Path, open_site: Open) -> None:
  page = open_site(site / 'runs' / 'run-0007.html')

  page.locator('.graph a', has_text='ExampleStatistics').first.click()
  expect(page.locator('h1')).to_contain_text('ExampleStatistics')
  page.locator('.graph a', has_text='SchemaGen').first.click()
  expect(page.locator('h1')).to_have_text('run-0007')


def test_names_with_markup_and_script_are_shown_as_they_are(hostile_site: pathlib.Path, open_site: Open) -> None:
  pages = [*hostile_site.glob('*.html'), *hostile_site.glob('*/*.html')]
  for path in pages:
    page = open_site(path)
    assert page.locator('img').count() == 0
    page.context.close()
  page = open_site(hostile_site / 'index.html', '#sort=-4')
  expect(page.locator('th[aria-sort]')).to_be_visible()
  expect(page.locator('.listing tbody td a').first).to_have_text(HOSTILE)
  page.locator('.listing tbody td a').first.click()
  expect(page.locator('h1')).to_have_text(HOSTILE)
  expect(page.locator('tbody th', has_text=HOSTILE).first).to_be_visible()


def records_of(count: int) -> Records:
  """So many runs that made nothing."""
  began = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
  runs = []
  for number in range(count):
    run_id, started = f'20260131-120000-{number:05d}', began - datetime.timedelta(hours=number)
    run = Run(run_id, f'pipeline_{number % 7}', 'COMPLETE', f'/out/runs/{run_id}', started, 3.6, 15_000 + number, {})
    runs.append(RunRecord(('pipeline_run', run_id), run, ()))
  return Records('sqlite:////out/metadata.sqlite', runs, {}, {}, [], {})


def test_an_index_of_10_000_runs_loads_within_3_seconds(tmp_path: pathlib.Path, open_site: Open) -> None:
  built = datetime.datetime.now(datetime.timezone.utc)
  write_site(Site(str(tmp_path), records_of(10_000), {}, 0, built))

  began = time.monotonic()
  page = open_site(tmp_path / 'index.html')
  expect(page.get_by_role('status')).to_have_text('1 to 50 of 10,000')
  loaded = time.monotonic()
  page.locator('[name=q]').fill('09999')
  expect(page.get_by_role('status')).to_have_text('1 to 1 of 1')
  found = time.monotonic()

  assert loaded - began < 3
  assert found - loaded < 3


PAGES = {
  'index': 'index.html',
  'artifacts': 'artifacts.html',
  'pipeline': 'pipelines/taxi_daily.html',
  'run': 'runs/run-0007.html',
  'failed-run': 'runs/run-0011.html',
  'artifact': 'artifacts/1.html',
}


@pytest.mark.parametrize(('name', 'theme', 'width'), list(itertools.product(PAGES, ('light', 'dark'), (1280, 390))))
def test_a_page_fits_its_width_in_both_themes(
  site: pathlib.Path, open_site: Open, name: str, theme: str, width: int
) -> None:
  page = open_site(site / PAGES[name], width=width, theme=theme)

  SCREENSHOTS.mkdir(parents=True, exist_ok=True)
  page.screenshot(path=SCREENSHOTS / f'site-{name}-{theme}-{width}.png', full_page=True)
  assert page.evaluate('document.documentElement.scrollWidth') <= width
  background = page.evaluate('getComputedStyle(document.body).backgroundColor')
  assert background == {'light': 'rgb(246, 247, 249)', 'dark': 'rgb(18, 22, 29)'}[theme]


def test_a_theme_that_was_chosen_stays(site: pathlib.Path, open_site: Open) -> None:
  page = open_site(site / 'index.html')
  page.get_by_label('Theme').select_option('dark')
  page.get_by_role('link', name='Artifacts').click()
  expect(page).to_have_url(re.compile('artifacts.html'))
  expect(page.locator('html')).to_have_attribute('data-theme', 'dark')

  assert page.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(18, 22, 29)'


def test_a_feature_opens_to_its_numbers_run_by_run(site: pathlib.Path, open_site: Open) -> None:
  page = open_site(site / 'pipelines' / 'taxi_daily.html')

  page.get_by_role('button', name='fare').click()
  mean = page.locator('.detail figure', has_text='Mean')
  expect(mean.locator('.scale span')).to_have_text(['14.8', '11.5'])
  assert mean.locator('a').count() == 72
  SCREENSHOTS.mkdir(parents=True, exist_ok=True)
  page.screenshot(path=SCREENSHOTS / 'site-feature-light-1280.png', full_page=True)

  page.locator('[name=q]').fill('tips')
  expect(page.locator('.detail')).to_be_hidden()
  page.locator('[name=q]').fill('')
  page.get_by_role('button', name='fare').click()
  expect(page.locator('.detail')).to_have_count(0)
