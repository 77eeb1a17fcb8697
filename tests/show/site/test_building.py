"""The site's files."""

import html.parser
import json
import pathlib
import re
import urllib.parse

import ml_metadata as mlmd
import pytest
import site_stores as stores
from site_stores import Feature, statistics_of

from beam_taxi.cli import _main as cli
from beam_taxi.errors import UserError
from beam_taxi.metadata.store import connect
from beam_taxi.show.site import building
from beam_taxi.show.site import page_contents as pages
from beam_taxi.show.site.building import build_site

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\'&amp;'


class Links(html.parser.HTMLParser):
  """What a page leads to and runs, and all its text."""

  def __init__(self, page: pathlib.Path):
    super().__init__()
    self.found: list[str] = []
    self.tags: list[tuple[str, dict[str, str | None]]] = []
    self.text = ''
    self.feed(page.read_text())

  def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
    self.tags.append((tag, dict(attrs)))
    self.found += [value for name, value in attrs if name in ('href', 'src') and value]

  def handle_data(self, data: str) -> None:
    self.text += data


@pytest.fixture
def out(tmp_path: pathlib.Path) -> pathlib.Path:
  return tmp_path / 'site'


def build(store: mlmd.MetadataStore, uri: str, out: pathlib.Path) -> building.Built:
  return build_site(store, uri, str(out), 10)


def fill(store: mlmd.MetadataStore, folder: pathlib.Path) -> None:
  """A run in each state, and one of TFX."""
  good = stores.run_of(folder, 'good')
  stores.complete(store, good)
  stores.write_statistics(
    good.folder.statistics,
    {'train': statistics_of(20, [Feature('fare', 15, 12.5), Feature('company', 20, common='Blue Ribbon')])},
  )
  stores.fail(store, stores.run_of(folder, 'bad'), 'trips.csv: is empty', 1)
  stores.fail(store, stores.run_of(folder, 'left'), 'interrupted', 2, canceled=True)
  stores.reuse(store, stores.run_of(folder, 'again'), good, 3)
  stores.tfx_run(store, folder, '2026-01-01T12:00:00.5')


def rows(out: pathlib.Path, kind: str) -> list[list[object]]:
  """What site.js is given of all runs or artifacts."""
  found = []
  for path in sorted(out.glob(f'data/{kind}-*.js')):
    match = re.fullmatch(r'self\.siteRows\.push\(\.\.\.(.*)\);\n', path.read_text())
    assert match
    found += json.loads(match[1])
  return found


def test_every_link_leads_to_a_file_of_the_site(
  site_store: mlmd.MetadataStore, uri: str, tmp_path: pathlib.Path, out: pathlib.Path
) -> None:
  fill(site_store, tmp_path)
  build(site_store, uri, out)

  for page in out.rglob('*.html'):
    for link in Links(page).found:
      parts = urllib.parse.urlsplit(link)
      if parts.scheme == 'data' or not parts.path:
        continue
      assert not parts.scheme
      assert (page.parent / urllib.parse.unquote(parts.path)).exists(), f'{page}: {link}'


def test_there_is_a_page_a_run_and_an_artifact_and_a_pipeline(
  site_store: mlmd.MetadataStore, uri: str, tmp_path: pathlib.Path, out: pathlib.Path
) -> None:
  fill(site_store, tmp_path)
  built = build(site_store, uri, out)

  assert built.runs == 5
  assert built.pages == len(list(out.rglob('*.html')))
  assert len(list(out.glob('runs/*.html'))) == 5
  assert {path.stem for path in out.glob('artifacts/*.html')} == {str(each.id) for each in site_store.get_artifacts()}
  assert {path.stem for path in out.glob('pipelines/*.html')} == {'taxi', 'peer'}


