"""A server of S3's protocol, moto's, in a process of its own, which writes down each request."""

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

# It ends with the process that started it.
_SERVER = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
import moto.s3.models, moto.iam.models
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
served = DomainDispatcherApplication(create_backend_app)
log = open(sys.argv[1], 'a')
def noted(environ, start_response):
  print(environ['REQUEST_METHOD'], environ['RAW_URI'], file=log, flush=True)
  return served(environ, start_response)
class Handler(WSGIRequestHandler):
  protocol_version = 'HTTP/1.1'
  def log(self, *_): pass
server = make_server('127.0.0.1', 0, noted, threaded=True, request_handler=Handler)
print(server.port, flush=True)
server.serve_forever()
"""


@dataclasses.dataclass(frozen=True)
class S3Server:
  """A server that runs until its context ends."""

  address: str
  _log: pathlib.Path

  @property
  def variables(self) -> dict[str, str]:
    """The environment by which clients of AWS get along with it."""
    return {
      'AWS_ACCESS_KEY_ID': 'key',
      'AWS_SECRET_ACCESS_KEY': 'secret',
      'AWS_DEFAULT_REGION': 'us-east-1',
      **apart_from_this_machine(),
    }

  def client(self, service: str = 's3') -> Any:
    import boto3

    variables = self.variables
    return boto3.session.Session(
      variables['AWS_ACCESS_KEY_ID'], variables['AWS_SECRET_ACCESS_KEY'], region_name='us-east-1'
    ).client(service, endpoint_url=self.address)

  def requests(self) -> list[str]:
    """All requests so far, such as 'GET /bucket/key'."""
    return self._log.read_text().splitlines()

  def ask_for_credentials(self, *, yes: bool) -> None:
    """Whether it refuses whom it does not know from now on, and what their policies do not allow."""
    import requests

    requests.post(f'{self.address}/moto-api/reset-auth', data='0' if yes else 'inf', timeout=60).raise_for_status()

  def user_who_may(self, name: str, *actions: str) -> dict[str, str]:
    """The environment of a new user who may only do these."""
    iam = self.client('iam')
    iam.create_user(UserName=name)
    policy = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': [*actions], 'Resource': '*'}]}
    iam.put_user_policy(UserName=name, PolicyName='only', PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)['AccessKey']
    return {
      **self.variables,
      'AWS_ACCESS_KEY_ID': key['AccessKeyId'],
      'AWS_SECRET_ACCESS_KEY': key['SecretAccessKey'],
    }


def apart_from_this_machine() -> dict[str, str]:
  """The environment in which this machine's own credentials for AWS are not found."""
  return {
    'AWS_CONFIG_FILE': os.devnull,
    'AWS_SHARED_CREDENTIALS_FILE': os.devnull,
    'AWS_EC2_METADATA_DISABLED': 'true',
    'no_proxy': '127.0.0.1,localhost',
  }


@contextlib.contextmanager
def s3_server() -> Iterator[S3Server]:
  """One with an empty bucket called 'bucket'."""
  with tempfile.TemporaryDirectory() as folder:
    log = pathlib.Path(folder) / 'requests'
    process = subprocess.Popen(
      [sys.executable, '-c', _SERVER, log],
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      env={**os.environ, 'AWS_ACCESS_KEY_ID': 'key', 'AWS_SECRET_ACCESS_KEY': 'secret'},
      text=True,
      start_new_session=True,
    )
    assert process.stdout is not None
    try:
      port = process.stdout.readline().strip()
      assert port, 'the server of moto does not start'
      server = S3Server(f'http://127.0.0.1:{port}', log)
      server.client().create_bucket(Bucket='bucket')
      yield server
    finally:
      process.terminate()
      process.wait()
