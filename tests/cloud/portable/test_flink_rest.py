"""What is said of a Flink that refuses or is none."""

import pytest
from emulators.databases import free_port
from emulators.flink import Flink
from emulators.rest import rest_service

from beam_taxi.cloud.portable.flink_rest import FlinkRest
from beam_taxi.errors import UserError


def test_a_refusal_is_told_in_one_line(flink: Flink) -> None:
  with pytest.raises(UserError, match='PATCH /jobs/none is answered with HTTP status 404: Not found: /bad-request'):
    FlinkRest(flink.address).cancel('none')


def test_where_nothing_listens_it_is_said_what_to_give(flink: Flink) -> None:
  with pytest.raises(UserError, match=r'does not answer \(.*refused\); start Flink, or give HOST:PORT'):
    FlinkRest(f'http://127.0.0.1:{free_port()}').overview()


def test_what_answers_and_is_not_flink_is_told() -> None:
  with rest_service() as service:
    service.answer('GET /overview', b'<html>')

    with pytest.raises(UserError, match='is not Flink; give HOST:PORT of its REST API'):
      FlinkRest(service.address).overview()
