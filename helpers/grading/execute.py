"""Run a submission with cases that no learner has seen."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from nbgrader import preprocessors as stock
from nbgrader.utils import setenv
from traitlets import Unicode

from helpers.checks import packs


def hidden_seed(secret_file, assignment, student):
    """Return the seed of a submission's hidden cases: the same for each grading of it, and known to no learner.

    Parameters
    ----------
    secret_file : path
        Holds the secret of the course; it is made if it does not exist.
    assignment, student : str
    """
    secret = _secret(secret_file)
    digest = hmac.new(secret, f"{assignment}\0{student}".encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _secret(path):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    return path.read_bytes()


class Execute(stock.Execute):
    """Run the notebook with hidden cases: `check` draws them from the catalogue and shows nothing of them."""

    secret_file = Unicode("secret", help="File that holds the secret of the course").tag(config=True)

    def preprocess(self, nb, resources, retries=None):
        names = resources["nbgrader"]
        seed = hidden_seed(self.secret_file, names["assignment"], names["student"])
        with setenv(**{packs.HIDDEN_SEED: str(seed)}):
            return super().preprocess(nb, resources, retries)
