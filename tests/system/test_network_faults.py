"""The network or the API fails while a session is awaited: all faults in parallel, each with its own API."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.gateway import Gateway
from tests.system.modes import MODES
from tests.system.scenes import NEW_KEY, Certificates, Fault, Scene, play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_ionq.emulator.faults import DisturbanceKind
    from tests.system.stack import AirflowStack

FOREVER_SECONDS = 1000
OUT_SECONDS = 15
STOPS_WITHIN_SECONDS = 30.0
ENDS_WITHIN_SECONDS = 300.0


def dns_goes(scene: Scene) -> None:
    """Forget the name; the connections that are open do not last either."""
    scene.name_file.unlink()
    scene.gateway.drop_connections()


def dns_returns(scene: Scene) -> None:
    """Know the name again."""
    scene.name_file.touch()


def certificate_expires(scene: Scene) -> None:
    """Show an expired certificate from now on."""
    scene.gateway.tls = scene.certificates.context(scene.host, expired=True)
    scene.gateway.drop_connections()


def certificate_is_renewed(scene: Scene) -> None:
    """Show a good certificate again."""
    scene.gateway.tls = scene.certificates.context(scene.host)


def host_closes(scene: Scene) -> None:
    """Refuse connections at the old address."""
    scene.gateway.close()


def host_reopens_elsewhere(scene: Scene) -> None:
    """Serve at another port, and tell Airflow."""
    scene.gateway = scene.undo.enter_context(Gateway(scene.emulator.port))
    scene.change_connection(host=scene.gateway_url)


def key_is_rotated(scene: Scene) -> None:
    """Accept another key only."""
    scene.emulator.api_key = NEW_KEY


def airflow_learns_the_key(scene: Scene) -> None:
    """Tell Airflow of the other key."""
    scene.change_connection(password=NEW_KEY)


def refused_or_unmoved(scene: Scene) -> bool:
    """Tell whether the new key was refused, or the old one is kept as long as it does."""
    return 401 in scene.statuses() or looked_twice_more(scene)


def looked_twice_more(scene: Scene) -> bool:
    """Tell whether two looks have begun since it waits."""
    return len(scene.statuses()) >= MODES[scene.mode].looks + 2


def faults_end(scene: Scene) -> None:
    """Answer as it should be again."""
    scene.emulator.clear_faults()


def faults_end_after_a_while(scene: Scene) -> None:
    """Answer as it should be again, some seconds after the first answer that was not."""
    first = next(request.at for request in scene.emulator.requests if request.status >= 400)
    scene.until(lambda: time.time() > first + OUT_SECONDS, "the time of the outage to pass")
    scene.emulator.clear_faults()


def fails(status: int, **options: Any) -> Callable[[Scene], None]:
    """Return what makes the API answer with a status."""
    return lambda scene: scene.emulator.fail(status, **options)


def disturbed(kind: DisturbanceKind, **options: Any) -> Callable[[Scene], None]:
    """Return what makes the answers of the API go wrong below HTTP."""
    return lambda scene: scene.emulator.disturb(kind, seconds=FOREVER_SECONDS, **options)


FAULTS = {
    "dns_gone": Fault(dns_goes, dns_returns, "tls"),
    "dns_gone_at_first": Fault(dns_goes, way="tls", at_first_look=True, fails_with="the host is unknown"),
    "tls_expired": Fault(certificate_expires, certificate_is_renewed, "tls"),
    "tls_expired_at_first": Fault(
        certificate_expires, way="tls", at_first_look=True, fails_with="certificate has expired"
    ),
    "host_moved": Fault(host_closes, host_reopens_elsewhere, "forwarded"),
    "key_rotated_before_airflow_knows": Fault(
        key_is_rotated, airflow_learns_the_key, noticed=lambda scene: 401 in scene.statuses()
    ),
    "key_rotated_after_airflow_knows": Fault(airflow_learns_the_key, key_is_rotated, noticed=refused_or_unmoved),
    "key_refused_for_good": Fault(key_is_rotated, fails_with="answered 401"),
    "refused_once": Fault(fails(401), noticed=lambda scene: 401 in scene.statuses(), most_faults=1),
    "forbidden_for_good": Fault(fails(403, seconds=FOREVER_SECONDS), fails_with="answered 403"),
    "session_deleted": Fault(
        lambda scene: scene.emulator.delete_session(scene.wait.session_id), fails_with="answered 404"
    ),
    # The answer asks for more than the interval: whoever does not heed it asks twice.
    "rate_limited": Fault(
        fails(429, seconds=FOREVER_SECONDS, retry_after=OUT_SECONDS + 5), faults_end_after_a_while, most_faults=1
    ),
    "unavailable": Fault(fails(503, seconds=FOREVER_SECONDS), faults_end_after_a_while, most_faults=2),
    "html": Fault(fails(200, body="<html>", content_type="text/html", seconds=FOREVER_SECONDS), faults_end),
    "slow_answer": Fault(disturbed("delay", delay_seconds=2), faults_end, noticed=looked_twice_more, most_faults=0),
    "dripping_answer": Fault(
        disturbed("drip", delay_seconds=0.005), faults_end, noticed=looked_twice_more, most_faults=0
    ),
    "no_answer_in_time": Fault(disturbed("delay", delay_seconds=6), faults_end, timeout_seconds=2),
    "dropped_before_it_is_read": Fault(disturbed("drop_before_read"), faults_end),
    "dropped_after_it_is_read": Fault(disturbed("drop_after_read"), faults_end),
    "cut_body": Fault(disturbed("cut_body", after_bytes=40), faults_end),
}
# The tests in process play these in every mode with the real client. Here a real triggerer waits them out.
IN_PROCESS_TOO = {
    "refused_once",
    "forbidden_for_good",
    "rate_limited",
    "unavailable",
    "html",
    "slow_answer",
    "dripping_answer",
    "no_answer_in_time",
    "dropped_before_it_is_read",
    "dropped_after_it_is_read",
    "cut_body",
}
CELLS = [(name, mode) for name in FAULTS for mode in MODES if name not in IN_PROCESS_TOO or mode == "deferrable"]
# One for each that holds a worker all the time, and some for the others.
PARALLELISM = sum(mode == "poke" for _, mode in CELLS) + 8


@pytest.fixture(scope="module")
def wide_stack(stack: AirflowStack) -> Iterator[AirflowStack]:
    """Return the stack with worker slots for all."""
    scheduler = stack.components["scheduler"]
    scheduler.stop(STOPS_WITHIN_SECONDS)
    stack.start_component("scheduler", environment={"AIRFLOW__CORE__PARALLELISM": str(PARALLELISM)})
    yield stack
    stack.components["scheduler"].stop(STOPS_WITHIN_SECONDS)
    stack.start_component("scheduler")


@pytest.fixture(scope="module")
def played(
    wide_stack: AirflowStack, names: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Future[None]]]:
    """Let every fault befall its waits, all at once; of those only whose tests are run."""
    run = {item.name.partition("[")[2] for item in request.session.items if item.path == request.path}
    cells = [(name, mode) for name, mode in CELLS if f"{name}-{mode}]" in run]
    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    scenes = {}
    with ThreadPoolExecutor(len(cells)) as threads:
        outcomes = {}
        try:
            for name, mode in cells:
                scene = scenes[name, mode] = Scene(wide_stack, names, certificates, f"{name}_{mode}", mode)
                scene.open(FAULTS[name])
                outcomes[name, mode] = threads.submit(play, scene, FAULTS[name])
            yield outcomes
        finally:
            threads.shutdown(cancel_futures=True)
            for scene in scenes.values():
                scene.undo.close()


@pytest.mark.parametrize(("fault", "mode"), CELLS)
def test_wait_survives_network_and_api_faults(
    played: dict[tuple[str, str], Future[None]], fault: str, mode: str
) -> None:
    played[fault, mode].result(ENDS_WITHIN_SECONDS)
