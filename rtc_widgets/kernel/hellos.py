"""When this kernel says hello: quickly at first, and for hours, ever more rarely, to a relay that was there before."""

from __future__ import annotations

__all__ = ["Hellos"]


class Hellos:
    """Tell when the next hello is due (docs/protocol.md, section 8). Times are seconds, as ``time.monotonic()``.

    Each hello counts as activity of the kernel, which keeps it from being culled: where no relay ever was, it soon is
    at an end. Where one went away there mostly is no server that could cull it, and one will be there again.
    """

    first = 0.1
    slowest = 2.0
    tries = 8
    rarest = 30.0
    """Between two hellos to a relay that is away."""
    patience = 12 * 3600.0
    """After that a relay that is away is given up."""
    coming_back = 300.0
    """For so long one that is back may not know the notebook: its tabs make the session anew."""

    def __init__(self) -> None:
        self.at: float | None = None
        self.unanswered = False
        """Whether it is being said, and nobody has answered yet."""
        self._wait = self.first
        self._left = 0
        self._until = 0.0

    def begin(self, now: float) -> None:
        """Say it now and again until it is answered; where that goes on, and quickly still, it just goes on."""
        if self.at is None or self._wait > 4 * self.first:
            self.at, self._wait, self._left = now, self.first, self.tries
            self._until = now + self.patience
            self.unanswered = True

    def said(self, now: float, *, missed: bool) -> None:
        """Note that it was said.

        Args:
            missed: whether a relay was there before.
        """
        self._left -= 1
        self.at = now + self._wait if self._left > 0 or (missed and now < self._until) else None
        self._wait = min(2 * self._wait, self.slowest if self._left > 0 else self.rarest)
        self.unanswered &= self.at is not None

    def answered(self) -> None:
        """Say it no more."""
        self.at, self.unanswered = None, False

    def put_off(self, now: float) -> None:
        """Say it again later, for some minutes: the relay is back, and not all that it needs to welcome this kernel."""
        if self.at is not None:
            self._left, self._until = 0, min(self._until, now + self.coming_back)
            self.at = now + self._wait if now < self._until else None
            self.unanswered = False
