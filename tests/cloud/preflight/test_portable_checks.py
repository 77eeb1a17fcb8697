"""What is found of job services, of Flink and of pools of workers, before a run."""

from collections.abc import Iterator, Sequence

import pytest
from emulators.databases import free_port
from emulators.flink import Flink, flink_cluster
from emulators.job_service import job_service, mute_server, worker_pool
from findings import shown

from beam_taxi.cloud.portable import job_service as asked_service
from beam_taxi.cloud.preflight.checks import Finding, run_checks
from beam_taxi.cloud.preflight.portable_checks import portable_checks
from beam_taxi.runners.options import parse_beam_args

LOOPBACK = '--environment_type=LOOPBACK'


@pytest.fixture(scope='module')
def service() -> Iterator[str]:
  with job_service() as running:
    yield running.address


@pytest.fixture
def flink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flink]:
  """A cluster of two task managers with which all is well."""
  monkeypatch.setenv('no_proxy', '127.0.0.1,localhost')
  with flink_cluster() as cluster:
    yield cluster


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
  """Waits as shortly as may be for what does not answer."""
  monkeypatch.setattr(asked_service, 'PATIENCE_S', 0.2)


def found(*flags: str) -> dict[str, Sequence[Finding]]:
  """What all checks of a run with these flags find, by check."""
  findings = run_checks(portable_checks(*parse_beam_args([*flags])))
  return {each.check: [one for one in findings if one.check == each.check] for each in findings}


def test_a_job_service_and_a_pool_that_answer_are_ok(service: str) -> None:
  with worker_pool() as pool:
    for config in (pool, f'{{"url": "{pool}"}}'):
      flags = ('--environment_type=EXTERNAL', f'--environment_config={config}')
      all_found = found('--runner=PortableRunner', f'--job_endpoint={service}', *flags)

      assert {check: shown(each) for check, each in all_found.items()} == {
        'job service': [('ok', f'{service} answers', '')],
        'worker pool': [('ok', f'{pool} answers', '')],
      }


def test_a_job_service_in_this_process_needs_no_answer() -> None:
  assert shown(found('--runner=PortableRunner', '--job_endpoint=embed', LOOPBACK)['job service']) == [
    ('ok', 'is in this process', '')
  ]


@pytest.mark.usefixtures('impatient')
def test_where_nothing_listens_it_is_said_what_to_do() -> None:
  endpoint = f'localhost:{free_port()}'

  [(mark, what, remedy)] = shown(found('--runner=FlinkRunner', f'--job_endpoint={endpoint}')['job service'])

  assert (mark, remedy) == ('failed', 'start a job service there, or give HOST:PORT of one')
  assert what == f'--job_endpoint {endpoint}: cannot be reached ([Errno 111] Connection refused)'


@pytest.mark.usefixtures('impatient')
def test_what_takes_connections_and_says_nothing_is_told_apart() -> None:
  with mute_server() as endpoint:
    assert shown(found('--runner=PortableRunner', f'--job_endpoint={endpoint}', LOOPBACK)['job service']) == [
      (
        'failed',
        f'--job_endpoint {endpoint}: takes connections and does not answer as a job service does',
        'see to it, or give another',
      )
    ]


def test_another_grpc_server_is_no_job_service() -> None:
  with worker_pool() as pool:
    [(mark, what, _)] = shown(found('--runner=PortableRunner', f'--job_endpoint={pool}', LOOPBACK)['job service'])

  assert (mark, what) == ('failed', f'--job_endpoint {pool}: is no job service (UNIMPLEMENTED: Method not found!)')


WITHOUT = {
  'portable': (
    ['--runner=PortableRunner'],
    '--runner PortableRunner: needs a job service',
    'give its address with --job_endpoint HOST:PORT',
  ),
  'prism': (
    ['--runner=PrismRunner'],
    '--runner PrismRunner: Beam would download Prism',
    'give --prism_location PATH of its binary (or a URL, to have it downloaded), or --job_endpoint HOST:PORT where it '
    'runs',
  ),
  'no_such_binary': (
    ['--runner=PrismRunner', '--prism_location=/none/prism'],
    '--prism_location /none/prism: there is no such file',
    'give a path that is there, or --job_endpoint HOST:PORT',
  ),
  'no_such_jar': (
    ['--runner=FlinkRunner', '--flink_job_server_jar=/none.jar'],
    '--flink_job_server_jar /none.jar: there is no such file',
    'give a path that is there, or --job_endpoint HOST:PORT',
  ),
  'no_java': (
    ['--runner=SparkRunner', '--job_server_java_launcher=/none/java'],
    'there is no /none/java, by which SparkRunner starts its job server',
    'install Java, or give --job_endpoint',
  ),
}


@pytest.mark.parametrize(('flags', 'what', 'remedy'), WITHOUT.values(), ids=WITHOUT)
def test_a_runner_without_a_job_service_is_told_what_to_give(flags: list[str], what: str, remedy: str) -> None:
  assert shown(found(*flags)['job service']) == [('failed', what, remedy)]


