"""A double of the server for Google's service account certificates, with test keys that can also sign tokens."""

import datetime as dt
import time
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from google.auth import crypt, jwt

from tests.doubles.served import ThreadedServer


class Key:
    """A key pair with a self-signed certificate."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system.gserviceaccount.com")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .sign(private, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        self._signer = crypt.RSASigner.from_string(pem.decode(), key_id)

    def token(self, account: str, audience: Any, **claims: Any) -> str:
        """Returns a token like those of Cloud Tasks and Cloud Scheduler. `claims` replace or add to its claims."""
        now = int(time.time())
        payload = {
            "iss": "https://accounts.google.com",
            "aud": audience,
            "azp": "1234567890",
            "sub": "1234567890",
            "email": account,
            "email_verified": True,
            "iat": now - 5,
            "exp": now + 3600,
            **claims,
        }
        return jwt.encode(self._signer, payload).decode()


class GoogleCertificates(ThreadedServer):
    """Serves the certificates of `keys`. `request_count`: the number of requests so far."""

    def __init__(self, *keys: Key) -> None:
        self.keys = list(keys)
        self.request_count = 0
        self.status = 200
        app = FastAPI()
        app.get("/oauth2/v1/certs")(self._certificates)
        super().__init__(app)
        self.url = f"{self.address}/oauth2/v1/certs"

    async def _certificates(self) -> Response:
        self.request_count += 1
        return JSONResponse({key.key_id: key.certificate for key in self.keys}, status_code=self.status)
