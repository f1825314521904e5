"""A long curve as the means of its blocks: fewer points, and less of the noise of a batch."""

from collections.abc import Sequence


def means(losses: Sequence[float], points: int = 50) -> list[dict[str, float]]:
    """Rows of step and loss: at most so many blocks of equally many steps, the last one shorter.

    A block stands at its last step, counted from 1.
    """
    size = max(1, -(-len(losses) // points))
    rows = []
    for start in range(0, len(losses), size):
        block = losses[start : start + size]
        rows.append({"step": start + len(block), "loss": sum(block) / len(block)})
    return rows
