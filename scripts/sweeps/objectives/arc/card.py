"""What the model card of a champion says of the task: the classes in words, and the limits."""

from __future__ import annotations

from sweeps.objectives.base import CardText

ABOUT = (
    "Shown up to three demonstration pairs of an ARC task (an input grid and an output grid of up to 30 x 30 cells in "
    "ten colours), the model names the kind of transformation that leads from input to output, with a probability for "
    "each kind. It does not solve the task."
)
USAGE = "python scripts/classify.py TASK.json --model FOLDER"
KINDS = {
    "rigid": "the output is the input turned or reflected, by the same motion in all pairs",
    "recolour": "same size, and the same cells are filled: only colours change",
    "add": "same size, every filled cell of the input stays, others are added",
    "remove": "same size, every filled cell of the output was there before, others are removed",
    "rearrange": "same size, every colour occurs as often as before",
    "same_size": "same size, none of the above",
    "crop": "the output is a part of the input",
    "multiply": "the sides of the output are whole multiples of those of the input",
    "summary": "the output has fewer cells than the input",
    "other_size": "none of the above",
}
OF_COMPUTED_LABELS = (
    "The labels are computed from a task's pairs by rules (scripts/sweeps/objectives/arc/labels.py). Where these rules "
    "can be run they are right, and the model is an approximation of them: it exists to be tuned.",
    "The first rule that holds decides, in the order of the table: a kind is a label of convenience, and says nothing "
    "of how a person would solve the task.",
)
OF_ALL = ("Nothing was measured on tasks of another origin than those named under Data.",)


def card_text(*, computed: bool) -> CardText:
    """The card's text for computed labels, or for labels of the user's own, whose meaning only the user knows."""
    limits = (*OF_COMPUTED_LABELS, *OF_ALL) if computed else OF_ALL
    return CardText(about=ABOUT, usage=USAGE, classes=KINDS if computed else {}, limits=limits)
