"""Whether alerts reach anybody tonight: what channels.yaml and the duty rota say."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from device_configs.loader import load_site
from device_configs.model import Site
from device_configs.problem import ConfigError
from gateway.alerts.channels import NAME, read_channels
from gateway.alerts.rota import RotaError, on_duty, read_rota, unmanned
from tools.finding import Finding, Health

WHAT = "duty tonight"
CORRECT = "Correct it: until then nobody is paged."
MORNING_H = 8


def tonight(state: Path, site_folder: Path, now_s: float) -> Finding:
    """Return who is paged from now until the coming morning, local time."""
    try:
        site = load_site(site_folder)
        channels = read_channels(state / NAME)
        zone = ZoneInfo(site.timezone)
        shifts = read_rota(state / channels.rota, zone) if channels and channels.rota else []
    except ConfigError as error:
        return Finding(WHAT, Health.FAILURE, error.problems[0].pretty(), CORRECT)
    except RotaError as error:
        return Finding(WHAT, Health.FAILURE, str(error), CORRECT)
    except OSError as error:
        text = f"{state / NAME}: {error.strerror}"
        return Finding(WHAT, Health.WARNING, text, "Give the command with sudo.")
    if channels is None:
        step = f"Say in {state / NAME} how messages reach whom: docs/alerts.md."
        return Finding(WHAT, Health.FAILURE, "nobody is paged", step)
    until_s = _morning(site, now_s)
    told = []
    for recipient in site.recipients:
        if not recipient.rota:
            continue
        if gaps := unmanned(shifts, recipient.id, int(now_s), until_s):
            begin, end = (f"{datetime.fromtimestamp(at_s, zone):%H:%M}" for at_s in gaps[0])
            text = f"nobody has duty for `{recipient.id}` from {begin} to {end}"
            step = f"Fill the rota {channels.rota}, and restart the gateway."
            return Finding(WHAT, Health.FAILURE, text, step)
        persons = [shift.person for shift in on_duty(shifts, recipient.id, int(now_s))[:1]]
        persons += [s.person for s in shifts if s.recipient == recipient.id and now_s < s.begin_s < until_s]
        told.append(f"{recipient.id}: {', then '.join(persons)}")
    if told:
        return Finding(WHAT, Health.OK, "; ".join(told))
    reached = sorted({channel.recipient for channel in channels.channels})
    return Finding(WHAT, Health.OK, f"no rota; messages go to {', '.join(reached)}")


def _morning(site: Site, now_s: float) -> int:
    now = datetime.fromtimestamp(now_s, ZoneInfo(site.timezone))
    morning = now.replace(hour=MORNING_H, minute=0, second=0, microsecond=0)
    return int((morning if now < morning else morning + timedelta(days=1)).timestamp())
