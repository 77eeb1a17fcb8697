"""A store's password, from where its URI says that it is. It is asked for where it is used, and kept nowhere."""

import os
from typing import Any

from beam_taxi import storage
from beam_taxi.errors import UserError
from beam_taxi.metadata.uri import StoreUri


def password_of(uri: StoreUri) -> str:
  """The password; '' where the URI names none.

  Raises:
    UserError: it is not where the URI says. The message does not show it.
  """
  options = uri.options
  if name := options.get('password_env'):
    if name not in os.environ:
      raise UserError(f'--metadata {uri.text}: the environment has no variable {name}; set it to the password')
    return os.environ[name]
  if path := options.get('password_file'):
    try:
      return storage.read_bytes(path).decode().rstrip('\r\n')
    except (OSError, UnicodeDecodeError) as error:
      raise UserError(f'--metadata {uri.text}: the password cannot be read from {path} ({_kind(error)})') from error
  if secret := options.get('password_secret'):
    version = secret if '/versions/' in secret else f'{secret}/versions/latest'
    try:
      return str(secret_manager().access_secret_version(name=version).payload.data.decode())
    except Exception as error:  # Google's clients raise many kinds.
      raise UserError(
        f'--metadata {uri.text}: Secret Manager does not give {version} ({_kind(error)}); check the name, and that '
        'this account has the role roles/secretmanager.secretAccessor'
      ) from error
  return ''


def secret_manager() -> Any:
  from google.cloud import secretmanager

  return secretmanager.SecretManagerServiceClient()


def _kind(error: Exception) -> str:
  """What went wrong, without the error's own text, for what was read could be in it."""
  return getattr(error, 'strerror', None) or type(error).__name__
