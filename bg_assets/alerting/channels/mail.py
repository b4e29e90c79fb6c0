"""E-mail, by SMTP over TLS; those of an alert are one thread."""

import contextlib
import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime

from bg_assets.alerting.channels.sending import ANSWER_SECONDS, HOPELESS_SECONDS, NotSent
from bg_assets.domain.alerts.wording import Message

STARTTLS, TLS, NONE = "starttls", "tls", "none"
SECURITIES = (STARTTLS, TLS, NONE)
_DOMAIN = "bg-assets.invalid"


@dataclass(frozen=True, slots=True)
class Mail:
    """``tls``: starttls (port 587), tls from the start (465), or none, on this machine alone."""

    name: str
    least: str
    host: str
    port: int
    tls: str
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    # A file of certificates that are trusted instead of the system's.
    trusted: str | None = None
    type: str = "email"

    def send(self, message: Message) -> None:
        """Hand it to the server. Raises NotSent."""
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(self._letter(message))
        except smtplib.SMTPResponseException as err:
            wait = HOPELESS_SECONDS if err.smtp_code >= 500 else None
            raise NotSent(f"the mail server answered {err.smtp_code}", wait) from None
        except smtplib.SMTPRecipientsRefused:
            raise NotSent("the mail server refuses the recipients", HOPELESS_SECONDS) from None
        except (smtplib.SMTPException, OSError) as err:
            raise NotSent(f"no connection to the mail server ({type(err).__name__})") from None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        if self.tls == TLS:
            with smtplib.SMTP_SSL(
                self.host, self.port, timeout=ANSWER_SECONDS, context=self._context()
            ) as server:
                yield server
            return
        with smtplib.SMTP(self.host, self.port, timeout=ANSWER_SECONDS) as server:
            if self.tls == STARTTLS:
                server.starttls(context=self._context())
            yield server

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.trusted)

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        thread = hashlib.sha256(f"{message.key} {message.since}".encode()).hexdigest()[:32]
        letter["Subject"] = message.headline
        letter["From"], letter["To"] = self.sender, ", ".join(self.to)
        letter["Date"] = format_datetime(message.at)
        letter["Message-ID"] = f"<{message.id}@{_DOMAIN}>"
        letter["References"] = f"<{thread}@{_DOMAIN}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content("\n".join(message.lines) + "\n")
        return letter