def test_the_index_has_the_newest_runs_and_its_data_all(
  site_store: mlmd.MetadataStore,
  uri: str,
  tmp_path: pathlib.Path,
  out: pathlib.Path,
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  monkeypatch.setattr(building, 'CHUNK', 2)
  monkeypatch.setattr(pages, 'FIRST_ROWS', 2)
  for number in range(5):
    stores.complete(site_store, stores.run_of(tmp_path, f'run-{number}'), number=number)
  build(site_store, uri, out)

  index = Links(out / 'index.html')
  listed = [link for link in index.found if link.startswith('runs/')][-2:]
  assert listed == ['runs/run-4.html', 'runs/run-3.html']
  assert {path.name for path in out.glob('data/runs-*')} == {'runs-1.js', 'runs-2.js', 'runs-3.js'}
  assert rows(out, 'runs')[0] == ['', 'run-4', 'taxi', 'COMPLETE', round(stores.STARTED) + 240, 3.5, 30, 0]
  assert ('div', {'class': 'listing', 'data-name': 'runs', 'data-chunks': '3', 'data-total': '5'}) in index.tags


def test_a_run_of_tfx_has_the_rows_that_its_statistics_count(
  site_store: mlmd.MetadataStore, uri: str, tmp_path: pathlib.Path, out: pathlib.Path
) -> None:
  stores.tfx_run(site_store, tmp_path, 'one')
  build(site_store, uri, out)

  [row] = rows(out, 'runs')
  assert row[6] == 30
  assert 'CsvExampleGen' in Links(out / 'runs' / 'one.html').text


def test_a_failed_run_says_why(
  site_store: mlmd.MetadataStore, uri: str, tmp_path: pathlib.Path, out: pathlib.Path
) -> None:
  fill(site_store, tmp_path)
  build(site_store, uri, out)

  assert 'trips.csv: is empty' in Links(out / 'runs' / 'bad.html').text


def test_a_run_shows_its_features_and_its_pipeline_their_trends(
  site_store: mlmd.MetadataStore, uri: str, tmp_path: pathlib.Path, out: pathlib.Path
) -> None:
  fill(site_store, tmp_path)
  build(site_store, uri, out)

  for page in ('runs/good.html', 'pipelines/taxi.html'):
    text = Links(out / page).text
    assert 'fare' in text
    assert '25.0%' in text
    assert '12.5' in text
  assert 'Blue Ribbon' in Links(out / 'runs' / 'good.html').text


def test_a_run_leads_to_its_report_where_there_is_one(
  site_store: mlmd.MetadataStore, uri: str, tmp_path: pathlib.Path, out: pathlib.Path
) -> None:
  run = stores.run_of(tmp_path / 'out of place', 'good')
  stores.complete(site_store, run)
  stores.reuse(site_store, stores.run_of(tmp_path, 'again'), run, 1)
  stores.complete(site_store, stores.run_of(tmp_path, 'bare'), number=2)
  report = pathlib.Path(run.folder.report)
  report.parent.mkdir(parents=True)
  report.write_text('')
  build(site_store, uri, out)

  for name in ('good', 'again'):
    assert '../../out%20of%20place/runs/good/report/index.html' in Links(out / 'runs' / f'{name}.html').found
  assert not any('report' in link for link in Links(out / 'runs' / 'bare.html').found)


def test_a_large_lineage_has_a_page_of_its_own(
  site_store: mlmd.MetadataStore,
  uri: str,
  tmp_path: pathlib.Path,
  out: pathlib.Path,
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  monkeypatch.setattr(pages, 'NEAR', 4)
  for number in range(3):
    ids = stores.complete(site_store, stores.run_of(tmp_path, f'run-{number}'), number=number)
  build(site_store, uri, out)

  assert f'../lineage/artifact-{ids["input"]}.html' in Links(out / 'artifacts' / f'{ids["input"]}.html').found
  found = Links(out / 'lineage' / f'artifact-{ids["input"]}.html').found
  assert {f'../runs/run-{number}.html' for number in range(3)} <= set(found)


def test_what_comes_from_data_is_text(
  site_store: mlmd.MetadataStore, uri: str, tmp_path: pathlib.Path, out: pathlib.Path
) -> None:
  stores.fill_with(site_store, tmp_path, HOSTILE)
  build(site_store, uri, out)

  for page in out.rglob('*.html'):
    parsed = Links(page)
    assert not [tag for tag, _ in parsed.tags if tag == 'img']
    assert all(name not in attributes for _, attributes in parsed.tags for name in ('onerror', 'onclick'))
    assert {attributes.get('src', '') for tag, attributes in parsed.tags if tag == 'script'} <= {
      '',
      *('assets/base.js', 'assets/site.js', '../assets/base.js', '../assets/site.js'),
    }
  assert HOSTILE in Links(out / 'index.html').text
  assert not [path for path in out.glob('data/*.js') if '<' in path.read_text()]


@pytest.mark.parametrize('name', ['../../etc/passwd', '..', '.', 'A', 'con', 'a/b', 'a\x00b', 'x' * 300, 'ä', 'a%2Fb'])
def test_a_run_of_any_name_has_its_page_in_the_site(
  site_store: mlmd.MetadataStore, uri: str, tmp_path: pathlib.Path, out: pathlib.Path, name: str
) -> None:
  run = stores.TfxRun(site_store, name)
  run.step('Gen', 'Gen')
  before = set(tmp_path.rglob('*'))
  build(site_store, uri, out)

  [page] = out.glob('runs/*.html')
  assert re.fullmatch(r'[a-z0-9._~-]+', page.stem)
  assert all(out in path.parents or path == out for path in set(tmp_path.rglob('*')) - before)


def test_a_site_of_an_empty_store_says_so(site_store: mlmd.MetadataStore, uri: str, out: pathlib.Path) -> None:
  build(site_store, uri, out)

  assert 'no run yet' in Links(out / 'index.html').text


def test_a_site_is_built_on_this_machine(site_store: mlmd.MetadataStore, uri: str) -> None:
  with pytest.raises(UserError, match='in a local folder; then copy it'):
    build_site(site_store, uri, 'gs://bucket/site', 10)


def test_a_folder_that_cannot_be_written_is_said(
  site_store: mlmd.MetadataStore, uri: str, tmp_path: pathlib.Path
) -> None:
  (tmp_path / 'file').write_text('')

  with pytest.raises(UserError, match='cannot be written'):
    build_site(site_store, uri, str(tmp_path / 'file' / 'site'), 10)


def test_the_command_says_what_to_open(
  uri: str, tmp_path: pathlib.Path, out: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
  fill(connect(uri), tmp_path)

  assert cli.main(['site', '--metadata', uri, '--out', str(out)]) == 0
  assert re.fullmatch(rf'5 runs on \d+ pages, [\d.]+ kB: open {out}/index.html\n', capfd.readouterr().out)


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (['--metadata', 'sqlite:///nowhere.sqlite'], 'there is no such file'),
    (['--metadata', 'sqlite:///nowhere.sqlite', '--trends', '-1'], '--trends -1: give 0 or more'),
  ],
)
def test_a_wrong_flag_is_said(
  flags: list[str], message: str, out: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
  assert cli.main(['site', '--out', str(out), *flags]) == 2
  assert message in capfd.readouterr().err
