"""Certificates by which servers and clients of the tests know each other."""

import dataclasses
import pathlib
import subprocess

import grpc


@dataclasses.dataclass(frozen=True)
class Identity:
  """A certificate of localhost and 127.0.0.1, signed with its own key: authority, server and client in one."""

  certificate: pathlib.Path
  key: pathlib.Path


def make_identity(folder: pathlib.Path) -> Identity:
  """Makes a certificate that is good for a day."""
  identity = Identity(folder / 'certificate.pem', folder / 'key.pem')
  command = ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  command += ['-days', '1', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  command += ['-out', str(identity.certificate), '-keyout', str(identity.key)]
  subprocess.run(command, check=True, capture_output=True)
  return identity


def server_credentials(identity: Identity, *, client_certificate: bool = False) -> grpc.ServerCredentials:
  """Of a gRPC server that shows this identity and, where it asks for a certificate, takes no other."""
  certificate, key = identity.certificate.read_bytes(), identity.key.read_bytes()
  return grpc.ssl_server_credentials(
    [(key, certificate)],
    root_certificates=certificate if client_certificate else None,
    require_client_auth=client_certificate,
  )
