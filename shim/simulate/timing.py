"""How long Lambda takes for what it does, as far as that is known.

Sources: [110] AWS's answer quoted in DataDog/datadog-cdk-constructs #110; [5927] CloudTrail times
in DataBiosphere/azul #5927; [faq] AWS Lambda FAQs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Seconds; a pair is drawn from evenly.

    With these, two updates that wait for each other lie some 10 s apart, as told in [110], and as
    the two calls' times in [5927] have it (7 to 15 s).
    """

    call: tuple[float, float] = (0.2, 0.6)
    """Until a call is answered."""
    update: tuple[float, float] = (6.0, 12.0)
    """`InProgress`: until an update has taken hold."""
    publish: tuple[float, float] = (1.0, 3.0)
    """`Pending`: until a published version can be invoked."""
    provision: tuple[float, float] = (30.0, 90.0)
    """Until the provisioned concurrency of an alias that moved is there for its new version."""
    spread: float = 3.0
    """So long a new sandbox may still be started from what was before: "cached" [110]."""
    linger: float = 10.0
    """So long a sandbox may still serve that was started from what was before [faq]."""
