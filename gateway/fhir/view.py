"""A place in a resource: what stands there by name, and its FHIRPath for whoever must be told."""

from __future__ import annotations

from typing import Any

from gateway.fhir.refusal import Refused
from gateway.fhir.text import Number


class View:
    """One JSON object. What is not there is an empty view or "", what is of a wrong kind is refused."""

    __slots__ = ("above", "data", "index", "step")

    def __init__(
        self, data: dict[str, Any], above: View | None = None, step: str = "", index: int = -1
    ) -> None:
        self.data = data
        self.above = above
        self.step = step
        self.index = index  # in a list; -1 where it stands alone

    def __bool__(self) -> bool:
        return bool(self.data)

    @property
    def path(self) -> str:
        """FHIRPath: "Bundle.entry[2].resource"."""
        steps = []
        view: View | None = self
        while view is not None:
            steps.append(view.step if view.index < 0 else f"{view.step}[{view.index}]")
            view = view.above
        return ".".join(reversed(steps))

    def at(self, name: str) -> View:
        """The one object of this name."""
        found = self.data.get(name)
        if found is None:
            return View({}, self, name)
        if not isinstance(found, dict):
            raise self.wrong(name, "an object")
        return View(found, self, name)

    def all(self, name: str) -> list[View]:
        """Every object of this name; one that came without its list counts as one."""
        found = self.data.get(name)
        if found is None:
            return []
        if isinstance(found, dict):
            return [View(found, self, name)]
        if not isinstance(found, list):
            raise self.wrong(name, "a list")
        views = []
        for index, item in enumerate(found):
            if isinstance(item, dict):
                views.append(View(item, self, name, index))
            elif item is not None:
                raise self.wrong(f"{name}[{index}]", "an object")
        return views

    def text(self, name: str) -> str:
        """A string, or a number as it was written."""
        found = self.data.get(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise self.wrong(name, "a string")
        return str(found) if isinstance(found, Number) else found

    def texts(self, name: str) -> list[str]:
        found = self.data.get(name)
        if found is None:
            return []
        found = found if isinstance(found, list) else [found]
        for index, item in enumerate(found):
            if item is not None and not isinstance(item, str):
                raise self.wrong(f"{name}[{index}]", "a string")
        return [str(item) for item in found if item]

    def flag(self, name: str) -> bool | None:
        found = self.data.get(name)
        if found is not None and not isinstance(found, bool):
            raise self.wrong(name, "true or false")
        return found

    def wrong(self, name: str, wanted: str) -> Refused:
        return self.refuse(f"must be {wanted}", name, issue="structure", status=400)

    def refuse(
        self, reason: str, name: str = "", *, issue: str = "invalid", status: int = 422
    ) -> Refused:
        """A refusal of this place, or of the element `name` in it."""
        at = f"{self.path}.{name}" if name else self.path
        return Refused(reason, at=at, issue=issue, status=status)
