"""The report of a run in a real browser: what is drawn, what a reader can do with it, and how soon."""

import pathlib

import pytest
from statistics_of import many_features

from beam_taxi.show.report.notebook import report
from beam_taxi.show.report.report_page import page_of
from beam_taxi.show.report.sources import source_of_path, source_of_statistics

PHONE = {'width': 390, 'height': 844}


@pytest.fixture(scope='session')
def taxi_report(taxi_out: pathlib.Path) -> pathlib.Path:
  return taxi_out / 'runs' / 'monday' / 'report' / 'index.html'


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_a_taxi_report_is_drawn_without_an_error_or_a_request(taxi_report, open_page, theme: str) -> None:
  opened = open_page(taxi_report, color_scheme=theme)
  opened.shoot(f'report-{theme}')

  numbers = opened.open_feature('trip_miles')
  strings = opened.open_feature('company')
  for charts in (numbers, strings):
    assert charts.locator('svg.marks').count() == 2
  numbers.scroll_into_view_if_needed()
  opened.shoot(f'report-{theme}-feature')
  opened.page.locator('.lineage a[data-node]').nth(2).click()
  opened.page.locator('#lineage').scroll_into_view_if_needed()
  opened.shoot(f'report-{theme}-lineage')

  assert len(opened.names('number')) + len(opened.names('string')) == 18
  assert (opened.seen.errors, opened.seen.requests) == ([], [taxi_report.as_uri()])


def test_small_pictures_are_drawn_where_they_are_seen(taxi_report, open_page) -> None:
  opened = open_page(taxi_report)
  opened.page.get_by_role('button', name='fare', exact=True).scroll_into_view_if_needed()
  opened.page.wait_for_selector('.spark svg path.area')

  assert opened.page.locator('.spark svg path.area.s1').count() >= 1
  assert opened.page.locator('.spark svg path.area.s2').count() >= 1


def test_a_phone_needs_no_scrolling_to_the_side(taxi_report, open_page) -> None:
  opened = open_page(taxi_report, **PHONE, has_touch=True, is_mobile=True)
  opened.shoot('report-phone')
  opened.open_feature('fare').scroll_into_view_if_needed()
  opened.shoot('report-phone-feature')
  opened.page.locator('#schema').scroll_into_view_if_needed()
  opened.shoot('report-phone-schema')

  assert opened.page.evaluate('document.documentElement.scrollWidth') == PHONE['width']
  assert opened.seen.errors == []


@pytest.mark.parametrize(
  ('key', 'first'), [('linf', 'trip_miles'), ('jsd', 'pickup_latitude'), ('missing', 'pickup_census_tract')]
)
def test_features_are_sorted_by_what_is_chosen(taxi_report, open_page, key: str, first: str) -> None:
  opened = open_page(taxi_report)
  opened.page.select_option('#sort', key)

  assert opened.names('number')[0] == first


def test_a_column_is_sorted_by_its_heading_both_ways(taxi_report, open_page) -> None:
  opened = open_page(taxi_report)
  heading = opened.page.locator('#features-number').get_by_role('button', name='Max', exact=True)
  heading.click()
  down = opened.names('number')
  heading.click()
  up = opened.names('number')

  assert down[0] == 'dropoff_census_tract'
  assert (up[0], up[-1]) == (down[-1], down[0])
  assert heading.locator('..').get_attribute('aria-sort') == 'ascending'


def test_features_are_found_by_name_and_type(taxi_report, open_page) -> None:
  opened = open_page(taxi_report)
  opened.page.fill('#filter', 'LATITUDE')
  assert opened.names('number') == ['pickup_latitude', 'dropoff_latitude']
  assert opened.page.inner_text('#shown') == '2 of 18 features'

  opened.page.fill('#filter', '')
  opened.page.uncheck('input[name=kind][value=INT]')
  opened.page.uncheck('input[name=kind][value=FLOAT]')
  assert not opened.page.is_visible('#features-number')
  assert opened.names('string') == ['payment_type', 'company']

  opened.page.fill('#filter', 'nothing of the kind')
  assert opened.page.is_visible('#none')


def test_scales_units_and_kinds_of_histogram_draw_charts_anew(taxi_report, open_page) -> None:
  opened = open_page(taxi_report)
  charts = opened.open_feature('fare')
  seen = {charts.inner_html()}
  for control, value, words in (
    ('#scale', 'log', 'logarithmic'),
    ('#unit', 'count', 'Values, logarithmic'),
    ('#histogram', 'quantiles', 'Values up to here'),
  ):
    opened.page.select_option(control, value)
    opened.page.wait_for_function(
      '([id, words]) => document.querySelector(".charts[data-drawn]")?.textContent.includes(words)', arg=[0, words]
    )
    seen.add(charts.inner_html())

  assert len(seen) == 4
  assert opened.seen.errors == []


