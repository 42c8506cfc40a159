"""What people read of an alert: on a page, in a mail, in a text message of 160 characters. Pure."""

from collections.abc import Mapping, Sequence

from device_configs.alert_schema import Rule
from device_configs.model import Node, Site
from gateway.alerts.paging import Member, Message
from gateway.alerts.watches import Gateway, Watch, WatchId

SMS_MAX = 160
LATE_S = 900  # a value older than this when the alert was raised is told with its age
_WORDS = {
    "nb": {
        "raised": "",
        "cleared": "Over: ",
        "escalated": "IKKE KVITTERT: ",
        "drill": "ØVELSE: ",
        "demo": "DEMO: ",
        "beyond": "fullt eller blokkert, ved eller over målegrensen",
        "late": "målt for {} siden",
        "within": "innen {}",
        "reply": "Svar {}",
        "many": "{} steder: {}",
        "min": "min",
        "h": "t",
        "rise": "{:+.0f} {unit} i timen",
        "records": "{:.0f} målinger",
        "hours left": "plass til {:.0f} t",
        "silent": "uten brukbare data i {}",
        "up": "foran rista",
        "down": "bak",
        "excess loss": "ekstra falltap",
    },
    "en": {
        "raised": "",
        "cleared": "Over: ",
        "escalated": "NOT ACKNOWLEDGED: ",
        "drill": "EXERCISE: ",
        "demo": "DEMO: ",
        "beyond": "full or obstructed, at or beyond the sensor's limit",
        "late": "measured {} ago",
        "within": "within {}",
        "reply": "Reply {}",
        "many": "{} places: {}",
        "min": "min",
        "h": "h",
        "rise": "{:+.0f} {unit} an hour",
        "records": "{:.0f} records",
        "hours left": "room for {:.0f} h",
        "silent": "no usable data for {}",
        "up": "above the grate",
        "down": "below",
        "excess loss": "excess loss",
    },
}


def language_of(site: Site) -> str:
    """Return the language of the site's messages: the first one, nynorsk counting as Norwegian."""
    return "en" if site.languages[0] == "en" else "nb"


def minutes(seconds: float, language: str) -> str:
    """Return a duration as people say it: "40 min", "2 t"."""
    words = _WORDS[language]
    whole = round(seconds / 60)
    return f"{whole} {words['min']}" if whole < 120 else f"{round(whole / 60)} {words['h']}"


def value_text(watch: Watch, value: float | None, evidence: str, beyond: bool, language: str) -> str:
    """Return what was seen, in a few words."""
    words = _WORDS[language]
    if beyond:
        return words["beyond"]
    if evidence:
        for word in ("excess loss", "up", "down"):
            evidence = evidence.replace(word, words[word])
        return evidence
    if value is None:
        return ""
    rule = watch.rule
    if rule.silent_for_s is not None:
        return words["silent"].format(minutes(value, language))
    shown, unit = _in_unit(rule.key, value)
    if rule.gateway:
        return _of_gateway(rule.key, value, language)
    if rule.rise_per_h is not None:
        return words["rise"].format(shown, unit=unit)
    if watch.signal.unit == "%":
        return f"{value:.0f} %"
    return f"{shown:.0f} {unit}".rstrip()


def _of_gateway(key: str, value: float, language: str) -> str:
    """Return what is seen of the gateway; nothing where the headline says it all."""
    words = _WORDS[language]
    if key.startswith("records_"):
        return words["records"].format(value)
    if key.endswith("_s"):
        return minutes(value, language)
    if key.endswith("_h"):
        return words["hours left"].format(value)
    return f"{value:.0f} %" if key.endswith("_percent") else ""


def _in_unit(key: str, value: float) -> tuple[float, str]:
    """Return a value with the unit that people use for it."""
    if key.endswith("_mm"):
        return (value / 10, "cm") if key.endswith(("level_mm", "depth_mm")) else (value, "mm")
    if key.endswith("_cc"):
        return value / 100, "°C"
    return value, key.rsplit("_", 1)[-1].replace("mv", "mV").replace("w", "W")


def short(site: Site, watches: Mapping[WatchId, Watch], message: Message, code: int | None = None) -> str:
    """Return the message as a text message: what, where, how bad, what to do by when, how to answer."""
    language = language_of(site)
    words = _WORDS[language]
    known = [m for m in message.members if m.watch in watches]
    head = (words["drill"] if message.drill else words["demo"] if site.demo else "") + words.get(
        message.kind, ""
    )
    if not known:
        return head + message.key
    reply = f" {words['reply'].format(code)}" if code is not None else ""
    if len(known) > 1:
        many = words["many"].format(len(known), _grouped(known, watches, language))
        return _cut(head + many, SMS_MAX - len(reply)) + reply
    (member,) = known
    watch = watches[member.watch]
    texts = watch.rule.texts(language)
    seen = value_text(watch, member.value, member.evidence, member.beyond, language)
    late = _late(member, language)
    body = f"{head}{watch.node.name}: {texts.name}"
    body += "".join(f", {part}" for part in (seen, late) if part) + "."
    if message.kind == "cleared":
        return _cut(body, SMS_MAX - len(reply)) + reply
    within = words["within"].format(minutes(60 * watch.rule.respond_within_min, language))
    tail = f" {within}.{reply}"
    action = f" {texts.action}"
    if len(body) + len(action) + len(tail) > SMS_MAX:
        action = action.split(",")[0]  # the first thing to do; the rest is in the mail and on the page
    return _cut(body + action, SMS_MAX - len(tail)) + tail


def long(site: Site, watches: Mapping[WatchId, Watch], message: Message, code: int | None = None) -> str:
    """Return the message for mail and chat: everything an alert has to carry."""
    language = language_of(site)
    parts = [short(site, watches, message, code)]
    for member in message.members[:20]:
        watch = watches.get(member.watch)
        if watch is not None:
            parts.append(_details(watch.rule, watch.node, language))
    return "\n\n".join(parts)


def _details(rule: Rule, node: Node | Gateway, language: str) -> str:
    texts = rule.texts(language)
    return "\n".join((f"{node.name}: {texts.name}", node.place, texts.cause, texts.consequence, texts.action))


def _grouped(members: Sequence[Member], watches: Mapping[WatchId, Watch], language: str) -> str:
    """Return the headlines with how often each occurs, the most frequent first, and the first places."""
    counts: dict[str, list[str]] = {}
    for member in members:
        watch = watches[member.watch]
        counts.setdefault(watch.rule.texts(language).name, []).append(watch.node.name)
    ordered = sorted(counts.items(), key=lambda item: -len(item[1]))
    return "; ".join(
        f"{name} ({', '.join(nodes[:3])}{' ...' if len(nodes) > 3 else ''})" for name, nodes in ordered
    )


def _late(member: Member, language: str) -> str:
    if member.measured_at_s is None or member.at_s - member.measured_at_s < LATE_S:
        return ""
    return _WORDS[language]["late"].format(minutes(member.at_s - member.measured_at_s, language))


def _cut(body: str, room: int) -> str:
    """Return as many words as there is room for. What follows, the deadline and the code, is never cut."""
    if len(body) <= room:
        return body
    return body[: room - 3].rsplit(" ", 1)[0].rstrip(" ,.") + "..."
