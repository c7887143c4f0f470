"""Virtual time passes in order, and only when somebody sleeps."""

from __future__ import annotations

from shim.simulate.timeline import Timeline


def test_what_is_due_happens_in_its_order_and_at_its_time() -> None:
    clock, seen = Timeline(), list[tuple[str, float]]()
    for name, seconds in (("late", 2.0), ("early", 1.0), ("after late", 2.0)):
        clock.after(seconds, lambda name=name: seen.append((name, clock.now)))  # type: ignore[misc] # a default binds the name
    clock.sleep(1.5)
    assert seen == [("early", 1.0)]
    assert clock.now == 1.5
    clock.sleep(0.5)
    assert seen[1:] == [("late", 2.0), ("after late", 2.0)]


def test_an_action_can_ask_for_the_next_one() -> None:
    clock, seen = Timeline(), list[float]()

    def tick() -> None:
        seen.append(clock.now)
        if len(seen) < 3:
            clock.after(1, tick)

    clock.after(1, tick)
    clock.finish()
    assert seen == [1, 2, 3]
    assert clock.now == 3
