"""What a digest leaves out for now and has to tell as new later."""

from dataclasses import replace

import pytest

from bot.digests import DigestPlan, Failure
from bot.digests.withheld import withheld
from bot.model import DeviceKind
from tests.sample_digests import LAPTOP, PLAN, SERVER, new, recovered, still

CONTOSO = replace(PLAN, clients=("Contoso*",))


@pytest.mark.parametrize(
    ("plan", "failure", "left_out"),
    [
        (PLAN, new(1), False),
        (PLAN, replace(new(1), silence=3), True),
        (PLAN, replace(still(1), silence=3), True),
        (PLAN, replace(recovered(1), silence=3), False),
        (CONTOSO, new(1, SERVER), False),
        (CONTOSO, new(1), True),  # nobody knows whose it is
        (CONTOSO, new(1, LAPTOP), False),  # another client's
        (CONTOSO, replace(new(1, LAPTOP), silence=3), False),
        (CONTOSO, replace(new(1), silence=3), True),
        (replace(PLAN, kind=DeviceKind.SERVER), new(1), True),
        (replace(PLAN, applications=("VLC",)), replace(new(1), silence=3), False),
        (replace(CONTOSO, applications=("VLC",)), new(1), False),
        (replace(PLAN, reasons=("FAILED_PREPARE_ERROR",)), new(1), True),  # it may fail for that reason next time
        (replace(CONTOSO, reasons=("FAILED_PREPARE_ERROR",)), new(1, LAPTOP), False),
    ],
)
def test_what_is_the_plans_own_and_kept_out_is_left_for_later(
    plan: DigestPlan, failure: Failure, left_out: bool
) -> None:
    assert withheld(plan, [failure]) == ((failure,) if left_out else ())