def test_everything_can_be_reached_by_keyboard(taxi_report, open_page) -> None:
  opened = open_page(taxi_report)
  page = opened.page
  page.keyboard.press('Tab')
  assert page.evaluate('document.activeElement.className') == 'skip'
  page.get_by_role('button', name='fare', exact=True).focus()
  page.keyboard.press('Enter')
  page.wait_for_selector('.charts[data-drawn]')
  page.keyboard.press('ArrowDown')
  assert page.evaluate('document.activeElement.textContent') == 'trip_start_month'
  node = page.locator('.lineage a[data-node]').first
  node.focus()
  page.keyboard.press('Enter')
  assert page.is_visible('.node-facts.chosen')
  page.locator('.lineage a[data-node]').last.focus()
  page.keyboard.press(' ')
  assert 'schema' in page.inner_text('.node-facts.chosen')


def test_a_node_of_the_lineage_shows_its_uri_and_properties(taxi_report, open_page) -> None:
  opened = open_page(taxi_report)
  opened.page.locator('.lineage a', has_text='CsvInput').click()

  shown = opened.page.inner_text('.node-facts.chosen')
  assert 'data.csv' in shown
  assert '15002' in shown


def test_the_theme_can_be_chosen_and_charts_follow(taxi_report, open_page) -> None:
  opened = open_page(taxi_report, color_scheme='light')
  page = opened.page
  opened.open_feature('fare')
  colour = 'getComputedStyle(document.body).backgroundColor'
  label = 'document.querySelector(".role-axis-label text").getAttribute("fill")'
  light = page.evaluate(colour), page.evaluate(label)
  page.select_option('#theme', 'dark')
  page.wait_for_function(f'{label} !== "{light[1]}"')

  assert page.evaluate(colour) != light[0]


def test_print_shows_every_feature_in_light(taxi_report, open_page) -> None:
  opened = open_page(taxi_report, color_scheme='dark')
  opened.page.emulate_media(media='print')
  opened.page.evaluate('dispatchEvent(new Event("beforeprint"))')

  assert opened.page.locator('.spark svg').count() == 18
  assert not opened.page.is_visible('.controls')
  assert opened.page.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(255, 255, 255)'


def test_two_runs_show_what_moved_most_first(taxi_out, open_page, tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'two.html'
  runs = [source_of_path(str(taxi_out / 'runs' / name)) for name in ('monday', 'tuesday')]
  path.write_text(page_of(runs), encoding='utf-8')
  opened = open_page(path)
  opened.shoot('report-of-two')
  opened.open_feature('payment_type').scroll_into_view_if_needed()
  opened.shoot('report-of-two-feature')

  times = [float(text) for text in opened.page.locator('#moved table').first.locator('td:last-child').all_inner_texts()]
  assert len(times) > 5
  assert times == sorted(times, reverse=True)
  assert opened.names('string')[0] == 'payment_type'
  assert opened.page.locator('.legend li').all_inner_texts() == [
    'monday · train', 'tuesday · train', 'monday · eval', 'tuesday · eval',
  ]  # fmt: skip
  assert opened.seen.errors == []


def test_a_notebook_frame_draws_the_report_and_is_shut_off(taxi_report, open_page, tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'notebook.html'
  frame = report(taxi_report.parent.parent)._repr_html_()
  path.write_text(f'<!doctype html><body data-ready="all"><h1>cell</h1>{frame}', encoding='utf-8')
  opened = open_page(path, height=1200)
  inside = opened.page.frame_locator('iframe')
  inside.get_by_role('button', name='company', exact=True).click()
  inside.locator('.charts[data-drawn] svg.marks').first.wait_for()

  assert (
    opened.page.frames[1].evaluate('(() => { try { return parent.document.title } catch { return "shut" } })()')
    == 'shut'
  )
  assert opened.seen.errors == []


def test_a_thousand_features_are_shown_and_filtered(open_page, tmp_path: pathlib.Path) -> None:
  sources = source_of_statistics(many_features(1000, 1), 'big')
  path = tmp_path / 'big.html'
  path.write_text(page_of([sources]), encoding='utf-8')
  assert path.stat().st_size < 12_000_000

  opened = open_page(path)
  assert len(opened.names('number')) == 500
  opened.page.fill('#filter', '0999')
  assert opened.names('number') == ['number_0999']