def on(flink: Flink, service: str, *flags: str) -> dict[str, Sequence[Finding]]:
  return found('--runner=FlinkRunner', f'--job_endpoint={service}', f'--flink_master={flink.address}', *flags)


def test_a_flink_with_which_all_is_well_is_ok(flink: Flink, service: str) -> None:
  all_found = on(flink, service, LOOPBACK, '--parallelism=4')

  assert {check: shown(each) for check, each in all_found.items()} == {
    'job service': [('ok', f'{service} answers', '')],
    'Flink': [('ok', f'{flink.address} answers, Flink 1.19.1', '')],
    'Flink slots': [('ok', '4 slots are needed; Flink has 4, 4 of them free', '')],
    'Flink memory': [('ok', '768 MiB of network memory for 2 slots of a task manager', '')],
    'Flink restarts': [('ok', 'restart strategy: fixed-delay', '')],
  }


def test_a_flink_that_does_not_answer_is_said_once(flink: Flink, service: str) -> None:
  flink.silent = True

  all_found = on(flink, service)

  assert all_found['Flink'][0].what.startswith(f'--flink_master {flink.address}: GET /overview is answered with HTTP')
  assert [shown(all_found[check])[0][:2] for check in ('Flink slots', 'Flink memory', 'Flink restarts')] == [
    ('not checked', 'needs an answer of Flink')
  ] * 3


SLOTS = {
  'too_few': (5, 0, {}, 'failed', 'start task managers, or give --parallelism 4'),
  'busy': (4, 1, {}, 'warning', 'wait for other jobs, or give a lower --parallelism'),
  'by_flinks_default': (-1, 0, {'parallelism.default': '9'}, 'failed', 'start task managers, or give --parallelism 4'),
  'started_on_demand': (9, 0, {'kubernetes.cluster-id': 'c'}, 'ok', ''),
}


@pytest.mark.parametrize(('parallelism', 'busy', 'settings', 'mark', 'remedy'), SLOTS.values(), ids=SLOTS)
def test_a_job_needs_as_many_slots_as_it_is_parallel(
  flink: Flink, service: str, parallelism: int, busy: int, settings: dict[str, str], mark: str, remedy: str
) -> None:
  flink.busy, flink.settings = busy, settings

  [finding] = shown(on(flink, service, f'--parallelism={parallelism}')['Flink slots'])

  assert (finding[0], finding[2]) == (mark, remedy)


MEMORY = {
  'flinks_default': (128, 1, 'failed', '384m'),
  'too_little_a_slot': (512, 2, 'warning', '768m'),
  'one_slot': (512, 1, 'ok', ''),
}


@pytest.mark.parametrize(('mib', 'slots', 'mark', 'remedy'), MEMORY.values(), ids=MEMORY)
def test_network_memory_is_as_much_as_was_seen_to_do(
  flink: Flink, service: str, mib: int, slots: int, mark: str, remedy: str
) -> None:
  flink.network_mib, flink.slots = mib, slots

  [finding] = shown(on(flink, service)['Flink memory'])

  assert finding[0] == mark
  assert remedy in finding[2]


def test_without_a_restart_strategy_a_hint_is_given(flink: Flink, service: str) -> None:
  flink.settings = {}

  [(mark, what, remedy)] = shown(on(flink, service)['Flink restarts'])

  assert (mark, what.startswith('has no restart strategy')) == ('warning', True)
  assert 'restart-strategy.type: fixed-delay' in remedy


def test_a_job_server_for_another_release_of_flink_is_refused(flink: Flink) -> None:
  flags = ('--runner=FlinkRunner', f'--flink_master={flink.address}')

  [finding] = shown(found(*flags, '--flink_version=1.20')['Flink'])
  assert finding[0::2] == ('failed', 'give --flink_version 1.19')
  assert shown(found(*flags, '--flink_version=1.19')['Flink'])[0][0] == 'ok'


@pytest.mark.usefixtures('impatient')
def test_a_pool_that_does_not_answer_is_told(service: str) -> None:
  here, elsewhere = f'localhost:{free_port()}', f'127.0.0.2:{free_port()}'

  def pool(address: str, endpoint: str) -> tuple[str, str, str]:
    flags = ('--environment_type=EXTERNAL', f'--environment_config={address}')
    [finding] = shown(found('--runner=PortableRunner', f'--job_endpoint={endpoint}', *flags)['worker pool'])
    return finding

  assert pool(here, service)[:2] == ('failed', f'{here} does not answer')
  assert pool(elsewhere, service)[0] == 'warning'
  assert pool(here, 'job-server.invalid:8099')[:2] == (
    'not checked',
    f'{here} is of the machines that run the tasks',
  )


def test_workers_without_a_pool_are_told(service: str) -> None:
  flags = ('--runner=PortableRunner', f'--job_endpoint={service}', '--environment_type=EXTERNAL')

  assert shown(found(*flags)['worker pool']) == [
    ('failed', 'EXTERNAL workers have no pool', 'give --environment_config HOST:PORT of one')
  ]
