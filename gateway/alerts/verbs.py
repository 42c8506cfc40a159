"""What people may ask of the alerts through the gateway's control socket."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.alerts import step
from gateway.alerts.engine import Wish
from gateway.alerts.journal import Journal
from gateway.alerts.paging import Member
from gateway.alerts.paging import Message as Paged
from gateway.alerts.records import OUTCOMES, Closing, Inspection, close, figures, history, inspect
from gateway.alerts.service import Alerts
from gateway.alerts.state import State
from gateway.alerts.step import Refused, Step
from gateway.alerts.watches import Watch, WatchId
from gateway.control import ControlError, Message, Verb

HISTORY_LIMIT = 200


def verbs(alerts: Alerts, now_s: Callable[[], int] = lambda: int(time.time())) -> dict[str, Verb]:
    """Return the verbs by name; each answers or raises ControlError."""
    return {f"alerts_{name}": _guarded(verb) for name, verb in _Asked(alerts, now_s).verbs().items()}


def _guarded(verb: Verb) -> Verb:
    async def obey(message: Message) -> Message:
        try:
            return await verb(message)
        except Refused as error:
            raise ControlError(str(error)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise ControlError(f"the request lacks something or has it in a wrong form: {error}") from error

    return obey


class _Asked:
    def __init__(self, alerts: Alerts, now_s: Callable[[], int]) -> None:
        self._alerts = alerts
        self._now_s = now_s

    def verbs(self) -> dict[str, Callable[[Message], Awaitable[Message]]]:
        return {
            "list": self.list,
            "ack": self.ack,
            "shelve": self.shelve,
            "unshelve": self.unshelve,
            "out_of_service": self.out_of_service,
            "in_service": self.in_service,
            "maintain": self.maintain,
            "close": self.close,
            "history": self.history,
            "inspect": self.inspect,
            "drill": self.drill,
            "receipts": self.receipts,
        }

    async def list(self, _: Message) -> Message:
        alerts = self._alerts
        waiting = await alerts.write(lambda journal: len(journal.waiting()))
        maintenance = {str(node): until for node, until in alerts.engine.maintenance.items()}
        return {
            "standing": [each.as_json() for each in alerts.standing()],
            "watches": alerts.counts(),
            "messages_waiting": waiting,
            "maintenance": maintenance,
            "unreadable_records": alerts.engine.strange,
        }

    async def ack(self, message: Message) -> Message:
        by = str(message["by"])
        return await self._wish(message, lambda _watch, state: step.acknowledge(state, by, self._now_s()))

    async def shelve(self, message: Message) -> Message:
        by, note, now_s = str(message["by"]), str(message.get("note", "")), self._now_s()
        until_s = now_s + 60 * int(message["minutes"])
        return await self._wish(
            message, lambda _watch, state: step.shelve(state, by, until_s, now_s, note)
        ) | {"until_s": until_s}

    async def unshelve(self, message: Message) -> Message:
        return await self._end(message, step.unshelve)

    async def out_of_service(self, message: Message) -> Message:
        by, note = str(message["by"]), str(message.get("note", ""))
        return await self._wish(
            message, lambda _watch, state: step.take_out_of_service(state, by, self._now_s(), note)
        )

    async def in_service(self, message: Message) -> Message:
        return await self._end(message, step.put_into_service)

    async def maintain(self, message: Message) -> Message:
        until_s = self._now_s() + 60 * int(message["minutes"])
        await self._alerts.maintain(int(message["node"]), until_s, str(message["by"]))
        return {"node": message["node"], "until_s": until_s}

    async def close(self, message: Message) -> Message:
        rule, node = self._id(message)
        if message["outcome"] not in OUTCOMES:
            raise Refused("the outcome is one of: " + ", ".join(OUTCOMES))
        closing = Closing(
            rule,
            node,
            int(message.get("occurrence") or self._alerts.engine.states[rule, node].occurrence),
            self._now_s(),
            str(message["by"]).strip(),
            str(message["outcome"]),
            None if message.get("on_site_min") is None else int(message["on_site_min"]),
            str(message.get("note", "")),
        )
        await self._alerts.write(lambda journal: close(journal.db, closing))
        return {"rule": rule, "node": node, "occurrence": closing.occurrence, "outcome": closing.outcome}

    async def history(self, message: Message) -> Message:
        limit = min(int(message.get("limit", HISTORY_LIMIT)), HISTORY_LIMIT)
        node = message.get("node")

        def read(journal: Journal) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
            return history(journal.db, node, limit), figures(journal.db)

        events, by_rule = await self._alerts.write(read)
        return {"events": events, "figures": by_rule}

    async def inspect(self, message: Message) -> Message:
        node = int(message["node"])
        if node not in {n.id for n in self._alerts.site.nodes}:
            raise Refused(f"there is no node {node}")
        inspection = Inspection(
            node,
            self._now_s(),
            str(message["by"]).strip(),
            int(message["blocked_percent"]),
            bool(message.get("cleaned", False)),
            str(message.get("photo", "")),
            str(message.get("note", "")),
        )
        await self._alerts.write(lambda journal: inspect(journal.db, inspection))
        return {"node": node, "blocked_percent": inspection.blocked_percent}

    async def drill(self, message: Message) -> Message:
        """Send an exercise, marked as one, the way the alert would go."""
        rule, node = self._id(message)
        now_s = self._now_s()
        watch = self._alerts.engine.watches[rule, node]
        key = f"drill/{rule}/{node}/{now_s}"
        member = Member(rule, node, 0, None, now_s, now_s)
        exercise = Paged(
            key, watch.rule.recipient, watch.rule.priority, "raised", now_s, now_s, (member,), drill=True
        )
        await self._alerts.write(lambda journal: journal.put(exercise))
        self._alerts.messages_wait()
        newest = self._alerts.newest(node)
        legs = None if newest is None else newest.received_at_ms - 1000 * newest.measured_at_s
        return {"key": key, "recipient": watch.rule.recipient, "sensor_to_gateway_ms": legs}

    async def receipts(self, message: Message) -> Message:
        """Return what became of a message, attempt by attempt."""
        key = str(message["key"])
        return {"attempts": await self._alerts.write(lambda journal: journal.attempts(key))}

    async def _wish(self, message: Message, wish: Wish) -> Message:
        id_ = self._id(message)
        await self._alerts.wish(id_, wish)
        state = self._alerts.engine.states[id_]
        return {"rule": id_[0], "node": id_[1], "state": str(state.phase)}

    async def _end(self, message: Message, ending: Callable[..., Step]) -> Message:
        by, now_s = str(message["by"]), self._now_s()

        def wish(watch: Watch, state: State) -> Step:
            silenced = self._alerts.engine.silenced(watch, now_s)
            return ending(watch.terms, state, by, now_s, silenced=silenced)

        return await self._wish(message, wish)

    def _id(self, message: Message) -> WatchId:
        """Return the watch that is meant: "rule/node", or a node with just one active alert."""
        word = str(message["id"])
        rule, _, node = word.rpartition("/")
        if rule and node.isdecimal():
            if (rule, int(node)) not in self._alerts.engine.watches:
                raise Refused(f"no rule `{rule}` watches node {node}")
            return rule, int(node)
        if node.isdecimal():
            active = [s for s in self._alerts.standing() if s.node == int(node)]
            if len(active) == 1:
                return active[0].rule, active[0].node
            ids = ", ".join(s.id for s in active)
            raise Refused(f"node {node} has {len(active)} active alerts" + (f": {ids}" if ids else ""))
        raise Refused(f"`{word}` is no alert: write rule/node, as in `sensornett alerts list`")
