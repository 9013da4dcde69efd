"""
IonQ's formats of results, as JSON text. No I/O and no lock.

Keys of the formats v1 are decimal, with qubit 0 as the least significant bit. Strings of the formats v2 have bit 0 on
the left. IonQ does not document their order, so a client should read the shots, in which element i is bit i of the
register.

The text is put together here, piece by piece: Python's own encoder lets no other thread run until it is done, which is
seconds for a million shots.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_provider_ionq.emulator.outcomes import ALL_QUBITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_ionq.emulator.artifacts import Kind
    from airflow_provider_ionq.emulator.outcomes import Sample


def exact(probabilities: Mapping[str, float], version: int, qubits: int) -> str:
    """
    Return probabilities that are not those of a sample.

    :param probabilities: probability by decimal key.
    :param version: version of the format.
    :param qubits: number of qubits.
    """
    if version == 1:
        return _numbers(probabilities)
    strings = {f"{int(key):0{qubits}b}"[::-1]: probability for key, probability in probabilities.items()}
    return _registers("probabilities", {ALL_QUBITS: _numbers(strings)})


def shots(sample: Sample, version: int, part: slice) -> str:
    """
    Return single shots.

    :param sample: the shots.
    :param version: version of the format.
    :param part: the shots to return.
    """
    if version == 1:
        texts = [f'"{outcome.key}"' for outcome in sample.outcomes]
    else:
        registers = (
            {name: f"[{','.join(map(str, bits))}]" for name, bits in outcome.registers.items()}
            for outcome in sample.outcomes
        )
        texts = [f'{{"registers":{json_object(named)}}}' for named in registers]
    listed = ",".join([texts[index] for index in sample.shots[part].tolist()])
    return f"[{listed}]" if version == 1 else f'{{"shots":[{listed}]}}'


def frequencies(sample: Sample, counts: Mapping[int, int], kind: Kind, version: int) -> str:
    """
    Return how often each outcome occurred.

    :param sample: the shots.
    :param counts: count of each outcome, by its index.
    :param kind: ``histogram`` for counts, ``probabilities`` for their share of the shots.
    :param version: version of the format.
    """
    total = sum(counts.values()) if kind == "probabilities" else None

    def table(texts: Iterable[str]) -> str:
        sums: dict[str, int] = {}
        for text, count in zip(texts, counts.values(), strict=True):
            sums[text] = sums.get(text, 0) + count
        return _numbers(sums if total is None else {text: count / total for text, count in sums.items()})

    found = [sample.outcomes[index] for index in counts]
    if version == 1:
        return table(str(outcome.key) for outcome in found)
    names = found[0].registers if found else ()
    tables = {name: table("".join(map(str, outcome.registers[name])) for outcome in found) for name in names}
    return _registers(kind, tables)


def json_object(members: Mapping[str, str]) -> str:
    """
    Return a JSON object.

    :param members: JSON text by name.
    """
    texts = [f"{json.dumps(name)}:{text}" for name, text in members.items()]
    return f"{{{','.join(texts)}}}"


def _registers(kind: Kind, tables: Mapping[str, str]) -> str:
    return f'{{"{kind}":{{"registers":{json_object(tables)}}}}}'


def _numbers(values: Mapping[str, float]) -> str:
    # Neither digits nor numbers need any escape.
    members = [f'"{text}":{value!r}' for text, value in values.items()]
    return f"{{{','.join(members)}}}"
