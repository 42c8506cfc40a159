"""How a gateway's messages leave it: channels.yaml in its state directory and the files it names."""

import time
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from device_configs.model import Site
from gateway.alerts.channels import NAME, read_channels
from gateway.alerts.rota import DAYS, RotaError, complaints, read_rota
from gateway.alerts.sms import Gammu, SmsError
from gateway.notify import Settings

log = structlog.get_logger()


class DeliverySetupError(Exception):
    """What channels.yaml names can not be used; the text says why."""


def delivery_in(state: Path, site: Site) -> Settings | None:
    """Return how to deliver; None without channels.yaml: alerts are listed, and nobody is paged.

    Raises ConfigError and DeliverySetupError: a gateway that would page nobody does not start.
    """
    channels = read_channels(state / NAME)
    if channels is None:
        log.warning("nobody_is_paged", next=f"say in {state / NAME} how messages reach whom")
        return None
    try:
        zone = ZoneInfo(site.timezone)
        shifts = read_rota(state / channels.rota, zone) if channels.rota else []
        for complaint in complaints(shifts, site.recipients, int(time.time()), DAYS, zone):
            log.error("rota_has_gaps", what=complaint)
        modem = Gammu(state / channels.gammu_config) if channels.gammu_config else None
    except (RotaError, SmsError) as error:
        raise DeliverySetupError(str(error)) from error
    reached = {channel.recipient for channel in channels.channels} | {shift.recipient for shift in shifts}
    asked = {rule.recipient for rule in site.rules} | {r.escalate_to for r in site.rules if r.escalate_to}
    if unreached := sorted(asked - reached):
        raise DeliverySetupError(
            f"{state / NAME}: no channel leads to `{unreached[0]}`, whom alerts.yaml wants to tell. "
            "Add one, or name another recipient there."
        )
    return Settings(channels, shifts, modem)
