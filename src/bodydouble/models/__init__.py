"""Models and clips: where each comes from (zoo.toml), fetching them with the user's own clients, and the cache."""

from bodydouble.models.cache import cache_dir
from bodydouble.models.cards import Card, Combination, card, combinations, members, zoo
from bodydouble.models.converted import onnx_path
from bodydouble.models.fetchers import Progress, silent
from bodydouble.models.fetching import fetch, place, status

__all__ = [
    "Card",
    "Combination",
    "Progress",
    "cache_dir",
    "card",
    "combinations",
    "fetch",
    "members",
    "onnx_path",
    "place",
    "silent",
    "status",
    "zoo",
]
